//! The store on one machine: fjall behind our own committer thread.
//!
//! fjall syncs inside its journal lock, so several committers queue up behind each other's syncs. Here one thread takes
//! everything that has gathered while the last commit ran, for all shards, and commits it with one sync.
//!
//! Folder: `lock`, `format`, `moving` (while another store is moved into it), `store/` (fjall), `snapshots/`, `archive/`. What a shard appends in one commit is one row under
//! (shard, position of the first); see `chunk.rs`.

mod committer;
pub(crate) mod folder;
mod heads;
mod journal;
mod rows;
mod trim;

use std::collections::btree_map::Entry;
use std::fs::File;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fjall::Readable;

use self::committer::Committer;
use self::folder::Store;
use self::heads::Shared;
use crate::archive::{self, Archive};
use crate::chunk;
use crate::snapshots::Snapshots;
use crate::{
    AppendError, AppendFuture, Batch, Copied, EachCopied, EachRecord, Health, Level, Log, OpenError, Options,
    Position, ReadError, Rows, ShardId, Snapshot, Table, Tuning,
};

/// The store.
pub struct EmbeddedLog {
    level: Level,
    store: Store,
    shared: Arc<Shared>,
    committer: Mutex<Option<Committer>>,
    snapshots: Snapshots,
    archive: Archive,
    /// Last, so that the folder is given up after everything else.
    _lock: File,
}

impl EmbeddedLog {
    /// Opens a data folder, or makes one.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way.
    pub fn open(options: &Options, tuning: &Tuning) -> Result<Self, OpenError> {
        let lock = folder::lock(&options.path)?;
        folder::whole(&options.path)?;
        Self::open_locked(options, tuning, lock)
    }

    /// Opens a new data folder that another store is moved into, or one in which the same move broke off. Until
    /// [`Self::moved`] nobody else opens it.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way.
    pub fn open_for_move(options: &Options, tuning: &Tuning, which: &str) -> Result<Self, OpenError> {
        let lock = folder::lock(&options.path)?;
        folder::begin_move(&options.path, which)?;
        Self::open_locked(options, tuning, lock)
    }

    /// The move into this folder is done.
    ///
    /// # Errors
    /// If that cannot be written down.
    pub fn moved(&self, folder: &Path) -> Result<(), OpenError> {
        folder::end_move(folder)
    }

    fn open_locked(options: &Options, tuning: &Tuning, lock: File) -> Result<Self, OpenError> {
        let path = &options.path;
        let trouble = |detail: String| OpenError::Io { path: path.clone(), detail };
        folder::check_format(path)?;
        let store = folder::open(path, options.level, tuning)?;
        let snapshots = Snapshots::new(&path.join("snapshots"));
        let mut heads = rows::heads(&store.records).map_err(|error| trouble(error.to_string()))?;
        // A shard whose records are all in its snapshot goes on from there.
        for shard in snapshots.shards().map_err(|error| trouble(error.to_string()))? {
            if let Entry::Vacant(vacant) = heads.entry(shard)
                && let Some(at) = snapshots.newest(shard).map_err(|error| trouble(error.to_string()))?
            {
                vacant.insert(at);
            }
        }
        let shared = Arc::new(Shared::new(heads));
        let committer =
            Committer::start(store.clone(), options.level, path.clone(), Arc::clone(&shared), tuning)
                .map_err(|error| trouble(error.to_string()))?;
        Ok(Self {
            level: options.level,
            store,
            shared,
            committer: Mutex::new(Some(committer)),
            snapshots,
            archive: Archive::new(&path.join(archive::FOLDER), options.archive_days),
            _lock: lock,
        })
    }

    /// The archive segments of this store.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function to map errors with")]
fn unreadable(error: fjall::Error) -> ReadError {
    ReadError::Io(error.to_string())
}

impl Log for EmbeddedLog {
    fn level(&self) -> Level {
        self.level
    }

    fn last(&self, shard: ShardId) -> Result<Position, ReadError> {
        Ok(self.shared.last(shard))
    }

    fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        Ok(self.shared.heads().keys().copied().collect())
    }

    fn begin_after(&self, shard: ShardId, after: Position) -> Result<(), ReadError> {
        if rows::first(&self.store.records, shard)?.is_some() {
            return Err(ReadError::Position { shard, asked: after, last: self.shared.last(shard) });
        }
        self.shared.heads().insert(shard, after);
        Ok(())
    }

    fn append(&self, batch: Batch) -> AppendFuture {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
        match committer.as_ref() {
            Some(committer) => committer.append(batch),
            None => AppendFuture::ready(Err(AppendError::Closed)),
        }
    }

    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        rows::replay(&self.store.records, shard, after, each)
    }

    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        let last = self.shared.last(shard);
        if snapshot.position > last {
            return Err(ReadError::Position { shard, asked: snapshot.position, last });
        }
        // At level `disk` nothing is read back before it is synced.
        if self.level != Level::Disk {
            self.sync_log()?;
        }
        self.snapshots.put(shard, snapshot)
    }

    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        let newest = self.snapshots.verified(shard)?.into_iter().next();
        match rows::first(&self.store.records, shard)? {
            // An empty state would look like a loss.
            Some(first) if newest.is_none() && first > Position(1) => {
                Err(ReadError::Gap { shard, after: Position(0), first })
            }
            _ => Ok(newest),
        }
    }

    fn snapshots(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        self.snapshots.verified(shard)
    }

    fn trim(&self, shard: ShardId) -> Result<u64, ReadError> {
        let snapshots = self.snapshots.verified(shard)?;
        let moved = match snapshots.get(1) {
            Some(older) => {
                self.archive.keep_state(shard, older)?;
                self.archive_below(shard, older.position)?
            }
            None => 0,
        };
        self.archive.sweep(shard);
        Ok(moved)
    }

    fn oldest(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        let in_log = rows::first(&self.store.records, shard)?;
        let begins = in_log.unwrap_or(Position(self.shared.last(shard).0 + 1));
        self.archive.oldest(shard, begins, self.snapshots.verified(shard)?)
    }

    fn replay_archived(
        &self,
        shard: ShardId,
        after: Position,
        each: EachRecord<'_>,
    ) -> Result<(), ReadError> {
        self.archive.replay(shard, after, each)
    }

    fn get(&self, _shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.store.table(table).get(key).map_err(unreadable)?.map(|value| value.to_vec()))
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
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.store.table(table).range::<&[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let row = |guard: fjall::Guard| {
            guard.into_inner().map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(unreadable)
        };
        if reverse {
            range.rev().take(limit).map(row).collect()
        } else {
            range.take(limit).map(row).collect()
        }
    }

    fn copy(&self, each: EachCopied<'_>) -> Result<(), ReadError> {
        let moment = self.store.database.snapshot();
        for guard in moment.iter(&self.store.records) {
            let (key, value) = guard.into_inner().map_err(unreadable)?;
            let (shard, first) = chunk::parse_key(&key)?;
            for record in chunk::Records::of(shard, first, &value)? {
                let (position, record) = record?;
                each(Copied::Record(shard, position, record))?;
            }
        }
        for table in Table::ALL {
            for guard in moment.iter(self.store.table(table)) {
                let (key, value) = guard.into_inner().map_err(unreadable)?;
                each(Copied::Row(ShardId(0), table, &key, &value))?;
            }
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
        let queued = committer.as_ref().map_or(0, Committer::queued);
        let health = self.shared.health(self.level, queued);
        match *committer {
            Some(_) => health,
            None => Health { writable: false, detail: Some(AppendError::Closed.to_string()), ..health },
        }
    }

    fn close(&self) {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(committer) = committer {
            committer.close();
        }
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close();
    }
}
