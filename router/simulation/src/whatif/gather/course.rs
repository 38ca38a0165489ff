//! The course of one recorded conversation: its waits, its stints in agents' hands, what was done then.

use engine::ClosedBy;
use policy::id::{AgentId, ConversationId};
use policy::matching::Needs;
use policy::time::Timestamp;

use super::super::traffic::{Patience, Stint, Then};
use super::{Gather, Held};

impl Gather {
    /// Begins to wait, if it does not already.
    pub(super) fn wait(&mut self, conversation: ConversationId, at: Timestamp) {
        if let Some(open) = self.open.get_mut(&conversation) {
            open.waits.get_or_insert(at);
        }
    }

    pub(super) fn requeue(&mut self, conversation: ConversationId, needs: &Needs) {
        let queue = self.queue(&needs.queue);
        if let Some(open) = self.open.get_mut(&conversation)
            && open.waits.is_none()
        {
            open.queue = queue;
        }
    }

    pub(super) fn queued(&mut self, at: Timestamp, conversation: ConversationId, reserved: Option<AgentId>) {
        self.unparked(at, conversation, false);
        let Some(open) = self.open.get_mut(&conversation) else { return };
        if let Some((queue, not)) = open.moves.take() {
            let then = reserved.map_or(Then::Queue(queue.clone(), not), Then::Agent);
            let (matter, waited) = (open.matter as usize, open.waits.take().map(|since| at.since(since).0));
            // One that waited was moved on by somebody, with nothing done.
            if let Some(waited) = waited {
                self.stint(conversation, Patience::Beyond(waited));
                if let Some(stint) = self.traffic.matters[matter].stints.last_mut() {
                    stint.moved = Some(waited);
                }
            }
            if let Some(stint) = self.traffic.matters[matter].stints.last_mut() {
                stint.then = then;
            }
            let queue = self.queue(&queue);
            if let Some(open) = self.open.get_mut(&conversation) {
                open.queue = queue;
            }
        }
        // Taken off an agent who left: the same stint goes on.
        if self.open.get(&conversation).is_some_and(|open| !open.interrupted) {
            self.wait(conversation, at);
        }
    }

    /// A new stint begins after a wait.
    pub(super) fn stint(&mut self, conversation: ConversationId, patience: Patience) {
        let Some(open) = self.open.get(&conversation) else { return };
        let stint = Stint { queue: open.queue, patience, moved: None, work: 0.0, then: Then::Close };
        self.traffic.matters[open.matter as usize].stints.push(stint);
    }

    /// The wait of a stint ends.
    pub(super) fn waited(&mut self, conversation: ConversationId, at: Timestamp, how: fn(i64) -> Patience) {
        let Some(open) = self.open.get_mut(&conversation) else { return };
        let Some(since) = open.waits.take() else { return };
        let (queue, waited) = (open.queue, at.since(since).0);
        self.stint(conversation, how(waited));
        self.waits.entry(queue).or_default().push((waited, false));
    }

    pub(super) fn offer_over(
        &mut self,
        conversation: ConversationId,
        agent: AgentId,
    ) -> Option<(u32, Timestamp, bool)> {
        let agent = self.agent(agent);
        let offered = &mut self.open.get_mut(&conversation)?.offered;
        let at = offered.iter().position(|(to, ..)| *to == agent)?;
        Some(offered.remove(at))
    }

    pub(super) fn served(&mut self, at: Timestamp, conversation: ConversationId, agent: AgentId) {
        if let Some((to, made, true)) = self.offer_over(conversation, agent) {
            self.traffic.agents[to as usize].answers.push(at.since(made).0);
        }
        self.waited(conversation, at, Patience::Beyond);
        self.take(conversation, agent, at);
    }

    pub(super) fn take(&mut self, conversation: ConversationId, agent: AgentId, at: Timestamp) {
        let agent = self.agent(agent);
        let Some(open) = self.open.get(&conversation) else { return };
        if self.traffic.matters[open.matter as usize].stints.is_empty() {
            self.stint(conversation, Patience::Beyond(0));
        }
        self.settle(agent, at);
        if let Some(open) = self.open.get_mut(&conversation) {
            open.held = Some(Held { agent, work: 0.0, since: at });
            open.interrupted = false;
            self.hands[agent as usize].push(conversation);
        }
    }

    /// Adds up what an agent has done of everything in hand until now.
    pub(super) fn settle(&mut self, agent: u32, at: Timestamp) {
        let hands = &self.hands[agent as usize];
        let channel = |id| self.open.get(id).map(|it| self.channels[it.channel as usize]);
        let busy = hands.iter().filter(|id| channel(id).is_some_and(|it| !it.beside)).count();
        for id in hands {
            if let Some(open) = self.open.get_mut(id)
                && let Some(held) = &mut open.held
            {
                let pace = self.channels[open.channel as usize].with(busy);
                held.work += at.since(held.since).0 as f64 * pace;
                held.since = at;
            }
        }
    }

    /// It leaves the agent's hands.
    pub(super) fn put_down(&mut self, at: Timestamp, conversation: ConversationId) {
        let Some(agent) = self.open.get(&conversation).and_then(|it| it.held).map(|it| it.agent) else {
            return;
        };
        self.settle(agent, at);
        self.hands[agent as usize].retain(|it| *it != conversation);
        let Some(open) = self.open.get_mut(&conversation) else { return };
        let Some(held) = open.held.take() else { return };
        let stints = self.traffic.matters[open.matter as usize].stints.len();
        let stint = u32::try_from(stints.saturating_sub(1)).unwrap_or(u32::MAX);
        self.pieces.push((open.matter, stint, (agent, open.queue, held.work)));
    }

    /// It was parked, and is not any more.
    pub(super) fn unparked(&mut self, at: Timestamp, conversation: ConversationId, by_agent: bool) {
        let Some(open) = self.open.get_mut(&conversation) else { return };
        let Some(since) = open.parked.take() else { return };
        let matter = open.matter as usize;
        if let Some(stint) = self.traffic.matters[matter].stints.last_mut() {
            stint.then = Then::Park(at.since(since).0.max(1), by_agent);
        }
    }

    pub(super) fn closed(&mut self, at: Timestamp, conversation: ConversationId, by: ClosedBy) {
        self.put_down(at, conversation);
        let Some(open) = self.open.get(&conversation) else { return };
        if let Some(since) = open.waits {
            let (queue, waited) = (open.queue, at.since(since).0);
            self.stint(conversation, Patience::Until(waited));
            self.waits.entry(queue).or_default().push((waited, by == ClosedBy::Customer));
        }
        self.open.remove(&conversation);
    }
}
