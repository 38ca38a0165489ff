//! What a policy would have changed, and what it changes in live use: answers of `/api/v1/policy/try` and `/trial`.

use policy::id::AgentId;
use serde::{Deserialize, Serialize};

/// Recorded traffic under another policy, before it goes live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TryBody {
    /// The first recorded moment that was replayed, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub from_ms: i64,
    /// The last one.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub to_ms: i64,
    /// Conversations that came.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub conversations: u64,
    /// Recorded decisions.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub decisions: u64,
    /// Decisions that come out the same.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub identical: u64,
    /// Decisions that the other policy makes otherwise.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub changed: u64,
    /// Conversations of customers who were erased; they count like all others.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub erased: u64,
    /// How often what the recording leaves open was drawn.
    pub draws: u32,
    /// Groups of customers; those that are worse off for certain come first.
    pub groups: Vec<TryGroup>,
    /// How many of them are worse off for certain.
    pub worse_off: u32,
    /// The share of customers who leave.
    pub abandonment: TryChange,
    /// Customers who are never served.
    pub unserved: TryChange,
    /// The mean proficiency in what was needed, 0 to 1.
    pub skill_fit: TryChange,
    /// Agents; those whose load grows most come first.
    pub loads: Vec<TryLoad>,
    /// Guards that do not hold, in words; none: it may be published.
    pub blocked_by: Vec<String>,
}

/// A figure before and after, with the 95 % interval of the difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TryChange {
    /// Under the recorded policy.
    pub before: f64,
    /// Under the other one.
    pub after: f64,
    /// The lower end of the difference.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A group of customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TryGroup {
    /// What makes the group: `all`, `queue`, `language`, `priority`, `channel`.
    pub by: String,
    /// Which one.
    pub name: String,
    /// How many conversations.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub conversations: u64,
    /// Mean seconds in queue before.
    pub wait_before_s: f64,
    /// And after.
    pub wait_after_s: f64,
    /// The lower end of the difference's 95 % interval, in seconds.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The share who left before.
    pub left_before: f64,
    /// And after.
    pub left_after: f64,
}

/// An agent's load: the share of capacity that is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TryLoad {
    /// Who.
    pub agent: AgentId,
    /// The name, if the agent is still there.
    pub name: Option<String>,
    /// The figures.
    pub load: TryChange,
}

/// A trial in live use, and what came of it so far: `GET /api/v1/policy/trial`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TrialBody {
    /// When it began, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub since_ms: i64,
    /// The length of a block, in minutes.
    pub minutes: u32,
    /// The policy that is tried (TOML).
    pub tried_policy: String,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Under the policy that is kept.
    pub kept: TrialArm,
    /// Under the policy that is tried.
    pub tried: TrialArm,
    /// The lower end of the 95 % interval of the difference in mean waits, tried less kept, in seconds; none before each has two
    /// blocks.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// What came of one of the two policies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TrialArm {
    /// Blocks with conversations.
    pub blocks: u32,
    /// Conversations.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub conversations: u64,
    /// The mean over blocks of their mean waits, in seconds.
    pub wait_s: f64,
    /// The share of customers who left.
    pub left: f64,
}
