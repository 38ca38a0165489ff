//! An agent's desk: what follows for the pool from what an agent can do, has shown, and wants at present; how long turns
//! take; and the room that is kept for writing up what a closed conversation leaves to do.

use policy::id::{AgentId, ConversationId};
use policy::time::{Span, Timestamp};

use super::{Phase, Workspace, Wrap};

impl Workspace {
    /// Puts an agent into the pool as it is at present: typed in, learned, bounded by turn times, without what is paused.
    pub(super) fn put_in_pool(&mut self, id: AgentId, at: Timestamp) {
        let Some(agent) = self.agents.get(&id) else { return };
        let mut profile = agent.typed.clone();
        for channel in &self.policy.document().turn_caps {
            if let Some(cap) = agent.turns.get(channel.as_str()).and_then(|turns| turns.cap()) {
                let limit = profile.channels.get(channel).copied().unwrap_or(u32::MAX);
                profile.channels.insert(channel.clone(), cap.min(limit));
            }
        }
        for channel in &agent.paused {
            profile.channels.insert((&**channel).into(), 0);
        }
        self.believe(id, agent, &mut profile);
        self.pool.put_agent(id, &profile, at);
    }

    /// The customer has written: how long that turn took.
    pub(super) fn customers_turn(&mut self, id: ConversationId, at: Timestamp) {
        let Some(it) = self.conversations.get(&id) else { return };
        if let (Phase::Assigned { agent }, None, Some(answered)) =
            (it.phase, it.unanswered_since, it.answered)
            && self.policy.document().turn_caps.contains(&*it.needs.channel)
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.turns.entry(it.needs.channel.clone()).or_default().theirs(at.since(answered).0);
        }
    }

    /// The agent has written: how long that turn took, of which the others in hand had their part.
    pub(super) fn agents_turn(&mut self, id: ConversationId, agent: AgentId, at: Timestamp) {
        let Some(it) = self.conversations.get(&id) else { return };
        let (Some(since), Some(held)) = (it.unanswered_since, it.held_since) else { return };
        let channel = it.needs.channel.clone();
        if !self.policy.document().turn_caps.contains(&*channel) {
            return;
        }
        let beside = i64::from(self.pool.in_hand(agent).max(1));
        let Some(known) = self.agents.get_mut(&agent) else { return };
        known.turns.entry(channel).or_default().own(at.since(since.max(held)).0 / beside);
        self.put_in_pool(agent, at);
    }

    /// Keeps the room of a conversation that ends, if its queue gives time to write up; says whether it does.
    pub(super) fn wrap_up(&mut self, id: ConversationId, at: Timestamp) -> bool {
        let Some(it) = self.conversations.get(&id) else { return false };
        let Phase::Assigned { agent } = it.phase else { return false };
        let time = self.policy.queue(&it.needs.queue).map_or(Span(0), |queue| queue.wrap_up);
        let Some(known) = self.agents.get_mut(&agent).filter(|agent| time.0 > 0 && !agent.bot) else {
            return false;
        };
        known.held.remove(&id);
        let (channel, effort) = (it.needs.channel.clone(), it.needs.effort);
        self.wraps.insert(id, Wrap { agent, channel, effort, until: at + time });
        true
    }
}
