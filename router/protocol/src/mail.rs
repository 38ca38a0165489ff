//! Mail as agents see it: what stands around a message that came or went by email, and what an agent may say about one that
//! goes out.

use serde::{Deserialize, Serialize};

/// What a message that came or went by email has beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct MailView {
    /// The subject.
    pub subject: String,
    /// The address that wrote it; of our own mail the mailbox.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// To whom it is addressed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Who got a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// What it quotes of earlier mails, and its signature.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quoted: String,
    /// Whether it has a form of its own, to be read at `GET /api/v1/conversations/{id}/messages/{seq}/mail`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// What it carries, each to be read at `GET /api/v1/conversations/{id}/messages/{seq}/files/{number}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// How sure it is that it comes from that address; of our own mail absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<SenderProof>,
    /// Of our own mail: how far it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MailState>,
    /// Why it got no further, in the other server's words or ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Something that a mail carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FileView {
    /// Its number in the mail: 0, 1, 2, ...
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its type, as the sender says.
    pub media_type: String,
    /// Its size in bytes.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub size: u64,
    /// Whether it belongs into the text rather than beneath it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
}

/// How sure it is that a mail comes from the address that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SenderProof {
    /// The company's own mail server has found it right.
    Verified,
    /// Nobody knows.
    Unverified,
    /// The company's own mail server has found it wrong.
    Suspect,
}

/// How far a mail of ours got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// It waits for the relay.
    Waiting,
    /// The relay has it.
    Sent,
    /// Another server has not taken it yet, and is asked again.
    Delayed,
    /// It arrived, as the other server says.
    Delivered,
    /// It will not arrive.
    Failed,
    /// The relay fell silent: it may have gone out or not. It is not sent again by itself.
    Unknown,
}

/// What an agent says about a mail that goes out. What is left out follows from the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct MailInput {
    /// The subject; else the customer's, with `Re:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// To whom instead of the customer's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who gets a copy, 20 at most. Who is named here takes part in the conversation from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Who gets a copy without anybody knowing, 20 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<String>,
    /// Whether the customer's last mail is quoted beneath.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quote: bool,
    /// Files, by the ids that `POST /api/v1/conversations/{id}/files` gave, 20 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// A file that waits to go out with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FileBody {
    /// By what a mail names it.
    pub id: String,
    /// Its name, cleaned.
    pub name: String,
    /// Its type.
    pub media_type: String,
    /// Its size in bytes.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub size: u64,
}

/// A mail that became no message: it is kept, and somebody decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AsideView {
    /// Which.
    pub id: String,
    /// When it came, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// The mailbox that it came to.
    pub account: String,
    /// Why it was set aside: `automatic_reply`, `notice`, `bulk`, `report`, `own`, `complaint`, `loop`, `no_sender`, `refused`.
    pub why: String,
    /// The address that it names as its sender.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// The conversation that it proves to know of, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<policy::id::ConversationId>,
}

/// What such a mail says, as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AsideBody {
    /// To whom it is addressed.
    pub to: Vec<String>,
    /// Its text, 64 kB of it at most; the mail as it came has all.
    pub text: String,
    /// What it carries.
    pub files: Vec<FileView>,
}

/// A mail of ours that did not arrive, or of which nobody knows. It is sent again when somebody asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FailedMailView {
    /// Of which conversation.
    pub conversation: policy::id::ConversationId,
    /// The number of its message.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub seq: u64,
    /// When that was known, milliseconds since 1970.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub at_ms: i64,
    /// The mailbox that it goes out from.
    pub account: String,
    /// To whom it goes, copies included.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// `failed` or `unknown`.
    pub state: MailState,
    /// Why, in the other server's words where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where else the customer has written from in an open conversation, as far as nothing speaks against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<crate::ContactPointView>,
}
