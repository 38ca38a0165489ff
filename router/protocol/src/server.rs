//! What the server says in a session.

use policy::id::{AgentId, ConversationId, MessageId, OfferId, SessionId};
use serde::{Deserialize, Serialize};

use crate::board::BoardView;
use crate::view::{AuthorKind, ConversationView, Me, MessageView, OfferView, PlaceView};

/// One frame from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "frames are written and dropped, never kept in numbers")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome {
        /// The session; name it in the next `hello` to resume.
        session: SessionId,
        /// How the stream goes on.
        mode: Mode,
        /// The number after which events follow.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        seq: u64,
        /// The server closes after two of these without a frame or a pong from the client.
        heartbeat_ms: u32,
        /// The longest frame that is taken, in bytes.
        max_bytes: u32,
        /// What an acknowledgement survives: `memory`, `os`, `disk`.
        level: String,
        /// Server time, milliseconds since 1970, so that ages can be shown rightly on a wrong clock.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        now_ms: i64,
    },
    /// A numbered event.
    Event {
        /// Its number in this session: the last one plus one.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        seq: u64,
        /// What happened.
        event: SessionEvent,
    },
    /// A request was done and is durable.
    Accepted {
        /// The client's id of the request.
        id: String,
        /// The conversation it concerned, if one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// For `send`: the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
        /// For `send`: the message's number in its conversation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(type = "number | null"))]
        seq: Option<u64>,
        /// What the acknowledgement survives.
        level: String,
    },
    /// A request was not done; nothing has changed.
    Rejected {
        /// The client's id of the request; empty where the frame could not be read.
        id: String,
        /// Why, for programs.
        code: Code,
        /// Why, and what to do, for people.
        detail: String,
        /// When it is worth trying again, in milliseconds from now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    /// Somebody is typing. Show it for six seconds.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        by: AuthorKind,
    },
    /// A waiting customer's place and honest estimate; the newest one counts.
    Place {
        /// Which conversation waits.
        conversation: ConversationId,
        /// The place.
        place: PlaceView,
    },
    /// The operations board; the newest one counts.
    Board {
        /// The figures.
        board: Box<BoardView>,
    },
    /// Whether the server takes nothing just now, because its store cannot be written. The newest one counts, and a new
    /// connection begins with none. Requests are then rejected as `not_durable`: keep what is written, and send it again.
    Paused {
        /// Whether it is so.
        paused: bool,
    },
    /// The answer to `ping`.
    Pong {},
}

/// How a session goes on after `hello`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A new session: its first event is a snapshot.
    Live,
    /// Every event after the client's last one follows.
    Resume,
    /// The session is known no more, or the gap is too long: the next event is a snapshot that replaces all.
    Snapshot,
}

/// What happened, as seen by this session's owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SessionEvent {
    /// Everything this session may see now; replaces all that the client knew.
    Snapshot {
        /// The signed-in agent or the customer.
        me: Me,
        /// Conversations in hand (agent), or the customer's latest one, each with its last messages.
        conversations: Vec<ConversationView>,
        /// Offers that still stand.
        offers: Vec<OfferView>,
    },
    /// A conversation came to this session, or its state changed. `messages` is empty in later changes.
    Conversation {
        /// The conversation as it is now.
        conversation: ConversationView,
    },
    /// The conversation is no longer this agent's: handed over, taken back, closed or parked elsewhere.
    ConversationLeft {
        /// Which.
        conversation: ConversationId,
    },
    /// A message; its number tells its place.
    Message {
        /// Which conversation.
        conversation: ConversationId,
        /// The message.
        message: MessageView,
    },
    /// All messages up to this number have arrived at the other side.
    Delivered {
        /// Which conversation.
        conversation: ConversationId,
        /// Where they have arrived.
        by: AuthorKind,
        /// The number of the last one.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        upto: u64,
    },
    /// The other side has seen all messages up to this number.
    Seen {
        /// Which conversation.
        conversation: ConversationId,
        /// Who has seen them.
        by: AuthorKind,
        /// The number of the last one.
        #[cfg_attr(feature = "schema", ts(type = "number"))]
        upto: u64,
    },
    /// A conversation is offered to this agent.
    Offer {
        /// The offer, with its reason.
        offer: OfferView,
    },
    /// An offer no longer stands.
    OfferEnded {
        /// Which.
        offer: OfferId,
        /// Why: `accepted`, `declined`, `timed_out`, `withdrawn`.
        why: String,
    },
    /// The agent's own state or room changed.
    Me {
        /// The agent as it is now.
        me: Me,
    },
    /// The name of an agent that was not known to the client before.
    Named {
        /// Who.
        agent: AgentId,
        /// The name shown to customers.
        name: String,
    },
}

/// Why a request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The frame is not one of this protocol's.
    Malformed,
    /// A field is out of its bounds.
    Invalid,
    /// The role does not allow it.
    Forbidden,
    /// No such thing, or not this client's.
    NotFound,
    /// The state has moved on: the offer has ended, the conversation is closed, somebody else holds it.
    Conflict,
    /// Too many requests; wait `retry_ms`.
    TooFast,
    /// The server takes no more of this just now; wait `retry_ms`.
    Overloaded,
    /// The configured durability cannot be met: nothing was accepted.
    NotDurable,
    /// The server is closing; reconnect.
    Draining,
}
