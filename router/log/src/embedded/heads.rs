//! What the committer and everybody who asks share: heads, the failure that stopped the store, figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::health::Figures;
use crate::{AppendError, Health, Level, Position, ReadError, ShardId};

/// The shared part of a store.
pub(super) struct Shared {
    heads: Mutex<BTreeMap<ShardId, Position>>,
    failure: Mutex<Option<String>>,
    full: AtomicBool,
    figures: Figures,
}

impl Shared {
    pub(super) fn new(heads: BTreeMap<ShardId, Position>) -> Self {
        Self {
            heads: Mutex::new(heads),
            failure: Mutex::new(None),
            full: AtomicBool::new(false),
            figures: Figures::default(),
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
        self.figures.committed(appends, records, took);
    }

    pub(super) fn health(&self, level: Level, queued: usize) -> Health {
        let failure = self.failure();
        let full = self.is_full();
        let health = self.figures.health();
        Health {
            writable: failure.is_none() && !full,
            detail: failure.or_else(|| full.then(|| AppendError::Full.to_string())),
            syncs: if level == Level::Disk { health.commits } else { 0 },
            queued,
            ..health
        }
    }
}
