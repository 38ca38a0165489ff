//! A store in memory, for tests, simulation and the level `memory`. It keeps everything until it is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use crate::{
    AppendError, AppendFuture, Batch, Copied, EachCopied, EachRecord, Health, Level, Log, Position,
    ReadError, Rows, ShardId, Snapshot, Table, Write,
};

/// Snapshots that are kept; [`Log::trim`] drops the records below the older one.
const SNAPSHOTS: usize = 2;

/// Records that a replay takes out at once.
const READ_AT_ONCE: usize = 256;

/// A row's key. Ours have 16 to 40 bytes: in place, a search does not follow a pointer for each comparison.
type Key = SmallVec<[u8; 40]>;

/// The store.
#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shards: BTreeMap<ShardId, Shard>,
    tables: BTreeMap<Table, BTreeMap<Key, Vec<u8>>>,
    appends: u64,
    records: u64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shard {
    /// The position of the first record that is kept is this plus one.
    trimmed: u64,
    records: VecDeque<Vec<u8>>,
    snapshots: VecDeque<Snapshot>,
}

impl Shard {
    fn last(&self) -> Position {
        Position(self.trimmed + self.records.len() as u64)
    }
}

impl MemoryLog {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLog {
    /// The next records behind a position; none at the end.
    fn some(&self, shard: ShardId, after: Position) -> Result<Vec<Vec<u8>>, ReadError> {
        let state = self.state();
        let Some(it) = state.shards.get(&shard) else { return Ok(Vec::new()) };
        if after.0 < it.trimmed {
            return Err(ReadError::Gap { shard, after, first: Position(it.trimmed + 1) });
        }
        let skip = usize::try_from(after.0 - it.trimmed).unwrap_or(usize::MAX);
        Ok(it.records.iter().skip(skip).take(READ_AT_ONCE).cloned().collect())
    }
}

impl Log for MemoryLog {
    fn level(&self) -> Level {
        Level::Memory
    }

    fn last(&self, shard: ShardId) -> Result<Position, ReadError> {
        Ok(self.state().shards.get(&shard).map_or(Position(0), Shard::last))
    }

    fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        Ok(self
            .state()
            .shards
            .iter()
            .filter(|(_, it)| it.last() > Position(0))
            .map(|(shard, _)| *shard)
            .collect())
    }

    fn begin_after(&self, shard: ShardId, after: Position) -> Result<(), ReadError> {
        let mut state = self.state();
        let it = state.shards.entry(shard).or_default();
        if !it.records.is_empty() {
            return Err(ReadError::Position { shard, asked: after, last: it.last() });
        }
        it.trimmed = after.0;
        Ok(())
    }

    fn append(&self, batch: Batch) -> AppendFuture {
        if !batch.fits() {
            return AppendFuture::ready(Err(AppendError::TooLarge));
        }
        let mut state = self.state();
        if state.closed {
            return AppendFuture::ready(Err(AppendError::Closed));
        }
        let shard = state.shards.entry(batch.shard).or_default();
        let last = shard.last();
        if last != batch.expected {
            return AppendFuture::ready(Err(AppendError::Fenced { expected: batch.expected, last }));
        }
        let added = batch.records.len() as u64;
        shard.records.extend(batch.records);
        let last = shard.last();
        state.appends += 1;
        state.records += added;
        for write in batch.writes {
            match write {
                Write::Put { table, key, value } => {
                    state.tables.entry(table).or_default().insert(Key::from_slice(&key), value);
                }
                Write::Delete { table, key } => {
                    state.tables.entry(table).or_default().remove(key.as_slice());
                }
            }
        }
        AppendFuture::ready(Ok(last))
    }

    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        let mut after = after;
        loop {
            // Some at a time, so that appends go on meanwhile.
            let some = self.some(shard, after)?;
            if some.is_empty() {
                return Ok(());
            }
            for record in some {
                after.0 += 1;
                if !each(after, &record) {
                    return Ok(());
                }
            }
        }
    }

    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        let mut state = self.state();
        let it = state.shards.entry(shard).or_default();
        if snapshot.position > it.last() {
            return Err(ReadError::Position { shard, asked: snapshot.position, last: it.last() });
        }
        let snapshots = &mut it.snapshots;
        snapshots.retain(|kept| kept.position != snapshot.position);
        snapshots.push_back(snapshot.clone());
        while snapshots.len() > SNAPSHOTS {
            snapshots.pop_front();
        }
        Ok(())
    }

    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        let state = self.state();
        let Some(it) = state.shards.get(&shard) else { return Ok(None) };
        match it.snapshots.back() {
            None if it.trimmed > 0 => {
                Err(ReadError::Gap { shard, after: Position(0), first: Position(it.trimmed + 1) })
            }
            newest => Ok(newest.cloned()),
        }
    }

    fn oldest(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        let state = self.state();
        let Some(it) = state.shards.get(&shard) else { return Ok(None) };
        let reached = it.snapshots.iter().find(|snapshot| snapshot.position.0 >= it.trimmed);
        Ok(reached.filter(|_| it.trimmed > 0).cloned())
    }

    fn trim(&self, shard: ShardId) -> Result<u64, ReadError> {
        let mut state = self.state();
        let Some(it) = state.shards.get_mut(&shard) else { return Ok(0) };
        if it.snapshots.len() < SNAPSHOTS {
            return Ok(0);
        }
        let below = it.snapshots.front().map_or(0, |snapshot| snapshot.position.0);
        let mut moved = 0;
        while it.trimmed < below && it.records.pop_front().is_some() {
            it.trimmed += 1;
            moved += 1;
        }
        Ok(moved)
    }

    fn get(&self, _shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.state().tables.get(&table).and_then(|rows| rows.get(key).cloned()))
    }

    fn scan(
        &self,
        _shard: ShardId,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Rows, ReadError> {
        let state = self.state();
        let Some(rows) = state.tables.get(&table) else { return Ok(Vec::new()) };
        if from >= to {
            return Ok(Vec::new());
        }
        let range = rows.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let copy = |(key, value): (&Key, &Vec<u8>)| (key.to_vec(), value.clone());
        Ok(if reverse {
            range.rev().take(limit).map(copy).collect()
        } else {
            range.take(limit).map(copy).collect()
        })
    }

    fn copy(&self, each: EachCopied<'_>) -> Result<(), ReadError> {
        let state = self.state();
        for (shard, it) in &state.shards {
            for (record, position) in it.records.iter().zip(it.trimmed + 1..) {
                each(Copied::Record(*shard, Position(position), record))?;
            }
        }
        for (table, rows) in &state.tables {
            for (key, value) in rows {
                each(Copied::Row(ShardId(0), *table, key, value))?;
            }
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let state = self.state();
        Health {
            writable: !state.closed,
            detail: state.closed.then(|| "closed".to_owned()),
            appends: state.appends,
            records: state.records,
            commits: state.appends,
            ..Health::default()
        }
    }

    fn close(&self) {
        self.state().closed = true;
    }
}
