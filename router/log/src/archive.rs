//! Archive segments: records that recovery no longer needs, kept for what-if, history and audit.
//!
//! `archive/<shard>/<first>-<last>.seg`: xxh3-64 of the rest, a form byte, then for each record its length (u32, little
//! endian) and its bytes; positions are dense from `first`.
//!
//! Beside them stands a state a day, `archive/<shard>/<position>.snap`, in the form of a snapshot: when the oldest segments
//! are gone, what is left still has a state to begin with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::file::{checked, with_checksum, write_whole};
use crate::snapshots::Snapshots;
use crate::{EachRecord, Position, ReadError, ShardId, Snapshot};

/// Where segments lie in the data folder.
pub const FOLDER: &str = "archive";

const FORM: u8 = 1;
/// A state is kept this often.
const STATE_EVERY: Duration = Duration::from_secs(86_400);

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

    /// Calls `each` for the archived records of a shard after a position, in order, as far as they are kept.
    ///
    /// # Errors
    /// If a segment is damaged.
    pub fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        // A trim that was cut short is done again, so segments may overlap.
        let mut seen = after.0;
        for (first, last, path) in self.segments(shard) {
            if last <= seen {
                continue;
            }
            let damaged = || ReadError::Io(format!("the archive segment {} is damaged", path.display()));
            let bytes = fs::read(&path).map_err(|error| ReadError::Io(error.to_string()))?;
            let Some((&FORM, mut rest)) = checked(&bytes).and_then(|body| body.split_first()) else {
                return Err(damaged());
            };
            for position in first..=last {
                let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
                let length = u32::from_le_bytes(*length) as usize;
                let (record, tail) = tail.split_at_checked(length).ok_or_else(damaged)?;
                rest = tail;
                if position > seen {
                    seen = position;
                    if !each(Position(position), record) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The first position from which every record of a shard is kept here, up to where its log begins. Segments that other
    /// nodes have written are not here, and what lies before such a hole does not count.
    #[must_use]
    pub fn first(&self, shard: ShardId, log_begins: Position) -> Position {
        let mut segments = self.segments(shard);
        segments.sort_unstable_by_key(|(_, last, _)| std::cmp::Reverse(*last));
        let reach = |first: u64, (from, last, _): &(u64, u64, PathBuf)| {
            if last + 1 >= first { first.min(*from) } else { first }
        };
        Position(segments.iter().fold(log_begins.0, reach))
    }

    /// The oldest state of a shard from which every record is kept, here or in its log; none if the first record is.
    ///
    /// # Errors
    /// If the folder cannot be read, or no such state is left.
    pub fn oldest(
        &self,
        shard: ShardId,
        log_begins: Position,
        snapshots: Vec<Snapshot>,
    ) -> Result<Option<Snapshot>, ReadError> {
        let first = self.first(shard, log_begins);
        if first == Position(1) {
            return Ok(None);
        }
        let kept = self.states().verified(shard)?.into_iter().chain(snapshots);
        let reached = kept.filter(|it| it.position.0 + 1 >= first.0);
        match reached.min_by_key(|it| it.position) {
            Some(state) => Ok(Some(state)),
            None => Err(ReadError::Gap { shard, after: Position(0), first }),
        }
    }

    /// The states that are kept beside the segments.
    #[must_use]
    pub fn states(&self) -> Snapshots {
        Snapshots::new(&self.folder)
    }

    /// Keeps a state, if the last one is old enough.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_state(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        let states = self.states();
        match states.newest_first(shard)?.first().and_then(|path| age(path)) {
            Some(age) if age < STATE_EVERY => Ok(()),
            Some(_) | None => states.write(shard, snapshot),
        }
    }

    /// Removes segments and states that are past their time.
    pub fn sweep(&self, shard: ShardId) {
        let states = self.states().newest_first(shard).unwrap_or_default();
        for path in self.segments(shard).into_iter().map(|(.., path)| path).chain(states) {
            if age(&path).is_some_and(|age| age > self.keep)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(%error, "an archive segment past its time cannot be removed");
            }
        }
    }

    /// First and last position and file of each segment, in order.
    fn segments(&self, shard: ShardId) -> Vec<(u64, u64, PathBuf)> {
        let Ok(entries) = fs::read_dir(self.folder.join(shard.0.to_string())) else { return Vec::new() };
        let mut segments: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let (first, last) = path.file_name()?.to_str()?.strip_suffix(".seg")?.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?, path))
            })
            .collect();
        segments.sort_unstable();
        segments
    }
}

/// How long ago a file was written.
fn age(path: &Path) -> Option<Duration> {
    let written = fs::metadata(path).and_then(|it| it.modified()).ok()?;
    SystemTime::now().duration_since(written).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_back_once_even_where_they_overlap_and_damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(folder.path(), 30);
        let shard = ShardId(2);
        let records = |from: u8, to: u8| (from..=to).map(|it| vec![it; 3]).collect::<Vec<_>>();
        archive.put(shard, Position(1), &records(1, 2)).unwrap();
        archive.put(shard, Position(1), &records(1, 4)).unwrap();
        archive.put(shard, Position(5), &records(5, 6)).unwrap();
        let read = |after| {
            let mut read = Vec::new();
            archive.replay(shard, Position(after), &mut |position, record| {
                assert_eq!(record, vec![u8::try_from(position.0).unwrap(); 3]);
                read.push(position.0);
                true
            })?;
            Ok::<_, ReadError>(read)
        };
        assert_eq!(read(0).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(archive.first(shard, Position(7)), Position(1));
        assert_eq!(archive.first(shard, Position(9)), Position(9), "7 and 8 are on another node");
        let state = |at| Snapshot { position: Position(at), state_hash: 0, bytes: vec![] };
        archive.put(shard, Position(9), &records(9, 9)).unwrap();
        let oldest = archive.oldest(shard, Position(10), vec![state(9), state(8)]).unwrap();
        assert_eq!(oldest, Some(state(8)));
        fs::remove_file(archive.segments(shard).pop().unwrap().2).unwrap();
        assert_eq!(read(3).unwrap(), [4, 5, 6]);
        let last = archive.segments(shard).pop().unwrap().2;
        let mut bytes = fs::read(&last).unwrap();
        bytes[14] ^= 1;
        fs::write(&last, bytes).unwrap();
        assert!(read(0).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn segments_past_their_time_go() {
        let folder = tempfile::tempdir().unwrap();
        let shard = ShardId(0);
        Archive::new(folder.path(), 30).put(shard, Position(1), &[vec![1]]).unwrap();
        Archive::new(folder.path(), 30).sweep(shard);
        assert_eq!(Archive::new(folder.path(), 30).segments(shard).len(), 1);
        Archive::new(folder.path(), 0).sweep(shard);
        assert!(Archive::new(folder.path(), 30).segments(shard).is_empty());
    }
}
