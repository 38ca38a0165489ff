//! The committer: one thread that takes everything that has gathered, commits it as one batch, and answers everybody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use std::{io, thread};

use fjall::PersistMode;
use tokio::sync::{mpsc, oneshot};

use super::{Store, chunk};
use crate::{AppendError, AppendFuture, Batch, Health, Level, Position, ShardId, Write};

/// Batches that may wait; more are refused as busy.
const QUEUE: usize = 8_192;
/// One commit takes so many batches, or so many bytes, at most.
const GROUP_BATCHES: usize = 4_096;
const GROUP_BYTES: usize = 4 << 20;
/// Below this the disk counts as full: fjall must never meet the end of it, since a failed write poisons the store.
const RESERVE_BYTES: u64 = 24 << 20;
/// The free space is asked for again after so many bytes.
const SPACE_CHECK_BYTES: u64 = 4 << 20;

type Answer = oneshot::Sender<Result<Position, AppendError>>;

/// What the committer and readers share.
pub(super) struct Shared {
    heads: Mutex<BTreeMap<ShardId, Position>>,
    failure: Mutex<Option<String>>,
    full: AtomicBool,
    appends: AtomicU64,
    records: AtomicU64,
    commits: AtomicU64,
    commit_nanos: AtomicU64,
}

impl Shared {
    pub(super) fn new(heads: BTreeMap<ShardId, Position>) -> Self {
        Self {
            heads: Mutex::new(heads),
            failure: Mutex::new(None),
            full: AtomicBool::new(false),
            appends: AtomicU64::new(0),
            records: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            commit_nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn last(&self, shard: ShardId) -> Position {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(&shard).copied().unwrap_or_default()
    }

    /// A shard whose records are all in its snapshot goes on after it.
    pub(super) fn raise(&self, shard: ShardId, at: Position) {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).insert(shard, at);
    }

    fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn health(&self) -> Health {
        let failure = self.failure();
        let full = self.full.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one commit")]
        let commit_seconds = self.commit_nanos.load(Ordering::Relaxed) as f64 / 1e9;
        Health {
            writable: failure.is_none() && !full,
            detail: failure.or_else(|| full.then(|| AppendError::Full.to_string())),
            appends: self.appends.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            commit_seconds,
        }
    }
}

/// The way to the committer.
pub(super) struct Committer {
    queue: mpsc::Sender<(Batch, Answer)>,
    thread: JoinHandle<()>,
}

impl Committer {
    pub(super) fn start(store: Store, level: Level, path: PathBuf, shared: Arc<Shared>) -> io::Result<Self> {
        let (queue, batches) = mpsc::channel(QUEUE);
        // For the test that a store without syncs is found out; release builds do not know it.
        let skip_sync = cfg!(debug_assertions)
            && std::env::var_os("SWITCHBOARD_FAULT").is_some_and(|fault| fault == "skip-fdatasync");
        let mode = match level {
            Level::Disk if !skip_sync => PersistMode::SyncData,
            Level::Disk | Level::Os | Level::Memory => PersistMode::Buffer,
        };
        let worker = Worker { store, mode, path, shared, since_check: SPACE_CHECK_BYTES };
        let thread = thread::Builder::new().name("committer".into()).spawn(move || worker.run(batches))?;
        Ok(Self { queue, thread })
    }

    pub(super) fn append(&self, batch: Batch) -> AppendFuture {
        let (answer, outcome) = oneshot::channel();
        match self.queue.try_send((batch, answer)) {
            Ok(()) => AppendFuture::waiting(outcome),
            Err(mpsc::error::TrySendError::Full(_)) => AppendFuture::ready(Err(AppendError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => AppendFuture::ready(Err(AppendError::Closed)),
        }
    }

    /// Lets the committer finish what waits.
    pub(super) fn close(self) {
        drop(self.queue);
        if self.thread.join().is_err() {
            tracing::error!("the committer ended badly");
        }
    }
}

struct Worker {
    store: Store,
    mode: PersistMode,
    path: PathBuf,
    shared: Arc<Shared>,
    since_check: u64,
}

impl Worker {
    fn run(mut self, mut batches: mpsc::Receiver<(Batch, Answer)>) {
        let mut group = Vec::with_capacity(GROUP_BATCHES);
        while let Some(first) = batches.blocking_recv() {
            let mut bytes = size(&first.0);
            group.push(first);
            while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
                let Ok(next) = batches.try_recv() else { break };
                bytes += size(&next.0);
                group.push(next);
            }
            self.commit(&mut group, bytes);
        }
        if let Err(error) = self.store.database.persist(PersistMode::SyncAll) {
            tracing::error!(%error, "the store could not be synced at the end");
        }
    }

    fn commit(&mut self, group: &mut Vec<(Batch, Answer)>, bytes: usize) {
        if let Some(detail) = self.shared.failure() {
            return refuse(group, &AppendError::Failed { detail });
        }
        if !self.has_space(bytes) {
            return refuse(group, &AppendError::Full);
        }
        let started = Instant::now();
        let mut heads = self.shared.heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut rows = fjall::OwnedWriteBatch::with_capacity(self.store.database.clone(), group.len() * 4);
        let mut answers = Vec::with_capacity(group.len());
        let mut records = 0;
        for (batch, answer) in group.drain(..) {
            let last = heads.get(&batch.shard).copied().unwrap_or_default();
            if last != batch.expected {
                let fenced = AppendError::Fenced { expected: batch.expected, last };
                // Who asked may have gone.
                drop(answer.send(Err(fenced)));
                continue;
            }
            let mut now = last;
            if !batch.records.is_empty() {
                now = Position(last.0 + batch.records.len() as u64);
                records += batch.records.len() as u64;
                let key = chunk::key(batch.shard, Position(last.0 + 1));
                rows.insert(&self.store.records, key, chunk::encode(&batch.records));
                heads.insert(batch.shard, now);
            }
            for write in batch.writes {
                match write {
                    Write::Put { table, key, value } => rows.insert(self.store.table(table), key, value),
                    Write::Delete { table, key } => rows.remove(self.store.table(table), key),
                }
            }
            answers.push((answer, now));
        }
        match rows.durability(Some(self.mode)).commit() {
            Ok(()) => {
                *self.shared.heads.lock().unwrap_or_else(PoisonError::into_inner) = heads;
                self.shared.appends.fetch_add(answers.len() as u64, Ordering::Relaxed);
                self.shared.records.fetch_add(records, Ordering::Relaxed);
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.shared.commit_nanos.store(nanos, Ordering::Relaxed);
                for (answer, position) in answers {
                    drop(answer.send(Ok(position)));
                }
            }
            Err(error) => {
                // What the disk holds is not known now: no acknowledgement, and nothing more is taken.
                let detail = error.to_string();
                tracing::error!(%error, "a commit has failed");
                *self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail.clone());
                for (answer, _) in answers {
                    drop(answer.send(Err(AppendError::Failed { detail: detail.clone() })));
                }
            }
        }
    }

    /// Whether the disk has room; asked of the system now and then, and before every commit once it is full.
    fn has_space(&mut self, bytes: usize) -> bool {
        self.since_check = self.since_check.saturating_add(bytes as u64);
        let was_full = self.shared.full.load(Ordering::Relaxed);
        if self.since_check < SPACE_CHECK_BYTES && !was_full {
            return true;
        }
        self.since_check = 0;
        let free = match rustix::fs::statvfs(&self.path) {
            Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
            // Unknown is not full: the write itself will tell.
            Err(_) => u64::MAX,
        };
        let full = free < RESERVE_BYTES;
        self.shared.full.store(full, Ordering::Relaxed);
        !full
    }
}

fn size(batch: &Batch) -> usize {
    let records: usize = batch.records.iter().map(Vec::len).sum();
    let writes: usize = batch
        .writes
        .iter()
        .map(|write| match write {
            Write::Put { key, value, .. } => key.len() + value.len(),
            Write::Delete { key, .. } => key.len(),
        })
        .sum();
    records + writes
}

fn refuse(group: &mut Vec<(Batch, Answer)>, error: &AppendError) {
    for (_, answer) in group.drain(..) {
        drop(answer.send(Err(error.clone())));
    }
}
