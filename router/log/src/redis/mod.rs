//! The store for several nodes, on Redis 7 or later: alone, with Sentinel, or a Cluster.
//!
//! * `layout.rs`: names; all of a shard lies in one slot.
//! * `head.rs`, `append.lua`: the fenced append, which can be sent again and never writes twice.
//! * `committer.rs`: groups what has gathered, one call a shard; finds and mends what Redis has forgotten.
//! * `journal.rs`: the node's own disk, for level `redis+disk`.
//! * `read.rs`, `walk.rs`: reading; `lease.rs`: who owns a shard; `check.rs`: what Redis must be like; `link.rs`: connections.
//!
//! All of it runs on one thread of its own, so that whoever reads may simply wait, as it would for a disk.

mod bus;
mod check;
mod committer;
mod head;
mod held;
mod journal;
mod layout;
mod lease;
mod link;
mod place;
mod read;
mod scripts;

mod walk;

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use redis::cmd;
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};

pub use self::bus::{Bus, Heard, Spend};
use self::committer::{Waiting, Worker};
use self::held::Shared;
use self::journal::Journal;
use self::layout::{Layout, Row};
pub use self::lease::Taken;
use self::link::Link;
pub use self::place::{Place, Topology};
use self::read::Reader;
use crate::archive::{self, Archive};
use crate::{
    AppendError, AppendFuture, Batch, Conversations, Copied, EachCopied, EachRecord, Health, Level, Log,
    OpenError, Options, Position, ReadError, Rows, ShardId, Snapshot, Table, snapshots,
};

/// Batches that may wait for the committer.
const QUEUE: usize = 8_192;
/// Snapshots that are kept.
const SNAPSHOTS: usize = 2;

/// The store.
pub struct RedisLog {
    level: Level,
    inner: Arc<Inner>,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    /// Last, so that the thread outlives what runs on it.
    runtime: Mutex<Option<OwnThread>>,
    handle: Handle,
    archive: Archive,
    folder: PathBuf,
    dedupe: Duration,
    /// For looking through everything, so that nobody who reads a row stands behind it.
    walker: Arc<Reader>,
}

struct Inner {
    reader: Reader,
    shared: Arc<Shared>,
    journal: Option<Arc<Journal>>,
    /// The lock of the data folder, and the node that was in it before.
    entered: Mutex<Option<(File, Option<String>)>>,
}

impl RedisLog {
    /// Connects, looks whether Redis is safe to use, and reads this node's own journal.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way and what to set.
    pub fn open(options: &Options, place: &Place) -> Result<Self, OpenError> {
        let trouble = |detail: String| OpenError::Io { path: options.path.clone(), detail };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redis")
            .enable_all()
            .build()
            .map_err(|error| trouble(error.to_string()))?;
        let handle = runtime.handle().clone();
        let runtime = OwnThread(Some(runtime));
        let layout = Layout::new(&place.prefix);
        let connected = {
            let (place, layout, level) = (place.clone(), layout.clone(), options.level);
            wait(&handle, async move {
                let told = |error| OpenError::Redis { place: place.shown(), detail: check::explain(&error) };
                let link = Link::dial(&place).await.map_err(told)?;
                check::check(&place, level, &link, &layout).await?;
                // Reading has a connection of its own, so that it never stands behind a long append.
                let other = Link::dial(&place).await.map_err(told)?;
                Ok((link, other))
            })
        };
        let (link, other) = connected.unwrap_or_else(|| Err(trouble("its thread has gone".into())))?;
        let shared = Arc::new(Shared::default());
        let walker = Arc::new(Reader::lazy(place.clone(), layout.clone()));
        let journal = match options.level {
            Level::RedisDisk => {
                let (journal, calls) =
                    Journal::open(&options.path).map_err(|error| trouble(error.to_string()))?;
                for call in calls {
                    shared.rings().entry(call.shard).or_default().load(call);
                }
                Some(Arc::new(journal))
            }
            _ => None,
        };
        let mut dice = [0; 4];
        rand::fill(&mut dice).map_err(|_| trouble("the system has no randomness".into()))?;
        let (queue, batches) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let worker = Worker {
            place: place.clone(),
            level: options.level,
            layout: layout.clone(),
            shared: Arc::clone(&shared),
            link: Some(link),
            journal: journal.clone(),
            dice: u32::from_le_bytes(dice),
            looked: Instant::now(),
        };
        handle.spawn(async move {
            worker.run(batches).await;
            // There may be nobody who waits for the end.
            end.send(()).unwrap_or_default();
        });
        Ok(Self {
            level: options.level,
            inner: Arc::new(Inner {
                reader: Reader::new(place.clone(), layout, other),
                shared,
                journal,
                entered: Mutex::new(None),
            }),
            queue: Mutex::new(Some(queue)),
            ended: Mutex::new(Some(ended)),
            runtime: Mutex::new(Some(runtime)),
            handle,
            archive: Archive::new(&options.path.join(archive::FOLDER), options.archive_days),
            folder: options.path.clone(),
            dedupe: place.dedupe,
            walker,
        })
    }

    /// Runs on the store's thread, for whoever can await.
    async fn on_its_own<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ReadError>> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.handle.spawn(work).await.unwrap_or_else(|_| Err(closed()))
    }

    /// Runs on the store's thread, for whoever waits.
    fn ask<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        wait(&self.handle, work(Arc::clone(&self.inner))).unwrap_or_else(|| Err(closed()))
    }

    /// Whether there is an answer to be had soon: who looks up a row in the middle of its work shall not wait for a Redis that
    /// is known to be away.
    fn at_once(&self) -> Result<(), ReadError> {
        self.inner.shared.trouble().map_or(Ok(()), |detail| Err(ReadError::Io(format!("Redis: {detail}"))))
    }
}

fn closed() -> ReadError {
    ReadError::Io(AppendError::Closed.to_string())
}

/// Waits for work on the store's thread. A thread that drives other tasks lets another one drive them meanwhile.
fn wait<T: Send + 'static>(handle: &Handle, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    handle.spawn(async move {
        // Who asked waits for this.
        drop(tell.send(work.await));
    });
    match Handle::try_current() {
        Ok(here) if here.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| told.recv().ok())
        }
        _ => told.recv().ok(),
    }
}

impl Log for RedisLog {
    fn level(&self) -> Level {
        self.level
    }

    fn last(&self, shard: ShardId) -> Result<Position, ReadError> {
        self.ask(|inner| async move { inner.reader.head(shard).await.map(|head| Position(head.position)) })
    }

    fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        self.ask(|inner| async move {
            let mut with_records = Vec::new();
            for shard in inner.reader.shards().await? {
                if inner.reader.head(shard).await?.position > 0 {
                    with_records.push(shard);
                }
            }
            Ok(with_records)
        })
    }

    fn homes(&self) -> Result<Vec<ShardId>, ReadError> {
        self.ask(|inner| async move { inner.reader.shards().await })
    }

    fn expires(&self, table: Table) -> Option<Duration> {
        (table == Table::Dedupe).then_some(self.dedupe)
    }

    fn begin_after(&self, shard: ShardId, after: Position) -> Result<(), ReadError> {
        self.ask(|inner| async move {
            let unreadable = |error| read::unreadable(&error);
            let link = inner.reader.link().await.map_err(unreadable)?;
            let (head, log) = (inner.reader.layout.head(shard), inner.reader.layout.log(shard));
            committer::list(&link, &inner.reader.layout, shard).await.map_err(unreadable)?;
            let answer = link
                .run(&scripts::BEGIN, &[&head, &log], &|command| {
                    command.arg(after.0);
                })
                .await
                .map_err(unreadable)?;
            if answer != redis::Value::Nil {
                let last = Position(inner.reader.head(shard).await?.position);
                return Err(ReadError::Position { shard, asked: after, last });
            }
            let head = inner.reader.head(shard).await?;
            inner.shared.advance(shard, head);
            Ok(())
        })
    }

    fn append(&self, batch: Batch) -> AppendFuture {
        if !batch.fits() {
            return AppendFuture::ready(Err(AppendError::TooLarge));
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return AppendFuture::ready(Err(AppendError::Closed)) };
        let (answer, outcome) = oneshot::channel();
        match queue.try_send((batch, answer)) {
            Ok(()) => AppendFuture::waiting(outcome),
            Err(mpsc::error::TrySendError::Full(_)) => AppendFuture::ready(Err(AppendError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => AppendFuture::ready(Err(AppendError::Closed)),
        }
    }

    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        let head = Position(self.ask(|inner| async move { inner.reader.head(shard).await })?.position);
        let mut last = after;
        self.entries(shard, |entry| {
            if entry.last()? <= last {
                return Ok(true);
            }
            if entry.first.0 > last.0 + 1 {
                return Err(ReadError::Gap { shard, after: last, first: entry.first });
            }
            for record in entry.records(shard)? {
                let (position, record) = record?;
                if position > last {
                    last = position;
                    if !each(position, record) {
                        last = Position(u64::MAX);
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        })?;
        if last < head {
            return Err(ReadError::Gap { shard, after: last, first: Position(head.0 + 1) });
        }
        Ok(())
    }

    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        let (at, bytes) = (snapshot.position, snapshots::encode(snapshot));
        self.ask(|inner| async move {
            let reader = &inner.reader;
            let last = Position(reader.head(shard).await?.position);
            if at > last {
                return Err(ReadError::Position { shard, asked: at, last });
            }
            let key = reader.layout.snapshots(shard);
            reader.call(&key, cmd("HSET").arg(&key).arg(at.0).arg(bytes)).await?;
            let mut good = 0;
            for at in reader.snapshots(shard).await? {
                if good == SNAPSHOTS {
                    reader.call(&key, cmd("HDEL").arg(&key).arg(at)).await?;
                } else {
                    good += usize::from(reader.snapshot_at(shard, at).await?.is_some());
                }
            }
            Ok(())
        })
    }

    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        let newest = self.ask(|inner| async move {
            for at in inner.reader.snapshots(shard).await? {
                if let Some(snapshot) = inner.reader.snapshot_at(shard, at).await? {
                    return Ok(Some(snapshot));
                }
            }
            Ok(None)
        })?;
        match self.first(shard)? {
            // An empty state would look like a loss.
            Some(first) if newest.is_none() && first > Position(1) => {
                Err(ReadError::Gap { shard, after: Position(0), first })
            }
            _ => Ok(newest),
        }
    }

    fn snapshots(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        self.ask(|inner| async move { inner.reader.verified(shard).await })
    }

    fn trim(&self, shard: ShardId) -> Result<u64, ReadError> {
        let snapshots = self.snapshots(shard)?;
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
        let begins = match self.first(shard)? {
            Some(first) => first,
            None => Position(self.last(shard)?.0 + 1),
        };
        self.archive.oldest(shard, begins, self.snapshots(shard)?)
    }

    fn replay_archived(
        &self,
        shard: ShardId,
        after: Position,
        each: EachRecord<'_>,
    ) -> Result<(), ReadError> {
        self.archive.replay(shard, after, each)
    }

    fn recent_keys(&self, shard: ShardId, table: Table) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        if self.expires(table).is_none() {
            return Ok(None);
        }
        self.ask(|inner| async move { inner.reader.recent_keys(shard, table).await.map(Some) })
    }

    fn conversations(&self, shard: ShardId, from: u64) -> Result<Option<Conversations>, ReadError> {
        self.at_once()?;
        let walker = Arc::clone(&self.walker);
        self.ask(|_| async move {
            let base = walker.layout.table(shard, Table::Transcripts);
            let (keys, next) = walker.page_of_keys_once(&base, from).await?;
            let own = |key: Vec<u8>| key.get(base.len()..).map(<[u8]>::to_vec);
            Ok(Some((keys.into_iter().filter_map(own).collect(), next)))
        })
    }

    fn get(&self, shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.at_once()?;
        let key = key.to_vec();
        self.ask(|inner| async move {
            match inner.reader.layout.row(shard, table, &key) {
                Row::Field(hash, field) => inner.reader.ask(&hash, cmd("HGET").arg(&hash).arg(field)).await,
                Row::Own(own) => inner.reader.ask(&own, cmd("GET").arg(&own)).await,
            }
        })
    }

    fn scan(
        &self,
        shard: ShardId,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Rows, ReadError> {
        self.at_once()?;
        let (from, to) = (from.to_vec(), to.to_vec());
        self.ask(|inner| async move { inner.reader.scan(shard, table, &from, &to, limit, reverse).await })
    }

    /// A shard at a time; one that is written to meanwhile is an error, since Redis has no view of one moment. Redis's own
    /// backup has no such limit.
    fn copy(&self, each: EachCopied<'_>) -> Result<(), ReadError> {
        for shard in self.homes()? {
            let before = self.ask(|inner| async move { inner.reader.head(shard).await })?;
            self.entries(shard, |entry| {
                for record in entry.records(shard)? {
                    let (position, record) = record?;
                    each(Copied::Record(shard, position, record))?;
                }
                Ok(true)
            })?;
            for table in Table::ALL {
                let all = [0xff; 64];
                for (key, value) in self.scan(shard, table, &[], &all, usize::MAX, false)? {
                    each(Copied::Row(shard, table, &key, &value))?;
                }
            }
            if self.ask(|inner| async move { inner.reader.head(shard).await })? != before {
                let detail = "it is being written to: stop the nodes first, or use Redis's own backup";
                return Err(ReadError::Io(detail.into()));
            }
        }
        Ok(())
    }

    fn health(&self) -> Health {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref() {
            Some(queue) => self.inner.shared.health(queue.max_capacity() - queue.capacity()),
            None => Health {
                writable: false,
                detail: Some(AppendError::Closed.to_string()),
                ..self.inner.shared.health(0)
            },
        }
    }

    fn close(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(queue) = queue else { return };
        // What waits is still written, unless Redis is away.
        drop(queue);
        if !self.inner.shared.health(0).writable {
            self.inner.shared.closing.store(true, Ordering::Release);
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            let shared = Arc::clone(&self.inner.shared);
            wait(&self.handle, async move {
                if tokio::time::timeout(CLOSING, ended).await.is_err() {
                    shared.closing.store(true, Ordering::Release);
                }
            });
        }
        drop(self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The thread. Its end is not waited for, since whoever lets go of it may be a task that must not wait.
struct OwnThread(Option<Runtime>);

impl Drop for OwnThread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What still waits has so long to be written when the store is closed.
const CLOSING: Duration = Duration::from_secs(5);

impl Drop for RedisLog {
    fn drop(&mut self) {
        self.close();
    }
}
