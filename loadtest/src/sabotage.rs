//! Corrupts exactly one frame of a run, so that the checker itself is tested: it must find exactly that fault.
//!
//! | kind | what happens to one frame | what must be found |
//! |---|---|---|
//! | `drop` | a message on its way to a customer is swallowed | 1 lost |
//! | `double` | such a message is delivered twice | 1 duplicated |
//! | `swap` | a message is delivered behind the next one | 1 out of order |
//! | `misroute` | an assignment names an agent who lacks a needed skill | 1 misrouted |
//! | `overload` | the end of a conversation is told only after the next assignment to a full agent | 1 over capacity |
//! | `forget-ack` | a message is acknowledged and never forwarded, and the server is killed and started again | 1 lost |

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clap::ValueEnum;
use policy::id::{AgentId, ConversationId, MessageId};
use protocol::{AuthorKind, ClientFrame, ConversationState, ConversationView, ServerFrame, SessionEvent};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::agent::number_of;
use crate::checker::Plan;
use crate::rng::Rng;
use crate::roster::CAPACITY;

/// What to corrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Swallow a message
    Drop,
    /// Deliver a message twice
    Double,
    /// Deliver two messages in the wrong order
    Swap,
    /// Name an agent without the skill
    Misroute,
    /// Give a full agent one more
    Overload,
    /// Acknowledge a message and forget it across a restart
    ForgetAck,
}

/// A frame that is held back: on which link, of which conversation.
struct Held {
    link: u64,
    conversation: ConversationId,
    text: Utf8Bytes,
}

/// Looks at every frame and corrupts one.
pub(crate) struct Saboteur {
    kind: Kind,
    plan: Arc<Plan>,
    level: String,
    /// So many frames that would do are let by first.
    skip: usize,
    done: bool,
    held: Option<Held>,
    /// The number of the newest message of each conversation.
    newest: HashMap<ConversationId, u64>,
    /// What the agent on each link really holds; customers' links are not in it.
    holds: HashMap<u64, HashSet<ConversationId>>,
    /// Conversations that were assigned already.
    assigned: HashSet<ConversationId>,
    /// Told when the server is to be killed.
    restart: mpsc::Sender<()>,
}

impl Saboteur {
    pub(crate) fn new(
        kind: Kind,
        plan: Arc<Plan>,
        level: &str,
        seed: u64,
        restart: mpsc::Sender<()>,
    ) -> Self {
        let most = if kind == Kind::Overload { 1 } else { 20 };
        Self {
            kind,
            plan,
            level: level.to_owned(),
            skip: Rng::new(seed, "sabotage").below(most),
            done: false,
            held: None,
            newest: HashMap::new(),
            holds: HashMap::new(),
            assigned: HashSet::new(),
            restart,
        }
    }

    /// Whether the frame was corrupted.
    pub(crate) fn done(&self) -> bool {
        self.done
    }

    /// A frame on its way to the server. `Some` is the answer that the client gets instead of the server's.
    pub(crate) fn towards_server(&mut self, text: &str) -> Option<String> {
        if self.done || self.kind != Kind::ForgetAck {
            return None;
        }
        // Only customers' ids are not agents': their numbers begin behind the agents'.
        let Ok(ClientFrame::Send { id, conversation: Some(conversation), .. }) = serde_json::from_str(text)
        else {
            return None;
        };
        let client = crate::journal::Request::parse(&id)?.client;
        let newest = *self.newest.get(&conversation)?;
        if (client as usize) < self.plan.agents.len() || !self.turn() {
            return None;
        }
        self.done = true;
        // The receiver is gone only when the run is over.
        self.restart.try_send(()).ok();
        let accepted = ServerFrame::Accepted {
            id,
            conversation: Some(conversation),
            message: Some(MessageId::from_bits(u128::from(newest) << 64 | 1)),
            // Its real number is not known; this one is above the writer's last and below the next.
            seq: Some(newest),
            level: self.level.clone(),
        };
        serde_json::to_string(&accepted).ok()
    }

    /// A frame on its way to a client: what it gets.
    pub(crate) fn towards_client(&mut self, link: u64, text: Utf8Bytes) -> Vec<Utf8Bytes> {
        if self.done {
            return vec![text];
        }
        let Ok(ServerFrame::Event { seq, event }) = serde_json::from_str(&text) else { return vec![text] };
        match &event {
            SessionEvent::Snapshot { me, .. } if me.agent.is_some() => {
                self.holds.insert(link, HashSet::new());
            }
            SessionEvent::Message { conversation, message } => {
                self.newest.insert(*conversation, message.seq);
            }
            _ => {}
        }
        let kind = self.kind;
        match kind {
            Kind::Drop if self.reaches_customer(&event) => Vec::new(),
            Kind::Double if self.reaches_customer(&event) => vec![text.clone(), text],
            Kind::Swap => self.swap(link, &event, text),
            Kind::Misroute => vec![self.misroute(link, seq, event).map_or(text, Utf8Bytes::from)],
            Kind::Overload => self.overload(link, &event, text),
            Kind::Drop | Kind::Double | Kind::ForgetAck => vec![text],
        }
    }

    /// Whether it is this frame's turn.
    fn turn(&mut self) -> bool {
        let turn = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        turn
    }

    /// An agent's message to a customer, whose turn it is. Agents get only their own, with their request's id.
    fn reaches_customer(&mut self, event: &SessionEvent) -> bool {
        let SessionEvent::Message { message, .. } = event else { return false };
        let fits = message.from.kind == AuthorKind::Person && message.client_id.is_none();
        self.done = fits && self.turn();
        self.done
    }

    /// Holds a customer's own message back until the answer has gone by.
    fn swap(&mut self, link: u64, event: &SessionEvent, text: Utf8Bytes) -> Vec<Utf8Bytes> {
        match event {
            SessionEvent::Message { conversation, message } => {
                if let Some(held) =
                    self.held.take_if(|held| held.link == link && held.conversation == *conversation)
                {
                    self.done = true;
                    return vec![text, held.text];
                }
                let own = message.from.kind == AuthorKind::Customer && message.client_id.is_some();
                if self.held.is_none() && own && message.seq > 1 && self.turn() {
                    self.held = Some(Held { link, conversation: *conversation, text });
                    return Vec::new();
                }
                vec![text]
            }
            SessionEvent::Conversation { conversation }
                if conversation.state == ConversationState::Closed =>
            {
                // No other message comes: this one was the last, another one is taken.
                match self.held.take_if(|held| held.link == link) {
                    Some(held) => vec![held.text, text],
                    None => vec![text],
                }
            }
            _ => vec![text],
        }
    }

    /// Names another holder in an assignment, as the agent is told of it.
    fn misroute(&mut self, link: u64, seq: u64, event: SessionEvent) -> Option<String> {
        let SessionEvent::Conversation { mut conversation } = event else { return None };
        let wrong = self.wrong_agent(&conversation)?;
        let holder = conversation.holder.as_mut()?;
        if !self.holds.contains_key(&link) || conversation.state != ConversationState::Assigned {
            return None;
        }
        if !self.assigned.insert(conversation.id) || !self.turn() {
            return None;
        }
        holder.agent = Some(wrong);
        self.done = true;
        let event = SessionEvent::Conversation { conversation };
        serde_json::to_string(&ServerFrame::Event { seq, event }).ok()
    }

    /// Somebody who lacks a skill that this conversation needs.
    fn wrong_agent(&self, conversation: &ConversationView) -> Option<AgentId> {
        let number = number_of(conversation.customer_name.as_deref()?)?;
        let needs = self.plan.needs.get(number)?;
        let lacks =
            |(_, (has, _)): &(&AgentId, &(std::collections::BTreeSet<String>, u32))| !needs.is_subset(has);
        self.plan.agents.iter().find(lacks).map(|(agent, _)| *agent)
    }

    /// Tells a full agent of a conversation's end only after the next assignment.
    fn overload(&mut self, link: u64, event: &SessionEvent, text: Utf8Bytes) -> Vec<Utf8Bytes> {
        let SessionEvent::Conversation { conversation } = event else { return vec![text] };
        let Some(holds) = self.holds.get_mut(&link) else { return vec![text] };
        match conversation.state {
            ConversationState::Assigned => {
                holds.insert(conversation.id);
                let full = holds.len() >= CAPACITY as usize;
                match self.held.take_if(|held| full && held.link == link) {
                    Some(held) => {
                        self.done = true;
                        vec![text, held.text]
                    }
                    None => vec![text],
                }
            }
            ConversationState::Closed => {
                let full = holds.len() >= CAPACITY as usize;
                holds.remove(&conversation.id);
                if holds.is_empty()
                    && let Some(held) = self.held.take_if(|held| held.link == link)
                {
                    // This agent fills up no more soon: another one is tried.
                    return vec![held.text, text];
                }
                if self.held.is_none() && full && self.turn() {
                    self.held = Some(Held { link, conversation: conversation.id, text });
                    return Vec::new();
                }
                vec![text]
            }
            _ => vec![text],
        }
    }
}

#[cfg(test)]
mod tests;
