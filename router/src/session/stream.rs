//! One session's stream: a bounded ring of numbered frames, and the cursor of the connection that reads it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use policy::id::{AgentId, ConversationId, CustomerId, SessionId, WorkspaceId};
use protocol::{CloseCode, Mode};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::frame::{Frame, Notice};

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An agent's console, bot or dashboard.
    Agent(WorkspaceId, AgentId),
    /// A customer's widget.
    Customer(WorkspaceId, CustomerId),
}

impl Owner {
    /// The workspace that the owner belongs to.
    #[must_use]
    pub fn workspace(self) -> WorkspaceId {
        match self {
            Self::Agent(workspace, _) | Self::Customer(workspace, _) => workspace,
        }
    }
}

/// What a slot holds. The newest value counts; an unsent one is replaced, never queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Somebody types in this conversation.
    Typing(ConversationId),
    /// The place of this conversation.
    Place(ConversationId),
    /// The board.
    Board,
}

/// More different slots than this are not kept: the oldest goes.
const SLOTS_MAX: usize = 64;
/// More unsent answers than this mean that the client does not read.
const REPLIES_MAX: usize = 512;

/// An empty ring keeps room for so many frames.
const RING_KEPT: usize = 64;

/// Bounds of a ring.
#[derive(Debug, Clone, Copy)]
pub struct RingLimits {
    /// Events kept for resuming.
    pub events: usize,
    /// Bytes kept for resuming.
    pub bytes: usize,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Its id, which the client names to resume.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Owner,
    limits: RingLimits,
    stream: Mutex<Stream>,
    wake: Notify,
}

#[derive(Debug)]
struct Stream {
    /// The number of the last event.
    last: u64,
    ring: VecDeque<(u64, Utf8Bytes)>,
    ring_bytes: usize,
    /// The number of the last event written to the connection.
    sent: u64,
    replies: VecDeque<Utf8Bytes>,
    slots: VecDeque<(Slot, Utf8Bytes)>,
    /// Messages of the other side that the client has not confirmed: (event, conversation, message number).
    arrivals: VecDeque<(u64, ConversationId, u64)>,
    /// Grows with each connection; an older one sees that it was replaced.
    connection: u64,
    attached: bool,
    detached_at: Instant,
    watches_board: bool,
    /// The first thing that a session pushes must be a snapshot; frames before it would be doubled by it.
    ready: bool,
    close: Option<CloseCode>,
}

/// What a connection should do next.
#[derive(Debug)]
pub enum Next {
    /// Write these, in order.
    Write(Vec<Utf8Bytes>),
    /// Close with this code.
    Close(CloseCode),
    /// Nothing; wait for [`Session::woken`].
    Wait,
}

impl Session {
    /// A session without a connection.
    #[must_use]
    pub fn new(id: SessionId, owner: Owner, limits: RingLimits) -> Arc<Self> {
        let stream = Stream {
            last: 0,
            ring: VecDeque::new(),
            ring_bytes: 0,
            sent: 0,
            replies: VecDeque::new(),
            slots: VecDeque::new(),
            arrivals: VecDeque::new(),
            connection: 0,
            attached: false,
            detached_at: Instant::now(),
            watches_board: false,
            ready: false,
            close: None,
        };
        Arc::new(Self { id, owner, limits, stream: Mutex::new(stream), wake: Notify::new() })
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session for a new connection. The answer says how its stream goes on after `seq`, the number to tell the
    /// client, and the connection's own number.
    pub fn attach(&self, seq: Option<u64>) -> (Mode, u64, u64) {
        let mut stream = self.stream();
        stream.connection += 1;
        stream.attached = true;
        stream.close = None;
        stream.replies.clear();
        let first = stream.ring.front().map_or(stream.last + 1, |(seq, _)| *seq);
        let mode = match seq {
            Some(seq) if stream.ready && seq <= stream.last && seq + 1 >= first => {
                stream.sent = seq;
                Mode::Resume
            }
            Some(_) => {
                stream.restart();
                Mode::Snapshot
            }
            None => {
                stream.restart();
                Mode::Live
            }
        };
        let answer = (mode, stream.sent, stream.connection);
        drop(stream);
        self.wake.notify_waiters();
        self.wake.notify_one();
        answer
    }

    /// The connection has ended; the stream waits for the next one.
    pub fn detach(&self, connection: u64) -> bool {
        let mut stream = self.stream();
        if stream.connection == connection {
            stream.attached = false;
            stream.watches_board = false;
            stream.detached_at = Instant::now();
        }
        !stream.attached
    }

    /// Since when nobody is connected, if so.
    pub fn detached_since(&self) -> Option<Instant> {
        let stream = self.stream();
        (!stream.attached).then_some(stream.detached_at)
    }

    /// Whether somebody is connected.
    pub fn attached(&self) -> bool {
        self.stream().attached
    }

    /// Pushes a numbered event. Before the first snapshot nothing is pushed: the snapshot will hold it.
    pub fn push(&self, frame: &Frame) {
        let mut stream = self.stream();
        if stream.ready {
            stream.push(frame, self.limits);
            drop(stream);
            self.wake.notify_one();
        }
    }

    /// Pushes the snapshot that replaces all before it.
    pub fn push_snapshot(&self, frame: &Frame) {
        let mut stream = self.stream();
        stream.restart();
        stream.ready = true;
        stream.push(frame, self.limits);
        drop(stream);
        self.wake.notify_one();
    }

    /// Queues an answer to the present connection.
    pub fn reply(&self, notice: Notice) {
        let mut stream = self.stream();
        if !stream.attached {
            return;
        }
        if stream.replies.len() >= REPLIES_MAX {
            stream.close = Some(CloseCode::TooSlow);
        } else {
            stream.replies.push_back(notice.0);
        }
        drop(stream);
        self.wake.notify_one();
    }

    /// Sets a slot: the newest value counts.
    pub fn set_slot(&self, slot: Slot, notice: Notice) {
        let mut stream = self.stream();
        if !stream.attached || !stream.ready {
            return;
        }
        if let Some(entry) = stream.slots.iter_mut().find(|(at, _)| *at == slot) {
            entry.1 = notice.0;
        } else {
            if stream.slots.len() >= SLOTS_MAX {
                stream.slots.pop_front();
            }
            stream.slots.push_back((slot, notice.0));
        }
        drop(stream);
        self.wake.notify_one();
    }

    /// Whether the session asked for the board.
    pub fn watches_board(&self) -> bool {
        self.stream().watches_board
    }

    /// Asks for the board, or no longer does.
    pub fn watch_board(&self, on: bool) {
        self.stream().watches_board = on;
    }

    /// Confirms all events up to this number. Returns the highest confirmed message number of each conversation; `None` if
    /// the number lies in the future.
    pub fn confirm(&self, seq: u64) -> Option<Vec<(ConversationId, u64)>> {
        let mut stream = self.stream();
        if seq > stream.sent {
            return None;
        }
        let mut confirmed: Vec<(ConversationId, u64)> = Vec::new();
        while let Some(&(event, conversation, message)) = stream.arrivals.front() {
            if event > seq {
                break;
            }
            stream.arrivals.pop_front();
            match confirmed.iter_mut().find(|(id, _)| *id == conversation) {
                Some((_, highest)) => *highest = message.max(*highest),
                None => confirmed.push((conversation, message)),
            }
        }
        stream.drop_confirmed(seq);
        Some(confirmed)
    }

    /// Asks the connection to close.
    pub fn close(&self, code: CloseCode) {
        self.stream().close = Some(code);
        self.wake.notify_one();
    }

    /// What the connection should do next.
    pub fn next(&self, connection: u64) -> Next {
        let mut stream = self.stream();
        if stream.connection != connection {
            return Next::Close(CloseCode::Replaced);
        }
        if let Some(code) = stream.close {
            return Next::Close(code);
        }
        let mut frames: Vec<Utf8Bytes> = stream.replies.drain(..).collect();
        if stream.sent < stream.last {
            let first = stream.ring.front().map_or(stream.last + 1, |(seq, _)| *seq);
            if stream.sent + 1 < first {
                return Next::Close(CloseCode::TooSlow);
            }
            let from = usize::try_from(stream.sent + 1 - first).unwrap_or(usize::MAX);
            frames.extend(stream.ring.iter().skip(from).map(|(_, frame)| frame.clone()));
            stream.sent = stream.last;
        }
        frames.extend(stream.slots.drain(..).map(|(_, frame)| frame));
        if frames.is_empty() { Next::Wait } else { Next::Write(frames) }
    }

    /// Waits until there may be something to do.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Stream {
    fn restart(&mut self) {
        self.ready = false;
        self.ring.clear();
        self.ring_bytes = 0;
        self.sent = self.last;
        self.arrivals.clear();
        self.slots.clear();
    }

    /// What the client has confirmed it will not ask for again.
    fn drop_confirmed(&mut self, upto: u64) {
        while let Some((_, frame)) = self.ring.pop_front_if(|(seq, _)| *seq <= upto) {
            self.ring_bytes -= frame.len();
        }
        if self.ring.is_empty() && self.ring.capacity() > RING_KEPT {
            self.ring.shrink_to(RING_KEPT);
        }
    }

    fn push(&mut self, frame: &Frame, limits: RingLimits) {
        self.last += 1;
        let bytes = frame.numbered(self.last);
        self.ring_bytes += bytes.len();
        self.ring.push_back((self.last, bytes));
        let last = self.last;
        self.arrivals.extend(frame.arrivals.iter().map(|(conversation, seq)| (last, *conversation, *seq)));
        while self.ring.len() > limits.events || (self.ring_bytes > limits.bytes && self.ring.len() > 1) {
            if let Some((_, old)) = self.ring.pop_front() {
                self.ring_bytes -= old.len();
            }
        }
        while self.arrivals.len() > limits.events {
            self.arrivals.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::{Audience, Field, Grants, Purpose, disclose};
    use protocol::SessionEvent;

    fn session(events: usize) -> Arc<Session> {
        let owner = Owner::Customer(WorkspaceId::from_bits(1), CustomerId::from_bits(2));
        Session::new(SessionId::from_bits(3), owner, RingLimits { events, bytes: 1 << 20 })
    }

    fn frame() -> Frame {
        let event = SessionEvent::ConversationLeft { conversation: ConversationId::from_bits(4) };
        let grants = Grants::by_writing_in();
        Frame::event(
            &disclose(Audience::Customer, Purpose::Service, &grants, &[Field::Routing], event).unwrap(),
        )
    }

    fn written(next: Next) -> usize {
        match next {
            Next::Write(frames) => frames.len(),
            Next::Close(code) => panic!("closed with {code:?}"),
            Next::Wait => 0,
        }
    }

    #[test]
    fn a_gap_within_the_ring_is_resumed_without_loss() {
        let session = session(8);
        let (mode, _, first) = session.attach(None);
        assert_eq!(mode, Mode::Live);
        session.push_snapshot(&frame());
        assert_eq!(written(session.next(first)), 1);
        session.detach(first);
        session.push(&frame());
        session.push(&frame());
        let (mode, seq, second) = session.attach(Some(1));
        assert_eq!((mode, seq), (Mode::Resume, 1));
        assert_eq!(written(session.next(second)), 2);
    }

    #[test]
    fn a_gap_beyond_the_ring_or_in_the_future_is_a_snapshot() {
        let session = session(2);
        session.attach(None);
        session.push_snapshot(&frame());
        for _ in 0..4 {
            session.push(&frame());
        }
        assert_eq!(session.attach(Some(1)).0, Mode::Snapshot);
        session.push_snapshot(&frame());
        assert_eq!(session.attach(Some(99)).0, Mode::Snapshot);
    }

    #[test]
    fn what_was_confirmed_is_not_kept_and_a_resume_after_it_goes_on() {
        let session = session(8);
        let (_, _, first) = session.attach(None);
        session.push_snapshot(&frame());
        session.push(&frame());
        assert_eq!(written(session.next(first)), 2);
        session.confirm(2);
        let kept = {
            let stream = session.stream();
            (stream.ring.len(), stream.ring_bytes)
        };
        assert_eq!(kept, (0, 0));
        session.push(&frame());
        let (mode, _, second) = session.attach(Some(2));
        assert_eq!(mode, Mode::Resume);
        assert_eq!(written(session.next(second)), 1);
        assert_eq!(session.attach(Some(1)).0, Mode::Snapshot, "it was said to have arrived");
    }

    #[test]
    fn a_reader_that_falls_behind_the_ring_is_cut() {
        let session = session(2);
        let (_, _, connection) = session.attach(None);
        session.push_snapshot(&frame());
        for _ in 0..3 {
            session.push(&frame());
        }
        assert!(matches!(session.next(connection), Next::Close(CloseCode::TooSlow)));
    }

    #[test]
    fn a_second_connection_replaces_the_first() {
        let session = session(2);
        let (_, _, first) = session.attach(None);
        session.attach(None);
        assert!(matches!(session.next(first), Next::Close(CloseCode::Replaced)));
        assert!(!session.detach(first), "the second connection is still there");
    }

    #[test]
    fn nothing_is_pushed_before_the_snapshot_that_holds_it() {
        let session = session(8);
        let (_, _, connection) = session.attach(None);
        session.push(&frame());
        session.push_snapshot(&frame());
        assert_eq!(written(session.next(connection)), 1);
    }

    #[test]
    fn confirming_tells_the_highest_message_of_each_conversation() {
        let session = session(8);
        let (_, _, connection) = session.attach(None);
        session.push_snapshot(&frame());
        let conversation = ConversationId::from_bits(4);
        for seq in [3, 4] {
            session.push(&Frame { arrivals: vec![(conversation, seq)].into(), ..frame() });
        }
        assert_eq!(session.confirm(3), None, "not sent yet");
        assert_eq!(written(session.next(connection)), 3);
        assert_eq!(session.confirm(2), Some(vec![(conversation, 3)]));
        assert_eq!(session.confirm(3), Some(vec![(conversation, 4)]));
    }
}
