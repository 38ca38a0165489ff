//! What the committer and everybody who asks share: heads, the failure that stopped the store, figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{AppendError, COMMIT_BOUNDS_US, Health, Level, Position, ReadError, ShardId};

/// The shared part of a store.
pub(super) struct Shared {
    heads: Mutex<BTreeMap<ShardId, Position>>,
    failure: Mutex<Option<String>>,
    full: AtomicBool,
    appends: AtomicU64,
    records: AtomicU64,
    commits: AtomicU64,
    last_nanos: AtomicU64,
    all_nanos: AtomicU64,
    buckets: [AtomicU64; COMMIT_BOUNDS_US.len() + 1],
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
            last_nanos: AtomicU64::new(0),
            all_nanos: AtomicU64::new(0),
            buckets: Default::default(),
        }
    }

    /// The last position of every shard. Held for moments only, never while the disk works.
    pub(super) fn heads(&self) -> MutexGuard<'_, BTreeMap<ShardId, Position>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self, shard: ShardId) -> Position {
        self.heads().get(&shard).copied().unwrap_or_default()
    }

    /// Why the store takes nothing any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the store: what the disk holds is not known now.
    pub(super) fn fail(&self, detail: &str) {
        tracing::error!(
            detail,
            "the store has failed and takes nothing more; start again once the disk is well"
        );
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail.to_owned());
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(super) fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::Relaxed) != full {
            tracing::warn!(full, "the disk's free space has passed the reserve");
        }
    }

    /// What keeps the store from writing beside its log.
    pub(super) fn writable(&self) -> Result<(), ReadError> {
        match self.failure() {
            Some(detail) => Err(ReadError::Io(detail)),
            None if self.is_full() => Err(ReadError::Io(AppendError::Full.to_string())),
            None => Ok(()),
        }
    }

    /// Counts a commit.
    pub(super) fn committed(&self, appends: u64, records: u64, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let micros = nanos / 1_000;
        let bucket = COMMIT_BOUNDS_US.partition_point(|bound| *bound < micros);
        self.appends.fetch_add(appends, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.last_nanos.store(nanos, Ordering::Relaxed);
        self.all_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn health(&self, level: Level, queued: usize) -> Health {
        #[expect(clippy::cast_precision_loss, reason = "times for people")]
        let seconds = |nanos: &AtomicU64| nanos.load(Ordering::Relaxed) as f64 / 1e9;
        let failure = self.failure();
        let full = self.is_full();
        let commits = self.commits.load(Ordering::Relaxed);
        Health {
            writable: failure.is_none() && !full,
            detail: failure.or_else(|| full.then(|| AppendError::Full.to_string())),
            appends: self.appends.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            commits,
            syncs: if level == Level::Disk { commits } else { 0 },
            queued,
            commit_seconds: seconds(&self.last_nanos),
            commit_seconds_sum: seconds(&self.all_nanos),
            commit_buckets: self.buckets.each_ref().map(|it| it.load(Ordering::Relaxed)),
        }
    }
}
