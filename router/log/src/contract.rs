//! What every store must pass, in one suite. A store's test calls [`run`] with how to make it and how to open it again.

use std::sync::Arc;

use crate::{AppendError, Batch, Log, Position, ShardId, Snapshot, Table, Write};

const SHARD: ShardId = ShardId(3);
/// Its log begins after 100.
const LATER: ShardId = ShardId(6);

fn batch(expected: u64, records: &[&str], writes: Vec<Write>) -> Batch {
    let records = records.iter().map(|record| record.as_bytes().to_vec()).collect();
    Batch { shard: SHARD, expected: Position(expected), records, writes }
}

fn put(key: &str, value: &str) -> Write {
    Write::Put { table: Table::Transcripts, key: key.into(), value: value.into() }
}

fn texts(log: &dyn Log, shard: ShardId, after: u64) -> Result<Vec<String>, String> {
    let entries = log.read(shard, Position(after), usize::MAX).map_err(|error| error.to_string())?;
    let numbered = entries.iter().zip(after + 1..).all(|(entry, position)| entry.position.0 == position);
    ensure(numbered, "positions are dense")?;
    Ok(entries.into_iter().map(|entry| String::from_utf8_lossy(&entry.record).into_owned()).collect())
}

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("contract broken: {what}")) }
}

/// Runs the suite. `reopen` closes a store and opens it again; a store in memory gives the same one back.
///
/// # Errors
/// The first part of the contract that does not hold.
pub async fn run(log: Arc<dyn Log>, reopen: impl Fn(Arc<dyn Log>) -> Arc<dyn Log>) -> Result<(), String> {
    let text = |error: AppendError| error.to_string();
    ensure(log.last(SHARD) == Ok(Position(0)), "an empty shard is at 0")?;
    let last =
        log.append(batch(0, &["a", "b"], vec![put("k1", "v1"), put("k2", "v2")])).await.map_err(text)?;
    ensure(last == Position(2), "an append tells the last position")?;
    ensure(texts(&*log, SHARD, 0)? == ["a", "b"], "records come back in order")?;
    ensure(texts(&*log, SHARD, 1)? == ["b"], "reading begins after a position, within a batch too")?;

    let stale = log.append(batch(1, &["x"], vec![put("k1", "stale")])).await;
    let fenced = AppendError::Fenced { expected: Position(1), last: Position(2) };
    ensure(stale == Err(fenced), "a stale writer is refused and told the last position")?;
    ensure(
        log.get(SHARD, Table::Transcripts, b"k1") == Ok(Some(b"v1".to_vec())),
        "a refused batch writes nothing",
    )?;

    log.append(batch(2, &[], vec![put("k3", "v3")])).await.map_err(text)?;
    ensure(log.last(SHARD) == Ok(Position(2)), "a batch without records moves no position")?;
    let delete = Write::Delete { table: Table::Transcripts, key: b"k2".to_vec() };
    log.append(batch(2, &["c"], vec![delete])).await.map_err(text)?;
    ensure(log.get(SHARD, Table::Transcripts, b"k2") == Ok(None), "a row can be removed")?;
    let other = Batch { shard: ShardId(4), ..batch(0, &["z"], Vec::new()) };
    log.append(other).await.map_err(text)?;
    ensure(texts(&*log, ShardId(4), 0)? == ["z"] && texts(&*log, SHARD, 0)?.len() == 3, "shards are apart")?;

    let rows = |reverse, limit| log.scan(SHARD, Table::Transcripts, b"k", b"l", limit, reverse);
    let keys = |rows: crate::Rows| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let error = |error: crate::ReadError| error.to_string();
    ensure(keys(rows(false, 9).map_err(error)?) == [b"k1", b"k3"], "rows are scanned in order")?;
    ensure(keys(rows(true, 1).map_err(error)?) == [b"k3"], "and backwards, up to a limit")?;
    ensure(
        log.scan(SHARD, Table::Transcripts, b"l", b"k", 9, false) == Ok(Vec::new()),
        "an empty range is empty",
    )?;
    ensure(log.get(SHARD, Table::Customers, b"k1") == Ok(None), "tables are apart")?;

    let log = reopen(log);
    ensure(texts(&*log, SHARD, 0)? == ["a", "b", "c"], "records are there after opening again")?;
    ensure(log.get(SHARD, Table::Transcripts, b"k3") == Ok(Some(b"v3".to_vec())), "and rows")?;
    snapshots(&*log).await?;
    let log = reopen(log);
    ensure(texts(&*log, SHARD, 2)? == ["c", "d", "e"], "what was trimmed stays trimmed")?;
    ensure(log.last(SHARD) == Ok(Position(5)), "and the position goes on")?;
    edges(&*log).await?;
    let log = reopen(log);
    ensure(log.last(LATER) == Ok(Position(101)), "a log that begins later goes on after opening again")?;
    concurrently(Arc::clone(&log)).await?;
    let mut copied = 0;
    log.copy(&mut |_| {
        copied += 1;
        Ok(())
    })
    .map_err(|error| error.to_string())?;
    ensure(copied >= 8 * 50, "a copy holds records and rows")?;
    log.close();
    let closed = log.append(batch(5, &["late"], Vec::new())).await;
    ensure(closed == Err(AppendError::Closed), "a closed store takes nothing")
}

async fn snapshots(log: &dyn Log) -> Result<(), String> {
    let error = |error: crate::ReadError| error.to_string();
    let snapshot = |position| Snapshot { position: Position(position), state_hash: 7, bytes: vec![1, 2, 3] };
    ensure(log.snapshot(SHARD) == Ok(None), "no snapshot at first")?;
    log.put_snapshot(SHARD, &snapshot(2)).map_err(error)?;
    ensure(log.trim(SHARD) == Ok(0), "one snapshot trims nothing")?;
    log.append(batch(3, &["d", "e"], Vec::new())).await.map_err(|error| error.to_string())?;
    log.put_snapshot(SHARD, &snapshot(5)).map_err(error)?;
    ensure(log.snapshot(SHARD) == Ok(Some(snapshot(5))), "the newest snapshot comes back")?;
    ensure(log.trim(SHARD) == Ok(2), "what lies below the older of two is moved")?;
    ensure(
        log.read(SHARD, Position(0), 9).is_err(),
        "reading from before the log's begin is an error, not a gap",
    )
}

async fn edges(log: &dyn Log) -> Result<(), String> {
    let text = |error: AppendError| error.to_string();
    let error = |error: crate::ReadError| error.to_string();
    let at = |shard, expected, record: &str| Batch { shard, ..batch(expected, &[record], Vec::new()) };
    // Appends of one shard may be under way together; one that is refused takes those behind it along.
    let shard = ShardId(5);
    let (first, second) = (log.append(at(shard, 0, "1")), log.append(at(shard, 1, "2")));
    let (stale, behind) = (log.append(at(shard, 1, "x")), log.append(at(shard, 3, "x")));
    ensure(
        first.await == Ok(Position(1)) && second.await == Ok(Position(2)),
        "appends under way keep their order",
    )?;
    for refused in [stale.await, behind.await] {
        ensure(
            matches!(refused, Err(AppendError::Fenced { last: Position(2), .. })),
            "a refused append is no append",
        )?;
    }
    ensure(texts(log, shard, 0)? == ["1", "2"], "and leaves nothing")?;

    log.begin_after(LATER, Position(100)).map_err(error)?;
    ensure(log.append(at(LATER, 100, "101")).await.map_err(text)? == Position(101), "a log may begin later")?;
    ensure(log.begin_after(LATER, Position(7)).is_err(), "but not once it has begun")?;
    ensure(texts(log, LATER, 100)? == ["101"], "and is read from there")?;
    ensure(
        log.read(LATER, Position(0), 9).is_err() && log.snapshot(LATER).is_err(),
        "its begin is not made up",
    )?;
    let shards = log.shards().map_err(error)?;
    ensure(shards.contains(&LATER) && shards.contains(&SHARD), "shards with records are known")?;

    let ahead = Snapshot { position: Position(102), state_hash: 0, bytes: Vec::new() };
    ensure(log.put_snapshot(LATER, &ahead).is_err(), "a snapshot cannot be ahead of its log")?;
    let seen = log.read(shard, Position(0), 1).map_err(error)?;
    ensure(seen.len() == 1 && log.read(shard, Position(2), 9) == Ok(Vec::new()), "reading keeps its limit")?;
    let large = Batch { records: vec![vec![0; 17 << 20]], ..at(shard, 2, "") };
    ensure(log.append(large).await == Err(AppendError::TooLarge), "a batch has a limit")?;
    let keyless = Batch { writes: vec![put("", "v")], ..at(shard, 2, "") };
    ensure(log.append(keyless).await == Err(AppendError::TooLarge), "a row has a key")?;
    let nothing = Batch { records: Vec::new(), ..at(shard, 2, "") };
    ensure(log.append(nothing).await == Ok(Position(2)), "an empty batch asks where the log is")?;
    let health = log.health();
    ensure(health.writable && health.appends > 0 && health.queued == 0, "health is told")
}

async fn concurrently(log: Arc<dyn Log>) -> Result<(), String> {
    let writers: Vec<_> = (10..18)
        .map(|shard| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for expected in 0..50 {
                    let key = format!("{shard}-{expected}");
                    let batch =
                        Batch { shard: ShardId(shard), ..batch(expected, &["r"], vec![put(&key, "v")]) };
                    log.append(batch).await?;
                }
                Ok::<_, AppendError>(())
            })
        })
        .collect();
    for writer in writers {
        writer.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    }
    for shard in 10..18 {
        ensure(log.last(ShardId(shard)) == Ok(Position(50)), "shards append side by side")?;
    }
    Ok(())
}
