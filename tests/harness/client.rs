//! A WebSocket client of the session protocol: an agent's console or a customer's widget without a page.
//!
//! It checks on every frame what holds always: events are numbered without gaps. Frames that a test does not ask for
//! wait in a list until it does, so tests need not know in which order unrelated frames come.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use policy::id::{ConversationId, MessageId, SessionId};
use protocol::{ClientFrame, Code, Mode, PresenceWish, SUBPROTOCOL, ServerFrame, SessionEvent, VERSION};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{PATIENCE, QUIET};

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A frame.
    Frame(Box<ServerFrame>),
    /// The end of the connection with its code and reason; code 1006 where none was said.
    Closed(u16, String),
}

/// Why a connection was not opened: the HTTP status.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub u16);

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// The session, once `welcome` has come.
    pub session: Option<SessionId>,
    /// The number of the last event.
    pub seq: u64,
    socket: WebSocketStream<TcpStream>,
    waiting: VecDeque<ServerFrame>,
    requests: u32,
    prefix: String,
}

impl Client {
    /// Opens a connection that must be taken.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn open(address: SocketAddr, origin: Option<&str>, ticket: &str) -> Self {
        Self::try_open(address, origin, ticket)
            .await
            .unwrap_or_else(|refused| panic!("not let in: {refused:?}"))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// The HTTP status with which the upgrade was refused.
    ///
    /// # Panics
    /// Where nobody answers.
    pub async fn try_open(address: SocketAddr, origin: Option<&str>, ticket: &str) -> Result<Self, Refused> {
        let mut request =
            format!("ws://{address}/api/v1/socket").into_client_request().expect("a plain address");
        let headers = request.headers_mut();
        let protocols = format!("{SUBPROTOCOL}, ticket.{ticket}");
        headers.insert("sec-websocket-protocol", protocols.parse().expect("tickets are plain letters"));
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().expect("an origin is plain letters"));
        }
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connection takes options");
        let opened = tokio::time::timeout(PATIENCE, tokio_tungstenite::client_async(request, stream)).await;
        match opened.expect("the upgrade is answered") {
            Ok((socket, answer)) => {
                let chosen =
                    answer.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
                assert_eq!(chosen, Some(SUBPROTOCOL), "the ticket is never echoed");
                let prefix = format!("{:08x}", crate::now_ms() & 0xffff_ffff);
                Ok(Self { session: None, seq: 0, socket, waiting: VecDeque::new(), requests: 0, prefix })
            }
            Err(Error::Http(answer)) => Err(Refused(answer.status().as_u16())),
            Err(error) => panic!("the upgrade failed: {error}"),
        }
    }

    /// Says `hello` for a new session and reads `welcome` and the snapshot.
    ///
    /// # Panics
    /// Where the server answers otherwise.
    pub async fn hello(&mut self) -> SessionEvent {
        let mode = self.hello_with(None, None).await;
        assert_eq!(mode, Mode::Live);
        self.snapshot().await
    }

    /// Says `hello` to go on with a session after this event, and tells how the server goes on.
    pub async fn resume(&mut self, session: SessionId, seq: u64) -> Mode {
        self.hello_with(Some(session), Some(seq)).await
    }

    async fn hello_with(&mut self, session: Option<SessionId>, seq: Option<u64>) -> Mode {
        self.send(&ClientFrame::Hello { protocol: VERSION, session, seq }).await;
        let (session, mode, seq) = self
            .wait("welcome", |frame| match frame {
                ServerFrame::Welcome { session, mode, seq, .. } => Some((*session, *mode, *seq)),
                _ => None,
            })
            .await;
        self.session = Some(session);
        // Events that came behind `welcome` cannot have been read before it.
        self.seq = seq;
        mode
    }

    /// Waits for a snapshot.
    pub async fn snapshot(&mut self) -> SessionEvent {
        self.event("snapshot", |event| matches!(event, SessionEvent::Snapshot { .. }).then(|| event.clone()))
            .await
    }

    /// Comes online as an agent.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub async fn online(&mut self) {
        let id = self.id();
        self.ask(ClientFrame::Presence { id, state: PresenceWish::Online })
            .await
            .expect("an agent may come online");
    }

    /// An id for the next request.
    pub fn id(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.prefix, self.requests)
    }

    /// Sends a message and waits until it is durable: its conversation, id and number.
    ///
    /// # Panics
    /// Where the server rejects it.
    pub async fn say(
        &mut self,
        conversation: Option<ConversationId>,
        text: &str,
    ) -> (ConversationId, MessageId, u64) {
        let id = self.id();
        let frame = ClientFrame::Send { id, conversation, contact_point: None, text: text.to_owned() };
        match self.ask(frame).await.expect("a plain message is accepted") {
            ServerFrame::Accepted {
                conversation: Some(conversation),
                message: Some(message),
                seq: Some(seq),
                ..
            } => (conversation, message, seq),
            other => panic!("an accepted message has its place: {other:?}"),
        }
    }

    /// Sends a request and waits for its answer: `accepted`, or the code of `rejected`.
    ///
    /// # Errors
    /// The code with which it was rejected.
    ///
    /// # Panics
    /// Where no answer comes, or the frame is not a request.
    pub async fn ask(&mut self, frame: ClientFrame) -> Result<ServerFrame, Code> {
        let asked = frame.request_id().expect("a request has an id").to_owned();
        self.send(&frame).await;
        self.answer(&asked).await
    }

    /// Sends a request to a server that may be dying: its answer, or nothing if the connection ends or nothing comes.
    pub async fn ask_the_dying(&mut self, frame: &ClientFrame) -> Option<Result<ServerFrame, Code>> {
        let asked = frame.request_id().unwrap_or_default().to_owned();
        let text = serde_json::to_string(frame).ok()?;
        self.try_message(Message::text(text)).await.ok()?;
        loop {
            match self.next_within(Duration::from_secs(5)).await? {
                Incoming::Closed(..) => return None,
                Incoming::Frame(frame) => match *frame {
                    ServerFrame::Accepted { ref id, .. } if *id == asked => return Some(Ok(*frame)),
                    ServerFrame::Rejected { ref id, code, .. } if *id == asked => return Some(Err(code)),
                    _ => {}
                },
            }
        }
    }

    /// Waits for the answer to this request.
    ///
    /// # Errors
    /// The code with which it was rejected.
    pub async fn answer(&mut self, asked: &str) -> Result<ServerFrame, Code> {
        self.wait("the answer to a request", |frame| match frame {
            ServerFrame::Accepted { id, .. } if id == asked => Some(Ok(frame.clone())),
            ServerFrame::Rejected { id, code, detail, .. } if id == asked => {
                assert!(!detail.is_empty(), "a rejection says why");
                Some(Err(*code))
            }
            _ => None,
        })
        .await
    }

    /// Tells the server that all events have arrived.
    pub async fn ack(&mut self) {
        self.send(&ClientFrame::Ack { seq: self.seq }).await;
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &ClientFrame) {
        self.raw(&serde_json::to_string(frame).expect("frames have a JSON form")).await;
    }

    /// Sends any text.
    ///
    /// # Panics
    /// Where the connection is closed.
    pub async fn raw(&mut self, text: &str) {
        self.try_message(Message::text(text)).await.expect("the connection is open");
    }

    /// Sends any WebSocket message.
    ///
    /// # Errors
    /// Where the connection is closed, or takes nothing more in a while.
    pub async fn try_message(&mut self, message: Message) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.socket.send(message)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("takes nothing more".to_owned()),
        }
    }

    /// Waits for an event of which `pick` makes something.
    pub async fn event<T>(&mut self, what: &str, pick: impl Fn(&SessionEvent) -> Option<T>) -> T {
        self.wait(what, |frame| match frame {
            ServerFrame::Event { event, .. } => pick(event),
            _ => None,
        })
        .await
    }

    /// Waits for a frame of which `pick` makes something; other frames are kept.
    ///
    /// # Panics
    /// Where none comes in time, or the connection ends.
    pub async fn wait<T>(&mut self, what: &str, pick: impl Fn(&ServerFrame) -> Option<T>) -> T {
        if let Some((at, found)) =
            self.waiting.iter().enumerate().find_map(|(at, frame)| Some((at, pick(frame)?)))
        {
            self.waiting.remove(at);
            return found;
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match self.next_within(left).await {
                Some(Incoming::Frame(frame)) => match pick(&frame) {
                    Some(found) => return found,
                    None => self.waiting.push_back(*frame),
                },
                Some(Incoming::Closed(code, reason)) => {
                    panic!("closed with {code} {reason:?} before {what} came")
                }
                None => panic!("{what} did not come; what came instead: {:#?}", self.waiting),
            }
        }
    }

    /// Looks on for a moment and fails if a frame comes of which `pick` makes something.
    ///
    /// # Panics
    /// Where one comes.
    pub async fn never<T: std::fmt::Debug>(&mut self, what: &str, pick: impl Fn(&ServerFrame) -> Option<T>) {
        let deadline = tokio::time::Instant::now() + QUIET;
        while let Some(Incoming::Frame(frame)) =
            self.next_within(deadline.saturating_duration_since(tokio::time::Instant::now())).await
        {
            self.waiting.push_back(*frame);
        }
        let found = self.waiting.iter().find_map(pick);
        assert!(found.is_none(), "{what} came: {found:?}");
    }

    /// Waits for the end of the connection: its code and reason.
    ///
    /// # Panics
    /// Where it stays open.
    pub async fn closed(&mut self) -> (u16, String) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match self.next_within(left).await {
                Some(Incoming::Frame(frame)) => self.waiting.push_back(*frame),
                Some(Incoming::Closed(code, reason)) => return (code, reason),
                None => panic!("the connection stays open; what came: {:#?}", self.waiting),
            }
        }
    }

    /// Goes away without a word, as a lost line does.
    pub fn vanish(self) {
        drop(self);
    }

    async fn next_within(&mut self, limit: Duration) -> Option<Incoming> {
        loop {
            let message = match tokio::time::timeout(limit, self.socket.next()).await {
                Err(_) => return None,
                Ok(None | Some(Err(_))) => return Some(Incoming::Closed(1006, String::new())),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => return Some(Incoming::Frame(Box::new(self.read(&text)))),
                Message::Close(Some(close)) => {
                    return Some(Incoming::Closed(close.code.into(), close.reason.as_str().to_owned()));
                }
                Message::Close(None) => return Some(Incoming::Closed(1005, String::new())),
                Message::Binary(_) => panic!("the server speaks in text"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Reads a frame and checks its number.
    fn read(&mut self, text: &str) -> ServerFrame {
        let frame: ServerFrame =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
        match &frame {
            ServerFrame::Event { seq, .. } => {
                assert_eq!(*seq, self.seq + 1, "events are numbered without gaps: {text}");
                self.seq = *seq;
            }
            ServerFrame::Welcome { seq, .. } => self.seq = *seq,
            _ => {}
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;

    /// A server that says these lines after the first frame, and then closes with 1012.
    async fn scripted(lines: Vec<String>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a client");
            #[expect(clippy::result_large_err, reason = "the library's callback has this form")]
            let choose = |_: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
                answer
                    .headers_mut()
                    .insert("sec-websocket-protocol", SUBPROTOCOL.parse().expect("plain letters"));
                Ok(answer)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, choose).await.expect("an upgrade");
            socket.next().await.expect("hello").expect("hello");
            for line in lines {
                socket.send(Message::text(line)).await.expect("sent");
            }
            let frame = CloseFrame { code: 1012.into(), reason: "retry_ms=7".into() };
            socket.close(Some(frame)).await.expect("closed");
            while socket.next().await.is_some() {}
        });
        address
    }

    fn welcome() -> String {
        let session = SessionId::from_bits(7);
        format!(
            "{{\"type\":\"welcome\",\"session\":\"{session}\",\"mode\":\"resume\",\"seq\":4,\"heartbeat_ms\":1,\"max_bytes\":1,\
             \"level\":\"disk\",\"now_ms\":1}}"
        )
    }

    fn event(seq: u64) -> String {
        let offer = policy::id::OfferId::from_bits(u128::from(seq));
        format!(
            "{{\"type\":\"event\",\"seq\":{seq},\"event\":{{\"kind\":\"offer_ended\",\"offer\":\"{offer}\",\"why\":\"declined\"}}}}"
        )
    }

    #[tokio::test]
    async fn frames_wait_until_they_are_asked_for() {
        let address = scripted(vec![welcome(), event(5), "{\"type\":\"pong\"}".to_owned()]).await;
        let mut client = Client::open(address, None, "t").await;
        assert_eq!(client.resume(SessionId::from_bits(7), 4).await, Mode::Resume);
        client.wait("pong", |frame| matches!(frame, ServerFrame::Pong {}).then_some(())).await;
        let why = client
            .event("the end of an offer", |event| match event {
                SessionEvent::OfferEnded { why, .. } => Some(why.clone()),
                _ => None,
            })
            .await;
        assert_eq!((why.as_str(), client.seq), ("declined", 5));
        assert_eq!(client.closed().await, (1012, "retry_ms=7".to_owned()));
    }

    #[tokio::test]
    #[should_panic(expected = "events are numbered without gaps")]
    async fn a_gap_is_found() {
        let address = scripted(vec![welcome(), event(5), event(7)]).await;
        let mut client = Client::open(address, None, "t").await;
        client.resume(SessionId::from_bits(7), 4).await;
        client.closed().await;
    }

    #[tokio::test]
    #[should_panic(expected = "a pong came")]
    async fn what_must_never_come_is_found() {
        let address = scripted(vec![welcome(), "{\"type\":\"pong\"}".to_owned()]).await;
        let mut client = Client::open(address, None, "t").await;
        client.resume(SessionId::from_bits(7), 4).await;
        client.never("a pong", |frame| matches!(frame, ServerFrame::Pong {}).then_some(())).await;
    }
}
