//! Things as clients see them: one form for snapshot, event and HTTP body.

use policy::id::{AgentId, ContactPointId, ConversationId, MessageId, OfferId};
use serde::{Deserialize, Serialize};

use crate::{LabelsView, MailView};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ConversationView {
    /// Which.
    pub id: ConversationId,
    /// Where it stands.
    pub state: ConversationState,
    /// The queue it came through.
    pub queue: String,
    /// The channel of its newest message, such as `web_chat`.
    pub channel: String,
    /// The customer's name as shown, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The language of the customer's words, if known: `es`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the conversation is about, as skills needed.
    pub topics: Vec<String>,
    /// Who may speak to the customer now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Author>,
    /// For the customer: why this agent, in short, such as the language and the skills that were needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Reason>,
    /// Grows with each change of holder; a sender with an older one is refused.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub fence: u64,
    /// When it was opened, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub opened_ms: i64,
    /// Since when the customer has been waiting for a word, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub waiting_since_ms: Option<i64>,
    /// The number of its last message.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub last: u64,
    /// Up to which message the agent side has seen.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub seen_by_agent: u64,
    /// Up to which message the customer has seen.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub seen_by_customer: u64,
    /// The newest messages, oldest first; older ones are read by `GET /api/v1/conversations/{id}/messages`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageView>,
    /// For a waiting customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceView>,
    /// For agents: where the customer can be written to, the one used last, by either side, last. Absent where it is one that
    /// has no address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact_points: Vec<ContactPointView>,
}

/// A contact point that a conversation's customer has written from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ContactPointView {
    /// Which.
    pub id: ContactPointId,
    /// Its channel.
    pub channel: String,
    /// Where an answer goes, on a channel with addresses: not always where the customer wrote from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why nothing is sent there just now: `unreachable`, `complained`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ConversationState {
    /// In its queue.
    Waiting,
    /// Proposed to an agent.
    Offered,
    /// An agent holds it.
    Assigned,
    /// Set aside; its agent is reserved.
    Parked,
    /// Ended.
    Closed,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct MessageView {
    /// Which.
    pub id: MessageId,
    /// Its number in the conversation: 1, 2, 3, ...
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub seq: u64,
    /// Who wrote it.
    pub from: Author,
    /// The text. `None` where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The contact point it came from or goes to.
    pub contact_point: ContactPointId,
    /// The channel of that contact point.
    pub channel: String,
    /// When it was accepted, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// How far it got.
    pub delivery: DeliveryState,
    /// The writer's own id of the `send`, shown to the writer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What was understood of a customer's message, shown to agents only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelsView>,
    /// What it has beside its text because it came or went by email, shown to agents only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Box<MailView>>,
}

/// Who wrote, or who holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Author {
    /// Customer, person, bot or the router itself.
    pub kind: AuthorKind,
    /// The agent, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The name as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What kind of author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// The customer.
    Customer,
    /// A person who serves.
    Person,
    /// A bot that serves.
    Bot,
    /// The router: notices.
    Router,
}

/// How far a message got. It only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Accepted by the router, durable.
    Sent,
    /// Arrived at the other side's client or provider.
    Delivered,
    /// Seen by the other side.
    Seen,
    /// It could not be delivered.
    Failed,
}

/// An offer to an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct OfferView {
    /// Which.
    pub id: OfferId,
    /// The conversation, with its messages so far.
    pub conversation: ConversationView,
    /// Why this agent, part by part, for a line such as "Spanish + refunds, waited 0:42".
    pub why: Vec<Reason>,
    /// How long the customer has waited, in milliseconds, when the offer was made.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub waited_ms: i64,
    /// When the offer was made, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub made_ms: i64,
    /// When it ends, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub until_ms: i64,
}

/// One part of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Reason {
    /// `language`, `skill`, `same_agent`, `longest_idle`, `priority`, `passed_over`, `transfer`.
    pub kind: String,
    /// The language or skill by name, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A waiting customer's place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PlaceView {
    /// 1 is next.
    pub position: u32,
    /// The likely wait from now, as a range in seconds (median to 90th percentile); absent where nothing honest can be
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<(u32, u32)>,
    /// Outside hours: when somebody will be here, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub opens_ms: Option<i64>,
    /// It takes longer than was said at first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub longer: bool,
    /// The wait is a long one: who goes away meanwhile keeps the place, and finds the answer here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub long: bool,
    /// The range comes from the length of the line alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rough: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(crate) fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The owner of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Me {
    /// `customer`, `agent`, `supervisor`, `admin`.
    pub role: String,
    /// The agent, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The name as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An agent's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AgentState>,
    /// Capacity taken, in effort points.
    pub load: u32,
    /// Taken by interruptible work, which has a capacity of its own, as large.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub interruptible_load: u32,
    /// Capacity in all, in effort points.
    pub capacity: u32,
    /// For agents: the queues that conversations may be handed over to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// For agents: the channels there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// For agents: the channels on which nothing more is taken at present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<String>,
    /// For agents: closed conversations whose room is kept for writing up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrapping: Vec<Wrapping>,
    /// For agents: the planned break that is near or under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_break: Option<BreakView>,
}

/// A planned break of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct BreakView {
    /// When it begins, in milliseconds since 1970. Nothing more is offered until then.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub from_ms: i64,
    /// When it ends.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub until_ms: i64,
    /// Whether it has begun.
    pub begun: bool,
}

/// A closed conversation whose room its agent keeps for writing up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Wrapping {
    /// Which.
    pub conversation: ConversationId,
    /// Until when, at most, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub until_ms: i64,
}

/// An agent's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Ready for offers.
    Online,
    /// Here, takes no offers.
    Away,
    /// Not here.
    Offline,
}

/// Why a conversation went where it went: one decision's record with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct DecisionView {
    /// When, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// The conversation.
    pub conversation: ConversationId,
    /// The agent chosen.
    pub winner: Nearest,
    /// What set it off: `conversation_came`, `agent_freed`, `transfer`.
    pub trigger: String,
    /// The version of the policy.
    pub policy_version: u32,
    /// Groups of agents that lost, by reason.
    pub losing: Vec<LosingGroup>,
    /// The nearest three that lost by score, best first.
    pub nearest: Vec<Nearest>,
    /// The rule that decided.
    pub rule: String,
    /// The rule's own terms, where it counts the customer's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<TermsView>,
    /// The smallest change that would have sent it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flip: Option<FlipView>,
    /// How long the customer had waited, in milliseconds.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub waited_ms: i64,
}

/// The terms of a decision, all but the first in milliseconds of the customer's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TermsView {
    /// What one more second of waiting cost, in thousandths of a plain customer's second.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub urgency_pm: i64,
    /// The conversation, what it does to the agent's others, and the chance of having to come back.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub work_ms: i64,
    /// The price of a slot that others may need.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub price_ms: i64,
    /// The chance that the agent is not there.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub risk_ms: i64,
    /// What waiting for a better agent who is busy would have cost, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub hold_ms: Option<i64>,
}

/// Who would have got it, had that one been better by so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FlipView {
    /// Who.
    pub agent: AgentId,
    /// The name.
    pub name: String,
    /// Milliseconds of the customer's time.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub by_ms: i64,
}

/// A group of agents that did not get a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LosingGroup {
    /// Why: `lacks_skill`, `below_proficiency`, `lacks_language`, `offline`, `away`, `at_capacity`, `declined`, `scored_lower`,
    /// `reserved`, `kept_for_older`, `has_skill`, `not_yet`, `asked_too`.
    pub reason: String,
    /// The skill or language, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many agents.
    pub agents: u32,
}

/// An agent with the parts of its score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Nearest {
    /// Who.
    pub agent: AgentId,
    /// The name.
    pub name: String,
    /// The parts.
    pub score: Vec<ScorePart>,
}

/// One part of a score. Where there is a `cost_ms`, the least of it decides; else the sum of the points. Ties go to the
/// longest idle, then to the lower id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ScorePart {
    /// `cost_ms`, `proficiency`, `same_agent`, `idle_ms`.
    pub name: String,
    /// Points.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub points: i64,
}
