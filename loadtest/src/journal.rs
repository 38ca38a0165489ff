//! What each client wrote down: the only thing that the checker believes.
//!
//! A client notes what it sent and what came, with the time, and judges nothing.

use std::time::Instant;

use policy::id::{AgentId, ConversationId, MessageId, OfferId};

/// SHA-256 of a text.
pub(crate) type Digest = [u8; 32];

/// The SHA-256 of a text.
pub(crate) fn digest(text: &str) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
    out
}

/// A request of this run: which client's, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    pub(crate) client: u32,
    pub(crate) number: u32,
}

impl Request {
    /// As it stands on the wire.
    pub(crate) fn text(self) -> String {
        format!("{}-{}", self.client, self.number)
    }

    /// From the wire.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (client, number) = text.split_once('-')?;
        Some(Self { client: client.parse().ok()?, number: number.parse().ok()? })
    }
}

/// Whose journal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The customer of this dialogue.
    Customer(usize),
    /// This agent.
    Agent(AgentId),
}

/// Something that happened at a client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// An agent's wish to be online was granted.
    Online,
    /// A message was sent (repeats of it are not noted).
    Sent { request: Request, text: Digest },
    /// A message was acknowledged.
    Accepted { request: Request, conversation: ConversationId, message: MessageId, seq: u64 },
    /// A message came; `live` as an event of its own, else as part of a snapshot, an offer or the history.
    Message {
        conversation: ConversationId,
        message: MessageId,
        seq: u64,
        request: Option<Request>,
        text: Digest,
        live: bool,
    },
    /// A snapshot replaced what the client knew; it holds these conversations.
    Snapshot { held: Vec<ConversationId>, offers: Vec<OfferId> },
    /// A conversation was offered.
    Offered { conversation: ConversationId, offer: OfferId },
    /// An offer ended, accepted or not.
    OfferEnded { offer: OfferId },
    /// A conversation was given to `holder`, as this client was told.
    Assigned { conversation: ConversationId, holder: Option<AgentId> },
    /// A conversation is no longer this agent's.
    Left { conversation: ConversationId },
    /// A request was refused for good.
    Rejected { request: Request, code: protocol::Code },
    /// The connection broke.
    Broken,
    /// The dialogue was played to its end.
    Finished,
}

/// What happened, and when: microseconds since the run began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    pub(crate) what: What,
}

/// One client's notes.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) who: Who,
    pub(crate) entries: Vec<Entry>,
    start: Instant,
}

impl Journal {
    /// An empty one; all journals of a run share its `start`.
    pub(crate) fn new(who: Who, start: Instant) -> Self {
        Self { who, entries: Vec::new(), start }
    }

    /// Notes something now.
    pub(crate) fn note(&mut self, what: What) {
        self.note_at(Instant::now(), what);
    }

    /// Notes something that happened at this time.
    pub(crate) fn note_at(&mut self, at: Instant, what: What) {
        let at = micros(at.saturating_duration_since(self.start));
        self.entries.push(Entry { at, what });
    }
}

/// Whole microseconds.
pub(crate) fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_from_the_wire() {
        let request = Request { client: 7, number: 12 };
        assert_eq!(Request::parse(&request.text()), Some(request));
        for wrong in ["", "7", "7-", "-7", "a-b", "7-12-1"] {
            assert_eq!(Request::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_digest_is_sha_256() {
        let start = digest("abc");
        assert_eq!(start[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
