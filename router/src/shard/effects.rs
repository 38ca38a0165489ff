//! From events to frames: who must hear of what. Frames are made while the event is fresh and leave when it is durable.

use std::collections::BTreeSet;

use engine::{DeliveryStage, Event, EventKind, Side};
use policy::id::{AgentId, ConversationId, OfferId, WorkspaceId};
use policy::matching::Decision;
use policy::{Audience, Field, Grants, Purpose, disclose};
use protocol::{AuthorKind, SessionEvent};

use super::state::{Effect, State};
use super::views::Viewer;
use crate::metrics::OfferStep;
use crate::session::frame::Notice;
use crate::session::stream::Slot;
use crate::session::{Frame, Owner};
use crate::telemetry::span;

/// Fields that a conversation's view may carry.
pub(super) const CONVERSATION_FIELDS: &[Field] =
    &[Field::Routing, Field::MessageBody, Field::CustomerName, Field::ContactPoint, Field::Labels];

impl State {
    /// Derives the effects of one command's events.
    pub(super) fn derive(&mut self, events: &[Event]) {
        let _step = tracing::trace_span!(span::EFFECTS, events = events.len()).entered();
        let mut agents: BTreeSet<(WorkspaceId, AgentId)> = BTreeSet::new();
        for event in events {
            if let EventKind::MessageReceived { conversation, seq, .. } = &event.kind {
                // Whom the conversation comes to in this very turn gets the message with it.
                let comes = |it: &Event| matches!(&it.kind, EventKind::OfferMade { conversation: of, .. } if of == conversation);
                self.tell_message(event.workspace, *conversation, *seq, !events.iter().any(comes));
                continue;
            }
            self.derive_one(event, &mut agents);
        }
        for (workspace, agent) in agents {
            self.tell_agent(workspace, agent);
        }
    }

    fn derive_one(&mut self, event: &Event, agents: &mut BTreeSet<(WorkspaceId, AgentId)>) {
        let workspace = event.workspace;
        self.offer_over(event);
        let step = match &event.kind {
            EventKind::OfferMade { .. } => Some(OfferStep::Made),
            EventKind::OfferAccepted { .. } => Some(OfferStep::Accepted),
            EventKind::OfferDeclined { .. } => Some(OfferStep::Declined),
            EventKind::OfferTimedOut { .. } => Some(OfferStep::TimedOut),
            _ => None,
        };
        if let Some(step) = step {
            self.parts.metrics.offer(step);
        }
        match &event.kind {
            EventKind::PolicyInstalled { .. } => self.prepare_models(workspace),
            EventKind::WorkspaceCreated
            | EventKind::ContactPointAdded { .. }
            | EventKind::Rerouted { .. }
            | EventKind::PromisesTold { .. } => {}
            EventKind::StepTaken { conversation, .. } => self.queue_moved(workspace, *conversation),
            EventKind::WorkspaceRemoved => {
                self.boards.remove(&workspace);
                self.estimator.of.remove(&workspace);
                self.conditions.remove(&workspace);
                self.models.forget(workspace);
                self.told.retain(|(of, _), _| *of != workspace);
                self.leaving.retain(|(of, _), _| *of != workspace);
                self.moved.retain(|(of, _)| *of != workspace);
            }
            EventKind::AgentPut { agent, .. }
            | EventKind::StandingChanged { agent, .. }
            | EventKind::BreakNears { agent, .. }
            | EventKind::BreaksPlanned { agent, .. }
            | EventKind::ChannelsPaused { agent, .. }
            | EventKind::WrapUpEnded { agent, .. } => {
                agents.insert((workspace, *agent));
            }
            EventKind::AgentRemoved { agent } => {
                self.told.remove(&(workspace, *agent));
                self.parts
                    .registry
                    .close_owner(Owner::Agent(workspace, *agent), protocol::CloseCode::Unauthorized);
            }
            EventKind::ConversationOpened { conversation, .. } => {
                self.tell_customer(workspace, *conversation);
            }
            EventKind::Queued { conversation, .. } => {
                self.queue_moved(workspace, *conversation);
                self.tell_customer(workspace, *conversation);
            }
            EventKind::MessageReceived { conversation, seq, .. }
            | EventKind::MessageSent { conversation, seq, .. } => {
                self.tell_message(workspace, *conversation, *seq, true);
            }
            EventKind::OfferMade { conversation, offer, decision, .. } => {
                self.queue_moved(workspace, *conversation);
                self.keep_decision(workspace, *conversation, event, decision);
                self.tell_offer(workspace, *conversation, *offer, decision);
                agents.insert((workspace, decision.agent));
            }
            EventKind::OfferAccepted { conversation, offer, agent, .. } => {
                self.places.remove(conversation);
                self.tell_offer_ended(workspace, *agent, *offer, "accepted");
                self.tell_conversation(workspace, *agent, *conversation, super::tails::TAIL);
                self.tell_customer(workspace, *conversation);
            }
            EventKind::OfferDeclined { offer, agent, .. } => {
                self.tell_offer_ended(workspace, *agent, *offer, "declined");
                agents.insert((workspace, *agent));
            }
            EventKind::OfferTimedOut { offer, agent, .. } => {
                self.tell_offer_ended(workspace, *agent, *offer, "timed_out");
                agents.insert((workspace, *agent));
            }
            EventKind::OfferWithdrawn { offer, agent, .. } => {
                self.tell_offer_ended(workspace, *agent, *offer, "withdrawn");
                agents.insert((workspace, *agent));
            }
            EventKind::Released { conversation, agent } => {
                self.push_routing(
                    workspace,
                    *agent,
                    SessionEvent::ConversationLeft { conversation: *conversation },
                );
                agents.insert((workspace, *agent));
            }
            EventKind::Parked { conversation, agent, .. }
            | EventKind::Unparked { conversation, agent, .. } => {
                self.tell_conversation(workspace, *agent, *conversation, super::tails::TAIL);
                self.tell_customer(workspace, *conversation);
                agents.insert((workspace, *agent));
            }
            EventKind::Closed { conversation, .. } => {
                if let Some(agent) = self.tell_closed(workspace, *conversation) {
                    agents.insert((workspace, agent));
                }
            }
            EventKind::Reopened { closed } => self.tell_customer(workspace, closed.id),
            EventKind::DeliveryReported { conversation, side, upto, stage } => {
                self.tell_delivery(workspace, *conversation, *side, *upto, *stage);
            }
        }
    }

    /// Tells an agent of itself, if something changed.
    fn tell_agent(&mut self, workspace: WorkspaceId, agent: AgentId) {
        let Some(me) = self.agent_view(workspace, agent) else { return };
        if self.told.get(&(workspace, agent)) != Some(&me) {
            self.told.insert((workspace, agent), me.clone());
            self.push_routing(workspace, agent, SessionEvent::Me { me });
        }
    }

    /// An event without anybody's words, to an agent.
    fn push_routing(&mut self, workspace: WorkspaceId, agent: AgentId, event: SessionEvent) {
        let grants = Grants::default();
        if let Ok(event) = disclose(Audience::Agent, Purpose::Service, &grants, &[Field::Routing], event) {
            self.pending.effects.push(Effect::Push(Owner::Agent(workspace, agent), Frame::event(&event)));
        }
    }

    fn tell_offer_ended(&mut self, workspace: WorkspaceId, agent: AgentId, offer: OfferId, why: &str) {
        self.push_routing(workspace, agent, SessionEvent::OfferEnded { offer, why: why.into() });
    }

    /// Who reads as an agent: a bot is an audience of its own.
    pub(super) fn audience(&self, workspace: WorkspaceId, agent: AgentId) -> Audience {
        let bot =
            self.engine.workspace(workspace).and_then(|it| it.agents.get(&agent)).is_some_and(|it| it.bot);
        if bot { Audience::Bot } else { Audience::Agent }
    }

    fn tell_offer(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        offer: OfferId,
        decision: &Decision,
    ) {
        let Some((view, grants)) = self.offer_view(workspace, id, offer, decision) else { return };
        let audience = self.audience(workspace, decision.agent);
        let carried = vec![(id, view.conversation.last)];
        let event = SessionEvent::Offer { offer: view };
        match disclose(audience, Purpose::Service, &grants, CONVERSATION_FIELDS, event) {
            Ok(event) => {
                let owner = Owner::Agent(workspace, decision.agent);
                self.pending.effects.push(Effect::Push(owner, Frame::carrying(&event, carried)));
            }
            Err(withheld) => tracing::warn!(conversation = %id, %withheld, "an offer was withheld"),
        }
    }

    /// Shows an agent a conversation.
    pub(super) fn tell_conversation(
        &mut self,
        workspace: WorkspaceId,
        agent: AgentId,
        id: ConversationId,
        messages: usize,
    ) {
        let Some((view, grants)) = self.conversation_view(workspace, id, Viewer::Agent(agent), messages)
        else {
            return;
        };
        let audience = self.audience(workspace, agent);
        let event = SessionEvent::Conversation { conversation: view };
        match disclose(audience, Purpose::Service, &grants, CONVERSATION_FIELDS, event) {
            Ok(event) => {
                self.pending.effects.push(Effect::Push(Owner::Agent(workspace, agent), Frame::event(&event)));
            }
            Err(withheld) => tracing::warn!(conversation = %id, %withheld, "a conversation was withheld"),
        }
    }

    /// Shows the customer where the conversation stands; its messages are known there.
    fn tell_customer(&mut self, workspace: WorkspaceId, id: ConversationId) {
        let Some((view, grants)) = self.conversation_view(workspace, id, Viewer::Customer, 0) else { return };
        let Some(customer) = self.customer_of(workspace, id) else { return };
        if let Some(place) = &view.place {
            self.places.insert(id, (place.clone(), self.now()));
        }
        let event = SessionEvent::Conversation { conversation: view };
        if let Ok(event) = disclose(Audience::Customer, Purpose::Service, &grants, CONVERSATION_FIELDS, event)
        {
            self.pending
                .effects
                .push(Effect::Push(Owner::Customer(workspace, customer), Frame::event(&event)));
        }
    }

    /// Gives a message to both sides.
    pub(super) fn tell_message(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        seq: u64,
        to_agent: bool,
    ) {
        let Some(it) = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id)) else {
            return;
        };
        let customer = it.customer;
        let asked = it.holder().into_iter().chain(it.offers().map(|offer| offer.agent));
        let reading: Vec<AgentId> = asked.filter(|_| to_agent).collect();
        let by_agent = self.is_by_agent(workspace, id, seq);
        let mut readers =
            vec![(Audience::Customer, Owner::Customer(workspace, customer), Viewer::Customer, by_agent)];
        for agent in reading {
            let audience = self.audience(workspace, agent);
            readers.push((audience, Owner::Agent(workspace, agent), Viewer::Agent(agent), !by_agent));
        }
        for (audience, owner, viewer, arrives) in readers {
            let Some((message, grants)) = self.message_view(workspace, id, seq, viewer) else { continue };
            let event = SessionEvent::Message { conversation: id, message };
            match disclose(audience, Purpose::Service, &grants, CONVERSATION_FIELDS, event) {
                Ok(event) if arrives => {
                    self.pending.effects.push(Effect::Push(owner, Frame::carrying(&event, vec![(id, seq)])));
                }
                Ok(event) => self.pending.effects.push(Effect::Push(owner, Frame::event(&event))),
                Err(withheld) => tracing::warn!(conversation = %id, %withheld, "a message was withheld"),
            }
        }
    }

    fn tell_closed(&mut self, workspace: WorkspaceId, id: ConversationId) -> Option<AgentId> {
        let ended = self.ended.remove(&id)?;
        let agent = ended.takes_room_of().or(match ended.phase {
            engine::state::Phase::Parked { agent, .. } => Some(agent),
            _ => None,
        });
        self.moved.insert((workspace, ended.needs.queue.clone()));
        let now = self.now();
        self.boards.entry(workspace).or_default().handled(now, &ended.needs.queue);
        let customer = ended.customer;
        for (owner, audience, viewer) in [
            Some((Owner::Customer(workspace, customer), Audience::Customer, Viewer::Customer)),
            agent.map(|agent| {
                (Owner::Agent(workspace, agent), self.audience(workspace, agent), Viewer::Agent(agent))
            }),
        ]
        .into_iter()
        .flatten()
        {
            let (view, grants) = self.ended_view(workspace, &ended, viewer, 0);
            let event = SessionEvent::Conversation { conversation: view };
            if let Ok(event) = disclose(audience, Purpose::Service, &grants, CONVERSATION_FIELDS, event) {
                self.pending.effects.push(Effect::Push(owner, Frame::event(&event)));
            }
        }
        self.keep_ended(workspace, ended);
        agent
    }

    /// Tells the writer how far the messages got.
    fn tell_delivery(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        side: Side,
        upto: u64,
        stage: DeliveryStage,
    ) {
        let Some(it) = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id)) else {
            return;
        };
        let owner = match side {
            Side::Customer => match it.holder() {
                Some(agent) => Owner::Agent(workspace, agent),
                None => return,
            },
            Side::Agent => Owner::Customer(workspace, it.customer),
        };
        let by = match side {
            Side::Customer => AuthorKind::Customer,
            Side::Agent => AuthorKind::Person,
        };
        let event = match stage {
            DeliveryStage::Seen => SessionEvent::Seen { conversation: id, by, upto },
            DeliveryStage::Delivered => SessionEvent::Delivered { conversation: id, by, upto },
        };
        let audience = match owner {
            Owner::Agent(..) => Audience::Agent,
            Owner::Customer(..) => Audience::Customer,
        };
        if let Ok(event) = disclose(audience, Purpose::Service, &Grants::default(), &[Field::Routing], event)
        {
            self.pending.effects.push(Effect::Push(owner, Frame::event(&event)));
        }
    }

    /// Somebody types: the other side sees it, nothing is stored.
    pub(super) fn tell_typing(&mut self, owner: Owner, conversation: ConversationId) {
        let workspace = owner.workspace();
        let Some(it) = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&conversation))
        else {
            return;
        };
        let (to, by) = match (owner, it.holder()) {
            (Owner::Customer(..), Some(agent)) => (Owner::Agent(workspace, agent), AuthorKind::Customer),
            (Owner::Agent(_, agent), Some(holder)) if agent == holder => {
                let kind = match self.audience(workspace, agent) {
                    Audience::Bot => AuthorKind::Bot,
                    _ => AuthorKind::Person,
                };
                (Owner::Customer(workspace, it.customer), kind)
            }
            _ => return,
        };
        let notice = Notice::typing(conversation, by);
        self.pending.effects.push(Effect::Slot(to, Slot::Typing(conversation), notice));
    }

    fn queue_moved(&mut self, workspace: WorkspaceId, id: ConversationId) {
        let queue = self
            .engine
            .workspace(workspace)
            .and_then(|it| it.conversations.get(&id))
            .map(|it| it.needs.queue.clone());
        if let Some(queue) = queue {
            self.moved.insert((workspace, queue));
        }
    }
}
