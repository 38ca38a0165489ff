//! A frame that may leave: made only of what `policy::disclose` let through, so that a path round it does not compile.

use bytes::Bytes;
use policy::Disclosed;
use policy::id::ConversationId;
use protocol::{ServerFrame, SessionEvent};

/// A numbered event, rendered once for all sessions of an owner; each session adds its number.
#[derive(Debug, Clone)]
pub struct Frame {
    pub(super) event: Bytes,
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
    pub(super) fn numbered(&self, seq: u64) -> Bytes {
        let mut text = Vec::with_capacity(self.event.len() + 48);
        text.extend_from_slice(br#"{"type":"event","seq":"#);
        text.extend_from_slice(seq.to_string().as_bytes());
        text.extend_from_slice(br#","event":"#);
        text.extend_from_slice(&self.event);
        text.push(b'}');
        text.into()
    }
}

/// A frame without a number: an answer, a notice, a figure.
#[derive(Debug, Clone)]
pub struct Notice(pub(super) Bytes);

impl Notice {
    /// Renders a frame that carries nobody's words.
    #[must_use]
    pub fn plain(frame: &ServerFrame) -> Self {
        debug_assert!(
            !matches!(frame, ServerFrame::Event { .. } | ServerFrame::Board { .. }),
            "these need a disclosure"
        );
        Self(render(frame))
    }

    /// Renders a frame that may be seen.
    #[must_use]
    pub fn disclosed(frame: &Disclosed<ServerFrame>) -> Self {
        Self(render(frame.get()))
    }
}

fn render(value: &impl serde::Serialize) -> Bytes {
    // These types have string keys and no fallible serialiser: an error cannot come, and an empty frame would say so.
    serde_json::to_vec(value).unwrap_or_default().into()
}
