//! The log: what has happened, durable, in one order a shard; and beside it, in the same atomic batch, the side tables.
//!
//! | module | what it is |
//! |---|---|
//! | [`memory`] | a store for tests and simulation |
//! | [`embedded`] | a store on one machine: fjall behind our own committer thread, which groups commits |
//! | [`snapshots`], [`archive`] | files beside the store: states to start from, and what recovery no longer needs |
//! | [`seal`] | bodies sealed with a data key per customer |
//! | [`blob`] | attachments |
//! | [`backup`] | a consistent copy of everything, verified on the way back |
//! | [`contract`] | what every store must pass |
//!
//! Records are opaque here: the log knows nothing of events.

pub mod archive;
pub mod backup;
pub mod blob;
pub mod contract;
pub mod embedded;
mod file;
pub mod memory;
pub mod seal;
pub mod snapshots;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

pub use seal::{SealError, Unsealed, Vault};

/// A fixed share of workspaces: one engine, one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A record's place in its shard: 1, 2, 3, ... ; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// What an acknowledgement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: it is in memory.
    Memory,
    /// The end of the process: it was written.
    Os,
    /// The end of the machine: it was synced, as far as the device keeps its word.
    Disk,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Disk => "disk",
        })
    }
}

impl FromStr for Level {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text {
            "memory" => Ok(Self::Memory),
            "os" => Ok(Self::Os),
            "disk" => Ok(Self::Disk),
            other => Err(OpenError::Level(other.to_owned())),
        }
    }
}

/// A side table. Keys and values are opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Messages, sealed.
    Transcripts,
    /// Customer records, sealed.
    Customers,
    /// Requests that were done.
    Dedupe,
    /// Where connectors go on reading.
    Cursors,
    /// Workspaces, sign-ins, tokens.
    Accounts,
    /// Customers' data keys, wrapped.
    Keys,
    /// Decision records.
    Decisions,
}

impl Table {
    /// All tables, in the order of their names in the store.
    pub const ALL: [Self; 7] = [
        Self::Transcripts,
        Self::Customers,
        Self::Dedupe,
        Self::Cursors,
        Self::Accounts,
        Self::Keys,
        Self::Decisions,
    ];

    /// The table's name in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transcripts => "transcripts",
            Self::Customers => "customers",
            Self::Dedupe => "dedupe",
            Self::Cursors => "cursors",
            Self::Accounts => "accounts",
            Self::Keys => "keys",
            Self::Decisions => "decisions",
        }
    }
}

/// A change of a side table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a row.
    Put {
        /// Where.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
        /// The row's value.
        value: Vec<u8>,
    },
    /// Removes a row.
    Delete {
        /// Where.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
    },
}

/// What is appended at once: all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// To which shard.
    pub shard: ShardId,
    /// The last position that the writer knows of; if it is stale the batch is refused.
    pub expected: Position,
    /// Records; there may be none.
    pub records: Vec<Vec<u8>>,
    /// Changes of side tables.
    pub writes: Vec<Write>,
}

/// A record with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// The record.
    pub record: Vec<u8>,
}

/// A state to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is in it.
    pub position: Position,
    /// The hash of the state, recorded so that a start can be compared with it.
    pub state_hash: u64,
    /// The state.
    pub bytes: Vec<u8>,
}

/// Why a batch was not appended. Nothing of it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another writer was faster.
    #[error("the log is at {last:?}, the writer expected {expected:?}: another owner writes this shard")]
    Fenced {
        /// What the writer expected.
        expected: Position,
        /// Where the log is.
        last: Position,
    },
    /// No space is left.
    #[error("the disk is full: make room, the store goes on by itself")]
    Full,
    /// Too many batches wait.
    #[error("the store cannot keep up: try again")]
    Busy,
    /// Writing or syncing failed: what the disk holds is not known, so the store takes nothing more.
    #[error("the store cannot write ({detail}): check the disk, then start again")]
    Failed {
        /// The cause.
        detail: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store or a file cannot be read.
    #[error("the store cannot be read: {0}")]
    Io(String),
    /// A record is damaged.
    #[error("record {} of shard {} is damaged ({detail}): restore a backup", .position.0, .shard.0)]
    Damaged {
        /// Of which shard.
        shard: ShardId,
        /// At which position.
        position: Position,
        /// What is wrong.
        detail: String,
    },
    /// The records between the newest good snapshot and the log are gone.
    #[error("shard {} has records from {} on, its newest readable snapshot is at {}: restore a backup", .shard.0, .first.0, .after.0)]
    Gap {
        /// Of which shard.
        shard: ShardId,
        /// Where reading was to begin.
        after: Position,
        /// Where the log begins.
        first: Position,
    },
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such level.
    #[error("there is no level {0:?}: use memory, os or disk")]
    Level(String),
    /// Another process has it.
    #[error("the data folder {0} is in use by another process: stop that one first")]
    Locked(PathBuf),
    /// Written by a newer program.
    #[error("the data folder was written by a newer version (format {0}): start that version")]
    Newer(String),
    /// It cannot be read or written.
    #[error("the data folder {path} cannot be opened: {detail}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

/// How the store is, cheap to ask.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Whether it takes appends.
    pub writable: bool,
    /// If not: why.
    pub detail: Option<String>,
    /// Batches appended.
    pub appends: u64,
    /// Records appended.
    pub records: u64,
    /// Commits, each of which synced once at level `disk`.
    pub commits: u64,
    /// The time that the last commit took, in seconds.
    pub commit_seconds: f64,
}

/// The outcome of an append, when it is known.
#[derive(Debug)]
pub struct AppendFuture(Outcome);

#[derive(Debug)]
enum Outcome {
    Ready(Option<Result<Position, AppendError>>),
    Waiting(oneshot::Receiver<Result<Position, AppendError>>),
}

impl AppendFuture {
    /// An outcome that is known already.
    #[must_use]
    pub fn ready(outcome: Result<Position, AppendError>) -> Self {
        Self(Outcome::Ready(Some(outcome)))
    }

    /// An outcome that somebody will tell.
    #[must_use]
    pub fn waiting(outcome: oneshot::Receiver<Result<Position, AppendError>>) -> Self {
        Self(Outcome::Waiting(outcome))
    }
}

impl Future for AppendFuture {
    type Output = Result<Position, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Outcome::Ready(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(AppendError::Closed))),
            Outcome::Waiting(outcome) => {
                Pin::new(outcome).poll(context).map(|told| told.unwrap_or(Err(AppendError::Closed)))
            }
        }
    }
}

/// A row of a consistent copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied<'a> {
    /// A record.
    Record(ShardId, Position, &'a [u8]),
    /// A row of a side table.
    Row(Table, &'a [u8], &'a [u8]),
}

/// Called for each record of a replay; `false` stops it.
pub type EachRecord<'a> = &'a mut dyn FnMut(Position, &[u8]) -> bool;
/// Called for each row of a copy.
pub type EachCopied<'a> = &'a mut dyn FnMut(Copied<'_>) -> Result<(), ReadError>;
/// Rows of a side table.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// The log of all shards, with its side tables.
pub trait Log: Send + Sync + 'static {
    /// What an acknowledgement survives.
    fn level(&self) -> Level;

    /// The position of a shard's last record.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn last(&self, shard: ShardId) -> Result<Position, ReadError>;

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

    /// Keeps a snapshot; the last two are kept.
    ///
    /// # Errors
    /// If it cannot be written; the older ones are then still there.
    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError>;

    /// The newest snapshot that verifies.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError>;

    /// Moves what lies below the older of the last two verified snapshots into an archive segment; says how many records.
    ///
    /// # Errors
    /// If the segment cannot be written; the records are then still in the log.
    fn trim(&self, shard: ShardId) -> Result<u64, ReadError>;

    /// A row.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// Rows from a key up to another one (exclusive), in order, `limit` at most; from the end backwards if `reverse`.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn scan(
        &self,
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

/// Where and how to open a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The data folder.
    pub path: PathBuf,
    /// What an acknowledgement shall survive.
    pub level: Level,
    /// Archive segments older than this many days are removed.
    pub archive_days: u32,
}

/// Opens the store of a data folder, or a new one; level `memory` touches no folder.
///
/// # Errors
/// [`OpenError`] says what is in the way.
pub fn open(options: &Options) -> Result<Arc<dyn Log>, OpenError> {
    match options.level {
        Level::Memory => Ok(Arc::new(memory::MemoryLog::new())),
        Level::Os | Level::Disk => Ok(Arc::new(embedded::EmbeddedLog::open(options)?)),
    }
}
