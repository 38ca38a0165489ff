//! Trimming: records that recovery no longer needs move into archive segments.

use fjall::PersistMode;

use super::{EmbeddedLog, rows, unreadable};
use crate::{Log as _, Position, ReadError, ShardId, chunk};

/// A segment has about so many bytes; it is what one trim holds in memory.
const SEGMENT_BYTES: usize = 4 << 20;

impl EmbeddedLog {
    /// Moves all rows at or below a position, a segment at a time: first the segment is durable, then the rows go.
    pub(super) fn archive_below(&self, shard: ShardId, upto: Position) -> Result<u64, ReadError> {
        let mut moved = 0;
        loop {
            self.shared.writable()?;
            let segment = rows::below(&self.store.records, shard, upto, SEGMENT_BYTES)?;
            let Some(first) = segment.rows.first() else { return Ok(moved) };
            self.archive.put(shard, *first, &segment.records)?;
            let mut batch = self.store.database.batch();
            for first in &segment.rows {
                batch.remove(&self.store.records, chunk::key(shard, *first));
            }
            // Synced at level `disk` like every other batch, so that only one is ever unsynced: see `journal`.
            batch.durability(Some(super::committer::persist_mode(self.level()))).commit().map_err(
                |error| {
                    self.shared.fail(&error.to_string());
                    unreadable(error)
                },
            )?;
            moved += segment.records.len() as u64;
        }
    }

    /// Makes the log as durable as a snapshot file, so that a snapshot is never ahead of it.
    pub(super) fn sync_log(&self) -> Result<(), ReadError> {
        self.shared.writable()?;
        self.store.database.persist(PersistMode::SyncData).map_err(|error| {
            self.shared.fail(&error.to_string());
            unreadable(error)
        })
    }
}
