//! How each event changes a workspace. Nothing here judges: what was recorded has happened.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId, OfferId};
use policy::matching::Standing;
use policy::time::Timestamp;
use policy::{Document, Policy};

use super::conversation::CONTACT_POINTS_MAX;
use super::workspace::ENDED_MAX;
use super::{Agent, BreakPhase, ContactPoint, Conversation, OnBreak, Phase, Rival, Watermarks, Workspace};
use crate::event::{DeliveryStage, EventKind, Side};

impl Workspace {
    /// Applies one event of this workspace.
    pub(super) fn apply(&mut self, at: Timestamp, kind: &EventKind) {
        match kind {
            EventKind::WorkspaceCreated | EventKind::WorkspaceRemoved => {}
            EventKind::PolicyInstalled { version, document } => {
                if let Ok(policy) = Policy::compile(document) {
                    self.pool.govern(policy.settings());
                    let before = core::mem::replace(&mut self.policy, policy);
                    self.policy_version = *version;
                    let (old, new) = (before.document(), self.policy.document());
                    let counts = |it: &Document| (it.learning, it.rule.weighs_ability());
                    if counts(old) != counts(new) || old.turn_caps != new.turn_caps {
                        let agents: Vec<AgentId> = self.agents.keys().copied().collect();
                        agents.into_iter().for_each(|agent| self.put_in_pool(agent, at));
                    }
                }
            }
            EventKind::AgentPut { agent, name, bot, profile } => {
                let known = self.agents.entry(*agent).or_insert_with(|| Agent::new(name, *bot, at));
                known.name = name.clone();
                known.bot = *bot;
                known.typed = profile.clone();
                self.put_in_pool(*agent, at);
            }
            EventKind::ChannelsPaused { agent, channels } => {
                if let Some(known) = self.agents.get_mut(agent) {
                    known.paused = channels.iter().cloned().collect();
                    self.put_in_pool(*agent, at);
                }
            }
            EventKind::WrapUpEnded { conversation, agent } => {
                if let Some(wrap) = self.wraps.remove(conversation) {
                    self.pool.release(*agent, &wrap.channel, wrap.effort, at);
                    if let Some(agent) = self.agents.get_mut(agent) {
                        agent.freed = at;
                    }
                }
            }
            EventKind::BreaksPlanned { agent, breaks } => {
                if let Some(known) = self.agents.get_mut(agent) {
                    known.breaks = Some(breaks.clone());
                    self.plan_breaks(*agent, breaks);
                }
            }
            EventKind::BreakNears { agent, from, until } => {
                self.pool.set_standing(*agent, Standing::Away, at);
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.on_break = Some(OnBreak { from: *from, until: *until, phase: BreakPhase::Near });
                }
            }
            EventKind::AgentRemoved { agent } => {
                self.breaks.remove(agent);
                self.pool.remove_agent(*agent);
                self.agents.remove(agent);
            }
            EventKind::StandingChanged { agent, standing, why } => {
                self.break_changed(*agent, *standing, *why, at);
                self.pool.set_standing(*agent, *standing, at);
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.presence.set(*standing == Standing::Online, at);
                }
                if let (Some(agent), Standing::Online) = (self.agents.get_mut(agent), standing) {
                    agent.idle_since = at;
                    agent.freed = at;
                }
            }
            EventKind::ConversationOpened { .. } => self.open(at, kind),
            EventKind::ContactPointAdded { conversation, contact_point, channel } => {
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    if conversation.contact_points.len() == CONTACT_POINTS_MAX {
                        conversation.contact_points.remove(0);
                    }
                    conversation
                        .contact_points
                        .push(ContactPoint { id: *contact_point, channel: channel.clone() });
                }
            }
            EventKind::Queued { conversation, open, reserved } => {
                if let (Some(agent), Some(it)) = (reserved, self.conversations.get_mut(conversation)) {
                    // Whoever it is kept for is asked, also if that one refused it or handed it over before.
                    it.refused.retain(|refused| refused != agent);
                }
                self.set_phase(*conversation, Phase::Waiting { open: *open, reserved: *reserved }, at);
                self.enter_pool(*conversation);
            }
            EventKind::MessageReceived { conversation, seq, contact_point, .. } => {
                self.customers_turn(*conversation, at);
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    conversation.last = *seq;
                    conversation.active = at;
                    conversation.unanswered_since.get_or_insert(at);
                    conversation.use_contact_point(*contact_point);
                    // The holder may be away for too long.
                    if matches!(conversation.phase, Phase::Assigned { .. }) {
                        let queue = self.policy.queue(&conversation.needs.queue);
                        let back = queue.and_then(|queue| conversation.due_back(queue, at));
                        conversation.deadline = [conversation.deadline, back].into_iter().flatten().min();
                    }
                }
            }
            EventKind::MessageSent { conversation, seq, agent, contact_point, .. } => {
                self.agents_turn(*conversation, *agent, at);
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    conversation.last = *seq;
                    conversation.use_contact_point(*contact_point);
                    conversation.active = at;
                    conversation.unanswered_since = None;
                    conversation.answered = Some(at);
                }
            }
            EventKind::OfferMade { conversation, offer, until, decision } => {
                self.pool.leave(*conversation);
                self.take_room(decision.agent, *conversation, at);
                self.offers.insert(*offer, *conversation);
                let (offer, agent, until) = (*offer, decision.agent, *until);
                let Some(it) = self.conversations.get_mut(conversation) else { return };
                it.offers += 1;
                if matches!(it.phase, Phase::Offered { .. }) {
                    it.rivals.push(Rival { offer, agent, made: at, until });
                } else {
                    self.set_phase(*conversation, Phase::Offered { offer, agent, made: at, until }, at);
                }
            }
            EventKind::OfferAccepted { conversation, offer, agent, fence } => {
                self.answered(*conversation, *offer, *agent, false);
                self.offers.remove(offer);
                if let Some(it) = self.conversations.get_mut(conversation) {
                    // All others were withdrawn before.
                    it.rivals.clear();
                }
                self.hold(*conversation, *agent, *fence, at);
            }
            EventKind::OfferDeclined { conversation, offer, agent } => {
                self.end_offer(*conversation, *offer, *agent, at);
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    conversation.refuse(*agent);
                }
            }
            EventKind::OfferTimedOut { conversation, offer, agent } => {
                self.answered(*conversation, *offer, *agent, true);
                self.end_offer(*conversation, *offer, *agent, at);
            }
            EventKind::OfferWithdrawn { conversation, offer, agent } => {
                self.end_offer(*conversation, *offer, *agent, at);
            }
            EventKind::Released { conversation, agent } => {
                self.free_room(*agent, *conversation, at);
                self.learn(*conversation, at);
                self.set_phase(*conversation, Phase::Waiting { open: false, reserved: None }, at);
            }
            EventKind::Rerouted { conversation, needs, priority, not } => {
                self.pool.leave(*conversation);
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    conversation.needs = needs.clone();
                    conversation.priority = *priority;
                    conversation.step = 0;
                    conversation.preferred = None;
                    if let Some(agent) = not {
                        conversation.refuse(*agent);
                    }
                }
            }
            EventKind::StepTaken { conversation, step, needs, priority } => {
                self.pool.leave(*conversation);
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    conversation.step = *step;
                    conversation.needs = needs.clone();
                    conversation.priority = *priority;
                }
            }
            EventKind::Parked { conversation, agent, until } => {
                self.free_room(*agent, *conversation, at);
                self.learn(*conversation, at);
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.parked.insert(*conversation);
                }
                self.set_phase(*conversation, Phase::Parked { agent: *agent, until: *until }, at);
            }
            EventKind::Unparked { conversation, agent, fence } => {
                self.take_room(*agent, *conversation, at);
                self.hold(*conversation, *agent, *fence, at);
            }
            EventKind::Closed { conversation, solved, .. } => self.close(*conversation, *solved, at),
            EventKind::Reopened { closed } => {
                let mut conversation = (**closed).clone();
                conversation.phase = Phase::Waiting { open: false, reserved: None };
                conversation.deadline = None;
                conversation.active = at;
                self.customers.insert(conversation.customer, conversation.id);
                self.conversations.insert(conversation.id, conversation);
            }
            EventKind::PromisesTold { told } => {
                for (conversation, promise) in told {
                    self.promises.tell(*conversation, *promise, at);
                }
            }
            EventKind::DeliveryReported { conversation, side, upto, stage } => {
                if let Some(conversation) = self.conversations.get_mut(conversation) {
                    let marks = match side {
                        Side::Customer => &mut conversation.at_customer,
                        Side::Agent => &mut conversation.at_agent,
                    };
                    marks.delivered = marks.delivered.max(*upto);
                    if *stage == DeliveryStage::Seen {
                        marks.seen = marks.seen.max(*upto);
                    }
                }
            }
        }
    }

    fn open(&mut self, at: Timestamp, kind: &EventKind) {
        let EventKind::ConversationOpened {
            conversation,
            customer,
            needs,
            priority,
            language,
            topics,
            known_agent,
            holds,
            head_start,
            preferred,
        } = kind
        else {
            return;
        };
        self.queues.entry(needs.queue.clone()).or_default().arrived += 1;
        self.pool.arrived(needs, at);
        self.customers.insert(*customer, *conversation);
        self.conversations.insert(
            *conversation,
            Conversation {
                id: *conversation,
                customer: *customer,
                phase: Phase::Waiting { open: false, reserved: None },
                needs: needs.clone(),
                step: 0,
                marks: self.policy.marks(holds),
                priority: *priority,
                language: language.clone(),
                topics: topics.clone(),
                opened: at,
                head_start: *head_start,
                preferred: preferred.clone(),
                rivals: Vec::new(),
                first_held: None,
                held_since: None,
                active: at,
                unanswered_since: None,
                answered: None,
                contact_points: Vec::new(),
                last: 0,
                fence: 0,
                offers: 0,
                known_agent: *known_agent,
                refused: Vec::new(),
                at_customer: Watermarks::default(),
                at_agent: Watermarks::default(),
                deadline: None,
            },
        );
    }

    fn set_phase(&mut self, id: ConversationId, phase: Phase, at: Timestamp) {
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        Self::index_phase(&mut self.agents, id, conversation.phase, false);
        Self::index_phase(&mut self.agents, id, phase, true);
        conversation.phase = phase;
        conversation.deadline = conversation.next_look(&self.policy, at);
    }

    /// Enters a conversation into, or takes it from, the list that an agent has for its phase.
    fn index_phase(agents: &mut BTreeMap<AgentId, Agent>, id: ConversationId, phase: Phase, enter: bool) {
        let (agent, parked) = match phase {
            Phase::Parked { agent, .. } => (agent, true),
            Phase::Waiting { reserved: Some(agent), .. } => (agent, false),
            Phase::Waiting { reserved: None, .. } | Phase::Offered { .. } | Phase::Assigned { .. } => return,
        };
        let Some(agent) = agents.get_mut(&agent) else { return };
        let list = if parked { &mut agent.parked } else { &mut agent.awaited };
        if enter {
            list.insert(id);
        } else {
            list.remove(&id);
        }
    }

    fn hold(&mut self, id: ConversationId, agent: AgentId, fence: u64, at: Timestamp) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            let open = self.policy.is_open(&conversation.needs.queue, conversation.opened);
            self.promises.served(conversation, open, at);
            conversation.fence = fence;
            conversation.known_agent = Some(agent);
            conversation.held_since = Some(at);
            conversation.first_held.get_or_insert(at);
        }
        self.set_phase(id, Phase::Assigned { agent }, at);
    }

    fn end_offer(&mut self, id: ConversationId, offer: OfferId, agent: AgentId, at: Timestamp) {
        self.offers.remove(&offer);
        self.free_room(agent, id, at);
        let Some(it) = self.conversations.get_mut(&id) else { return };
        let of_phase = matches!(it.phase, Phase::Offered { offer: standing, .. } if standing == offer);
        it.rivals.retain(|rival| rival.offer != offer);
        let phase = match it.phase {
            phase if !of_phase => phase,
            _ if it.rivals.is_empty() => Phase::Waiting { open: false, reserved: None },
            _ => {
                let Rival { offer, agent, made, until } = it.rivals.remove(0);
                Phase::Offered { offer, agent, made, until }
            }
        };
        self.set_phase(id, phase, at);
    }

    /// Learns from an offer that was answered or missed.
    fn answered(&mut self, id: ConversationId, offer: OfferId, agent: AgentId, missed: bool) {
        let Some(it) = self.conversations.get(&id) else { return };
        let made = it.offers().find(|standing| standing.offer == offer).map(|standing| standing.made);
        if let (Some(made), Some(agent)) = (made, self.agents.get(&agent)) {
            self.pool.offer_answered(made.since(agent.freed), missed);
        }
    }

    /// Learns from a holding that ends now; its room is free already. Gives who held it, and for how many per mille of
    /// the work of its class.
    fn learn(&mut self, id: ConversationId, at: Timestamp) -> Option<(AgentId, Option<i64>)> {
        let conversation = self.conversations.get_mut(&id)?;
        let since = conversation.held_since.take()?;
        let held = at.since(since);
        self.queues.entry(conversation.needs.queue.clone()).or_default().learn(held);
        let agent = conversation.known_agent?;
        let kept = u32::from(self.wraps.contains_key(&id));
        let beside = self.pool.in_hand(agent).saturating_sub(kept);
        let (work, ratio) = self.pool.worked(&conversation.needs, agent, held, beside);
        self.promises.worked(&conversation.needs.queue, work);
        // Only who had it from beginning to end shows how long it takes.
        Some((agent, ratio.filter(|_| conversation.first_held == Some(since))))
    }

    fn close(&mut self, id: ConversationId, solved: Option<bool>, at: Timestamp) {
        self.pool.leave(id);
        if let Some(agent) = self.conversations.get(&id).and_then(Conversation::takes_room_of)
            && !self.wrap_up(id, at)
        {
            self.free_room(agent, id, at);
        }
        if let Some((agent, ratio)) = self.learn(id, at) {
            self.learn_ability(id, agent, ratio, solved, at);
        }
        if let Some(conversation) = self.conversations.remove(&id) {
            let open = self.policy.is_open(&conversation.needs.queue, conversation.opened);
            self.promises.ended(&conversation, open, at);
            if let Phase::Offered { offer, .. } = conversation.phase {
                self.offers.remove(&offer);
            }
            Self::index_phase(&mut self.agents, id, conversation.phase, false);
            if self.customers.get(&conversation.customer) == Some(&id) {
                self.customers.remove(&conversation.customer);
            }
            if self.ended.len() < ENDED_MAX {
                self.ended.push(conversation);
            }
        }
    }
}
