//! A frame that may leave: made only of what `policy::disclose` let through, so that a path round it does not compile.

use std::fmt::Write as _;

use log_store::Level;
use policy::Disclosed;
use policy::id::{ConversationId, MessageId, SessionId};
use protocol::{AuthorKind, Code, Mode, ServerFrame, SessionEvent};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Most frames have room in so many bytes; a longer one grows.
const FRAME: usize = 640;
/// What stands around a numbered event, at most.
const AROUND: usize = 56;

/// A numbered event, rendered once for all sessions of an owner; each session adds its number.
#[derive(Debug, Clone)]
pub struct Frame {
    pub(super) event: Utf8Bytes,
    /// Messages of the other side that it carries: where and up to which number, so that their arrival can be reported.
    pub(super) arrivals: Box<[(ConversationId, u64)]>,
}

impl Frame {
    /// Renders an event that may be seen.
    #[must_use]
    pub fn event(event: &Disclosed<SessionEvent>) -> Self {
        Self { event: render(event.get()), arrivals: Box::default() }
    }

    /// Renders an event that carries messages of the other side, whose arrival is to be reported.
    #[must_use]
    pub fn carrying(event: &Disclosed<SessionEvent>, arrivals: Vec<(ConversationId, u64)>) -> Self {
        Self { event: render(event.get()), arrivals: arrivals.into() }
    }

    /// The frame with its number, as it goes over the wire.
    pub(super) fn numbered(&self, seq: u64) -> Utf8Bytes {
        let mut frame = String::with_capacity(self.event.len() + AROUND);
        // Writing into a string cannot fail.
        let _infallible = write!(frame, r#"{{"type":"event","seq":{seq},"event":{}}}"#, self.event.as_str());
        frame.into()
    }
}

/// A frame without a number: an answer, a notice, a figure. Those without a disclosure have no place for anybody's words.
#[derive(Debug, Clone)]
pub struct Notice(pub(super) Utf8Bytes);

/// How a session goes on, as its first frame says.
#[derive(Debug, Clone, Copy)]
pub struct Welcome {
    /// The session.
    pub session: SessionId,
    /// How its stream goes on.
    pub mode: Mode,
    /// The number after which events follow.
    pub seq: u64,
    /// How often silence is looked at, in milliseconds.
    pub heartbeat_ms: u32,
    /// The longest frame that is taken, in bytes.
    pub max_bytes: u32,
    /// What an acknowledgement survives.
    pub level: Level,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Notice {
    /// The answer to hello.
    #[must_use]
    pub fn welcome(it: Welcome) -> Self {
        Self(render(&ServerFrame::Welcome {
            session: it.session,
            mode: it.mode,
            seq: it.seq,
            heartbeat_ms: it.heartbeat_ms,
            max_bytes: it.max_bytes,
            level: it.level.to_string(),
            now_ms: it.now_ms,
        }))
    }

    /// A request was done: in which conversation, and which message it made.
    #[must_use]
    pub fn accepted(
        id: String,
        conversation: Option<ConversationId>,
        message: Option<(MessageId, u64)>,
        level: Level,
    ) -> Self {
        let (message, seq) = message.unzip();
        Self(render(&ServerFrame::Accepted { id, conversation, message, seq, level: level.to_string() }))
    }

    /// A request was not done, why, and when it is worth trying again.
    #[must_use]
    pub fn rejected(id: String, code: Code, detail: String, retry_ms: Option<u32>) -> Self {
        Self(render(&ServerFrame::Rejected { id, code, detail, retry_ms }))
    }

    /// Somebody types.
    #[must_use]
    pub fn typing(conversation: ConversationId, by: AuthorKind) -> Self {
        Self(render(&ServerFrame::Typing { conversation, by }))
    }

    /// Whether the store takes nothing just now.
    #[must_use]
    pub fn paused(paused: bool) -> Self {
        Self(render(&ServerFrame::Paused { paused }))
    }

    /// What goes over the wire as one message.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The answer to ping.
    #[must_use]
    pub fn pong() -> Self {
        Self(render(&ServerFrame::Pong {}))
    }

    /// Renders a frame that may be seen.
    #[must_use]
    pub fn disclosed(frame: &Disclosed<ServerFrame>) -> Self {
        Self(render(frame.get()))
    }
}

fn render(value: &impl serde::Serialize) -> Utf8Bytes {
    let mut bytes = Vec::with_capacity(FRAME);
    // These types have string keys and no fallible serialiser: an error cannot come, and an empty frame would say so.
    if serde_json::to_writer(&mut bytes, value).is_err() {
        bytes.clear();
    }
    bytes::Bytes::from(bytes).try_into().unwrap_or_default()
}
