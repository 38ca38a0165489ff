//! The committer: one thread that takes everything that has gathered, commits it as one batch, and answers everybody.
//!
//! No delay is added: while one commit runs, the next group gathers by itself. A failed commit stops the store, because
//! after a failed sync nobody knows what the disk holds; a full disk only refuses, because it is seen before the commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use std::{io, thread};

use fjall::PersistMode;
use tokio::sync::{mpsc, oneshot};

use super::Store;
use super::heads::Shared;
use crate::chunk::Chunk;
use crate::{AppendError, AppendFuture, Batch, Level, Position, ShardId, Tuning, Write};

/// One commit takes so many batches, or so many bytes, at most.
const GROUP_BATCHES: usize = 4_096;
const GROUP_BYTES: usize = 1 << 20;

type Answer = oneshot::Sender<Result<Position, AppendError>>;
type Waiting = (Batch, Answer);

/// How far a commit goes before it is acknowledged.
pub(super) fn persist_mode(level: Level) -> PersistMode {
    // For the test that a store without syncs is found out; release builds do not know it.
    let skip_sync = cfg!(debug_assertions)
        && std::env::var_os("SWITCHBOARD_FAULT").is_some_and(|fault| fault == "skip-fdatasync");
    match level {
        Level::Disk if !skip_sync => PersistMode::SyncData,
        _ => PersistMode::Buffer,
    }
}

/// The way to the committer.
pub(super) struct Committer {
    queue: mpsc::Sender<Waiting>,
    thread: JoinHandle<()>,
}

impl Committer {
    pub(super) fn start(
        store: Store,
        level: Level,
        path: PathBuf,
        shared: Arc<Shared>,
        tuning: &Tuning,
    ) -> io::Result<Self> {
        let (queue, batches) = mpsc::channel(tuning.queue.max(1));
        let worker = Worker { store, mode: persist_mode(level), path, shared, reserve: tuning.reserve_bytes };
        let thread = thread::Builder::new().name("committer".into()).spawn(move || worker.run(batches))?;
        Ok(Self { queue, thread })
    }

    pub(super) fn append(&self, batch: Batch) -> AppendFuture {
        if !batch.fits() {
            return AppendFuture::ready(Err(AppendError::TooLarge));
        }
        let (answer, outcome) = oneshot::channel();
        match self.queue.try_send((batch, answer)) {
            Ok(()) => AppendFuture::waiting(outcome),
            Err(mpsc::error::TrySendError::Full(_)) => AppendFuture::ready(Err(AppendError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => AppendFuture::ready(Err(AppendError::Closed)),
        }
    }

    /// How many batches wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
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
    reserve: u64,
}

impl Worker {
    fn run(self, mut batches: mpsc::Receiver<Waiting>) {
        let mut group = Vec::new();
        while let Some(first) = batches.blocking_recv() {
            let mut bytes = first.0.bytes();
            group.push(first);
            while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
                let Ok(next) = batches.try_recv() else { break };
                bytes += next.0.bytes();
                group.push(next);
            }
            self.commit(&mut group, bytes);
        }
        if self.shared.failure().is_none()
            && let Err(error) = self.store.database.persist(PersistMode::SyncAll)
        {
            self.shared.fail(&error.to_string());
        }
    }

    fn commit(&self, group: &mut Vec<Waiting>, bytes: usize) {
        if let Some(detail) = self.shared.failure() {
            return refuse(group, &AppendError::Failed { detail });
        }
        if !self.has_space(bytes) {
            return refuse(group, &AppendError::Full);
        }
        let _step = tracing::trace_span!("commit", batches = group.len(), bytes).entered();
        let started = Instant::now();
        let mut chunks: BTreeMap<ShardId, Chunk> = BTreeMap::new();
        let mut rows = fjall::OwnedWriteBatch::with_capacity(self.store.database.clone(), group.len() * 2);
        let mut answers = Vec::with_capacity(group.len());
        let mut records = 0;
        for (batch, answer) in group.drain(..) {
            let chunk = chunks
                .entry(batch.shard)
                .or_insert_with(|| Chunk::after(batch.shard, self.shared.last(batch.shard)));
            let last = chunk.last();
            if last != batch.expected {
                // Who asked may have gone.
                drop(answer.send(Err(AppendError::Fenced { expected: batch.expected, last })));
                continue;
            }
            batch.records.iter().for_each(|record| chunk.push(record));
            records += batch.records.len() as u64;
            answers.push((answer, chunk.last()));
            for write in batch.writes {
                match write {
                    Write::Put { table, key, value } => rows.insert(self.store.table(table), key, value),
                    Write::Delete { table, key } => rows.remove(self.store.table(table), key),
                }
            }
        }
        let mut heads = Vec::with_capacity(chunks.len());
        for (shard, chunk) in chunks {
            let last = chunk.last();
            if let Some((key, value)) = chunk.into_row() {
                rows.insert(&self.store.records, key, value);
                heads.push((shard, last));
            }
        }
        match rows.durability(Some(self.mode)).commit() {
            Ok(()) => {
                self.shared.heads().extend(heads);
                self.shared.committed(answers.len() as u64, records, started.elapsed());
                for (answer, position) in answers {
                    drop(answer.send(Ok(position)));
                }
            }
            Err(error) => {
                let detail = error.to_string();
                self.shared.fail(&detail);
                for (answer, _) in answers {
                    drop(answer.send(Err(AppendError::Failed { detail: detail.clone() })));
                }
            }
        }
    }

    /// Whether the disk has room. Asked before every commit, since others fill it too; it costs a microsecond.
    fn has_space(&self, bytes: usize) -> bool {
        let free = match rustix::fs::statvfs(&self.path) {
            Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
            // Unknown is not full: the write itself will tell.
            Err(_) => u64::MAX,
        };
        self.shared.set_full(free < self.reserve.saturating_add(bytes as u64));
        !self.shared.is_full()
    }
}

fn refuse(group: &mut Vec<Waiting>, error: &AppendError) {
    for (_, answer) in group.drain(..) {
        drop(answer.send(Err(error.clone())));
    }
}
