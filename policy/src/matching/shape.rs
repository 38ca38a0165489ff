//! What matching is told: needs of a conversation, profile and standing of an agent, and the small answers about them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::ability::Ability;
use super::profiles::judge;
use crate::document::Weights;
use crate::id::{AgentId, ConversationId};
use crate::time::{Span, Timestamp};

/// What a conversation needs of an agent. Conversations with equal needs are one class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Needs {
    /// The queue it stands in.
    pub queue: Box<str>,
    /// The channel it is on.
    pub channel: Box<str>,
    /// What it costs of an agent's capacity.
    pub effort: u32,
    /// The language, where it matters.
    pub language: Option<Box<str>>,
    /// Skills by name, each with its least proficiency, 1 to 100: all of them.
    pub skills: Vec<(Box<str>, u8)>,
    /// Alternatives: one skill of each of these is enough.
    pub any_of: Vec<Vec<(Box<str>, u8)>>,
    /// Skills that the agent must not have, such as that of a trainee.
    pub none_of: Vec<Box<str>>,
}

/// Agents who are asked before all others, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferred {
    /// Who; 20 at most.
    pub agents: Vec<AgentId>,
    /// From then on anybody may have it.
    pub until: Timestamp,
}

impl Preferred {
    /// How many agents can be preferred.
    pub const MOST: usize = 20;
}

/// What an agent can do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentProfile {
    /// Skill to proficiency, 1 to 100.
    pub skills: BTreeMap<String, u8>,
    /// Languages; none named means any. `pt` also serves `pt-BR`.
    pub languages: Vec<String>,
    /// Points of effort at once; interruptible work has as many again, of its own.
    pub capacity: u32,
    /// The most conversations at once on a channel; one that is not named has no limit of its own.
    pub channels: BTreeMap<String, u32>,
    /// The skill that this agent is for first of all, where the rule asks for it.
    pub primary: Option<String>,
    /// Skill to what was seen of the agent at it, where that differs from what the proficiency says; the engine learns it.
    /// The name `""` stands for conversations that need no skill.
    pub ability: BTreeMap<String, Ability>,
}

impl AgentProfile {
    /// Whether the agent could serve conversations with these needs, apart from room and standing.
    #[must_use]
    pub fn meets(&self, needs: &Needs) -> bool {
        judge(self, needs, Weights::default()).is_ok()
    }

    /// Whether the agent speaks this language.
    #[must_use]
    pub fn speaks(&self, language: &str) -> bool {
        self.languages.is_empty() || self.languages.iter().any(|known| covers(known, language))
    }
}

/// Whether a language tag stands for another: itself in any case, or a region of it.
pub(crate) fn covers(general: &str, tag: &str) -> bool {
    match (tag.get(..general.len()), tag.get(general.len()..)) {
        (Some(head), Some(rest)) => {
            head.eq_ignore_ascii_case(general) && (rest.is_empty() || rest.starts_with('-'))
        }
        (_, _) => false,
    }
}

/// Whether an agent takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Standing {
    /// Takes conversations.
    Online,
    /// Connected, and takes none at present.
    Away,
    /// Not connected.
    #[default]
    Offline,
}

/// How full an agent is, in points of effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Taken by what does not run beside others.
    pub load: u32,
    /// Taken by what does: interruptible work has as much room again, of its own.
    pub beside: u32,
    /// In all, of each.
    pub capacity: u32,
}

/// A conversation that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub conversation: ConversationId,
    /// What it needs.
    pub needs: Needs,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// Since when.
    pub since: Timestamp,
    /// After this long it goes before every younger one (invariant 8).
    pub passed_over: Span,
    /// The agent who knows the customer, where that one is to be preferred.
    pub known_agent: Option<AgentId>,
    /// Only this agent may have it.
    pub reserved: Option<AgentId>,
    /// Never these again. The last 64 are kept.
    pub refused: Vec<AgentId>,
    /// Only these for a time, as long as one of them is online.
    pub preferred: Option<Preferred>,
}

impl Waiting {
    /// How many refusals are remembered.
    pub const REFUSALS: usize = 64;

    /// Whether it has waited to its bound, so that no younger one goes before it.
    #[must_use]
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        at >= self.since + self.passed_over
    }
}

/// What could serve a waiting conversation, for the promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Able {
    /// Eligible agents, whatever their standing.
    pub eligible: u32,
    /// Eligible agents who are online, with or without room.
    pub online: u32,
    /// Eligible agents who could take it now.
    pub free: u32,
    /// How many conversations of this effort the online ones can hold in all.
    pub holds: u64,
}
