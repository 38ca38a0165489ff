//! How a store is: cheap to ask, for readiness and metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of [`Health::commit_buckets`], in microseconds; what took longer is in the last bucket.
pub const COMMIT_BOUNDS_US: [u64; 11] =
    [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 200_000, 1_000_000, 5_000_000];

/// How the store is.
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
    /// Commits; each covers all batches that had gathered.
    pub commits: u64,
    /// Syncs to the device: one a commit at level `disk`, none at the others.
    pub syncs: u64,
    /// Batches that wait.
    pub queued: usize,
    /// The time that the last commit took, in seconds.
    pub commit_seconds: f64,
    /// The time that all commits took, in seconds.
    pub commit_seconds_sum: f64,
    /// How many commits took so long, by [`COMMIT_BOUNDS_US`].
    pub commit_buckets: [u64; COMMIT_BOUNDS_US.len() + 1],
}

/// What a committer counts.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    appends: AtomicU64,
    records: AtomicU64,
    commits: AtomicU64,
    last_nanos: AtomicU64,
    all_nanos: AtomicU64,
    buckets: [AtomicU64; COMMIT_BOUNDS_US.len() + 1],
}

impl Figures {
    /// Counts a commit.
    pub(crate) fn committed(&self, appends: u64, records: u64, took: Duration) {
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

    /// What was counted, of a store that is well.
    pub(crate) fn health(&self) -> Health {
        #[expect(clippy::cast_precision_loss, reason = "times for people")]
        let seconds = |nanos: &AtomicU64| nanos.load(Ordering::Relaxed) as f64 / 1e9;
        Health {
            writable: true,
            appends: self.appends.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            commit_seconds: seconds(&self.last_nanos),
            commit_seconds_sum: seconds(&self.all_nanos),
            commit_buckets: self.buckets.each_ref().map(|it| it.load(Ordering::Relaxed)),
            ..Health::default()
        }
    }
}
