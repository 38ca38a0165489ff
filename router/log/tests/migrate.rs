//! A store is filled from another one: into Redis and back it holds the same, also where it broke off halfway, and what is half
//! filled is taken for whole by nobody.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod servers;

use std::path::Path;
use std::time::Duration;

use log_store::embedded::EmbeddedLog;
use log_store::migrate::{Content, FillError, Filler, copy_files, copy_keys};
use log_store::redis::{Place, RedisLog};
use log_store::{
    Batch, Level, Log, OpenError, Options, Position, ShardId, Snapshot, Table, Tuning, Write, backup,
};
use servers::{Redis, there};
use tokio::runtime::Handle;

const SHARD: ShardId = ShardId(3);
const HOLD: Duration = Duration::from_secs(60);

fn options(path: &Path, level: Level) -> Options {
    Options { path: path.into(), level, archive_days: 30 }
}

fn embedded(path: &Path) -> EmbeddedLog {
    EmbeddedLog::open(&options(path, Level::Os), &Tuning::default()).unwrap()
}

fn later(table: Table, first: &[u8], second: &[u8]) -> bool {
    table == Table::Keys && second > first
}

/// So many records, from a position on, each with a row.
fn filled(log: &dyn Log, handle: &Handle, after: u64, count: u64) {
    if after > 0 {
        log.begin_after(SHARD, Position(after)).unwrap();
    }
    for number in after..after + count {
        let key = number.to_be_bytes().to_vec();
        let value = format!("row {number}").into_bytes();
        let writes = [Table::Customers, Table::Dedupe].map(|table| Write::Put {
            table,
            key: key.clone(),
            value: value.clone(),
        });
        let records = vec![format!("record {number}").into_bytes()];
        let batch = Batch { shard: SHARD, expected: Position(number), records, writes: writes.into() };
        handle.block_on(log.append(batch)).unwrap();
    }
}

/// Fills a store with so many of the records and all rows.
fn fill(from: &dyn Log, to: &dyn Log, together: bool, after: u64, count: u64, leases: impl Fn()) -> Content {
    let mut filler = Filler::new(to, together, later, Handle::current());
    filler.begin(SHARD, Position(after), from.last(SHARD).unwrap()).unwrap();
    leases();
    let mut left = count;
    from.replay(SHARD, Position(after), &mut |_, record| {
        left -= 1;
        filler.record(SHARD, record).unwrap();
        left > 0
    })
    .unwrap();
    from.copy(&mut |copied| {
        if let log_store::Copied::Row(_, table, key, value) = copied {
            filler.row(SHARD, table, key, value, table == Table::Dedupe).unwrap();
        }
        Ok(())
    })
    .unwrap();
    filler.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_filled_and_back_also_where_it_broke_off() {
    if !there() {
        return;
    }
    let redis = Redis::durable();
    tokio::task::spawn_blocking(move || {
        let handle = Handle::current();
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let old = embedded(folders[0].path());
        filled(&old, &handle, 40, 25);
        let place = Place::single(&redis.url());
        let node = RedisLog::open(&options(folders[1].path(), Level::Redis), &place).unwrap();
        let lease = || drop(handle.block_on(node.acquire(SHARD, "mover", HOLD)).unwrap());
        fill(&old, &node, false, 40, 10, lease);
        assert_eq!(node.last(SHARD).unwrap(), Position(50));
        let expected = fill(&old, &node, false, 40, 25, lease);
        assert_eq!(expected, Content::of(&node).unwrap());
        assert_eq!(node.last(SHARD).unwrap(), Position(65));

        let options = options(folders[2].path(), Level::Os);
        let open = |which: &str| EmbeddedLog::open_for_move(&options, &Tuning::default(), which);
        let new = open("this").unwrap();
        fill(&node, &new, true, 40, 10, || ());
        new.close();
        drop(new);
        let half = EmbeddedLog::open(&options, &Tuning::default()).err();
        assert!(matches!(half, Some(OpenError::Unfinished(_))), "{half:?}");
        assert!(matches!(open("that").err(), Some(OpenError::OtherMove(_))));
        let new = open("this").unwrap();
        let expected = fill(&node, &new, true, 40, 25, || ());
        assert_eq!(expected, Content::of(&new).unwrap());
        // But for where rows lie it is what the first one held.
        assert_eq!(Content::of(&old).unwrap(), Content::of(&new).unwrap());
        new.close();
        new.moved(folders[2].path()).unwrap();
        drop(new);
        assert!(matches!(open("this").err(), Some(OpenError::NotEmpty(_))));
        assert_eq!(embedded(folders[2].path()).last(SHARD).unwrap(), Position(65));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_differs_is_told_and_a_store_that_is_ahead_is_refused() {
    tokio::task::spawn_blocking(|| {
        let handle = Handle::current();
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (one, other) = (embedded(folders[0].path()), embedded(folders[1].path()));
        filled(&one, &handle, 0, 3);
        filled(&other, &handle, 0, 3);
        let (a, b) = (Content::of(&one).unwrap(), Content::of(&other).unwrap());
        assert_eq!(a.differs(&b), Vec::<String>::new());
        assert_eq!(a.fingerprint(Table::Dedupe), b.fingerprint(Table::Dedupe));
        let change = Write::Put { table: Table::Customers, key: vec![0; 8], value: b"changed".to_vec() };
        let batch =
            Batch { shard: SHARD, expected: Position(3), records: vec![vec![1]], writes: vec![change] };
        handle.block_on(other.append(batch)).unwrap();
        let b = Content::of(&other).unwrap();
        assert_eq!(a.differs(&b), ["shard 3: 3 and 4 records", "customers: 3 and 3 rows"]);
        assert_ne!(a.fingerprint(Table::Dedupe), b.fingerprint(Table::Dedupe));
        let mut filler = Filler::new(&other, true, later, handle);
        let ahead = filler.begin(SHARD, Position(0), Position(3)).err();
        assert!(matches!(ahead, Some(FillError::Ahead { .. })), "{ahead:?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_row_that_several_shards_have_the_preferred_one_stays() {
    tokio::task::spawn_blocking(|| {
        let folder = tempfile::tempdir().unwrap();
        let to = embedded(folder.path());
        let mut filler = Filler::new(&to, true, later, Handle::current());
        for (shard, value) in [(1, b"2"), (2, b"3"), (3, b"1")] {
            filler.row(ShardId(shard), Table::Keys, b"k", value, true).unwrap();
            filler.row(ShardId(shard), Table::Cursors, b"k", value, true).unwrap();
        }
        let expected = filler.finish().unwrap();
        assert_eq!(expected, Content::of(&to).unwrap());
        assert_eq!(to.get(SHARD, Table::Keys, b"k").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(to.get(SHARD, Table::Cursors, b"k").unwrap().as_deref(), Some(&b"2"[..]));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_shard_whose_records_are_all_in_its_snapshot_goes_on_from_there_and_from_its_backup() {
    let folder = tempfile::tempdir().unwrap();
    let log = embedded(folder.path());
    log.begin_after(SHARD, Position(12)).unwrap();
    log.put_snapshot(SHARD, &Snapshot { position: Position(12), state_hash: 1, bytes: vec![1] }).unwrap();
    log.close();
    drop(log);
    let log = embedded(folder.path());
    assert_eq!((log.last(SHARD).unwrap(), log.shards().unwrap()), (Position(12), vec![SHARD]));
    assert_eq!(log.oldest(SHARD).unwrap().map(|it| it.position), Some(Position(12)));
    let (copy, new) = (folder.path().join("copy"), folder.path().join("new"));
    backup::backup(&log, folder.path(), &copy).unwrap();
    let again = options(&new, Level::Os);
    backup::restore(&copy, &new, || log_store::open(&again)).await.unwrap();
    let log = log_store::open(&again).unwrap();
    assert_eq!(log.last(SHARD).unwrap(), Position(12));
    assert_eq!(log.snapshot(SHARD).unwrap().map(|it| it.position), Some(Position(12)));
}

#[test]
fn files_go_once_and_other_keys_are_refused() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [from, to] = folders.each_ref().map(tempfile::TempDir::path);
    for name in ["archive/3/1-2.seg", "blobs/one/ab/abc", "blobs/two/ab/abc", "other/x"] {
        std::fs::create_dir_all(from.join(name).parent().unwrap()).unwrap();
        std::fs::write(from.join(name), name).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(copy_files(from, to, to, &|name| !name.starts_with("blobs/two")).unwrap(), 2);
    }
    assert_eq!(std::fs::read(to.join("blobs/one/ab/abc")).unwrap(), b"blobs/one/ab/abc");
    assert!(!to.join("blobs/two").exists() && !to.join("other").exists());
    std::fs::create_dir_all(from.join("keys")).unwrap();
    std::fs::write(from.join("keys/kek"), [1; 32]).unwrap();
    for _ in 0..2 {
        copy_keys(from, to).unwrap();
    }
    std::fs::write(to.join("keys/kek"), [2; 32]).unwrap();
    assert!(matches!(copy_keys(from, to), Err(FillError::OtherKeys(_))));
}
