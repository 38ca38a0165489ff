//! A conversation: one matter of one customer, over any number of contact points.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use policy::Policy;
use policy::id::{AgentId, ContactPointId, ConversationId, CustomerId, OfferId};
use policy::matching::{Needs, Preferred};
use policy::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A conversation's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// Whose.
    pub customer: CustomerId,
    /// Where it stands.
    pub phase: Phase,
    /// The routing class.
    pub needs: Needs,
    /// How many steps of its queue it has behind it.
    pub step: u32,
    /// The conditions of steps that held when it came, as its policy marks them.
    pub marks: Vec<u64>,
    /// 9 is first.
    pub priority: u8,
    /// The customer's language, if known.
    pub language: Option<Box<str>>,
    /// What it is about.
    pub topics: Vec<String>,
    /// When it was opened; its age never resets.
    pub opened: Timestamp,
    /// It counts as having waited for so long when it came.
    pub head_start: Span,
    /// Who is asked before all others.
    pub preferred: Option<Preferred>,
    /// Offers that stand beside the one of its phase: the first to accept has it.
    pub rivals: Vec<Rival>,
    /// When an agent first held it.
    pub first_held: Option<Timestamp>,
    /// When the present holder began.
    pub held_since: Option<Timestamp>,
    /// When the last message came or went.
    pub active: Timestamp,
    /// Since when the customer has waited for a word.
    pub unanswered_since: Option<Timestamp>,
    /// When an agent last wrote.
    pub answered: Option<Timestamp>,
    /// The contact points that the customer has written from, the one used last, by either side, last; 16 at most.
    pub contact_points: Vec<ContactPoint>,
    /// The number of the last message.
    pub last: u64,
    /// Grows with each change of holder.
    pub fence: u64,
    /// Grows with each offer.
    pub offers: u32,
    /// The agent known to the customer.
    pub known_agent: Option<AgentId>,
    /// Agents who refused it or handed it over; 64 at most, the oldest goes first.
    pub refused: Vec<AgentId>,
    /// How far the agents' messages got at the customer.
    pub at_customer: Watermarks,
    /// How far the customer's messages got at the agents.
    pub at_agent: Watermarks,
    /// When it wants to be looked at. Follows from the rest, so it stands in no snapshot and no hash.
    #[serde(skip)]
    pub(crate) deadline: Option<Timestamp>,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// In its queue.
    Waiting {
        /// Whether it may be offered: its queue was open when it came, or has opened since.
        open: bool,
        /// Only this agent may have it.
        reserved: Option<AgentId>,
    },
    /// Proposed to an agent.
    Offered {
        /// The offer.
        offer: OfferId,
        /// To whom.
        agent: AgentId,
        /// Since when.
        made: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// An agent holds it.
    Assigned {
        /// Who.
        agent: AgentId,
    },
    /// Set aside.
    Parked {
        /// Who returns to it.
        agent: AgentId,
        /// When it comes back by itself.
        until: Option<Timestamp>,
    },
}

/// One more offer of a conversation, at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rival {
    /// The offer.
    pub offer: OfferId,
    /// To whom.
    pub agent: AgentId,
    /// Since when.
    pub made: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The customer's end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPoint {
    /// Which.
    pub id: ContactPointId,
    /// Its channel.
    pub channel: Box<str>,
}

/// How far messages got; each only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watermarks {
    /// All messages up to this number have arrived.
    pub delivered: u64,
    /// All messages up to this number were seen.
    pub seen: u64,
}

/// How long a rule may leave a conversation waiting before it looks again without any event.
pub(crate) const LOOK_AGAIN: Span = Span::seconds(5);
/// More contact points than this are not kept in one conversation.
pub const CONTACT_POINTS_MAX: usize = 16;
/// More refusers than this are not remembered.
pub(crate) const REFUSED_MAX: usize = 64;

impl Conversation {
    /// Who may speak to the customer.
    #[must_use]
    pub fn holder(&self) -> Option<AgentId> {
        match self.phase {
            Phase::Assigned { agent } => Some(agent),
            Phase::Waiting { .. } | Phase::Offered { .. } | Phase::Parked { .. } => None,
        }
    }

    /// Since when it counts as waiting: its opening, or earlier by its head start.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.opened - self.head_start
    }

    /// Whose capacity it takes; of several who are asked at once, the first.
    #[must_use]
    pub fn takes_room_of(&self) -> Option<AgentId> {
        match self.phase {
            Phase::Assigned { agent } | Phase::Offered { agent, .. } => Some(agent),
            Phase::Waiting { .. } | Phase::Parked { .. } => None,
        }
    }

    /// Whether it takes room of this agent: in hand, or offered, alone or beside others.
    #[must_use]
    pub fn is_with(&self, agent: AgentId) -> bool {
        self.holder() == Some(agent) || self.offers().any(|offer| offer.agent == agent)
    }

    /// All offers that stand, that of its phase first.
    pub fn offers(&self) -> impl Iterator<Item = Rival> + '_ {
        let first = match self.phase {
            Phase::Offered { offer, agent, made, until } => Some(Rival { offer, agent, made, until }),
            Phase::Waiting { .. } | Phase::Assigned { .. } | Phase::Parked { .. } => None,
        };
        first.into_iter().chain(self.rivals.iter().copied())
    }

    /// The contact point that was used last.
    #[must_use]
    pub fn contact_point(&self) -> Option<&ContactPoint> {
        self.contact_points.last()
    }

    /// Notes that a contact point was used: what is written next goes there.
    pub(crate) fn use_contact_point(&mut self, id: ContactPointId) {
        if let Some(index) = self.contact_points.iter().position(|point| point.id == id) {
            self.contact_points[index..].rotate_left(1);
        }
    }

    /// The channel of a contact point of this conversation.
    #[must_use]
    pub fn channel_of(&self, id: ContactPointId) -> &str {
        self.contact_points.iter().find(|point| point.id == id).map_or("", |point| &point.channel)
    }

    /// When it wants to be looked at, from its phase at this time.
    pub(crate) fn next_look(&self, policy: &Policy, at: Timestamp) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting { open: false, .. } => policy.next_opening(&self.needs.queue, at),
            // The rule may let it wait although somebody is free: then it is looked at again and again.
            Phase::Waiting { open: true, .. } => {
                let shared = policy.document().bounds.share > 0;
                let again = (shared || policy.document().rule.looks_again()).then_some(at + LOOK_AGAIN);
                let step =
                    self.next_step(policy).and_then(|(_, step)| step.after).map(|age| self.opened + age);
                [again, step, self.free_for_all(at)].into_iter().flatten().min()
            }
            Phase::Offered { .. } => self.offers().map(|it| it.until).min(),
            Phase::Assigned { .. } => {
                let queue = policy.queue(&self.needs.queue)?;
                let idle = queue.idle_close.map(|idle| self.active.max(at) + idle);
                [idle, self.due_back(queue, at)].into_iter().flatten().min()
            }
            Phase::Parked { until, .. } => until,
        }
    }

    /// When those who are asked first have had their time.
    pub(crate) fn free_for_all(&self, at: Timestamp) -> Option<Timestamp> {
        let until = self.preferred.as_ref()?.until;
        (until > at && until < Timestamp(i64::MAX)).then_some(until)
    }

    /// When its customer has waited long enough for an agent who is away, to be looked at then or once more later.
    pub(crate) fn due_back(&self, queue: &policy::Queue, at: Timestamp) -> Option<Timestamp> {
        let (bound, since) = (queue.reassign?, self.unanswered_since?);
        let due = since.max(self.held_since.unwrap_or(since)) + bound;
        Some(if due > at { due } else { at + bound })
    }

    /// The next step of its queue that is for it, with its number; none while it waits for one agent alone.
    pub(crate) fn next_step<'a>(&self, policy: &'a Policy) -> Option<(u32, &'a policy::Step)> {
        if !matches!(self.phase, Phase::Waiting { open: true, reserved: None }) {
            return None;
        }
        let steps = &policy.queue(&self.needs.queue)?.steps;
        let ahead = (0u32..).zip(steps).skip(usize::try_from(self.step).unwrap_or(usize::MAX));
        let mut own = ahead.filter(|(_, step)| step.is_for(&self.marks));
        own.next()
    }

    pub(crate) fn refuse(&mut self, agent: AgentId) {
        if !self.refused.contains(&agent) {
            if self.refused.len() == REFUSED_MAX {
                self.refused.remove(0);
            }
            self.refused.push(agent);
        }
    }
}
