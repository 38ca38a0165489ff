//! One workspace: its policy, agents, open conversations and the pool that matches them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId, CustomerId, OfferId};
use policy::matching::{Pool, Waiting};
use policy::time::{Span, Timestamp};
use policy::{Breaks, Policy, Weights};
use serde::{Deserialize, Serialize};

use super::{Agent, Conversation, Phase, Promises};

/// One workspace's state.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The version of the policy in force; 0 before the first.
    pub policy_version: u32,
    /// The policy in force.
    pub policy: Policy,
    /// Who gets what: the index over agents and waiting conversations.
    pub pool: Pool,
    /// Agents by id.
    pub agents: BTreeMap<AgentId, Agent>,
    /// Open and parked conversations by id.
    pub conversations: BTreeMap<ConversationId, Conversation>,
    /// Which conversation of a customer is open.
    pub customers: BTreeMap<CustomerId, ConversationId>,
    /// Offers that stand.
    pub offers: BTreeMap<OfferId, ConversationId>,
    /// Closed conversations whose agents still have their room, to write up what is to be kept.
    pub wraps: BTreeMap<ConversationId, Wrap>,
    /// The planned breaks of agents who have any; it follows from what is written in each.
    pub(crate) breaks: BTreeMap<AgentId, Breaks>,
    /// When those want to be looked at.
    pub(crate) looks: BTreeMap<AgentId, Timestamp>,
    /// What was learned of each queue.
    pub queues: BTreeMap<Box<str>, QueueFigures>,
    /// What waiting customers were told, and how that was kept.
    pub promises: Promises,
    /// Conversations that have just ended, until the shell takes them; not part of the state.
    pub(crate) ended: Vec<Conversation>,
}

/// Room that an agent keeps after a conversation was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrap {
    /// Whose.
    pub agent: AgentId,
    /// The channel of the conversation.
    pub channel: Box<str>,
    /// What it cost of the agent's capacity.
    pub effort: u32,
    /// Until when, at most.
    pub until: Timestamp,
}

/// More ended conversations than this are not kept for the shell: it takes them after each command.
pub(crate) const ENDED_MAX: usize = 1_024;

/// What was learned of a queue from its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueFigures {
    /// Conversations that came.
    pub arrived: u64,
    /// Conversations that were held and ended.
    pub handled: u64,
    /// The mean time that a holder keeps a conversation: an exponential mean over about the last 16, in milliseconds.
    pub handling_ms: i64,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            policy_version: 0,
            policy: Policy::default(),
            pool: Pool::new(Weights::default()),
            agents: BTreeMap::new(),
            conversations: BTreeMap::new(),
            customers: BTreeMap::new(),
            offers: BTreeMap::new(),
            wraps: BTreeMap::new(),
            breaks: BTreeMap::new(),
            looks: BTreeMap::new(),
            queues: BTreeMap::new(),
            promises: Promises::default(),
            ended: Vec::new(),
        }
    }
}

impl QueueFigures {
    /// Learns from one holding that ended.
    pub(crate) fn learn(&mut self, held: Span) {
        self.handled += 1;
        let weight = i64::try_from(self.handled.min(16)).unwrap_or(16);
        self.handling_ms += (held.0 - self.handling_ms) / weight;
    }
}

impl Workspace {
    /// When a conversation wants to be looked at.
    pub(crate) fn deadline_of(&self, id: ConversationId) -> Option<Timestamp> {
        match self.conversations.get(&id) {
            Some(conversation) => conversation.deadline,
            None => self.wraps.get(&id).map(|wrap| wrap.until),
        }
    }

    /// Puts a conversation into the pool.
    pub(crate) fn enter_pool(&mut self, id: ConversationId) {
        let Some(conversation) = self.conversations.get(&id) else { return };
        let Phase::Waiting { open: true, reserved } = conversation.phase else { return };
        let queue = self.policy.queue(&conversation.needs.queue);
        self.pool.wait(Waiting {
            conversation: id,
            needs: conversation.needs.clone(),
            priority: conversation.priority,
            since: conversation.since(),
            passed_over: queue.map_or(Span::seconds(1_800), |queue| queue.passed_over),
            known_agent: conversation.known_agent.filter(|_| queue.is_none_or(|queue| queue.same_agent)),
            reserved,
            refused: conversation.refused.clone(),
            preferred: conversation.preferred.clone(),
        });
    }

    /// Takes an agent's capacity for a conversation.
    pub(crate) fn take_room(&mut self, agent: AgentId, id: ConversationId, at: Timestamp) {
        let Some(conversation) = self.conversations.get(&id) else { return };
        self.pool.take(agent, &conversation.needs.channel, conversation.needs.effort, at);
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.held.insert(id);
            agent.idle_since = at;
        }
    }

    /// Frees an agent's capacity of a conversation.
    pub(super) fn free_room(&mut self, agent: AgentId, id: ConversationId, at: Timestamp) {
        let Some(conversation) = self.conversations.get(&id) else { return };
        self.pool.release(agent, &conversation.needs.channel, conversation.needs.effort, at);
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.held.remove(&id);
            agent.freed = at;
        }
    }
}
