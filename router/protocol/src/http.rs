//! Bodies of the HTTP API under `/api/v1`. Errors are `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use policy::id::{AgentId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::view::{ConversationView, DecisionView, MessageView};

/// An error (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Problem {
    /// A stable name: `/problems/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, what is safe, what to do.
    pub detail: String,
    /// Each fault, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemItem>,
}

/// One fault of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ProblemItem {
    /// Where: a JSON pointer.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// `POST /api/v1/sign-in`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SignInInput {
    /// The workspace by name; may be left out where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The sign-in name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// The answer to a sign-in. The same token is set as an HttpOnly cookie for the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SignInBody {
    /// Send as `Authorization: Bearer …`.
    pub token: String,
    /// When it ends, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub expires_ms: i64,
    /// `agent`, `supervisor`, `admin`.
    pub role: String,
    /// The agent.
    pub agent: AgentId,
    /// The name as shown.
    pub name: String,
}

/// `POST /api/v1/tickets`: a one-time key for one WebSocket upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TicketBody {
    /// Offer it as the WebSocket sub-protocol `ticket.<ticket>`, beside `switchboard.v1`.
    pub ticket: String,
    /// It ends after this many milliseconds.
    pub expires_in_ms: u32,
}

/// `POST /api/v1/widget/sessions`: a visitor starts, or comes back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(default)]
pub struct WidgetSessionInput {
    /// The widget's public key.
    pub widget: String,
    /// The secret of an earlier visit, from the answer to that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// A token signed by the company's site (JWT, HS256, with `sub`, `exp`, and `name` where known).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What to be called, 1 to 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The page's language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the visit is about, 8 at most; those that are skills of the policy become needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
}

/// The answer to `POST /api/v1/widget/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct WidgetSessionBody {
    /// Keep it in the browser and send it next time: it is the visitor's key.
    pub visitor: String,
    /// The customer.
    pub customer: CustomerId,
    /// A ticket for the WebSocket.
    pub ticket: String,
    /// The ticket ends after this many milliseconds.
    pub expires_in_ms: u32,
    /// The company's name as shown.
    pub company: String,
    /// Texts of the widget in the visitor's language, by key.
    pub texts: BTreeMap<String, String>,
    /// The language of those texts.
    pub language: String,
    /// `ltr` or `rtl`.
    pub direction: String,
    /// Whether somebody is here now.
    pub open: bool,
    /// If not: when, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub opens_ms: Option<i64>,
    /// What a customer who wrote now would likely wait, in seconds: median to 90th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<(u32, u32)>,
}

/// `GET /api/v1/conversations/{id}/messages?before=N&limit=N`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct HistoryBody {
    /// Oldest first.
    pub messages: Vec<MessageView>,
    /// Ask for what is before this number next; absent at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub before: Option<u64>,
}

/// `GET /api/v1/conversations/{id}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ConversationBody {
    /// The conversation with its newest messages.
    pub conversation: ConversationView,
    /// Why it went where it went, newest first.
    pub decisions: Vec<DecisionView>,
}

/// `GET /api/v1/board`
pub type BoardBody = crate::board::BoardView;

/// `POST /api/v1/agents` and `PUT /api/v1/agents/{id}`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct AgentInput {
    /// The sign-in name, 1 to 64 characters; cannot be changed.
    pub sign_in: String,
    /// The name as shown, 1 to 80 characters.
    pub name: String,
    /// `person` or `bot`.
    pub kind: String,
    /// `agent`, `supervisor`, `admin`.
    pub role: String,
    /// The password, 8 to 256 characters; absent for those who sign in by token only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Skills by name with proficiency 1 to 100.
    pub skills: BTreeMap<String, u8>,
    /// Languages spoken, such as `["en", "es"]`; empty: any.
    pub languages: Vec<String>,
    /// Effort points in all, 1 to 10,000.
    pub capacity: u32,
    /// The most conversations of a channel at once, by channel; absent: as many as capacity allows.
    pub channels: BTreeMap<String, u32>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AgentBody {
    /// Who.
    pub id: AgentId,
    /// The sign-in name.
    pub sign_in: String,
    /// The name as shown.
    pub name: String,
    /// `person` or `bot`.
    pub kind: String,
    /// `agent`, `supervisor`, `admin`.
    pub role: String,
}

/// `POST /api/v1/tokens`: an access token for an agent, bot or program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// For whom, by id.
    pub agent: AgentId,
    /// Ends after this many days, 1 to 3,650.
    pub days: u32,
}

/// The answer to `POST /api/v1/tokens`; the token is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TokenBody {
    /// `swb_…`
    pub token: String,
    /// When it ends, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub expires_ms: i64,
}

/// `POST /api/v1/workspaces` (operator token only)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct WorkspaceInput {
    /// Its name, 1 to 64 characters of a-z, 0-9 and `-`.
    pub name: String,
    /// The company's name as customers see it, 1 to 80 characters; absent: the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The policy document (TOML); absent: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A workspace and the keys to it, shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct WorkspaceBody {
    /// Which.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The public key of its widget.
    pub widget: String,
    /// The secret that signs widget identities (HS256).
    pub identity_secret: String,
    /// An admin's token.
    pub admin_token: String,
}

/// `GET /api/v1/widget`: what the company's pages need to show the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct WidgetBody {
    /// The widget's public key, for `data-key` of the script tag.
    pub widget: String,
    /// The company's name as customers see it.
    pub company: String,
    /// Origins of the pages that may use it, beside the server's own.
    pub origins: Vec<String>,
}

/// `PUT /api/v1/widget`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct WidgetInput {
    /// The company's name as customers see it, 1 to 80 characters.
    pub company: String,
    /// Origins of the pages that may use it, 32 at most, each scheme and host such as `https://shop.example`.
    pub origins: Vec<String>,
}

/// `POST /api/v1/widget/identity-secret`: a new one, shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct IdentitySecretBody {
    /// The secret that signs widget identities (HS256). The one before is void.
    pub identity_secret: String,
}

/// `POST /api/v1/backup` (operator token only)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct BackupInput {
    /// A new folder on the server's machine.
    pub to: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct BackupBody {
    /// Records of all shards.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub records: u64,
    /// Rows of all side tables.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub rows: u64,
}

/// What `switchboard demo --json` prints when it is ready to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoLinks {
    /// The demo shop with the chat widget.
    pub widget: String,
    /// The agent console.
    pub console: String,
    /// The operations dashboard.
    pub dashboard: String,
    /// The HTTP API's base.
    pub api: String,
    /// How to sign in.
    pub sign_in: DemoSignIn,
}

/// How to sign in to the demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoSignIn {
    /// The sign-in name of a person who is agent and admin.
    pub name: String,
    /// The password.
    pub password: String,
    /// A bearer token of the operator, who may create workspaces.
    pub token: String,
    /// The widget's public key.
    pub widget_key: String,
}

/// Planned breaks of an agent: `GET` and `PUT /api/v1/agents/{id}/breaks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct BreaksBody {
    /// The IANA name of the time zone, such as `Europe/Vienna`.
    #[serde(default = "utc")]
    pub zone: String,
    /// The breaks of each day, `mon` to `sun`, such as `12:00-12:30`.
    #[serde(default)]
    pub week: BTreeMap<String, Vec<String>>,
    /// Nothing new is offered in so many seconds before a break.
    #[serde(default = "five_minutes")]
    pub quiet_s: u32,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn five_minutes() -> u32 {
    300
}

/// What was remarked of a policy document: it is good, and yet something in it will not work with the agents there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PolicyRemarks {
    /// The remarks, in the order of the document.
    pub remarks: Vec<PolicyRemark>,
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PolicyRemark {
    /// Where in the document, such as `queues.billing`.
    pub path: String,
    /// What will not work, and why.
    pub detail: String,
    /// Whether whoever comes there is never served: such a policy is not published without a reason.
    pub grave: bool,
}

/// Publications of policies: `GET /api/v1/policy/publications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PublicationsBody {
    /// The newest first; the last 100 are kept.
    pub publications: Vec<PublicationView>,
}

/// One publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PublicationView {
    /// The version that it put in force; it stands in each decision's record.
    pub version: u32,
    /// When, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// Who.
    pub by: AgentId,
    /// The name at that time.
    pub name: String,
    /// Why it was published although a guard spoke against it, or simply why.
    pub reason: Option<String>,
    /// What the guards had against it, in words.
    pub objections: Vec<String>,
    /// Whether recorded traffic was replayed under it; if not, only the agents there are were looked at.
    pub tried: bool,
}
