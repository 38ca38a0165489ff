//! Both stores keep the contract, and the embedded one keeps it through damage and death.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use log_store::memory::MemoryLog;
use log_store::{
    AppendError, Batch, Level, Log, OpenError, Options, Position, ShardId, Snapshot, Table, Write, backup,
};

fn options(path: &Path, level: Level) -> Options {
    Options { path: path.into(), level, archive_days: 30 }
}

fn batch(expected: u64, records: usize) -> Batch {
    let record = |at: usize| format!("record {} {}", expected + at as u64 + 1, "x".repeat(100)).into_bytes();
    let writes =
        vec![Write::Put { table: Table::Dedupe, key: expected.to_be_bytes().into(), value: b"done".into() }];
    Batch {
        shard: ShardId(0),
        expected: Position(expected),
        records: (0..records).map(record).collect(),
        writes,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    log_store::contract::run(Arc::new(MemoryLog::new()), |log| log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_keeps_the_contract_at_both_levels() {
    for level in [Level::Os, Level::Disk] {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), level);
        let log = log_store::open(&options).unwrap();
        let reopen = |log: Arc<dyn Log>| {
            log.close();
            drop(log);
            log_store::open(&options).unwrap()
        };
        log_store::contract::run(log, reopen).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_is_for_one_process_and_not_for_older_programs() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Level::Os);
    let log = log_store::open(&options).unwrap();
    assert!(matches!(log_store::open(&options), Err(OpenError::Locked(_))));
    log.close();
    drop(log);
    fs::write(folder.path().join("format"), "3\n").unwrap();
    let Err(error) = log_store::open(&options) else { panic!("a newer folder was opened") };
    assert!(error.to_string().contains("newer version (format 3)"), "{error}");
}

#[tokio::test]
async fn a_cut_journal_loses_its_torn_tail_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    {
        let log = log_store::open(&options(&whole, Level::Disk)).unwrap();
        for expected in 0..6 {
            log.append(batch(expected, 1)).await.unwrap();
        }
        log.close();
    }
    let journal = newest_journal(&whole);
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut seen = std::collections::BTreeSet::new();
    for cut in (end.saturating_sub(450)..end).step_by(7) {
        let copy = folder.path().join(format!("cut-{cut}"));
        copy_folder(&whole, &copy);
        fs::write(newest_journal(&copy), &bytes[..cut]).unwrap();
        let log = log_store::open(&options(&copy, Level::Disk)).unwrap();
        let entries = log.read(ShardId(0), Position(0), 100).unwrap();
        for (entry, number) in entries.iter().zip(1u64..) {
            assert!(
                entry.record.starts_with(format!("record {number} ").as_bytes()),
                "misread after a cut at {cut}"
            );
            let done = log.get(Table::Dedupe, &(number - 1).to_be_bytes()).unwrap();
            assert_eq!(done.as_deref(), Some(&b"done"[..]), "a batch came back in part after a cut at {cut}");
        }
        seen.insert(entries.len());
        log.close();
    }
    assert!(seen.contains(&5) && seen.iter().all(|count| *count >= 3), "{seen:?}");
}

#[tokio::test]
async fn a_damaged_snapshot_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_store::open(&options(folder.path(), Level::Os)).unwrap();
    log.append(batch(0, 4)).await.unwrap();
    for position in [2, 4] {
        let snapshot = Snapshot { position: Position(position), state_hash: position, bytes: vec![9; 5_000] };
        log.put_snapshot(ShardId(0), &snapshot).unwrap();
    }
    let newest = folder.path().join("snapshots/0").join(format!("{:020}.snap", 4));
    let good = fs::read(&newest).unwrap();
    for at in (0..good.len()).step_by(1_000) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(&newest, bad).unwrap();
        assert_eq!(log.snapshot(ShardId(0)).unwrap().unwrap().position, Position(2), "flipped at {at}");
    }
    log.close();
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    // The reserve is below what any test machine has free, so a full disk is a small file system of its own.
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=128m", "tmpfs"])
        .arg(folder.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        println!("skipped: mounting a small file system needs root");
        return;
    }
    let outcome = fill_and_free(folder.path()).await;
    let unmounted = std::process::Command::new("umount").arg("-l").arg(folder.path()).status().unwrap();
    assert!(unmounted.success());
    outcome.unwrap();
}

async fn fill_and_free(folder: &Path) -> Result<(), String> {
    let log =
        log_store::open(&options(&folder.join("data"), Level::Disk)).map_err(|error| error.to_string())?;
    log.append(batch(0, 1)).await.map_err(|error| error.to_string())?;
    let ballast = folder.join("ballast");
    let free = 1 << 20;
    let mut size: usize = 128 << 20;
    while fs::write(&ballast, vec![1; size]).is_err() {
        size -= free;
    }
    let mut expected = 1;
    let mut refused = None;
    for _ in 0..64 {
        let mut large = batch(expected, 1);
        large.records[0] = vec![7; 200 << 10];
        match log.append(large).await {
            Ok(position) => expected = position.0,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    if refused != Some(AppendError::Full) {
        return Err(format!("expected the store to say that it is full, got {refused:?}"));
    }
    if log.health().writable {
        return Err("a full store must not say that it is ready".into());
    }
    fs::remove_file(&ballast).map_err(|error| error.to_string())?;
    log.append(batch(expected, 1)).await.map_err(|error| format!("no recovery: {error}"))?;
    log.close();
    Ok(())
}

#[tokio::test]
async fn a_backup_comes_back_whole_and_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to, back) =
        (folder.path().join("data"), folder.path().join("backup"), folder.path().join("back"));
    let log = log_store::open(&options(&data, Level::Os)).unwrap();
    log.append(batch(0, 3)).await.unwrap();
    log.put_snapshot(ShardId(0), &Snapshot { position: Position(2), state_hash: 1, bytes: vec![4] }).unwrap();
    log.append(batch(3, 2)).await.unwrap();
    let manifest = backup::backup(&*log, &data, &to).unwrap();
    assert_eq!(manifest.positions.get(&0), Some(&5));
    assert!(backup::backup(&*log, &data, &to).is_err(), "a backup never overwrites");
    let restored = options(&back, Level::Os);
    backup::restore(&to, &back, || log_store::open(&restored)).await.unwrap();
    let copy = log_store::open(&restored).unwrap();
    assert_eq!(copy.read(ShardId(0), Position(0), 9).unwrap(), log.read(ShardId(0), Position(0), 9).unwrap());
    assert_eq!(copy.snapshot(ShardId(0)).unwrap(), log.snapshot(ShardId(0)).unwrap());
    assert_eq!(copy.get(Table::Dedupe, &3u64.to_be_bytes()).unwrap().as_deref(), Some(&b"done"[..]));
    let mut bytes = fs::read(to.join("backup.log")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(to.join("backup.log"), bytes).unwrap();
    assert!(backup::verify(&to).is_err());
}

fn newest_journal(data: &Path) -> std::path::PathBuf {
    let mut found: Vec<_> = walk(&data.join("store"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "jnl"))
        .collect();
    found.sort();
    found.pop().unwrap()
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &target) } else { assert!(fs::copy(&path, &target).is_ok()) }
    }
}
