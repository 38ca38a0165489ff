//! Where and how to open a store.

use std::path::PathBuf;

use crate::Level;

/// Where and how to open a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The data folder.
    pub path: PathBuf,
    /// What an acknowledgement shall survive.
    pub level: Level,
    /// Archive segments older than this many days are removed.
    pub archive_days: u32,
}

/// What the embedded store may take of the machine. The defaults suit a laptop and a small server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Cache of blocks read; small, since everything hot is in the engine.
    pub cache_bytes: u64,
    /// What the records, and each side table, gather in memory before it is written out.
    pub memtable_bytes: u64,
    /// Journals kept at most; 64 MiB is the least.
    pub journal_bytes: u64,
    /// With less than this left on the disk nothing is taken, so that the store never meets the end of it.
    pub reserve_bytes: u64,
    /// Batches that may wait for the committer; more are refused as busy.
    pub queue: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            memtable_bytes: 16 << 20,
            journal_bytes: 256 << 20,
            reserve_bytes: 32 << 20,
            queue: 8_192,
        }
    }
}
