//! Archive segments: records that recovery no longer needs, kept for what-if, history and audit.
//!
//! `archive/<shard>/<first>-<last>.seg`: xxh3-64 of the rest, a form byte, then for each record its length (u32, little
//! endian) and its bytes; positions are dense from `first`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::file::{checked, with_checksum, write_whole};
use crate::{Position, ReadError, ShardId};

const FORM: u8 = 1;

/// The archive of a data folder.
#[derive(Debug, Clone)]
pub struct Archive {
    folder: PathBuf,
    keep: Duration,
}

impl Archive {
    /// Segments below this folder, kept for so many days.
    #[must_use]
    pub fn new(folder: &Path, days: u32) -> Self {
        Self { folder: folder.to_path_buf(), keep: Duration::from_secs(u64::from(days) * 86_400) }
    }

    /// Writes a segment.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, shard: ShardId, first: Position, records: &[Vec<u8>]) -> Result<(), ReadError> {
        let mut body = vec![FORM];
        for record in records {
            let length =
                u32::try_from(record.len()).map_err(|_| ReadError::Io("a record is too long".into()))?;
            body.extend_from_slice(&length.to_le_bytes());
            body.extend_from_slice(record);
        }
        let last = first.0 + records.len() as u64 - 1;
        let path = self.folder.join(shard.0.to_string()).join(format!("{:020}-{last:020}.seg", first.0));
        write_whole(&path, &with_checksum(&body)).map_err(|error| ReadError::Io(error.to_string()))
    }

    /// Records of a shard in order, as far as they are kept.
    ///
    /// # Errors
    /// If a segment is damaged.
    pub fn read(&self, shard: ShardId) -> Result<Vec<(Position, Vec<u8>)>, ReadError> {
        let mut records = Vec::new();
        for path in self.segments(shard) {
            let damaged = || ReadError::Io(format!("the archive segment {} is damaged", path.display()));
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let first: u64 = name.split('-').next().and_then(|it| it.parse().ok()).ok_or_else(damaged)?;
            let bytes = fs::read(&path).map_err(|error| ReadError::Io(error.to_string()))?;
            let mut rest = checked(&bytes).and_then(|body| body.split_first()).ok_or_else(damaged)?.1;
            let mut position = first;
            while let Some((length, tail)) = rest.split_first_chunk::<4>() {
                let length = u32::from_le_bytes(*length) as usize;
                let (record, tail) = tail.split_at_checked(length).ok_or_else(damaged)?;
                records.push((Position(position), record.to_vec()));
                position += 1;
                rest = tail;
            }
        }
        Ok(records)
    }

    /// Removes segments that are past their time.
    pub fn sweep(&self, shard: ShardId) {
        let now = SystemTime::now();
        for path in self.segments(shard) {
            let age = fs::metadata(&path)
                .and_then(|it| it.modified())
                .ok()
                .and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > self.keep)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(%error, "an archive segment past its time cannot be removed");
            }
        }
    }

    fn segments(&self, shard: ShardId) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.join(shard.0.to_string())) else { return Vec::new() };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "seg"))
            .collect();
        paths.sort_unstable();
        paths
    }
}
