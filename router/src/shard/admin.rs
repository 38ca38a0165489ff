//! What the API reads and does in a shard: conversations with their decisions, history, the widget's first words.

use engine::state::Phase;
use engine::{Event, EventKind};
use log_store::{Table, Write};
use policy::id::{ConversationId, WorkspaceId};
use policy::matching::Decision;
use policy::time::Timestamp;
use policy::{Audience, Disclosed, Purpose, disclose};
use protocol::{ConversationBody, HistoryBody};
use serde::{Deserialize, Serialize};

use super::effects::CONVERSATION_FIELDS;
use super::state::State;
use super::views::{Viewer, message};
use crate::accounts::{Principal, Role};

/// Decisions of one conversation that are shown.
const DECISIONS_MAX: usize = 20;
/// Messages of one page of history.
pub(crate) const PAGE_MAX: usize = 200;

/// A decision as it is stored: the compact record, beside the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredDecision {
    at: Timestamp,
    policy_version: u32,
    decision: Decision,
}

/// The state of a queue for who looks at the widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// Whether somebody is here by the hours.
    pub open: bool,
    /// If not, when.
    pub opens_ms: Option<i64>,
    /// The wait that would be told now.
    pub wait_s: Option<(u32, u32)>,
}

impl State {
    /// Keeps a decision's record.
    pub(super) fn keep_decision(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        event: &Event,
        decision: &Decision,
    ) {
        let policy_version = self.engine.workspace(workspace).map_or(0, |it| it.policy_version);
        let stored = StoredDecision { at: event.at, policy_version, decision: decision.clone() };
        if let Ok(value) = postcard::to_allocvec(&stored) {
            let key = decision_key(workspace, conversation, self.position.0);
            self.pending.writes.push(Write::Put { table: Table::Decisions, key, value });
        }
        self.decisions.insert(conversation, decision.clone());
    }

    /// The decision of a standing offer.
    pub(super) fn decision_of(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Option<Decision> {
        let hot = self.decisions.get(&conversation).cloned();
        hot.or_else(|| {
            self.stored_decisions(workspace, conversation, 1).into_iter().next().map(|it| it.decision)
        })
    }

    fn stored_decisions(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        limit: usize,
    ) -> Vec<StoredDecision> {
        let from = decision_key(workspace, conversation, 0);
        let to = decision_key(workspace, conversation, u64::MAX);
        let rows =
            self.parts.log.scan(self.id, Table::Decisions, &from, &to, limit, true).unwrap_or_default();
        rows.into_iter().filter_map(|(_, value)| postcard::from_bytes(&value).ok()).collect()
    }

    /// A conversation with its decisions, for an agent. `None` if there is none, or it is not for this one to see.
    pub fn conversation_body(
        &mut self,
        principal: &Principal,
        id: ConversationId,
    ) -> Option<Disclosed<ConversationBody>> {
        let Principal::Agent { workspace, agent, role, .. } = principal else { return None };
        let (workspace, agent) = (*workspace, *agent);
        let viewer = Viewer::Agent(agent);
        let (view, customer, with) = match self.conversation_view(workspace, id, viewer, super::tails::TAIL) {
            Some((view, _)) => {
                let it = self.engine.workspace(workspace)?.conversations.get(&id)?;
                let parked_by = match it.phase {
                    Phase::Parked { agent, .. } => Some(agent),
                    _ => None,
                };
                (view, it.customer, it.takes_room_of().or(parked_by))
            }
            None => {
                let closed = self.store(workspace).header(id)?.closed?;
                let with = closed.known_agent;
                (self.closed_view(workspace, id, viewer)?, closed.customer, with)
            }
        };
        if *role == Role::Agent && with != Some(agent) {
            return None;
        }
        let decisions = self
            .stored_decisions(workspace, id, DECISIONS_MAX)
            .into_iter()
            .map(|it| self.decision_view(workspace, id, it.at.0, it.policy_version, &it.decision))
            .collect();
        let card = self.cards.look(&*self.parts.log, &self.parts.vault, self.id, workspace, customer);
        let body = ConversationBody { conversation: view, decisions };
        let audience = self.audience(workspace, agent);
        disclose(audience, Purpose::Service, &card.grants, CONVERSATION_FIELDS, body).ok()
    }

    /// A page of a conversation's messages.
    pub fn history(
        &mut self,
        principal: &Principal,
        id: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Option<Disclosed<HistoryBody>> {
        let workspace = match principal {
            Principal::Agent { workspace, .. } | Principal::Customer { workspace, .. } => *workspace,
            Principal::Operator => return None,
        };
        let it = match self.engine.workspace(workspace)?.conversations.get(&id) {
            Some(it) => it.clone(),
            None => self.store(workspace).header(id)?.closed?,
        };
        let (audience, viewer) = match principal {
            Principal::Customer { customer, .. } if *customer == it.customer => {
                (Audience::Customer, Viewer::Customer)
            }
            Principal::Agent { agent, role, .. } => {
                let own = it.is_with(*agent) || it.known_agent == Some(*agent);
                if *role == Role::Agent && !own {
                    return None;
                }
                (self.audience(workspace, *agent), Viewer::Agent(*agent))
            }
            Principal::Customer { .. } | Principal::Operator => return None,
        };
        let last = before.map_or(it.last, |before| before.saturating_sub(1).min(it.last));
        let first = last.saturating_sub(limit.clamp(1, PAGE_MAX) as u64) + 1;
        // What is at hand may not be durable yet; the store holds only what is.
        let stored = self.store(workspace).read(id, it.customer, first, last);
        let card = self.cards.look(&*self.parts.log, &self.parts.vault, self.id, workspace, it.customer);
        let messages = stored.iter().map(|stored| message(stored, &it, viewer, card.grants)).collect();
        let body = HistoryBody { messages, before: (first > 1).then_some(first) };
        disclose(audience, Purpose::Service, &card.grants, CONVERSATION_FIELDS, body).ok()
    }

    /// What the widget says before the customer writes.
    pub fn greeting(
        &mut self,
        workspace: WorkspaceId,
        language: Option<&str>,
        topics: &[String],
    ) -> Greeting {
        let now = self.now();
        let facts = policy_cel::Facts {
            channel: connectors::web_chat::CHANNEL,
            language: language.unwrap_or_default(),
            topics,
            ..policy_cel::Facts::default()
        };
        let holds = self.holding(workspace, facts);
        let Some(it) = self.engine.workspace(workspace) else {
            return Greeting { open: false, opens_ms: None, wait_s: None };
        };
        let arrival =
            policy::Arrival { channel: connectors::web_chat::CHANNEL, language, topics, holds: &holds };
        let queue = it.policy.route(&arrival).needs.queue;
        let open = it.policy.is_open(&queue, now);
        let opens_ms = if open { None } else { it.policy.next_opening(&queue, now).map(|at| at.0) };
        let waiting = u32::try_from(it.pool.line(&queue).len()).unwrap_or(u32::MAX);
        Greeting {
            open,
            opens_ms,
            wait_s: if open { self.promise(workspace, &queue, waiting) } else { None },
        }
    }

    /// An agent as it sees itself.
    #[must_use]
    pub fn me(&self, workspace: WorkspaceId, agent: policy::id::AgentId) -> Option<protocol::Me> {
        self.agent_view(workspace, agent)
    }

    /// The version of the policy in force.
    #[must_use]
    pub fn policy_version(&self, workspace: WorkspaceId) -> u32 {
        self.engine.workspace(workspace).map_or(0, |it| it.policy_version)
    }

    /// The hash of the whole state.
    #[must_use]
    pub fn hash(&self) -> Option<u64> {
        self.engine.to_snapshot().ok().map(|bytes| super::recovery::state_hash(&bytes))
    }

    /// Forgets which decision a conversation's offer came from.
    pub(super) fn offer_over(&mut self, event: &Event) {
        if let EventKind::OfferAccepted { conversation, .. }
        | EventKind::OfferDeclined { conversation, .. }
        | EventKind::OfferTimedOut { conversation, .. }
        | EventKind::OfferWithdrawn { conversation, .. } = &event.kind
        {
            self.decisions.remove(conversation);
        }
    }
}

fn decision_key(workspace: WorkspaceId, conversation: ConversationId, position: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(40);
    key.extend_from_slice(&workspace.bits().to_be_bytes());
    key.extend_from_slice(&conversation.bits().to_be_bytes());
    key.extend_from_slice(&position.to_be_bytes());
    key
}
