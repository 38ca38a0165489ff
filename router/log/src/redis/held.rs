//! What the committer, the readers and the leases share: heads, trouble, figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::head::{Call, Head, Ring};
use crate::health::Figures;
use crate::{Health, ShardId};

/// What this node knows of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) head: Head,
    /// The epoch that this node has opened; without one nobody holds leases, and positions alone decide.
    pub(super) epoch: Option<u64>,
}

/// The shared part of a store.
#[derive(Debug, Default)]
pub(super) struct Shared {
    held: Mutex<BTreeMap<ShardId, Held>>,
    rings: Mutex<BTreeMap<ShardId, Ring>>,
    trouble: Mutex<Option<String>>,
    failure: Mutex<Option<String>>,
    pub(super) closing: AtomicBool,
    pub(super) figures: Figures,
}

impl Shared {
    /// Held for moments only, never while Redis is asked.
    pub(super) fn held(&self) -> MutexGuard<'_, BTreeMap<ShardId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last calls of each shard that this node wrote.
    pub(super) fn rings(&self) -> MutexGuard<'_, BTreeMap<ShardId, Ring>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls of this node that follow a head, if it knows them.
    pub(super) fn lost(&self, shard: ShardId, head: Head) -> Option<Vec<Arc<Call>>> {
        self.rings().get(&shard).and_then(|ring| ring.after(head))
    }

    pub(super) fn of(&self, shard: ShardId) -> Option<Held> {
        self.held().get(&shard).copied()
    }

    /// Takes a head as the newest, if the shard is still held as it was.
    pub(super) fn advance(&self, shard: ShardId, head: Head) {
        let mut held = self.held();
        let entry = held.entry(shard).or_insert(Held { head, epoch: None });
        if entry.epoch.is_none_or(|epoch| epoch == head.epoch) {
            entry.head = head;
        }
    }

    /// Why Redis does not take anything just now.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        let mut now = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() != trouble.is_none() {
            match &trouble {
                Some(detail) => {
                    tracing::warn!(detail, "Redis takes nothing: the store waits, and tries again");
                }
                None => tracing::info!("Redis is back"),
            }
        }
        *now = trouble;
    }

    /// Why Redis does not take anything just now, if so.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the store takes nothing any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the store.
    pub(super) fn fail(&self, detail: &str) {
        tracing::error!(detail, "the store has failed and takes nothing more");
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail.to_owned());
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn health(&self, queued: usize) -> Health {
        let trouble = self.failure().or_else(|| self.trouble());
        Health { writable: trouble.is_none(), detail: trouble, queued, ..self.figures.health() }
    }
}
