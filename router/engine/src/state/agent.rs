//! An agent as the engine knows one. Capacity and standing are in the pool; here is what it holds.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use policy::BreaksDoc;
use policy::id::ConversationId;
use policy::matching::{AgentProfile, Seen};
use policy::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{OnBreak, Presence};

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
    /// What it can do, as it was typed in; the pool knows what follows from it, from what was seen and from what is paused.
    pub(crate) typed: AgentProfile,
    /// Channels on which it takes nothing at present.
    pub paused: BTreeSet<Box<str>>,
    /// Its planned breaks, as they were written.
    pub breaks: Option<Box<BreaksDoc>>,
    /// The break that it is near or in.
    pub on_break: Option<OnBreak>,
    /// At which hours of the week it is online.
    pub(crate) presence: Presence,
    /// How long turns take, by channel.
    pub(crate) turns: BTreeMap<Box<str>, Turns>,
}

/// How long the turns of an agent's conversations take: exponential means over about the last 32, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Turns {
    own: (u32, i64),
    theirs: (u32, i64),
}

impl Turns {
    /// Fewer turns than this say nothing.
    const LEAST: u32 = 16;
    /// Nobody is given more than this for being quick.
    const MOST: i64 = 16;
    /// A turn that took longer was not spent at the desk.
    const LONGEST: i64 = 600_000;

    fn learn((count, mean): &mut (u32, i64), milliseconds: i64) {
        if (0..=Self::LONGEST).contains(&milliseconds) {
            *count = count.saturating_add(1).min(32);
            *mean += (milliseconds - *mean) / i64::from(*count);
        }
    }

    /// The agent's own turn took so long.
    pub(crate) fn own(&mut self, milliseconds: i64) {
        Self::learn(&mut self.own, milliseconds);
    }

    /// The customer's turn took so long.
    pub(crate) fn theirs(&mut self, milliseconds: i64) {
        Self::learn(&mut self.theirs, milliseconds);
    }

    /// How many conversations at once these times allow: with Z the customers' time and X the agent's own, (Z + X) / X
    /// (the asymptotic bound of a closed system of two stations); none before enough was seen.
    pub(crate) fn cap(&self) -> Option<u32> {
        let (enough, own) = (self.own.0.min(self.theirs.0) >= Self::LEAST, self.own.1.max(1));
        let cap = ((self.theirs.1 + own) / own).clamp(1, Self::MOST);
        enough.then(|| u32::try_from(cap).unwrap_or(1))
    }
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
            typed: AgentProfile::default(),
            paused: BTreeSet::new(),
            breaks: None,
            on_break: None,
            presence: Presence::default(),
            turns: BTreeMap::new(),
        }
    }
}
