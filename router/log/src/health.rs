//! How a store is: cheap to ask, for readiness and metrics.

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
