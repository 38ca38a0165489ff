//! Shards: each is one task that owns one engine. Everything that changes a workspace goes through its shard's bounded
//! queue; nothing else touches domain state, so there is no lock over it.
//!
//! ```text
//!  sessions, API ── Ask ──► [queue] ─► task ─► State::turn ─► engine ─► records + writes + effects
//!                                       │                                    │
//!                                       └── one append at a time ◄───────────┘
//!                                                 │ durable
//!                                                 └─► effects leave, in log order
//! ```
//!
//! While an append is under way the task goes on deciding; the next append takes all that gathered meanwhile.

mod acknowledge;
mod addresses;
mod admin;
mod alarms;
mod aside;
mod asks;
mod board;
mod cards;
mod cool;
mod dedupe;
mod effects;
mod failed;
mod intake;
mod mail;
mod mailed;
mod notices;
mod outbox;
mod places;
mod points;
mod promises;
mod publications;
mod recent;
mod recovery;
mod reports;
mod seen;
mod snapshots;
mod state;
mod tails;
mod taken;
mod task;
mod understand;
mod views;
mod whose;
mod write_mail;
mod writes;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use engine::CommandKind;
use policy::id::{ConversationId, WorkspaceId};
use protocol::ClientFrame;
use tokio::sync::{mpsc, oneshot};

pub(crate) use aside::TakenUp;
pub(crate) use mail::Arrived;
pub(crate) use outbox::{ACKNOWLEDGEMENT, Answer, Begun, FileRow, OutboxRow, Outcome, Outgoing};
pub(crate) use publications::Publication;
pub(crate) use recovery::snapshot as snapshot_of;
pub use recovery::{Recovered, RecoveryError, recover, state_hash};
pub use snapshots::{Turn, write as write_snapshot};
pub use state::{Parts, State};
pub use task::{Stop, run};
pub(crate) use whose::{Known, Whose, prefer};

use crate::accounts::Principal;
use crate::session::{Owner, Session};

/// What is asked of a shard.
pub enum Ask {
    /// A connection has taken up a session.
    Attached {
        /// The session.
        session: Arc<Session>,
        /// Who it is.
        principal: Arc<Principal>,
        /// Whether its stream begins with a snapshot.
        snapshot: bool,
    },
    /// The last connection of a session has ended.
    Detached {
        /// Whose it was.
        owner: Owner,
    },
    /// A client's request.
    Client {
        /// The session to answer to.
        session: Arc<Session>,
        /// Who asks, with the current role.
        principal: Arc<Principal>,
        /// The request.
        frame: ClientFrame,
    },
    /// Messages have arrived at a client.
    Arrived {
        /// At whose.
        owner: Owner,
        /// Of which conversation.
        conversation: ConversationId,
        /// Up to which number.
        upto: u64,
    },
    /// A command from the API; answered when it is durable.
    Command {
        /// Of which workspace.
        workspace: WorkspaceId,
        /// What.
        kind: Box<CommandKind>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    /// A look at the state. What was seen is told when everything before it is durable.
    Query(Box<dyn FnOnce(&mut State) -> Tell + Send>),
}

/// Tells what a look at the state has seen.
pub type Tell = Box<dyn FnOnce() + Send>;

/// Why a shard did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The engine refused.
    #[error("{0}")]
    Rejected(#[from] engine::Rejection),
    /// The log took nothing: nothing has changed.
    #[error("the store takes nothing just now, nothing was changed: {0}")]
    NotDurable(String),
    /// The shard's queue is full.
    #[error("the server is busy: try again in a second")]
    Busy,
}

/// The way to one shard.
#[derive(Debug, Clone)]
pub struct Handle {
    queue: mpsc::Sender<Ask>,
}

impl Handle {
    /// A queue of this size: the handle to give away, and the end that the task reads.
    #[must_use]
    pub fn new(size: usize) -> (Self, mpsc::Receiver<Ask>) {
        let (queue, asks) = mpsc::channel(size);
        (Self { queue }, asks)
    }

    /// Asks if there is room; says whether there was.
    #[must_use]
    pub fn offer(&self, ask: Ask) -> bool {
        self.queue.try_send(ask).is_ok()
    }

    /// Asks, waiting for room.
    ///
    /// # Errors
    /// [`Refused::Busy`] when the shard has stopped.
    pub async fn ask(&self, ask: Ask) -> Result<(), Refused> {
        self.queue.send(ask).await.map_err(|_| Refused::Busy)
    }

    /// Tells that the last connection of a session has ended.
    pub fn detached(&self, session: &Session) {
        let queue = self.queue.clone();
        let owner = session.owner;
        tokio::spawn(async move {
            // A shard that has stopped needs to know no more.
            drop(queue.send(Ask::Detached { owner }).await);
        });
    }

    /// Carries out a command and waits until it is durable.
    ///
    /// # Errors
    /// [`Refused`]: nothing has changed.
    pub async fn command(&self, workspace: WorkspaceId, kind: CommandKind) -> Result<(), Refused> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Command { workspace, kind: Box::new(kind), answer }).await?;
        answered.await.map_err(|_| Refused::Busy)?
    }

    /// Looks at the state.
    ///
    /// # Errors
    /// [`Refused::Busy`] when the shard has stopped.
    pub async fn query<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        let query = move |state: &mut State| -> Tell {
            let seen = look(state);
            // Who asked may have gone; then nobody misses the answer.
            Box::new(move || drop(answer.send(seen)))
        };
        self.ask(Ask::Query(Box::new(query))).await?;
        answered.await.map_err(|_| Refused::Busy)
    }

    /// How many asks wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// The ways to all shards; those that another node owns lead nowhere.
#[derive(Debug, Clone)]
pub struct Shards {
    handles: Arc<[ArcSwapOption<Handle>]>,
}

impl Shards {
    /// So many shards, none of them here yet.
    #[must_use]
    pub fn new(count: u16) -> Self {
        Self { handles: (0..count).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// A shard is here now.
    pub fn put(&self, number: u16, handle: Handle) {
        self.handles[usize::from(number)].store(Some(Arc::new(handle)));
    }

    /// A shard is no longer here. Its task ends when it has done what it was asked.
    pub fn remove(&self, number: u16) {
        self.handles[usize::from(number)].store(None);
    }

    /// Whether a shard is here.
    #[must_use]
    pub fn is_here(&self, number: u16) -> bool {
        self.handles[usize::from(number)].load().is_some()
    }

    /// The shard of a workspace; where it is not here, a way that nobody answers.
    #[must_use]
    pub fn of(&self, workspace: WorkspaceId) -> Arc<Handle> {
        let number = shard_of(workspace, self.handles.len());
        self.handles[usize::from(number)].load_full().unwrap_or_else(|| Arc::new(Handle::new(1).0))
    }

    /// Those that are here.
    pub fn all(&self) -> impl Iterator<Item = Arc<Handle>> + '_ {
        self.handles.iter().filter_map(ArcSwapOption::load_full)
    }
}

/// The number of a workspace's shard: a stable hash of its id, so that it never moves while the number of shards stays.
#[must_use]
pub fn shard_of(workspace: WorkspaceId, shards: usize) -> u16 {
    let hash = xxhash_rust::xxh3::xxh3_64(&workspace.bits().to_be_bytes());
    u16::try_from(hash % (shards.max(1) as u64)).unwrap_or(0)
}
