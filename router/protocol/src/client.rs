//! What a client may say in a session. Every request carries `id`, made by the client and safe to repeat for 24 hours:
//! a repeat is answered like the first and done once.

use policy::id::{AgentId, ContactPointId, ConversationId, OfferId, SessionId};
use serde::{Deserialize, Serialize};

use crate::MailInput;

/// One frame from a client: a customer's widget, an agent's console, a bot, an operator's dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame. With `session` and `seq` (the last event number seen) it asks to resume.
    Hello {
        /// Protocol version, [`crate::VERSION`].
        protocol: u32,
        /// The session to resume.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        /// The last event number that the client has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
    },
    /// A message. A customer may leave `conversation` out: it then goes to the open conversation, or opens one. Messages are
    /// numbered as they are accepted: who says the next one before this one is answered may find it in front, where this one
    /// is refused for now and repeated.
    Send {
        /// The client's id of this request, 1 to 64 characters.
        id: String,
        /// Where it belongs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// For agents: to which contact point of the conversation; else to the one that was used last. Nothing goes to one that
        /// the customer has never written from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_point: Option<ContactPointId>,
        /// The text, 1 to 16,384 bytes after trimming.
        text: String,
    },
    /// An agent's message in a conversation that goes by email, with what a mail has beside its text. A plain `send` answers
    /// the customer's last mail.
    Mail {
        /// The client's id of this request, 1 to 64 characters.
        id: String,
        /// Where it belongs.
        conversation: ConversationId,
        /// To which contact point of email of the conversation; else to the one that was used last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_point: Option<ContactPointId>,
        /// The text, 1 to 16,384 bytes after trimming.
        text: String,
        /// Subject, copies, files.
        mail: Box<MailInput>,
    },
    /// An agent takes an offered conversation.
    Accept {
        /// The client's id of this request.
        id: String,
        /// The offer.
        offer: OfferId,
    },
    /// An agent refuses an offered conversation: it goes back to its old place and is not offered to this agent again.
    Decline {
        /// The client's id of this request.
        id: String,
        /// The offer.
        offer: OfferId,
        /// Why, as one of the workspace's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Hands a conversation over.
    Transfer {
        /// The client's id of this request.
        id: String,
        /// The conversation.
        conversation: ConversationId,
        /// To whom.
        to: TransferTarget,
    },
    /// Sets a conversation aside: frees the agent's capacity and reserves the return to the same agent.
    Park {
        /// The client's id of this request.
        id: String,
        /// The conversation.
        conversation: ConversationId,
        /// When it should come back by itself, in milliseconds since 1970; never if absent (the customer's next message
        /// brings it back at once in any case).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(type = "number | null"))]
        until_ms: Option<i64>,
    },
    /// Takes a parked conversation up again.
    Unpark {
        /// The client's id of this request.
        id: String,
        /// The conversation.
        conversation: ConversationId,
    },
    /// Ends a conversation. Customers may end their own, agents those they hold.
    Close {
        /// The client's id of this request.
        id: String,
        /// The conversation.
        conversation: ConversationId,
        /// Whether the customer got what they came for; only an agent's word counts here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        solved: Option<bool>,
    },
    /// Opens a closed conversation again.
    Reopen {
        /// The client's id of this request.
        id: String,
        /// The conversation.
        conversation: ConversationId,
    },
    /// An agent comes, or goes.
    Presence {
        /// The client's id of this request.
        id: String,
        /// The wished state.
        state: PresenceWish,
    },
    /// An agent takes nothing more on some channels; what is in hand stays.
    Pause {
        /// The client's id of this request.
        id: String,
        /// All channels that are to pause; none takes up all again.
        channels: Vec<String>,
    },
    /// An agent has written up what is to be kept of a closed conversation: its room is free again.
    WrapUp {
        /// The client's id of this request.
        id: String,
        /// Of which.
        conversation: ConversationId,
    },
    /// The sender is typing; told to the other side, never stored.
    Typing {
        /// Where.
        conversation: ConversationId,
    },
    /// The sender has seen all messages up to this number: a watermark.
    Seen {
        /// Where.
        conversation: ConversationId,
        /// The number of the last message seen.
        upto: u64,
    },
    /// All events up to this number have arrived. Sent at most once a second or each 64 events.
    Ack {
        /// The number of the last event that arrived.
        seq: u64,
    },
    /// Asks for `pong`, to tell a slow line from a dead one.
    Ping {},
    /// An operator asks for `board` frames, or no longer does.
    Watch {
        /// Whether to send them.
        board: bool,
    },
}

/// To whom a conversation is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum TransferTarget {
    /// To whoever the policy finds among those who serve this queue.
    Queue(String),
    /// To this agent, now if there is room, else when there is.
    Agent(AgentId),
}

/// The state that an agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PresenceWish {
    /// Ready for offers.
    Online,
    /// Here, takes no new offers, keeps the conversations in hand.
    Away,
    /// Gone: conversations in hand go back to their queue, at their old age.
    Offline,
}

impl ClientFrame {
    /// The client's id of the request, for frames that are answered.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Send { id, .. }
            | Self::Mail { id, .. }
            | Self::Accept { id, .. }
            | Self::Decline { id, .. }
            | Self::Transfer { id, .. }
            | Self::Park { id, .. }
            | Self::Unpark { id, .. }
            | Self::Close { id, .. }
            | Self::Reopen { id, .. }
            | Self::Presence { id, .. }
            | Self::Pause { id, .. }
            | Self::WrapUp { id, .. } => Some(id),
            Self::Hello { .. }
            | Self::Typing { .. }
            | Self::Seen { .. }
            | Self::Ack { .. }
            | Self::Ping {}
            | Self::Watch { .. } => None,
        }
    }
}
