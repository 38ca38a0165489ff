//! From a backup to a store: the backup is checked before anything is written, and the store against it afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::rows::{self, RECORD, RowReader};
use super::{BackupError, Chain, Manifest, files, keys};
use crate::snapshots::Snapshots;
use crate::{Batch, Log, OpenError, Position, ShardId, Table, Write};

/// Appended at once.
const GROUP: usize = 1_000;
const GROUP_BYTES: usize = 1 << 20;
/// The stream that rows go through; it has no records.
const ROW_SHARD: ShardId = ShardId(u16::MAX);

fn damaged(detail: &str) -> BackupError {
    BackupError::Damaged(detail.to_owned())
}

/// Reads a backup's manifest, and checks its log, its files and its keys.
///
/// # Errors
/// If something is damaged.
pub fn verify(from: &Path) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(from)?;
    if rows::check(&from.join("backup.log"))? != manifest.hash {
        return Err(damaged("backup.log does not match its hash"));
    }
    if let Some(files) = manifest.files {
        files::verify(from, files)?;
    }
    keys::verify(&from.join("keys"))?;
    Ok(manifest)
}

/// Fills a new store from a backup. `open` opens the store at the new folder once the keys are there.
///
/// # Errors
/// If the backup is damaged, the folder is not empty, or the store does not hold afterwards what the backup says.
pub async fn restore(
    from: &Path,
    data: &Path,
    open: impl FnOnce() -> Result<Arc<dyn Log>, OpenError>,
) -> Result<Manifest, BackupError> {
    let manifest = verify(from)?;
    if data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty(data.display().to_string()));
    }
    fs::create_dir_all(data)?;
    keys::restore_files(&from.join("keys"), &data.join("keys"))?;
    if manifest.files.is_some() {
        files::restore(from, data)?;
    }
    let log = open()?;
    let outcome = async {
        fill(&*log, &from.join("backup.log")).await?;
        fill(&*log, &from.join("keys").join(keys::TABLE)).await?;
        // After the records: a shard that has a snapshot and no record begins where that ends.
        let (old, new) = (Snapshots::new(&from.join("snapshots")), Snapshots::new(&data.join("snapshots")));
        for shard in old.shards()? {
            for snapshot in old.verified(shard)?.iter().rev() {
                new.put(shard, snapshot)?;
            }
        }
        compare(&*log, &manifest)
    };
    let outcome = outcome.await;
    log.close();
    outcome.map(|()| manifest)
}

/// A shard's records on their way into the store.
struct Stream {
    last: Position,
    records: Vec<Vec<u8>>,
    bytes: usize,
}

async fn fill(log: &dyn Log, path: &Path) -> Result<(), BackupError> {
    let mut rows = RowReader::open(path)?;
    let mut streams: BTreeMap<u16, Stream> = BTreeMap::new();
    let (mut writes, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let [a, b, c] = row.parts;
        match row.kind {
            RECORD => {
                let shard = u16::from_le_bytes(a.try_into().map_err(|_| damaged("a shard"))?);
                let position = u64::from_le_bytes(b.try_into().map_err(|_| damaged("a position"))?);
                let before = position.checked_sub(1).map(Position).ok_or_else(|| damaged("a position"))?;
                let stream =
                    streams.entry(shard).or_insert(Stream { last: before, records: Vec::new(), bytes: 0 });
                stream.bytes += c.len();
                stream.records.push(c);
                if stream.records.len() >= GROUP || stream.bytes >= GROUP_BYTES {
                    flush(log, ShardId(shard), stream).await?;
                }
            }
            _ => {
                let table = Table::ALL.into_iter().find(|table| table.name().as_bytes() == a);
                let table = table.ok_or_else(|| damaged("a table of another version"))?;
                bytes += b.len() + c.len();
                writes.push(Write::Put { table, key: b, value: c });
                if writes.len() >= GROUP || bytes >= GROUP_BYTES {
                    bytes = 0;
                    put(log, std::mem::take(&mut writes)).await?;
                }
            }
        }
    }
    for (shard, mut stream) in streams {
        flush(log, ShardId(shard), &mut stream).await?;
    }
    put(log, writes).await
}

async fn flush(log: &dyn Log, shard: ShardId, stream: &mut Stream) -> Result<(), BackupError> {
    if stream.records.is_empty() {
        return Ok(());
    }
    // The first records of the original may have been trimmed.
    if log.last(shard)? < stream.last {
        log.begin_after(shard, stream.last)?;
    }
    stream.bytes = 0;
    let records = std::mem::take(&mut stream.records);
    stream.last = log.append(Batch { shard, expected: stream.last, records, writes: Vec::new() }).await?;
    Ok(())
}

async fn put(log: &dyn Log, writes: Vec<Write>) -> Result<(), BackupError> {
    if !writes.is_empty() {
        log.append(Batch { shard: ROW_SHARD, expected: Position(0), records: Vec::new(), writes }).await?;
    }
    Ok(())
}

/// Whether a store holds what a manifest says.
fn compare(log: &dyn Log, manifest: &Manifest) -> Result<(), BackupError> {
    for (shard, first) in &manifest.firsts {
        let mut chain = Chain::default();
        log.replay(ShardId(*shard), Position(first.saturating_sub(1)), &mut |position, record| {
            chain.add(position, record);
            true
        })?;
        let last = log.last(ShardId(*shard))?;
        if manifest.chains.get(shard) != Some(&chain) || manifest.positions.get(shard) != Some(&last.0) {
            return Err(damaged(&format!("shard {shard} came back otherwise than it was")));
        }
    }
    Ok(())
}
