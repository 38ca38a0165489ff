//! A consistent copy of a running store, and the way back.
//!
//! `backup.log`: every record and row of one moment, but for the key table; `snapshots/`: a good snapshot of each shard
//! from before that moment; `archive/` and `blobs/`: segments and attachments, with their hashes in `files.list`;
//! `manifest.json`: positions, counts, a chained hash of each shard's records, the hashes of `backup.log` and `files.list`,
//! and the state hashes that the caller may add. What opens the bodies is in `keys/`, to be kept elsewhere,
//! because an erasure must reach it; see [`backup_keys`].

mod files;
mod keys;
mod manifest;
mod restore;
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

pub use self::files::Files;
pub(crate) use self::files::{FOLDERS, copy_one, each};
pub use self::keys::backup_keys;
pub(crate) use self::keys::key_files;
pub use self::manifest::{Chain, Manifest, StateHash, add_state_hashes};
pub use self::restore::{restore, verify};
use self::rows::{RECORD, ROW, RowWriter};
use crate::snapshots::Snapshots;
use crate::{AppendError, Copied, Log, OpenError, Position, ReadError, ShardId, Snapshot, Table};

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
    /// The keys changed while they were copied.
    #[error("a customer is being erased, so the keys were not copied: try again when that is done")]
    Erasing,
    /// It is not a backup, or it is damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
}

/// Copies a store while it runs.
///
/// # Errors
/// [`BackupError`]; what was written so far is no backup, since the manifest comes last.
pub fn backup(log: &dyn Log, data: &Path, to: &Path) -> Result<Manifest, BackupError> {
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BackupError::NotEmpty(to.display().to_string()));
    }
    fs::create_dir_all(to)?;
    // From before the moment of the copy, so that no snapshot is ahead of its records.
    let mut snapshots: BTreeMap<ShardId, Snapshot> = BTreeMap::new();
    for shard in log.shards()? {
        if let Some(snapshot) = log.snapshot(shard)? {
            snapshots.insert(shard, snapshot);
        }
    }
    let mut manifest = copy(log, &to.join("backup.log"))?;
    let stored = Snapshots::new(&to.join("snapshots"));
    for (shard, first) in &manifest.firsts {
        let covered = snapshots.get(&ShardId(*shard)).map_or(0, |snapshot| snapshot.position.0);
        // A trim between the two looks; the next try finds newer snapshots.
        if *first > covered + 1 {
            let (after, first) = (Position(covered), Position(*first));
            return Err(ReadError::Gap { shard: ShardId(*shard), after, first }.into());
        }
    }
    for (shard, snapshot) in &snapshots {
        stored.put(*shard, snapshot)?;
    }
    // After the records: what a trim has moved meanwhile is in both, and never in neither.
    manifest.files = Some(files::copy(data, to)?);
    // After the rows, so that whoever is new in them has a key in it.
    backup_keys(log, data, &to.join("keys"))?;
    manifest.write(to)?;
    Ok(manifest)
}

/// Writes every record and row of one moment.
fn copy(log: &dyn Log, path: &Path) -> Result<Manifest, BackupError> {
    let mut rows = RowWriter::create(path)?;
    let mut manifest = Manifest::default();
    log.copy(&mut |copied| {
        let put = match copied {
            Copied::Record(shard, position, record) => {
                manifest.firsts.entry(shard.0).or_insert(position.0);
                manifest.positions.insert(shard.0, position.0);
                manifest.chains.entry(shard.0).or_default().add(position, record);
                rows.put(RECORD, [&shard.0.to_le_bytes(), &position.0.to_le_bytes(), record])
            }
            Copied::Row(_, Table::Keys, ..) => Ok(()),
            Copied::Row(_, table, key, value) => {
                manifest.rows += 1;
                rows.put(ROW, [table.name().as_bytes(), key, value])
            }
        };
        put.map_err(|error| ReadError::Io(error.to_string()))
    })?;
    manifest.hash = rows.finish()?;
    Ok(manifest)
}
