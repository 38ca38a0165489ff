//! The log: what has happened, durable, in one order a shard; and beside it, in the same atomic batch, the side tables.
//!
//! | module | what it is |
//! |---|---|
//! | [`memory`] | a store for tests and simulation |
//! | [`embedded`] | a store on one machine: fjall behind our own committer thread, which groups commits |
//! | [`redis`] | a store for several nodes: Redis, with leases that say which node owns a shard |
//! | [`snapshots`], [`archive`] | files beside the store: states to start from, and what recovery no longer needs |
//! | [`history`] | all that is kept of a shard, from archive and log as one |
//! | [`segments`] | ended conversations that have left the store for the blob store |
//! | [`seal`] | bodies sealed with a data key per customer |
//! | [`blob`] | attachments |
//! | [`backup`] | a consistent copy of everything, verified on the way back |
//! | [`migrate`] | filling one store from another |
//! | [`contract`] | what every store must pass |
//!
//! Records are opaque here: the log knows nothing of events.

mod answer;
pub mod archive;
pub mod backup;
mod batch;
pub mod blob;
mod chunk;
pub mod contract;
pub mod embedded;
mod error;
mod file;
mod health;
mod history;
mod level;
pub mod memory;
pub mod migrate;
mod options;
pub mod redis;
pub mod seal;
pub mod segments;
pub mod snapshots;

use std::sync::Arc;
use std::time::Duration;

pub use answer::AppendFuture;
pub use batch::{Batch, Copied, Entry, Position, ShardId, Snapshot, Table, Write};
pub use error::{AppendError, OpenError, ReadError};
pub use health::{COMMIT_BOUNDS_US, Health};
pub use history::{Past, history};
pub use level::Level;
pub use options::{Options, Tuning};
pub use seal::{SealError, Unsealed, Vault, erased};

/// Called for each record of a replay; `false` stops it.
pub type EachRecord<'a> = &'a mut dyn FnMut(Position, &[u8]) -> bool;
/// Called for each row of a copy.
pub type EachCopied<'a> = &'a mut dyn FnMut(Copied<'_>) -> Result<(), ReadError>;
/// Rows of a side table.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What the keys of some conversations begin with, and where the next ones are.
pub type Conversations = (Vec<Vec<u8>>, u64);

/// The log of all shards, with its side tables.
pub trait Log: Send + Sync + 'static {
    /// What an acknowledgement survives.
    fn level(&self) -> Level;

    /// The position of a shard's last record.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn last(&self, shard: ShardId) -> Result<Position, ReadError>;

    /// The shards that have records.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn shards(&self) -> Result<Vec<ShardId>, ReadError>;

    /// Makes the log of a shard without records begin after a position, as a restored one does whose older records were
    /// trimmed.
    ///
    /// # Errors
    /// If the shard has records.
    fn begin_after(&self, shard: ShardId, after: Position) -> Result<(), ReadError>;

    /// Appends; the answer comes when the batch is durable at [`Self::level`].
    fn append(&self, batch: Batch) -> AppendFuture;

    /// Calls `each` for every record after a position, in order.
    ///
    /// # Errors
    /// If a record is damaged, or the log begins later.
    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError>;

    /// Records after a position, `limit` at most.
    ///
    /// # Errors
    /// As [`Self::replay`].
    fn read(&self, shard: ShardId, after: Position, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        if limit > 0 {
            self.replay(shard, after, &mut |position, record| {
                entries.push(Entry { position, record: record.to_vec() });
                entries.len() < limit
            })?;
        }
        Ok(entries)
    }

    /// Keeps a snapshot; the last two are kept. The log is synced first, so that no snapshot is ever ahead of it.
    ///
    /// # Errors
    /// If it cannot be written, or is of a position that the log does not have; the older ones are then still there.
    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError>;

    /// The newest snapshot that verifies.
    ///
    /// # Errors
    /// If the folder cannot be read, or none verifies and the log no longer reaches back to its first record.
    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError>;

    /// The snapshots that verify, newest first.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    fn snapshots(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        Ok(self.snapshot(shard)?.into_iter().collect())
    }

    /// Moves what lies below the older of the last two verified snapshots into an archive segment; says how many records.
    ///
    /// # Errors
    /// If the segment cannot be written; the records are then still in the log.
    fn trim(&self, shard: ShardId) -> Result<u64, ReadError>;

    /// The oldest state from which every record is still there, in log or archive; none if the first record is.
    ///
    /// # Errors
    /// If nothing can be read, or no such state is left.
    fn oldest(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        self.snapshot(shard)
    }

    /// Calls `each` for the archived records after a position, in order. A store without an archive has none.
    ///
    /// # Errors
    /// If a segment is damaged.
    fn replay_archived(
        &self,
        _shard: ShardId,
        _after: Position,
        _each: EachRecord<'_>,
    ) -> Result<(), ReadError> {
        Ok(())
    }

    /// The shards to name for seeing every row; a store that keeps the rows of all shards together needs one.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn homes(&self) -> Result<Vec<ShardId>, ReadError> {
        Ok(vec![ShardId(0)])
    }

    /// How long the store keeps a row of a table before it drops it by itself; `None` is for ever.
    fn expires(&self, _table: Table) -> Option<Duration> {
        None
    }

    /// The keys in a table that [`Self::expires`], those of a while longer included; `None` where they are not kept.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn recent_keys(&self, _shard: ShardId, _table: Table) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        Ok(None)
    }

    /// A page of the conversations of a shard, by the 32 bytes that their keys begin with, from a place on, and the place of the
    /// next page, 0 after the last; `None` where they stay in the store for good.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn conversations(&self, _shard: ShardId, _from: u64) -> Result<Option<Conversations>, ReadError> {
        Ok(None)
    }

    /// A row, of those that batches of this shard have written.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get(&self, shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// Rows of a shard from a key up to another one (exclusive), in order, `limit` at most; from the end backwards if `reverse`.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn scan(
        &self,
        shard: ShardId,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Rows, ReadError>;

    /// Calls `each` for every record and row of one moment.
    ///
    /// # Errors
    /// If the store cannot be read, or `each` gave up.
    fn copy(&self, each: EachCopied<'_>) -> Result<(), ReadError>;

    /// How the store is.
    fn health(&self) -> Health;

    /// Writes what waits and lets go of the store.
    fn close(&self);
}

/// Opens the store of a data folder, or a new one; level `memory` touches no folder.
///
/// # Errors
/// [`OpenError`] says what is in the way.
pub fn open(options: &Options) -> Result<Arc<dyn Log>, OpenError> {
    match options.level {
        Level::Memory => Ok(Arc::new(memory::MemoryLog::new())),
        Level::Os | Level::Disk => Ok(Arc::new(embedded::EmbeddedLog::open(options, &Tuning::default())?)),
        level @ (Level::Redis | Level::RedisReplica | Level::RedisDisk) => Err(OpenError::NoRedis(level)),
    }
}
