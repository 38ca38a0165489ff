//! A consistent copy of a running store, and the way back.
//!
//! `backup.log`: rows of (kind, length, bytes) of one moment; `snapshots/`: the newest good snapshot of each shard up to
//! that moment; `manifest.json`: positions, counts and the hash of `backup.log`. Keys that open bodies are *not* in it:
//! they are copied to `keys/` beside it, to be kept elsewhere, because an erasure must reach them: restore with the newest
//! keys there are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::snapshots::Snapshots;
use crate::{AppendError, Batch, Copied, Log, OpenError, Position, ReadError, ShardId, Table, Write};

const FORM: u32 = 1;
/// Rows appended at once when restoring.
const GROUP: usize = 1_000;

/// Why a backup or a restore did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("a file cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new store takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The folder to write to is in use.
    #[error("{0} exists and is not empty: choose a new folder")]
    NotEmpty(String),
    /// It is not a backup, or it is damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    /// The last position of each shard.
    pub positions: BTreeMap<u16, u64>,
    /// Rows of all side tables.
    pub rows: u64,
    /// xxh3-64 of `backup.log`.
    pub hash: u64,
}

/// Copies a store while it runs.
///
/// # Errors
/// [`BackupError`]; what was written so far is no backup, since the manifest comes last.
pub fn backup(log: &dyn Log, data: &Path, to: &Path) -> Result<Manifest, BackupError> {
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty(to.display().to_string()));
    }
    fs::create_dir_all(to.join("keys"))?;
    let mut file = BufWriter::new(File::create(to.join("backup.log"))?);
    let mut hash = Xxh3::new();
    let mut positions: BTreeMap<u16, u64> = BTreeMap::new();
    let mut rows = 0;
    log.copy(&mut |copied| {
        let mut row = Vec::new();
        match copied {
            Copied::Record(shard, position, record) => {
                positions.insert(shard.0, position.0);
                row.push(0);
                part(&mut row, &shard.0.to_le_bytes());
                part(&mut row, &position.0.to_le_bytes());
                part(&mut row, record);
            }
            Copied::Row(table, key, value) => {
                rows += 1;
                row.push(1);
                part(&mut row, table.name().as_bytes());
                part(&mut row, key);
                part(&mut row, value);
            }
        }
        hash.update(&row);
        file.write_all(&row).map_err(|error| ReadError::Io(error.to_string()))
    })?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    let snapshots = Snapshots::new(&to.join("snapshots"));
    for (shard, last) in &positions {
        if let Some(snapshot) = log.snapshot(ShardId(*shard))?
            && snapshot.position.0 <= *last
        {
            snapshots.put(ShardId(*shard), &snapshot)?;
        }
    }
    for name in ["kek", "dedupe"] {
        let from = data.join("keys").join(name);
        if from.try_exists()? {
            fs::copy(from, to.join("keys").join(name))?;
        }
    }
    let note = "These keys open the bodies in this backup. Keep them elsewhere, and replace them with the newest ones\n\
                after each erasure: a restore with newer keys cannot show what was erased.\n";
    fs::write(to.join("keys").join("README"), note)?;
    let manifest = Manifest { form: FORM, positions, rows, hash: hash.digest() };
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
    crate::file::write_whole(&to.join("manifest.json"), &text)?;
    Ok(manifest)
}

fn part(row: &mut Vec<u8>, bytes: &[u8]) {
    row.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    row.extend_from_slice(bytes);
}

/// Reads a backup's manifest and checks its log against it.
///
/// # Errors
/// If it is damaged.
pub fn verify(from: &Path) -> Result<Manifest, BackupError> {
    let text = fs::read(from.join("manifest.json"))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| BackupError::Damaged(format!("manifest.json: {error}")))?;
    if manifest.form != FORM {
        return Err(BackupError::Damaged(format!("form {} is not known to this version", manifest.form)));
    }
    let mut file = File::open(from.join("backup.log"))?;
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    if hash.digest() != manifest.hash {
        return Err(BackupError::Damaged("backup.log does not match its hash".into()));
    }
    Ok(manifest)
}

/// Fills a new store from a backup. `open` opens the store at the new folder once snapshots and keys are there.
///
/// # Errors
/// If the backup is damaged, or the folder is not empty.
pub async fn restore(
    from: &Path,
    data: &Path,
    open: impl FnOnce() -> Result<std::sync::Arc<dyn Log>, OpenError>,
) -> Result<Manifest, BackupError> {
    let manifest = verify(from)?;
    if data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty(data.display().to_string()));
    }
    fs::create_dir_all(data.join("keys"))?;
    for name in ["kek", "dedupe"] {
        let key = from.join("keys").join(name);
        if key.try_exists()? {
            fs::copy(key, data.join("keys").join(name))?;
        }
    }
    let (old, new) = (Snapshots::new(&from.join("snapshots")), Snapshots::new(&data.join("snapshots")));
    for shard in manifest.positions.keys() {
        for snapshot in old.verified(ShardId(*shard))?.iter().rev() {
            new.put(ShardId(*shard), snapshot)?;
        }
    }
    let log = open()?;
    let bytes = fs::read(from.join("backup.log"))?;
    let mut rest = bytes.as_slice();
    let mut groups: BTreeMap<u16, (Position, Vec<Vec<u8>>)> = BTreeMap::new();
    let mut writes = Vec::new();
    let damaged = || BackupError::Damaged("backup.log ends early".into());
    while let Some((kind, tail)) = rest.split_first() {
        let (a, tail) = take(tail).ok_or_else(damaged)?;
        let (b, tail) = take(tail).ok_or_else(damaged)?;
        let (c, tail) = take(tail).ok_or_else(damaged)?;
        rest = tail;
        if *kind == 0 {
            let shard = u16::from_le_bytes(a.try_into().map_err(|_| damaged())?);
            let position = u64::from_le_bytes(b.try_into().map_err(|_| damaged())?);
            let group = groups.entry(shard).or_insert_with(|| (Position(position - 1), Vec::new()));
            group.1.push(c.to_vec());
            if group.1.len() >= GROUP {
                flush(&*log, shard, group).await?;
            }
        } else {
            let table = Table::ALL.into_iter().find(|table| table.name().as_bytes() == a);
            let table = table.ok_or_else(|| BackupError::Damaged("a table of another version".into()))?;
            writes.push(Write::Put { table, key: b.to_vec(), value: c.to_vec() });
            if writes.len() >= GROUP {
                put(&*log, std::mem::take(&mut writes)).await?;
            }
        }
    }
    for (shard, mut group) in groups {
        flush(&*log, shard, &mut group).await?;
    }
    put(&*log, writes).await?;
    log.close();
    Ok(manifest)
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

async fn flush(log: &dyn Log, shard: u16, group: &mut (Position, Vec<Vec<u8>>)) -> Result<(), BackupError> {
    let shard = ShardId(shard);
    // The first records of the original may have been trimmed.
    if log.last(shard)? < group.0 {
        log.begin_after(shard, group.0)?;
    }
    let batch = Batch { shard, expected: group.0, records: std::mem::take(&mut group.1), writes: Vec::new() };
    group.0 = log.append(batch).await?;
    Ok(())
}

async fn put(log: &dyn Log, writes: Vec<Write>) -> Result<(), BackupError> {
    if !writes.is_empty() {
        let shard = ShardId(u16::MAX);
        log.append(Batch { shard, expected: Position(0), records: Vec::new(), writes }).await?;
    }
    Ok(())
}
