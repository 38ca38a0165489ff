//! Things as clients see them, made from the engine's state and the transcripts. Whether they may be seen is decided where
//! they are sent.

use std::collections::VecDeque;

use engine::state::{Conversation, Phase, Rival};
use policy::id::{AgentId, ConversationId, CustomerId, OfferId, WorkspaceId};
use policy::matching::{Decision, Score, Standing, Trigger};
use policy::{Audience, Grants, Purpose, Rule, disclose};
use protocol::{
    AgentState, Author, AuthorKind, ConversationState, ConversationView, DecisionView, DeliveryState,
    FlipView, LosingGroup, Me, MessageView, Nearest, OfferView, Reason, ScorePart, SessionEvent, TermsView,
    Wrapping,
};

use super::board::break_view;
use super::effects::CONVERSATION_FIELDS;
use super::mailed::Stage;
use super::state::State;
use super::tails::{Store, StoredMessage, TAIL};
use crate::accounts::{Principal, Role};
use crate::session::Frame;

/// Text of one conversation in a view, in bytes; the newest message is there in any case.
const TEXT_BUDGET: usize = 48 * 1_024;
/// Conversations of an agent's snapshot that come with many messages; the others come with their newest.
const SNAPSHOT_CONVERSATIONS: usize = 40;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Viewer {
    /// The customer.
    Customer,
    /// An agent.
    Agent(AgentId),
}

impl State {
    /// What a session begins with. `None` for who is not known here.
    pub(super) fn snapshot_frame(&mut self, principal: &Principal) -> Option<Frame> {
        match principal {
            Principal::Agent { workspace, agent, role, .. } => self.agent_snapshot(*workspace, *agent, *role),
            Principal::Customer { workspace, customer, name, .. } => {
                self.customer_snapshot(*workspace, *customer, name.as_deref())
            }
            Principal::Operator => None,
        }
    }

    fn agent_snapshot(&mut self, workspace: WorkspaceId, agent: AgentId, role: Role) -> Option<Frame> {
        let mut me = self.agent_view(workspace, agent)?;
        me.role = role.to_string();
        let it = self.engine.workspace(workspace)?;
        let of = it.agents.get(&agent)?;
        let mut in_hand: Vec<ConversationId> = of.parked.iter().copied().collect();
        let mut offered = Vec::new();
        for conversation in &of.held {
            let mut offers = it.conversations.get(conversation).into_iter().flat_map(|it| it.offers());
            match offers.find(|offer| offer.agent == agent) {
                Some(offer) => offered.push((*conversation, offer.offer)),
                None => in_hand.push(*conversation),
            }
        }
        let mut grants = Grants::by_writing_in();
        let mut conversations = Vec::new();
        for (index, id) in in_hand.into_iter().enumerate() {
            let messages = if index < SNAPSHOT_CONVERSATIONS { TAIL } else { 1 };
            if let Some((view, granted)) =
                self.conversation_view(workspace, id, Viewer::Agent(agent), messages)
            {
                // One frame carries several customers' words: what one of them has not granted is left out of it.
                if disclose(
                    self.audience(workspace, agent),
                    Purpose::Service,
                    &granted,
                    CONVERSATION_FIELDS,
                    (),
                )
                .is_ok()
                {
                    grants = granted;
                    conversations.push(view);
                }
            }
        }
        let mut offers = Vec::new();
        for (id, offer) in offered {
            let decision = self.decision_of(workspace, id);
            if let Some((view, _)) =
                decision.and_then(|decision| self.offer_view(workspace, id, offer, &decision))
            {
                offers.push(view);
            }
        }
        let carried =
            conversations.iter().chain(offers.iter().map(|it| &it.conversation)).map(|it| (it.id, it.last));
        let carried = carried.collect();
        let event = SessionEvent::Snapshot { me, conversations, offers };
        let audience = self.audience(workspace, agent);
        disclose(audience, Purpose::Service, &grants, CONVERSATION_FIELDS, event)
            .ok()
            .map(|it| Frame::carrying(&it, carried))
    }

    fn customer_snapshot(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        name: Option<&str>,
    ) -> Option<Frame> {
        self.engine.workspace(workspace)?;
        let card = self.cards.look(&*self.parts.log, &self.parts.vault, self.id, workspace, customer);
        let open = self.engine.workspace(workspace).and_then(|it| it.customers.get(&customer).copied());
        let conversation = match open {
            Some(id) => self.conversation_view(workspace, id, Viewer::Customer, TAIL).map(|(view, _)| view),
            None => {
                card.conversations.last().and_then(|id| self.closed_view(workspace, *id, Viewer::Customer))
            }
        };
        let me = Me {
            role: "customer".into(),
            agent: None,
            name: name.map(str::to_owned).or(card.name),
            state: None,
            load: 0,
            interruptible_load: 0,
            capacity: 0,
            queues: Vec::new(),
            channels: Vec::new(),
            paused: Vec::new(),
            wrapping: Vec::new(),
            on_break: None,
        };
        let carried = conversation.iter().map(|it| (it.id, it.last)).collect();
        let event = SessionEvent::Snapshot {
            me,
            conversations: conversation.into_iter().collect(),
            offers: Vec::new(),
        };
        disclose(Audience::Customer, Purpose::Service, &card.grants, CONVERSATION_FIELDS, event)
            .ok()
            .map(|it| Frame::carrying(&it, carried))
    }

    /// An agent as it sees itself.
    pub(super) fn agent_view(&self, workspace: WorkspaceId, agent: AgentId) -> Option<Me> {
        let it = self.engine.workspace(workspace)?;
        let of = it.agents.get(&agent)?;
        let room = it.pool.room(agent)?;
        Some(Me {
            role: "agent".into(),
            agent: Some(agent),
            name: Some(of.name.to_string()),
            state: it.standing(agent).map(state_of),
            load: room.load,
            interruptible_load: room.beside,
            capacity: room.capacity,
            queues: it.policy.queues().map(|(name, _)| name.to_owned()).collect(),
            channels: it.policy.channels().into_iter().map(str::to_owned).collect(),
            paused: of.paused.iter().map(ToString::to_string).collect(),
            wrapping: it
                .wraps
                .iter()
                .filter(|(_, wrap)| wrap.agent == agent)
                .map(|(id, wrap)| Wrapping { conversation: *id, until_ms: wrap.until.0 })
                .collect(),
            on_break: break_view(of),
        })
    }

    pub(super) fn customer_of(&self, workspace: WorkspaceId, id: ConversationId) -> Option<CustomerId> {
        self.engine.workspace(workspace)?.conversations.get(&id).map(|it| it.customer)
    }

    fn grants_of(&mut self, workspace: WorkspaceId, customer: CustomerId) -> (Option<String>, Grants) {
        let card = self.cards.look(&*self.parts.log, &self.parts.vault, self.id, workspace, customer);
        (card.name, card.grants)
    }

    /// An open conversation with its newest messages, and what its customer has granted.
    pub(super) fn conversation_view(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        viewer: Viewer,
        messages: usize,
    ) -> Option<(ConversationView, Grants)> {
        let it = self.engine.workspace(workspace)?.conversations.get(&id)?.clone();
        let (mut view, grants) = self.ended_view(workspace, &it, viewer, messages);
        view.state = match it.phase {
            Phase::Waiting { .. } => ConversationState::Waiting,
            Phase::Offered { .. } => ConversationState::Offered,
            Phase::Assigned { .. } => ConversationState::Assigned,
            Phase::Parked { .. } => ConversationState::Parked,
        };
        if matches!(it.phase, Phase::Waiting { .. }) {
            view.place = self.place(workspace, id);
        }
        match viewer {
            Viewer::Customer if it.holder().is_some() => view.because = needed(&it).collect(),
            Viewer::Customer => {}
            Viewer::Agent(_) => view.contact_points = self.contact_points(workspace, &it),
        }
        Some((view, grants))
    }

    /// A conversation from its own state, as ended.
    pub(super) fn ended_view(
        &mut self,
        workspace: WorkspaceId,
        it: &Conversation,
        viewer: Viewer,
        messages: usize,
    ) -> (ConversationView, Grants) {
        let (name, grants) = self.grants_of(workspace, it.customer);
        let holder = it.holder().and_then(|agent| self.author(workspace, agent));
        let newest: Vec<MessageView> = if messages == 0 {
            Vec::new()
        } else {
            let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
            let tail = self.tails.get(store, it.id, it.customer, it.last);
            {
                let first = within_budget(tail, messages);
                tail.iter().skip(first).map(|stored| message(stored, it, viewer, grants)).collect()
            }
        };
        let view = ConversationView {
            id: it.id,
            state: ConversationState::Closed,
            queue: it.needs.queue.to_string(),
            channel: it.contact_point().map(|point| point.channel.to_string()).unwrap_or_default(),
            customer_name: name,
            language: it.language.as_deref().map(str::to_owned),
            topics: it.needs.skills.iter().map(|(skill, _)| skill.to_string()).collect(),
            holder,
            because: Vec::new(),
            fence: it.fence,
            opened_ms: it.opened.0,
            waiting_since_ms: it.unanswered_since.map(|at| at.0),
            last: it.last,
            seen_by_agent: it.at_agent.seen,
            seen_by_customer: it.at_customer.seen,
            messages: newest,
            place: None,
            contact_points: Vec::new(),
        };
        (view, grants)
    }

    /// A conversation that has ended, from the store.
    pub(super) fn closed_view(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        viewer: Viewer,
    ) -> Option<ConversationView> {
        let closed = self.store(workspace).header(id)?.closed?;
        let (mut view, grants) = self.ended_view(workspace, &closed, viewer, 0);
        let first = closed.last.saturating_sub(TAIL as u64) + 1;
        let stored = self.store(workspace).read(id, closed.customer, first, closed.last);
        let first = within_budget(&stored, TAIL);
        view.messages =
            stored.iter().skip(first).map(|stored| message(stored, &closed, viewer, grants)).collect();
        view.holder = None;
        Some(view)
    }

    fn author(&self, workspace: WorkspaceId, agent: AgentId) -> Option<Author> {
        let of = self.engine.workspace(workspace)?.agents.get(&agent)?;
        let kind = if of.bot { AuthorKind::Bot } else { AuthorKind::Person };
        Some(Author { kind, agent: Some(agent), name: Some(of.name.to_string()) })
    }

    /// One message of an open conversation.
    pub(super) fn message_view(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        seq: u64,
        viewer: Viewer,
    ) -> Option<(MessageView, Grants)> {
        let customer = self.customer_of(workspace, id)?;
        let (_, grants) = self.grants_of(workspace, customer);
        let it = self.engine.workspace(workspace)?.conversations.get(&id)?;
        let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
        let tail = self.tails.get(store, id, it.customer, it.last);
        let view = find(tail, seq).map(|stored| message(stored, it, viewer, grants))?;
        Some((view, grants))
    }

    /// Whether an agent wrote a message of an open conversation.
    pub(super) fn is_by_agent(&mut self, workspace: WorkspaceId, id: ConversationId, seq: u64) -> bool {
        let Some(it) = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id)) else {
            return false;
        };
        let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
        find(self.tails.get(store, id, it.customer, it.last), seq).is_some_and(|it| it.agent.is_some())
    }

    /// An offer with the reason for it.
    pub(super) fn offer_view(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        offer: OfferId,
        decision: &Decision,
    ) -> Option<(OfferView, Grants)> {
        let it = self.engine.workspace(workspace)?.conversations.get(&id)?;
        let Rival { agent, made, until, .. } = it.offers().find(|standing| standing.offer == offer)?;
        let why = reasons(it, decision);
        let (conversation, grants) = self.conversation_view(workspace, id, Viewer::Agent(agent), TAIL)?;
        let view = OfferView {
            id: offer,
            conversation,
            why,
            waited_ms: decision.waited.0,
            made_ms: made.0,
            until_ms: until.0,
        };
        Some((view, grants))
    }

    /// A decision with names.
    pub(super) fn decision_view(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        at_ms: i64,
        policy_version: u32,
        decision: &Decision,
    ) -> DecisionView {
        let name = |agent: AgentId| self.author(workspace, agent).and_then(|it| it.name).unwrap_or_default();
        let rule = decision.terms.map_or(Rule::BestScore, |terms| terms.rule);
        let by_cost = rule == Rule::LeastCustomerTime;
        let nearest = |agent: AgentId, score: &Score| Nearest {
            agent,
            name: name(agent),
            score: score_parts(score, by_cost),
        };
        DecisionView {
            at_ms,
            conversation,
            winner: nearest(decision.agent, &decision.score),
            trigger: match decision.trigger {
                Trigger::ConversationCame => "conversation_came",
                Trigger::AgentFreed => "agent_freed",
                Trigger::Transfer => "transfer",
            }
            .into(),
            policy_version,
            losing: decision
                .losing
                .iter()
                .map(|(lost, agents)| LosingGroup {
                    reason: lost.reason().into(),
                    name: lost.skill().map(str::to_owned),
                    agents: *agents,
                })
                .collect(),
            nearest: decision.nearest.iter().map(|(agent, score)| nearest(*agent, score)).collect(),
            rule: rule.name().to_owned(),
            terms: decision.terms.filter(|_| by_cost).map(|terms| TermsView {
                urgency_pm: terms.urgency_ppm / 1_000,
                work_ms: terms.work_us / 1_000,
                price_ms: terms.price_us / 1_000,
                risk_ms: terms.risk_us / 1_000,
                hold_ms: terms.hold_us.map(|hold| hold / 1_000),
            }),
            flip: decision.flip().map(|(agent, by)| FlipView { agent, name: name(agent), by_ms: by / 1_000 }),
            waited_ms: decision.waited.0,
        }
    }
}

/// A message as this viewer sees it; how far it got follows from the watermarks. Agents see what was understood of it, as far
/// as that is granted now.
pub(super) fn message(
    stored: &StoredMessage,
    it: &Conversation,
    viewer: Viewer,
    grants: Grants,
) -> MessageView {
    let by_agent = stored.agent.is_some();
    let marks = if by_agent { it.at_customer } else { it.at_agent };
    let stage = stored.mail.as_ref().and_then(|it| it.stage);
    let delivery = if stage.is_some_and(Stage::is_lost) {
        DeliveryState::Failed
    } else if stored.seq <= marks.seen {
        DeliveryState::Seen
    } else if stored.seq <= marks.delivered || stage == Some(Stage::Delivered) {
        DeliveryState::Delivered
    } else {
        DeliveryState::Sent
    };
    let own = match viewer {
        Viewer::Customer => !by_agent,
        Viewer::Agent(agent) => stored.agent == Some(agent),
    };
    let kind = match (by_agent, stored.bot) {
        (false, _) => AuthorKind::Customer,
        (true, true) => AuthorKind::Bot,
        (true, false) => AuthorKind::Person,
    };
    MessageView {
        id: stored.id,
        seq: stored.seq,
        from: Author { kind, agent: stored.agent, name: stored.name.clone() },
        text: stored.text.clone(),
        contact_point: stored.contact_point,
        channel: stored.channel.clone(),
        at_ms: stored.at.0,
        delivery,
        client_id: stored.client_id.clone().filter(|_| own),
        labels: match viewer {
            Viewer::Customer => None,
            Viewer::Agent(_) => stored.labels.as_ref().and_then(|labels| labels.view(grants)),
        },
        mail: match viewer {
            Viewer::Customer => None,
            Viewer::Agent(_) => stored.mail.as_ref().map(|mail| Box::new(mail.view())),
        },
    }
}

/// From where on the newest messages fit into a view: so many at most, and not more text than a frame should carry. What
/// is older is read page by page.
fn within_budget<'a, T>(messages: T, count: usize) -> usize
where
    T: IntoIterator<Item = &'a StoredMessage, IntoIter: DoubleEndedIterator + ExactSizeIterator>,
{
    let newest_first = messages.into_iter().rev();
    let all = newest_first.len();
    let mut bytes = 0;
    let fit = newest_first
        .take(count)
        .take_while(|stored| {
            bytes += stored.text.as_deref().map_or(0, str::len);
            bytes += stored.mail.as_ref().map_or(0, |mail| mail.quoted.len());
            bytes <= TEXT_BUDGET
        })
        .count();
    all - fit.max(usize::from(all > 0 && count > 0))
}

fn find(tail: &VecDeque<StoredMessage>, seq: u64) -> Option<&StoredMessage> {
    tail.iter().rev().find(|stored| stored.seq == seq)
}

/// Why this agent, part by part.
fn reasons(it: &Conversation, decision: &Decision) -> Vec<Reason> {
    let plain = |kind: &str| Reason { kind: kind.into(), name: None };
    let mut why: Vec<Reason> = needed(it).collect();
    if decision.score.same_agent > 0 {
        why.push(plain("same_agent"));
    }
    if decision.passed_over {
        why.push(plain("passed_over"));
    }
    match decision.trigger {
        Trigger::Transfer => why.push(plain("transfer")),
        Trigger::ConversationCame if why.is_empty() => {
            let by_cost = decision.terms.is_some_and(|terms| terms.rule == Rule::LeastCustomerTime);
            why.push(plain(if by_cost { "least_time" } else { "longest_idle" }));
        }
        Trigger::ConversationCame | Trigger::AgentFreed => {}
    }
    why
}

/// What was needed of an agent: the short form of a decision, which a customer may see too.
fn needed(it: &Conversation) -> impl Iterator<Item = Reason> + '_ {
    let language = it.needs.language.iter().map(|tag| ("language", tag));
    let skills = it.needs.skills.iter().map(|(skill, _)| ("skill", skill));
    language.chain(skills).map(|(kind, name)| Reason { kind: kind.into(), name: Some(name.to_string()) })
}

fn score_parts(score: &Score, by_cost: bool) -> Vec<ScorePart> {
    let part = |name: &str, points| ScorePart { name: name.into(), points };
    let cost = by_cost.then(|| part("cost_ms", score.cost_us / 1_000));
    let rest = [
        part("proficiency", score.proficiency),
        part("same_agent", score.same_agent),
        part("idle_ms", score.idle_ms),
    ];
    cost.into_iter().chain(rest).collect()
}

/// An agent's standing as clients see it.
pub(super) fn state_of(standing: Standing) -> AgentState {
    match standing {
        Standing::Online => AgentState::Online,
        Standing::Away => AgentState::Away,
        Standing::Offline => AgentState::Offline,
    }
}
