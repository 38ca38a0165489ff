//! An agent as the engine knows one. Capacity and standing are in the pool; here is what it holds.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use policy::id::ConversationId;
use policy::matching::Seen;
use policy::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A person or a bot that serves customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The name as shown to customers.
    pub name: Box<str>,
    /// A bot, not a person.
    pub bot: bool,
    /// Conversations offered to it or held by it: they take its capacity.
    pub held: BTreeSet<ConversationId>,
    /// Conversations that it set aside.
    pub parked: BTreeSet<ConversationId>,
    /// Conversations that wait for this agent alone.
    pub awaited: BTreeSet<ConversationId>,
    /// The last time the pool was told something that counts for idleness; lets a snapshot rebuild the pool.
    pub(crate) idle_since: Timestamp,
    /// The last time a conversation left it, or it came online.
    pub(crate) freed: Timestamp,
    /// What was seen of it, by skill; by `""` where none was needed.
    pub(crate) seen: BTreeMap<Box<str>, Seen>,
}

impl Agent {
    pub(crate) fn new(name: &str, bot: bool, at: Timestamp) -> Self {
        Self {
            name: name.into(),
            bot,
            held: BTreeSet::new(),
            parked: BTreeSet::new(),
            awaited: BTreeSet::new(),
            idle_since: at,
            freed: at,
            seen: BTreeMap::new(),
        }
    }
}
