//! The way from this node to each other one. What gathers while an envelope is under way travels in the next: no delay is
//! added, and a busy way has few envelopes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
/// A way that is begun anew numbers its envelopes from the next multiple on, so that they are ahead of all of the old one's.
const NUMBERS: u64 = 1 << 40;

/// The ways to all nodes.
pub(super) struct Post {
    me: String,
    bus: Bus,
    ways: DashMap<String, Way>,
    /// Ways that were begun so far.
    begun: AtomicU64,
}

/// The way to a node.
struct Way {
    queue: mpsc::Sender<Parcel>,
    /// Something was left out: the other node is to see so.
    torn: Arc<AtomicBool>,
}

impl Post {
    pub(super) fn new(me: String, bus: Bus) -> Self {
        Self { me, bus, ways: DashMap::new(), begun: AtomicU64::new(0) }
    }

    /// The queue to a node.
    pub(super) fn to(&self, node: &str) -> mpsc::Sender<Parcel> {
        if let Some(way) = self.ways.get(node) {
            return way.queue.clone();
        }
        self.ways.entry(node.to_owned()).or_insert_with(|| self.begin(node)).queue.clone()
    }

    fn begin(&self, node: &str) -> Way {
        let (queue, parcels) = mpsc::channel(QUEUE);
        let torn = Arc::new(AtomicBool::new(false));
        let number = self.begun.fetch_add(1, Ordering::Relaxed) * NUMBERS;
        let carrier = Carrier {
            me: self.me.clone(),
            bus: self.bus.clone(),
            node: node.to_owned(),
            number,
            torn: Arc::clone(&torn),
        };
        tokio::spawn(carrier.carry(parcels));
        Way { queue, torn }
    }

    /// Says something if there is room; a node that takes nothing is cut off, and sees so by the numbers.
    pub(super) fn say(&self, node: &str, parcel: Parcel) {
        if self.to(node).try_send(parcel).is_err()
            && let Some(way) = self.ways.get(node)
        {
            debug!(node, "a node does not take what is said to it");
            way.torn.store(true, Ordering::Relaxed);
        }
    }

    /// A node has gone.
    pub(super) fn forget(&self, node: &str) {
        self.ways.remove(node);
    }
}

/// Carries what is said to one node, in order.
struct Carrier {
    me: String,
    bus: Bus,
    node: String,
    number: u64,
    torn: Arc<AtomicBool>,
}

impl Carrier {
    async fn carry(mut self, mut parcels: mpsc::Receiver<Parcel>) {
        while let Some(first) = parcels.recv().await {
            let mut size = first.size();
            let mut together = vec![first];
            while size < ENVELOPE {
                let Ok(next) = parcels.try_recv() else { break };
                size += next.size();
                together.push(next);
            }
            // A number that is left out tells that something is missing.
            self.number += if self.torn.swap(false, Ordering::Relaxed) { 2 } else { 1 };
            let envelope = Envelope { from: self.me.clone(), number: self.number, parcels: together };
            let Ok(words) = postcard::to_allocvec(&envelope) else { continue };
            let words = Arc::new(words);
            let begun = Instant::now();
            // Said twice does no harm: the other node counts.
            while let Err(error) = self.bus.say(&self.node, Arc::clone(&words)).await {
                if begun.elapsed() > PATIENCE {
                    debug!(%error, node = self.node, "words to a node are given up");
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
