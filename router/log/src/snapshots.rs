//! Snapshot files: `snapshots/<shard>/<position>.snap`, each whole and with a checksum; the last two are kept.
//!
//! Form: xxh3-64 of the rest, a form byte, position, state hash (both little endian), the state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::file::{checked, with_checksum, write_whole};
use crate::{Position, ReadError, ShardId, Snapshot};

const FORM: u8 = 1;
const KEPT: usize = 2;

/// The snapshots of a data folder.
#[derive(Debug, Clone)]
pub struct Snapshots {
    folder: PathBuf,
}

impl Snapshots {
    /// Those below this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    fn of(&self, shard: ShardId) -> PathBuf {
        self.folder.join(shard.0.to_string())
    }

    /// Writes one and removes those that are older than the last two which verify.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        self.write(shard, snapshot)?;
        let mut good = 0;
        for path in self.newest_first(shard)? {
            if good < KEPT {
                good += usize::from(read(&path).is_some());
            } else {
                fs::remove_file(&path).map_err(unreadable)?;
            }
        }
        Ok(())
    }

    /// Writes one and removes none.
    pub(crate) fn write(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        let path = self.of(shard).join(format!("{:020}.snap", snapshot.position.0));
        write_whole(&path, &encode(snapshot)).map_err(unreadable)
    }

    /// Those that verify, newest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn verified(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        let mut found = Vec::new();
        for path in self.newest_first(shard)? {
            match read(&path) {
                Some(snapshot) => found.push(snapshot),
                None => tracing::warn!(shard = shard.0, "a snapshot is damaged: the one before it is used"),
            }
        }
        Ok(found)
    }

    /// The shards that have any.
    pub(crate) fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.parse().ok()).map(ShardId).collect())
    }

    /// The position of the newest one that verifies.
    pub(crate) fn newest(&self, shard: ShardId) -> Result<Option<Position>, ReadError> {
        let good = self.newest_first(shard)?.into_iter().find_map(|path| read(&path));
        Ok(good.map(|snapshot| snapshot.position))
    }

    /// Their files.
    pub(crate) fn newest_first(&self, shard: ShardId) -> Result<Vec<PathBuf>, ReadError> {
        let entries = match fs::read_dir(self.of(shard)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|it| it == "snap") {
                paths.push(path);
            }
        }
        paths.sort_unstable_by(|a, b| b.cmp(a));
        Ok(paths)
    }
}

fn read(path: &Path) -> Option<Snapshot> {
    decode(&fs::read(path).ok()?)
}

/// A snapshot as it is stored.
pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut body = Vec::with_capacity(snapshot.bytes.len() + 17);
    body.push(FORM);
    body.extend_from_slice(&snapshot.position.0.to_le_bytes());
    body.extend_from_slice(&snapshot.state_hash.to_le_bytes());
    body.extend_from_slice(&snapshot.bytes);
    with_checksum(&body)
}

/// A stored snapshot, if it verifies.
pub(crate) fn decode(bytes: &[u8]) -> Option<Snapshot> {
    let (form, rest) = checked(bytes)?.split_first()?;
    if *form != FORM {
        return None;
    }
    let (position, rest) = rest.split_first_chunk::<8>()?;
    let (hash, state) = rest.split_first_chunk::<8>()?;
    Some(Snapshot {
        position: Position(u64::from_le_bytes(*position)),
        state_hash: u64::from_le_bytes(*hash),
        bytes: state.to_vec(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function to map errors with")]
fn unreadable(error: io::Error) -> ReadError {
    ReadError::Io(error.to_string())
}
