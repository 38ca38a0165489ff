//! The operations board as clients see it: numbers and states, and nobody's words.

use policy::id::AgentId;
use serde::{Deserialize, Serialize};

use crate::view::{AgentState, AuthorKind, BreakView, ConversationView};

/// The operations board.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct BoardView {
    /// When it was taken, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// Conversations waiting or offered.
    pub waiting: u32,
    /// The longest current wait, in milliseconds.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub oldest_wait_ms: i64,
    /// Conversations that agents hold.
    pub in_hand: u32,
    /// Of the conversations first answered by a holder in the last hour or still waiting past target: the share, in per
    /// cent, taken up within their queue's target. Absent while there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_level: Option<u32>,
    /// The agents, online first, 500 at most.
    pub agents: Vec<AgentRow>,
    /// Free effort points of agents online.
    pub free_capacity: u32,
    /// Effort points of agents online.
    pub total_capacity: u32,
    /// What is wrong with those who wait, 100 rows at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmRow>,
    /// Queues.
    pub queues: Vec<QueueRow>,
    /// Conversations closed in the last hour.
    pub handled_hour: u32,
    /// Messages accepted in the last second.
    pub messages_per_s: u32,
    /// Decisions in the last second.
    pub decisions_per_s: u32,
    /// Time of a decision with its record, in microseconds: median and 99th percentile over the last 1,000.
    pub decision_us: (f64, f64),
    /// The last minutes, oldest first, one a minute, 60 at most: (waiting at its end, service level in per cent, handled).
    pub history: Vec<(u32, Option<u32>, u32)>,
    /// How promises of the wait were kept: all of them, then by queue, language and priority; about the last thousand of
    /// each count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<PromiseRow>,
    /// Conversations to open, those that wait longest first, then the newest, 100 at most.
    pub conversations: Vec<ConversationView>,
}

/// An alarm over those who wait in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AlarmRow {
    /// What is wrong.
    pub kind: AlarmKind,
    /// Where.
    pub queue: String,
    /// How many conversations it is about.
    pub conversations: u32,
    /// Since when the oldest of them has waited, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub oldest_ms: i64,
    /// Languages and skills that they need, 8 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// What is wrong with those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Nobody who is online could serve them.
    Unstaffed,
    /// They are past the bound for being passed over, and everybody able is busy: staffing makes it inevitable.
    Overdue,
    /// They are past the bound although somebody able has room: the rule should never let that happen.
    Starved,
}

impl AlarmKind {
    /// Its name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unstaffed => "unstaffed",
            Self::Overdue => "overdue",
            Self::Starved => "starved",
        }
    }
}

/// How promises of the wait were kept in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PromiseRow {
    /// `all`, `queue`, `language` or `priority`.
    pub by: String,
    /// The queue, the language or the priority; empty for all, and for a language that is not known.
    pub name: String,
    /// Customers who were told and then served.
    pub served: u32,
    /// Of them, per cent served by the end of the range they were told first.
    pub kept: u32,
    /// The mean told, less the mean wait that came of it, in per cent of that.
    pub bias: i32,
    /// Customers who were told and left.
    pub left: u32,
}

/// A queue on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// Waiting or offered.
    pub waiting: u32,
    /// The longest current wait, in milliseconds.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub oldest_wait_ms: i64,
    /// Its service target, in seconds.
    pub target_s: u32,
    /// Whether it is open now.
    pub open: bool,
    /// Conversations that came in the last hour.
    pub arrived_hour: u32,
    /// Conversations closed in the last hour.
    pub handled_hour: u32,
    /// Service level in per cent, as on the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_level: Option<u32>,
    /// What a customer who came now would be told, in seconds: median to 90th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise_s: Option<(u32, u32)>,
}

/// An agent on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AgentRow {
    /// Who.
    pub id: AgentId,
    /// The name.
    pub name: String,
    /// Person or bot.
    pub kind: AuthorKind,
    /// The state.
    pub state: AgentState,
    /// Capacity taken, in effort points.
    pub load: u32,
    /// Taken by interruptible work, which has a capacity of its own, as large.
    #[serde(default, skip_serializing_if = "crate::view::is_zero")]
    pub interruptible_load: u32,
    /// Capacity in all.
    pub capacity: u32,
    /// The planned break that is near or under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_break: Option<BreakView>,
}
