//! The way from this node to each other one. What gathers while an envelope is under way travels in the next: no delay is
//! added, and a busy way has few envelopes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use log_store::redis::Bus;
use tokio::sync::mpsc;
use tracing::debug;

use super::parcel::{Envelope, Parcel};

/// Parcels that may wait for one node.
const QUEUE: usize = 4_096;
/// An envelope has so many bytes at most, but for one large parcel.
const ENVELOPE: usize = 256 << 10;
/// While Redis cannot be reached an envelope is tried for so long; then who waits for an answer is told.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// The ways to all nodes.
pub(super) struct Post {
    me: String,
    bus: Bus,
    ways: DashMap<String, mpsc::Sender<Parcel>>,
}

impl Post {
    pub(super) fn new(me: String, bus: Bus) -> Self {
        Self { me, bus, ways: DashMap::new() }
    }

    /// The queue to a node.
    pub(super) fn to(&self, node: &str) -> mpsc::Sender<Parcel> {
        if let Some(way) = self.ways.get(node) {
            return way.clone();
        }
        let way = self.ways.entry(node.to_owned()).or_insert_with(|| {
            let (queue, parcels) = mpsc::channel(QUEUE);
            tokio::spawn(carry(self.me.clone(), self.bus.clone(), node.to_owned(), parcels));
            queue
        });
        way.clone()
    }

    /// Says something if there is room; a node that takes nothing is cut off, and sees so by the numbers.
    pub(super) fn say(&self, node: &str, parcel: Parcel) {
        if self.to(node).try_send(parcel).is_err() {
            debug!(node, "a node does not take what is said to it");
            self.forget(node);
        }
    }

    /// A node has gone.
    pub(super) fn forget(&self, node: &str) {
        self.ways.remove(node);
    }
}

async fn carry(me: String, bus: Bus, node: String, mut parcels: mpsc::Receiver<Parcel>) {
    let mut number = 0;
    while let Some(first) = parcels.recv().await {
        let mut size = first.size();
        let mut together = vec![first];
        while size < ENVELOPE {
            let Ok(next) = parcels.try_recv() else { break };
            size += next.size();
            together.push(next);
        }
        number += 1;
        let envelope = Envelope { from: me.clone(), number, parcels: together };
        let Ok(words) = postcard::to_allocvec(&envelope) else { continue };
        let words = Arc::new(words);
        let begun = Instant::now();
        // Said twice does no harm: the other node counts.
        while let Err(error) = bus.say(&node, Arc::clone(&words)).await {
            if begun.elapsed() > PATIENCE {
                debug!(%error, node, "words to a node are given up");
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
