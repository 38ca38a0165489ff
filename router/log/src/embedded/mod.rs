//! The store on one machine: fjall behind our own committer thread.
//!
//! fjall syncs inside its journal lock, so several committers queue up behind each other's syncs. Here one thread takes
//! everything that has gathered while the last commit ran, for all shards, and commits it with one sync.
//!
//! Folder: `format`, `store/` (fjall), `snapshots/`, `archive/`. A shard's records are stored a batch at a time under
//! (shard, position of the first); see [`chunk`].

mod chunk;
mod committer;

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable};

use self::committer::{Committer, Shared};
use crate::archive::Archive;
use crate::file::write_whole;
use crate::snapshots::Snapshots;
use crate::{
    AppendFuture, Batch, Copied, EachCopied, EachRecord, Health, Level, Log, OpenError, Options, Position,
    ReadError, Rows, ShardId, Snapshot, Table,
};

/// The format of the data folder that this program writes. 1 is the first.
const FORMAT: u32 = 1;
/// Block cache; small, since everything hot is in the engine.
const CACHE_BYTES: u64 = 16 << 20;
/// One memtable of the records, and of each side table.
const MEMTABLE_BYTES: u64 = 16 << 20;
/// Journals kept at most.
const JOURNAL_BYTES: u64 = 256 << 20;

/// The store.
pub struct EmbeddedLog {
    level: Level,
    store: Store,
    shared: Arc<Shared>,
    committer: Mutex<Option<Committer>>,
    snapshots: Snapshots,
    archive: Archive,
}

/// fjall's handles.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    records: Keyspace,
    tables: [Keyspace; Table::ALL.len()],
}

impl Store {
    fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }
}

impl EmbeddedLog {
    /// Opens a data folder, or makes one.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let path = &options.path;
        let io = |detail: String| OpenError::Io { path: path.clone(), detail };
        fs::create_dir_all(path).map_err(|error| io(error.to_string()))?;
        check_format(path)?;
        let open = || -> Result<Store, fjall::Error> {
            let database = Database::builder(path.join("store"))
                .manual_journal_persist(true)
                .cache_size(CACHE_BYTES)
                .max_journaling_size(JOURNAL_BYTES)
                .worker_threads(1)
                .open()?;
            let keyspace = |name: &str| {
                database.keyspace(name, || {
                    KeyspaceCreateOptions::default()
                        .manual_journal_persist(true)
                        .max_memtable_size(MEMTABLE_BYTES)
                })
            };
            let records = keyspace("records")?;
            let tables = Table::ALL.map(|table| keyspace(table.name()));
            let tables = tables.into_iter().collect::<Result<Vec<_>, _>>()?;
            let tables = tables.try_into().map_err(|_| fjall::Error::Unrecoverable)?;
            Ok(Store { database, records, tables })
        };
        let store = open().map_err(|error| match error {
            fjall::Error::Locked => OpenError::Locked(path.clone()),
            other => io(other.to_string()),
        })?;
        let heads = chunk::heads(&store.records).map_err(|error| io(error.to_string()))?;
        let shared = Arc::new(Shared::new(heads));
        let committer = Committer::start(store.clone(), options.level, path.clone(), Arc::clone(&shared))
            .map_err(|error| io(error.to_string()))?;
        Ok(Self {
            level: options.level,
            store,
            shared,
            committer: Mutex::new(Some(committer)),
            snapshots: Snapshots::new(&path.join("snapshots")),
            archive: Archive::new(&path.join("archive"), options.archive_days),
        })
    }
}

fn check_format(path: &Path) -> Result<(), OpenError> {
    let io = |error: io::Error| OpenError::Io { path: path.to_path_buf(), detail: error.to_string() };
    let file = path.join("format");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(format) if format <= FORMAT => Ok(()),
            _ => Err(OpenError::Newer(text.trim().chars().take(20).collect())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_whole(&file, format!("{FORMAT}\n").as_bytes()).map_err(io)
        }
        Err(error) => Err(io(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function to map errors with")]
pub(crate) fn unreadable(error: fjall::Error) -> ReadError {
    ReadError::Io(error.to_string())
}

impl Log for EmbeddedLog {
    fn level(&self) -> Level {
        self.level
    }

    fn last(&self, shard: ShardId) -> Result<Position, ReadError> {
        Ok(self.shared.last(shard))
    }

    fn append(&self, batch: Batch) -> AppendFuture {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
        match committer.as_ref() {
            Some(committer) => committer.append(batch),
            None => AppendFuture::ready(Err(crate::AppendError::Closed)),
        }
    }

    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        let found_any = chunk::replay(&self.store.records, shard, after, each)?;
        // Records may be fewer than the snapshot's position says only if everything is in the snapshot.
        if !found_any && self.shared.last(shard) < after {
            self.shared.raise(shard, after);
        }
        Ok(())
    }

    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        self.snapshots.put(shard, snapshot)
    }

    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        Ok(self.snapshots.verified(shard)?.into_iter().next())
    }

    fn trim(&self, shard: ShardId) -> Result<u64, ReadError> {
        let snapshots = self.snapshots.verified(shard)?;
        let Some(older) = snapshots.get(1) else { return Ok(0) };
        let moved = chunk::below(&self.store.records, shard, older.position)?;
        let Some((first, _)) = moved.first() else { return Ok(0) };
        let records: Vec<Vec<u8>> = moved.iter().flat_map(|(_, records)| records.iter().cloned()).collect();
        self.archive.put(shard, *first, &records)?;
        let mut batch = self.store.database.batch();
        for (first, _) in &moved {
            batch.remove(&self.store.records, chunk::key(shard, *first));
        }
        batch.commit().map_err(unreadable)?;
        self.archive.sweep(shard);
        Ok(records.len() as u64)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.store.table(table).get(key).map_err(unreadable)?.map(|value| value.to_vec()))
    }

    fn scan(
        &self,
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
            for (position, record) in (first.0..).zip(chunk::records(shard, first, &value)?) {
                each(Copied::Record(shard, Position(position), record))?;
            }
        }
        for table in Table::ALL {
            for guard in moment.iter(self.store.table(table)) {
                let (key, value) = guard.into_inner().map_err(unreadable)?;
                each(Copied::Row(table, &key, &value))?;
            }
        }
        Ok(())
    }

    fn health(&self) -> Health {
        self.shared.health()
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
