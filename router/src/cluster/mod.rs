//! Several nodes, one router. Any node takes any connection and any request; what is of a shard that another node owns goes
//! there through Redis, and the answers come back the same way.
//!
//! * `own.rs`: which node owns which shard: leases, taking, handing over.
//! * `post.rs`, `parcel.rs`: from node to node.
//! * `forward.rs`: what this node hands on; `receive.rs`: what others hand to it.
//!
//! A client's session, its numbered stream included, lives with the owner of its shard. The node that holds the socket
//! passes bytes and knows nothing of them; so a client resumes through any node.

mod edges;
mod forward;
mod own;
mod parcel;
mod post;
mod receive;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use dashmap::DashMap;
use log_store::redis::{Bus, RedisLog};
use policy::id::WorkspaceId;
use tokio::sync::{Notify, mpsc, oneshot};

pub(crate) use self::forward::hand_on;
pub(crate) use self::own::Keeper;
pub(crate) use self::parcel::HandedMail;
use self::parcel::{Headers, Parcel};
use self::post::Post;
pub(crate) use self::receive::receive;
use crate::shard::shard_of;

/// What all nodes have in common: the number of shards, which key files and which blob store they have, and the move that is under way.
pub(crate) const SHARDS: &str = "shards-fixed";
pub(crate) const KEYS: &str = "keys";
pub(crate) const BLOBS: &str = "blobs";
pub(crate) const MOVING: &str = "moving";

/// Who owns a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This node.
    Here,
    /// Another one.
    There(String),
    /// Nobody just now.
    Nobody,
}

/// The status, headers and body of an answer.
type Answer = (u16, Headers, Bytes);

/// This node among the others.
pub struct Cluster {
    /// This node's name, another one at each start.
    pub(crate) me: String,
    /// The node that was in our data folder before.
    before: OnceLock<Option<String>>,
    log: Arc<RedisLog>,
    pub(crate) bus: Bus,
    post: Post,
    owners: ArcSwap<Vec<Option<String>>>,
    nodes: ArcSwap<Vec<String>>,
    /// Sockets that are here, by our number: bytes to the client.
    sockets: DashMap<u64, (String, mpsc::Sender<Bytes>)>,
    /// Sockets elsewhere whose sessions are here, by node and its number: bytes from the client.
    guests: DashMap<(String, u64), mpsc::Sender<Bytes>>,
    /// Requests and mails that another node answers for.
    calls: DashMap<u64, (String, oneshot::Sender<Answer>)>,
    next: AtomicU64,
    hold: Duration,
    shards: u16,
    /// Look at the leases now.
    wake: Notify,
    /// When Redis was last found to have been away.
    shaken: Mutex<Option<Instant>>,
}

impl Cluster {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(name: &str, log: Arc<RedisLog>, shards: u16, hold: Duration) -> Arc<Self> {
        let dice = uuid::Uuid::now_v7().as_u128() & 0xffff_ffff_ffff;
        let me = format!("{}-{dice:012x}", if name.is_empty() { "node" } else { name });
        let bus = log.bus();
        Arc::new(Self {
            post: Post::new(me.clone(), bus.clone()),
            me,
            before: OnceLock::new(),
            log,
            bus,
            owners: ArcSwap::from_pointee(vec![None; usize::from(shards)]),
            nodes: ArcSwap::default(),
            sockets: DashMap::new(),
            guests: DashMap::new(),
            calls: DashMap::new(),
            next: AtomicU64::new(1),
            hold,
            shards,
            wake: Notify::new(),
            shaken: Mutex::new(None),
        })
    }

    /// Enters the data folder; says which node was in it before.
    pub(crate) fn enter(&self) -> Result<Option<String>, log_store::OpenError> {
        let before = self.log.enter(&self.me)?;
        // Entered once; a second time would be refused by the lock.
        drop(self.before.set(before.clone()));
        Ok(before)
    }

    /// Whether this is the node that was in our data folder before: what it held is free.
    fn has_ended(&self, node: &str) -> bool {
        self.before.get().is_some_and(|before| before.as_deref() == Some(node))
    }

    /// Who owns a workspace's shard.
    pub(crate) fn owner(&self, workspace: WorkspaceId) -> Owner {
        let shard = shard_of(workspace, usize::from(self.shards));
        match self.owners.load().get(usize::from(shard)) {
            Some(Some(node)) if *node == self.me => Owner::Here,
            Some(Some(node)) => Owner::There(node.clone()),
            _ => Owner::Nobody,
        }
    }

    /// Some node that owns a shard, ours first.
    pub(crate) fn any_owner(&self) -> Owner {
        let owners = self.owners.load();
        if owners.iter().flatten().any(|node| *node == self.me) {
            return Owner::Here;
        }
        owners.iter().flatten().next().map_or(Owner::Nobody, |node| Owner::There(node.clone()))
    }

    /// The nodes that live.
    pub(crate) fn nodes(&self) -> Arc<Vec<String>> {
        self.nodes.load_full()
    }

    /// Tells all other nodes.
    fn tell_all(&self, parcel: &Parcel) {
        for node in self.nodes().iter().filter(|node| **node != self.me) {
            self.post.say(node, parcel.clone());
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes note that Redis was away.
    fn shake(&self) {
        *self.shaken.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether Redis was away less than a lease ago.
    fn is_shaken(&self) -> bool {
        let shaken = self.shaken.lock().unwrap_or_else(PoisonError::into_inner);
        shaken.is_some_and(|at| at.elapsed() <= self.hold)
    }

    /// Ends everything that goes over a node: it has gone, or words of it are missing.
    fn cut_off(&self, node: &str) {
        self.sockets.retain(|_, (peer, _)| peer != node);
        self.guests.retain(|(peer, _), _| peer != node);
        self.calls.retain(|_, (peer, _)| peer != node);
    }

    /// Ends everything that goes over other nodes: words of any of them may be missing.
    fn cut_off_all(&self) {
        self.sockets.clear();
        self.guests.clear();
        self.calls.clear();
    }
}
