//! Both stores keep the contract, and the embedded one keeps it through damage and death.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use log_store::archive::{self, Archive};
use log_store::blob::{self, BlobStore as _, FolderBlobs};
use log_store::memory::MemoryLog;
use log_store::{
    AppendError, Batch, Level, Log, OpenError, Options, Position, ShardId, Snapshot, Table, Unsealed, Vault,
    Write, backup,
};
use policy::id::{CustomerId, WorkspaceId};

const HOME: ShardId = ShardId(0);

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
    assert_eq!(copy.get(HOME, Table::Dedupe, &3u64.to_be_bytes()).unwrap().as_deref(), Some(&b"done"[..]));
    let mut bytes = fs::read(to.join("backup.log")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(to.join("backup.log"), bytes).unwrap();
    assert!(backup::verify(&to).is_err());
}

#[tokio::test]
async fn without_a_good_snapshot_a_trimmed_log_does_not_start_empty() {
    let folder = tempfile::tempdir().unwrap();
    let shard = ShardId(0);
    let log = log_store::open(&options(folder.path(), Level::Os)).unwrap();
    for expected in 0..6 {
        log.append(batch(expected, 1)).await.unwrap();
    }
    for position in [3, 5] {
        let snapshot = Snapshot { position: Position(position), state_hash: 1, bytes: vec![9; 100] };
        log.put_snapshot(shard, &snapshot).unwrap();
    }
    assert_eq!(log.trim(shard).unwrap(), 3);
    let folder_of = folder.path().join("snapshots/0");
    for (position, good) in [(5, Some(Position(3))), (3, None)] {
        let file = folder_of.join(format!("{position:020}.snap"));
        let mut bytes = fs::read(&file).unwrap();
        bytes[20] ^= 1;
        fs::write(file, bytes).unwrap();
        match good {
            // What the older snapshot needs is still there.
            Some(older) => {
                assert_eq!(log.snapshot(shard).unwrap().unwrap().position, older);
                assert_eq!(log.read(shard, older, 9).unwrap().len(), 3);
            }
            None => assert!(log.snapshot(shard).is_err()),
        }
    }
    let archived = log_store::archive::Archive::new(&folder.path().join("archive"), 30);
    let mut positions = Vec::new();
    archived
        .replay(shard, Position(0), &mut |position, record| {
            assert!(record.starts_with(format!("record {} ", position.0).as_bytes()));
            positions.push(position.0);
            true
        })
        .unwrap();
    assert_eq!(positions, [1, 2, 3]);
    log.close();
}

#[tokio::test]
async fn history_is_archive_and_log_as_one_from_the_oldest_state_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let shard = ShardId(0);
    let embedded = log_store::open(&options(folder.path(), Level::Os)).unwrap();
    let memory: Arc<dyn Log> = Arc::new(log_store::memory::MemoryLog::new());
    for log in [&embedded, &memory] {
        for expected in 0..6 {
            log.append(batch(expected, 1)).await.unwrap();
        }
    }
    let read = |log: &Arc<dyn Log>| {
        let (mut from, mut positions) = (None, Vec::new());
        log_store::history(&**log, shard, |past| {
            match past {
                log_store::Past::State(state) => from = Some(state.position.0),
                log_store::Past::Record(position, _) => positions.push(position.0),
            }
            true
        })
        .unwrap();
        (from, positions)
    };
    assert_eq!(read(&embedded), (None, (1..=6).collect()));
    assert_eq!(read(&memory), (None, (1..=6).collect()));
    for position in [3, 5] {
        for log in [&embedded, &memory] {
            let snapshot = Snapshot { position: Position(position), state_hash: 1, bytes: vec![9; 100] };
            log.put_snapshot(shard, &snapshot).unwrap();
            log.trim(shard).unwrap();
        }
    }
    // The archive still has what the log has no more; a store in memory has none.
    assert_eq!(read(&embedded), (None, (1..=6).collect()));
    assert_eq!(read(&memory), (Some(3), (4..=6).collect()));
    let segments = fs::read_dir(folder.path().join("archive/0")).unwrap();
    for path in segments.map(|it| it.unwrap().path()).filter(|path| path.extension().unwrap() == "seg") {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(read(&embedded), (Some(3), (4..=6).collect()));
    embedded.close();
}

#[tokio::test]
async fn an_older_folder_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Level::Os);
    let log = log_store::open(&options).unwrap();
    log.append(batch(0, 2)).await.unwrap();
    log.close();
    drop(log);
    fs::write(folder.path().join("format"), "1\n").unwrap();
    let log = log_store::open(&options).unwrap();
    assert_eq!(log.read(ShardId(0), Position(0), 9).unwrap().len(), 2);
    assert_eq!(fs::read_to_string(folder.path().join("format")).unwrap(), "2\n");
    log.close();
}

#[tokio::test]
async fn a_trimmed_store_comes_back_from_its_backup_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to, back) =
        (folder.path().join("data"), folder.path().join("backup"), folder.path().join("back"));
    let log = log_store::open(&options(&data, Level::Os)).unwrap();
    for expected in 0..6 {
        log.append(batch(expected, 1)).await.unwrap();
    }
    for position in [3, 5] {
        let snapshot = Snapshot { position: Position(position), state_hash: 1, bytes: vec![4] };
        log.put_snapshot(ShardId(0), &snapshot).unwrap();
    }
    log.trim(ShardId(0)).unwrap();
    let (workspace, blobs) =
        (WorkspaceId::from_bits(7), |data: &Path| FolderBlobs::new(&data.join(blob::FOLDER), 64));
    let picture = blobs(&data).put(workspace, b"picture").unwrap();
    let archived = |data: &Path| {
        let mut positions = Vec::new();
        let mut note = |position: Position, _: &[u8]| {
            positions.push(position.0);
            true
        };
        Archive::new(&data.join(archive::FOLDER), 30).replay(ShardId(0), Position(0), &mut note).unwrap();
        positions
    };
    let manifest = backup::backup(&*log, &data, &to).unwrap();
    assert_eq!(
        manifest.files.map(|files| files.count),
        Some(3),
        "a segment, a state to begin from, and a picture"
    );
    let manifest = backup::add_state_hashes(&to, &[(ShardId(0), Position(6), 77)]).unwrap();
    log.close();
    let restored = options(&back, Level::Os);
    let read = backup::restore(&to, &back, || log_store::open(&restored)).await.unwrap();
    assert_eq!(read, manifest);
    assert_eq!(read.state_hashes[0].hash, 77);
    let copy = log_store::open(&restored).unwrap();
    assert_eq!(copy.snapshot(ShardId(0)).unwrap().unwrap().position, Position(5));
    assert_eq!(copy.read(ShardId(0), Position(3), 9).unwrap().len(), 3);
    assert_eq!(copy.append(batch(6, 1)).await.unwrap(), Position(7));
    copy.close();
    assert_eq!(blobs(&back).get(workspace, picture).unwrap().as_deref(), Some(&b"picture"[..]));
    assert_eq!((archived(&data), archived(&back)), (vec![1, 2, 3], vec![1, 2, 3]));
    let segments =
        |data: &Path| fs::read_dir(data.join("archive/0")).unwrap().next().unwrap().unwrap().path();
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(
        changed(&segments(&back)),
        changed(&segments(&data)),
        "kept no longer than it would have been"
    );
    // Each kind of damage is found before anything is written.
    for (damage, told) in [("changed", "does not match its hash"), ("gone", "cannot be read")] {
        let file = segments(&to);
        let good = fs::read(&file).unwrap();
        if damage == "gone" {
            fs::remove_file(&file).unwrap();
        } else {
            fs::write(&file, b"other").unwrap();
        }
        let error = backup::verify(&to).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        fs::write(&file, good).unwrap();
    }
    backup::verify(&to).unwrap();
}

#[tokio::test]
async fn an_erasure_reaches_older_backups_and_the_newest_keys_open_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (gone, stays) = (CustomerId::from_bits(1), CustomerId::from_bits(2));
    let log = log_store::open(&options(&path("data"), Level::Os)).unwrap();
    let vault = Vault::open(&path("data"), Arc::clone(&log)).unwrap();
    for (customer, key) in [(gone, "gone"), (stays, "stays")] {
        let mut writes = Vec::new();
        let value = vault.seal(HOME, customer, key.as_bytes(), b"said", &mut writes).unwrap();
        writes.push(Write::Put { table: Table::Transcripts, key: key.into(), value });
        let shard = ShardId(0);
        log.append(Batch { shard, expected: Position(0), records: Vec::new(), writes }).await.unwrap();
    }
    backup::backup(&*log, &path("data"), &path("backup")).unwrap();
    assert_eq!(log_store::erased(&*log).unwrap(), []);
    vault.erase(HOME, gone).await.unwrap();
    assert_eq!(log_store::erased(&*log).unwrap(), [gone]);
    backup::backup_keys(&*log, &path("data"), &path("keys")).unwrap();
    log.close();
    let kek = path("backup").join("keys/kek");
    let whole = fs::read(&kek).unwrap();
    fs::write(&kek, [7; 32]).unwrap();
    assert!(
        backup::verify(&path("backup")).unwrap_err().to_string().contains("keys/"),
        "another key is found"
    );
    fs::write(&kek, whole).unwrap();
    let unsealed = async |back: &str| {
        let restored = options(&path(back), Level::Os);
        backup::restore(&path("backup"), &path(back), || log_store::open(&restored)).await.unwrap();
        let log = log_store::open(&restored).unwrap();
        let vault = Vault::open(&path(back), Arc::clone(&log)).unwrap();
        let open = |customer, key: &str| {
            let sealed = log.get(HOME, Table::Transcripts, key.as_bytes()).unwrap().unwrap();
            vault.unseal(HOME, customer, key.as_bytes(), &sealed).unwrap()
        };
        let both = (open(gone, "gone"), open(stays, "stays"));
        log.close();
        both
    };
    let said = || Unsealed::Text(b"said".to_vec());
    assert_eq!(unsealed("before").await, (said(), said()));
    fs::remove_dir_all(path("backup").join("keys")).unwrap();
    fs::rename(path("keys"), path("backup").join("keys")).unwrap();
    assert_eq!(unsealed("after").await, (Unsealed::Erased, said()));
}
