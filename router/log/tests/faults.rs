//! Death, failing syncs, cut and flipped bytes: nothing acknowledged is lost, nothing is misread, nothing comes in part.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::{Batch, Level, Log, OpenError, Options, Position, ShardId, Table, Write};

const SHARD: ShardId = ShardId(0);

fn options(path: &Path, level: Level) -> Options {
    Options { path: path.into(), level, archive_days: 30 }
}

fn appender() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().unwrap().parent().unwrap().join("examples/appender");
    if !path.exists() {
        // `cargo test` builds examples, unless it was asked for this file alone.
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let built =
            Command::new(cargo).args(["build", "-q", "-p", "log-store", "--example", "appender"]).status();
        assert!(built.unwrap().success() && path.exists(), "{} cannot be built", path.display());
    }
    path
}

/// Reads what the appender acknowledges until it dies, or is killed after some time.
fn acknowledged(child: &mut Child, time: Option<Duration>) -> (u64, Vec<String>) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = Instant::now();
    let (mut last, mut said) = (0, Vec::new());
    for line in lines {
        let line = line.unwrap();
        match line.parse() {
            Ok(number) => last = number,
            Err(_) => said.push(line),
        }
        if time.is_some_and(|time| started.elapsed() >= time) {
            // SIGKILL; what it has said until then is still read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    (last, said)
}

/// Opens a store. Another test of this process may be starting a program just now, which until its `exec` holds a copy of
/// every open file, the lock of a store that was closed here included: that one is waited for.
fn open(path: &Path, level: Level) -> Result<Arc<dyn Log>, OpenError> {
    let begun = Instant::now();
    loop {
        match log_store::open(&options(path, level)) {
            Err(OpenError::Locked(_)) if begun.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

/// Opens a store and checks that its records are whole, in order, and have their rows; says how many.
fn check(path: &Path, level: Level) -> u64 {
    let log = open(path, level).unwrap();
    let entries = log.read(SHARD, Position(0), usize::MAX).unwrap();
    for (entry, number) in entries.iter().zip(1u64..) {
        assert_eq!(entry.record, format!("record {number}").into_bytes());
        let row = log.get(SHARD, Table::Dedupe, &number.to_be_bytes()).unwrap();
        assert_eq!(row.as_deref(), Some(&b"done"[..]), "record {number} came without its row");
    }
    let count = entries.len() as u64;
    let next = log.get(SHARD, Table::Dedupe, &(count + 1).to_be_bytes()).unwrap();
    assert_eq!(next, None, "a row came without its record");
    log.close();
    count
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    for level in [Level::Os, Level::Disk] {
        let folder = tempfile::tempdir().unwrap();
        let mut before = 0;
        for round in 0..8u64 {
            let mut child = Command::new(appender())
                .arg(folder.path())
                .arg(level.to_string())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            // Not at the same moment twice.
            let time = Duration::from_micros(20_000 + round * 13_337);
            let (last, said) = acknowledged(&mut child, Some(time));
            assert!(said.is_empty() && last > before, "{said:?}");
            let found = check(folder.path(), level);
            assert!(found >= last, "round {round}: {last} were acknowledged, {found} are there");
            before = found;
        }
    }
}

#[test]
fn a_failed_sync_is_never_acknowledged_and_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let works = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not here, or may not trace");
        return;
    }
    // Once, and from then on for ever.
    for when in ["30", "30+"] {
        let path = folder.path().join(when);
        let mut child = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync"])
            .args(["-e", &format!("inject=fdatasync:error=EIO:when={when}")])
            .arg(appender())
            .arg(&path)
            .arg("disk")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (last, said) = acknowledged(&mut child, None);
        assert!(last > 0 && said.len() == 1 && said[0].starts_with("stopped: "), "{last}, {said:?}");
        let found = check(&path, Level::Disk);
        assert!(found >= last, "{last} were acknowledged, {found} are there");
    }
}

/// In memory where the system has such a folder, since hundreds of stores are opened.
fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A store of six batches of one short record; its journal, and where the last batch begins in it.
async fn six(whole: &Path) -> (Vec<u8>, usize) {
    let log = open(whole, Level::Disk).unwrap();
    let mut ends = Vec::new();
    for expected in 0..6u64 {
        let number = expected + 1;
        let writes = vec![Write::Put {
            table: Table::Dedupe,
            key: number.to_be_bytes().into(),
            value: b"done".into(),
        }];
        let records = vec![format!("record {number}").into_bytes()];
        log.append(Batch { shard: SHARD, expected: Position(expected), records, writes }).await.unwrap();
        let bytes = fs::read(journal(whole)).unwrap();
        ends.push(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    }
    log.close();
    let mut bytes = fs::read(journal(whole)).unwrap();
    bytes.truncate(ends[5]);
    (bytes, ends[4])
}

fn journal(data: &Path) -> PathBuf {
    let entries = fs::read_dir(data.join("store")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "jnl")).max().unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else if path.extension().is_none_or(|it| it != "jnl") {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The store with another journal.
fn with_journal(whole: &Path, copy: &Path, bytes: &[u8]) {
    copy_folder(whole, copy);
    fs::write(copy.join("store").join(journal(whole).file_name().unwrap()), bytes).unwrap();
}

#[tokio::test]
async fn a_batch_that_was_cut_anywhere_is_dropped_whole_and_no_other_is() {
    let folder = quick_folder();
    let whole = folder.path().join("whole");
    let (bytes, last) = six(&whole).await;
    let mut seen = BTreeSet::new();
    for cut in last..=bytes.len() {
        let copy = folder.path().join("copy");
        with_journal(&whole, &copy, &bytes[..cut]);
        let expected = if cut == bytes.len() { 6 } else { 5 };
        assert_eq!(check(&copy, Level::Disk), expected, "cut at {cut} of {}", bytes.len());
        seen.insert(expected);
        fs::remove_dir_all(&copy).unwrap();
    }
    assert_eq!(seen, BTreeSet::from([5, 6]));
}

#[tokio::test]
async fn a_flipped_bit_drops_the_last_batch_or_is_an_error_and_is_never_misread() {
    let folder = quick_folder();
    let whole = folder.path().join("whole");
    let (bytes, last) = six(&whole).await;
    // The last two batches at every byte; the eight bytes of a sequence number stand outside their checksum, and mean
    // nothing to what is read.
    let before = last - (bytes.len() - last);
    let (mut dropped, mut refused) = (0, 0);
    for at in before..bytes.len() {
        let copy = folder.path().join("copy");
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        with_journal(&whole, &copy, &flipped);
        match open(&copy, Level::Disk) {
            Ok(log) => {
                log.close();
                drop(log);
                let found = check(&copy, Level::Disk);
                let in_number = [before, last].iter().any(|start| (start + 5..start + 13).contains(&at));
                assert!(found == 6 && in_number || found == 5 && at >= last, "flip at {at}: {found}");
                dropped += u32::from(found == 5);
            }
            Err(OpenError::Damaged { at: place, .. }) => {
                assert!(at < last && place <= at as u64, "flip at {at}, found at {place}");
                refused += 1;
            }
            Err(error) => panic!("flip at {at}: {error}"),
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    assert!(dropped > 50 && refused > 50, "{dropped} dropped, {refused} refused");
}
