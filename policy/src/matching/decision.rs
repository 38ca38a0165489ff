//! The record of one match: who, why, and who else there was. It stands in an event, so it is small and ordered.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::Rule;
use crate::id::{AgentId, ConversationId};
use crate::time::Span;

/// A skill's name, shared by all records that mention it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// Why a conversation went to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who got it.
    pub agent: AgentId,
    /// What set it off.
    pub trigger: Trigger,
    /// The parts of the winner's score.
    pub score: Score,
    /// Their sum without the idle time, which only breaks ties.
    pub total: i64,
    /// How long the conversation had waited.
    pub waited: Span,
    /// It was past its bound, so that age alone decided (invariant 8).
    pub passed_over: bool,
    /// All other agents by the first reason that held, with their number; nobody is left out or counted twice.
    pub losing: Vec<(Lost, u32)>,
    /// The three at most who could have had it too, best first.
    pub nearest: Vec<(AgentId, Score)>,
    /// The three at most whom this agent could have got instead, in the order of the rule; for a freed agent only.
    pub next_in_line: Vec<ConversationId>,
    /// The rule's own terms; none for `best_score` and for a transfer to one agent.
    pub terms: Option<Terms>,
}

/// The terms of a rule over costs. All but the first are in microseconds of customer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The rule.
    pub rule: Rule,
    /// What one more second of waiting cost, in millionths of a customer's second.
    pub urgency_ppm: i64,
    /// The conversation, what it does to the agent's others, and the chance of having to come back.
    pub work_us: i64,
    /// The price of a slot that others may need.
    pub price_us: i64,
    /// The chance that the agent was not there.
    pub risk_us: i64,
    /// What waiting for a better agent who is busy would have cost, if there was one.
    pub hold_us: Option<i64>,
}

impl Decision {
    /// The smallest change that would have sent it elsewhere: to whom, and by how many microseconds of customer time that
    /// one would have to be better; none where nobody else could have it.
    #[must_use]
    pub fn flip(&self) -> Option<(AgentId, i64)> {
        let terms = self.terms?;
        let by_cost = terms.rule == Rule::LeastCustomerTime;
        let (second, score) = self.nearest.first().filter(|_| by_cost)?;
        Some((*second, score.cost_us.saturating_sub(self.total).saturating_add(1)))
    }
}

/// What set a decision off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// A conversation looked for an agent.
    ConversationCame,
    /// An agent with room looked for a conversation.
    AgentFreed,
    /// The conversation was reserved for this agent.
    Transfer,
}

/// The parts of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Score {
    /// Points for proficiency.
    pub proficiency: i64,
    /// Points for knowing the customer.
    pub same_agent: i64,
    /// Milliseconds since the last assignment or since coming online; breaks ties.
    pub idle_ms: i64,
    /// What the pair costs by the rule, in microseconds of customer time for `least_customer_time`.
    pub cost_us: i64,
}

/// Why an agent did not get a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lost {
    /// Does not have this skill.
    LacksSkill(Name),
    /// Has this skill, and less of it than needed.
    BelowProficiency(Name),
    /// Does not speak the language.
    LacksLanguage,
    /// Not connected.
    Offline,
    /// Takes nothing at present.
    Away,
    /// No room for this effort or on this channel.
    AtCapacity,
    /// Refused it before.
    Refused,
    /// Could have had it, and another had the better score, the longer idle time or the lower id; or the freed agent
    /// was the one to be served; or the agent has had the share that one may have of what came.
    ScoredLower,
    /// The conversation is reserved for another.
    Reserved,
    /// Would have been better, and is kept for an older conversation past its bound (invariant 8).
    KeptForOlder,
    /// Has a skill that was not to be had.
    HasSkill(Name),
    /// Others are asked first for a time.
    NotYet,
    /// Is asked at the same time.
    AskedToo,
}

impl Lost {
    /// The word for it in views and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::LacksSkill(_) => "lacks_skill",
            Self::BelowProficiency(_) => "below_proficiency",
            Self::LacksLanguage => "lacks_language",
            Self::Offline => "offline",
            Self::Away => "away",
            Self::AtCapacity => "at_capacity",
            Self::Refused => "declined",
            Self::ScoredLower => "scored_lower",
            Self::Reserved => "reserved",
            Self::KeptForOlder => "kept_for_older",
            Self::HasSkill(_) => "has_skill",
            Self::NotYet => "not_yet",
            Self::AskedToo => "asked_too",
        }
    }

    /// The skill, where it is about one.
    #[must_use]
    pub fn skill(&self) -> Option<&str> {
        match self {
            Self::LacksSkill(name) | Self::BelowProficiency(name) | Self::HasSkill(name) => Some(name),
            Self::LacksLanguage
            | Self::Offline
            | Self::Away
            | Self::AtCapacity
            | Self::Refused
            | Self::ScoredLower
            | Self::Reserved
            | Self::KeptForOlder
            | Self::NotYet
            | Self::AskedToo => None,
        }
    }
}
