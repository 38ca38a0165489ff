//! Filling one store from another: records at their positions, rows where they belong. What was filled in before is passed by
//! or written once more, so that it can be begun again wherever it broke off.

mod content;
mod files;

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Handle;
use xxhash_rust::xxh3::xxh3_64;

pub use self::content::{Content, Run, Sum};
pub use self::files::{copy_files, copy_keys};
use crate::{AppendError, Batch, Log, Position, ReadError, ShardId, Table, Write};

/// Appended at once.
const GROUP: usize = 1_000;
const GROUP_BYTES: usize = 1 << 20;
/// The stream by which a store that keeps the rows of all shards together is given rows; it has no records.
const ROWS: ShardId = ShardId(u16::MAX);
/// The shard that such a store names for every row.
const TOGETHER: ShardId = ShardId(0);

/// Why a store could not be filled. What is in it by then stays, and the next try goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// It, or what it is filled from, cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A file cannot be copied.
    #[error("a file cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// Other keys are there.
    #[error("{0} has other keys than the store has that is to be moved: nothing could be read with them")]
    OtherKeys(String),
    /// It holds records that are none of this move.
    #[error("shard {} is at {} already, {} is expected: it holds something else", .shard.0, .last.0, .upto.0)]
    Ahead {
        /// Of which shard.
        shard: ShardId,
        /// Where it is.
        last: Position,
        /// Where it is to be in the end.
        upto: Position,
    },
}

/// Of two rows with one key that belong to different shards: whether the second one is to stay.
pub type Prefer = fn(Table, &[u8], &[u8]) -> bool;

/// What waits to be appended to a shard.
#[derive(Default)]
struct Waiting {
    records: Vec<Vec<u8>>,
    writes: Vec<Write>,
    bytes: usize,
}

/// Fills a store. It must not run on a thread that drives other tasks.
pub struct Filler<'a> {
    to: &'a dyn Log,
    /// Whether the store keeps the rows of all shards together.
    together: bool,
    prefer: Prefer,
    handle: Handle,
    last: BTreeMap<ShardId, Position>,
    waiting: BTreeMap<ShardId, Waiting>,
    /// The keys of rows that may come from several shards, by their hashes.
    seen: BTreeSet<u64>,
    content: Content,
}

impl<'a> Filler<'a> {
    /// One for a store that keeps rows `together`, or each with its shard.
    #[must_use]
    pub fn new(to: &'a dyn Log, together: bool, prefer: Prefer, handle: Handle) -> Self {
        let (last, waiting) = (BTreeMap::new(), BTreeMap::new());
        let (seen, content) = (BTreeSet::new(), Content::default());
        Self { to, together, prefer, handle, last, waiting, seen, content }
    }

    /// Lets a shard's records begin after a position, unless an earlier try has done so. To be called before a lease is taken.
    ///
    /// # Errors
    /// If the store cannot be asked, or holds more than `upto`.
    pub fn begin(&mut self, shard: ShardId, after: Position, upto: Position) -> Result<(), FillError> {
        let last = self.to.last(shard)?;
        if last > upto {
            return Err(FillError::Ahead { shard, last, upto });
        }
        if last < after {
            self.to.begin_after(shard, after)?;
        }
        self.content.records.insert(shard, Run::after(after));
        self.last.insert(shard, last.max(after));
        Ok(())
    }

    /// Takes out again what an earlier try has left of a table whose rows end by themselves in the source.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn clear(&mut self, table: Table) -> Result<(), FillError> {
        loop {
            let rows = self.to.scan(TOGETHER, table, &[], &[0xff; 64], GROUP, false)?;
            if rows.is_empty() {
                return Ok(());
            }
            let waiting = self.waiting.entry(ROWS).or_default();
            waiting.writes.extend(rows.into_iter().map(|(key, _)| Write::Delete { table, key }));
            self.flush(ROWS)?;
        }
    }

    /// The next record of a shard that was begun.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn record(&mut self, shard: ShardId, record: &[u8]) -> Result<(), FillError> {
        let run = self.content.records.entry(shard).or_default();
        run.add(record);
        let known = self.last.get(&shard).copied().unwrap_or_default();
        if run.last() <= known {
            return Ok(());
        }
        let waiting = self.waiting.entry(shard).or_default();
        waiting.bytes += record.len();
        waiting.records.push(record.to_vec());
        if waiting.records.len() >= GROUP || waiting.bytes >= GROUP_BYTES {
            self.flush(shard)?;
        }
        Ok(())
    }

    /// A row of a shard. One that is `shared` may come from several shards, of which a store that keeps rows together takes
    /// one.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn row(
        &mut self,
        home: ShardId,
        table: Table,
        key: &[u8],
        value: &[u8],
        shared: bool,
    ) -> Result<(), FillError> {
        let (stream, home) = if self.together { (ROWS, TOGETHER) } else { (home, home) };
        if shared && self.together && !self.seen.insert(xxh3_64(&[&[table as u8][..], key].concat())) {
            self.flush(stream)?;
            if let Some(before) = self.to.get(home, table, key)? {
                if !(self.prefer)(table, &before, value) {
                    return Ok(());
                }
                self.content.rows.entry(table).or_default().take_out(home, key, &before);
            }
        }
        self.content.rows.entry(table).or_default().add(home, key, value);
        let waiting = self.waiting.entry(stream).or_default();
        waiting.bytes += key.len() + value.len();
        waiting.writes.push(Write::Put { table, key: key.to_vec(), value: value.to_vec() });
        if waiting.writes.len() >= GROUP || waiting.bytes >= GROUP_BYTES {
            self.flush(stream)?;
        }
        Ok(())
    }

    fn flush(&mut self, shard: ShardId) -> Result<(), FillError> {
        let Some(Waiting { records, writes, .. }) = self.waiting.remove(&shard) else { return Ok(()) };
        let expected = match self.last.get(&shard) {
            Some(last) => *last,
            None => self.to.last(shard)?,
        };
        let batch = Batch { shard, expected, records, writes };
        let last = self.handle.block_on(self.to.append(batch))?;
        self.last.insert(shard, last);
        Ok(())
    }

    /// Writes what still waits; says what the store must hold now.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn finish(mut self) -> Result<Content, FillError> {
        let shards: Vec<_> = self.waiting.keys().copied().collect();
        for shard in shards {
            self.flush(shard)?;
        }
        Ok(self.content.tidied())
    }
}
