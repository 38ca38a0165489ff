//! Matching: what the engine does after each change that may bring a conversation and an agent together.

use alloc::boxed::Box;
use alloc::vec::Vec;

use policy::Routing;
use policy::id::{AgentId, CommandId, ConversationId, OfferId, WorkspaceId};
use policy::matching::{Decision, Standing};
use policy::time::{Span, Timestamp};

use crate::event::{Event, EventKind, StandingCause};
use crate::state::{Engine, Phase, Rival, Workspace};

/// Steps that one turn takes for one conversation: queues may lead to each other.
const STEPS_AT_ONCE: usize = 8;
/// Where the number of an offer stands in its id; the rest is the conversation's.
pub(crate) const OFFER_SHIFT: u32 = 80;

/// One command's turn: where, when, why, and the events so far. Each event is applied as it is recorded.
pub(crate) struct Turn<'a> {
    engine: &'a mut Engine,
    pub(crate) at: Timestamp,
    workspace: WorkspaceId,
    cause: CommandId,
    events: &'a mut Vec<Event>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        engine: &'a mut Engine,
        at: Timestamp,
        workspace: WorkspaceId,
        cause: CommandId,
        events: &'a mut Vec<Event>,
    ) -> Self {
        Self { engine, at, workspace, cause, events }
    }

    /// Records and applies.
    pub(crate) fn record(&mut self, kind: EventKind) {
        let event = Event { at: self.at, workspace: self.workspace, cause: self.cause, kind };
        self.engine.apply(&event);
        self.events.push(event);
    }

    /// The workspace as it is now.
    pub(crate) fn workspace(&self) -> Option<&Workspace> {
        self.engine.workspaces.get(&self.workspace)
    }

    /// Puts a conversation into its queue and offers it if somebody is free.
    pub(crate) fn queue(&mut self, conversation: ConversationId, reserved: Option<AgentId>) {
        let open = self.workspace().is_some_and(|workspace| {
            workspace
                .conversations
                .get(&conversation)
                .is_some_and(|it| reserved.is_some() || workspace.policy.is_open(&it.needs.queue, self.at))
        });
        self.record(EventKind::Queued { conversation, open, reserved });
        if open {
            self.route_conversation(conversation);
            self.take_steps(conversation);
        }
    }

    /// Takes the steps of its queue that are due for a conversation that still waits, each followed by a look for an agent.
    pub(crate) fn take_steps(&mut self, conversation: ConversationId) {
        for _ in 0..STEPS_AT_ONCE {
            let Some((step, routing)) = self.due_step(conversation) else { return };
            let Routing { needs, priority, .. } = routing;
            self.record(EventKind::StepTaken { conversation, step, needs, priority });
            let open = self.workspace().is_some_and(|workspace| {
                let it = workspace.conversations.get(&conversation);
                it.is_some_and(|it| workspace.policy.is_open(&it.needs.queue, self.at))
            });
            self.record(EventKind::Queued { conversation, open, reserved: None });
            if open {
                self.route_conversation(conversation);
            }
        }
    }

    /// The step that is due for a conversation: its number, and what the conversation needs after it.
    fn due_step(&self, conversation: ConversationId) -> Option<(u32, Routing)> {
        let workspace = self.workspace()?;
        let it = workspace.conversations.get(&conversation)?;
        let (number, step) = it.next_step(&workspace.policy)?;
        let old = step.after.is_some_and(|age| self.at.since(it.opened) >= age);
        let alone = step.when_nobody && workspace.pool.able(conversation).online == 0;
        if !old && !alone {
            return None;
        }
        let routing = workspace.policy.after_step(&it.needs, it.priority, step);
        let number = if routing.needs.queue == it.needs.queue { number + 1 } else { 0 };
        Some((number, routing))
    }

    /// A conversation waits: who is free for it?
    pub(crate) fn route_conversation(&mut self, conversation: ConversationId) {
        let decision =
            self.workspace().and_then(|workspace| workspace.pool.choose_agent(conversation, self.at));
        if let Some(decision) = decision {
            self.offer(conversation, decision);
        }
    }

    /// An agent has room: what waits for it?
    pub(crate) fn route_agent(&mut self, agent: AgentId) {
        while let Some((conversation, decision)) =
            self.workspace().and_then(|workspace| workspace.pool.choose_conversation(agent, self.at))
        {
            self.offer(conversation, decision);
        }
    }

    /// Offers a conversation, and where its queue asks several at once, to the next best beside.
    fn offer(&mut self, conversation: ConversationId, decision: Decision) {
        let of = self.workspace().and_then(|it| Some((it, it.conversations.get(&conversation)?)));
        let Some((workspace, it)) = of else { return };
        // What is assigned without asking goes to one.
        let queue = workspace.policy.queue(&it.needs.queue).filter(|queue| queue.offer.0 > 0);
        let asked = queue.map_or(1, |queue| queue.offers);
        let more = match it.phase {
            Phase::Waiting { reserved: None, .. } if asked > 1 => {
                workspace.pool.choose_beside(conversation, decision.agent, asked - 1, self.at)
            }
            _ => Vec::new(),
        };
        self.offer_to(conversation, decision);
        for decision in more {
            self.offer_to(conversation, decision);
        }
    }

    /// Withdraws all offers of a conversation but one; says who has room again.
    pub(crate) fn withdraw_offers(
        &mut self,
        conversation: ConversationId,
        but: Option<OfferId>,
    ) -> Vec<AgentId> {
        let it = self.workspace().and_then(|it| it.conversations.get(&conversation));
        let offers: Vec<Rival> = it.map(|it| it.offers().collect()).unwrap_or_default();
        let others = offers.into_iter().filter(|it| Some(it.offer) != but);
        let mut asked = Vec::new();
        for Rival { offer, agent, .. } in others {
            self.record(EventKind::OfferWithdrawn { conversation, offer, agent });
            asked.push(agent);
        }
        asked
    }

    /// Puts a conversation back in line, unless somebody else is still asked.
    pub(crate) fn queue_if_unoffered(&mut self, conversation: ConversationId) {
        let it = self.workspace().and_then(|it| it.conversations.get(&conversation));
        if it.is_some_and(|it| matches!(it.phase, Phase::Waiting { .. })) {
            self.queue(conversation, None);
        }
    }

    fn offer_to(&mut self, conversation: ConversationId, decision: Decision) {
        let Some(workspace) = self.workspace() else { return };
        let Some(it) = workspace.conversations.get(&conversation) else { return };
        let agent = decision.agent;
        let wait = workspace.policy.queue(&it.needs.queue).map_or(Span::seconds(20), |queue| queue.offer);
        let offer = OfferId::from_bits(conversation.bits() ^ (u128::from(it.offers + 1) << OFFER_SHIFT));
        let fence = it.fence + 1;
        self.record(EventKind::OfferMade {
            conversation,
            offer,
            until: self.at + wait,
            decision: Box::new(decision),
        });
        if wait.0 == 0 {
            self.record(EventKind::OfferAccepted { conversation, offer, agent, fence });
        }
    }

    /// Takes everything from an agent who is no longer here. Its conversations go back to their queues at their old age.
    pub(crate) fn unload_agent(&mut self, agent: AgentId) {
        let held: Vec<_> = self
            .workspace()
            .and_then(|workspace| workspace.agents.get(&agent))
            .map(|agent| agent.held.iter().copied().collect())
            .unwrap_or_default();
        for conversation in held {
            let it = self.workspace().and_then(|it| it.conversations.get(&conversation));
            let offer = it.and_then(|it| it.offers().find(|it| it.agent == agent)).map(|it| it.offer);
            match (it.map(|it| it.phase), offer) {
                (_, Some(offer)) => self.record(EventKind::OfferWithdrawn { conversation, offer, agent }),
                (Some(Phase::Assigned { .. }), None) => {
                    self.record(EventKind::Released { conversation, agent });
                }
                _ => continue,
            }
            self.queue_if_unoffered(conversation);
        }
    }

    /// An offer ran out: the agent is set away, the conversation goes back to its old place.
    pub(crate) fn time_out(&mut self, conversation: ConversationId, offer: OfferId, agent: AgentId) {
        self.record(EventKind::OfferTimedOut { conversation, offer, agent });
        if self.workspace().and_then(|workspace| workspace.standing(agent)) == Some(Standing::Online) {
            self.record(EventKind::StandingChanged {
                agent,
                standing: Standing::Away,
                why: StandingCause::MissedOffer,
            });
        }
        self.queue_if_unoffered(conversation);
    }
}
