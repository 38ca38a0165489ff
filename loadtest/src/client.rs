//! A WebSocket client of the session protocol that comes back after a broken connection and repeats what was not
//! answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use policy::id::SessionId;
use protocol::{ClientFrame, Mode, SUBPROTOCOL, ServerFrame, VERSION, WidgetSessionInput};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::api::Api;
use crate::journal::Request;

const ACK_EVENTS: u64 = 64;
const ACK_AFTER: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a client tries to come in, and how often.
const OPEN_MAX: Duration = Duration::from_secs(20);
const OPEN_AGAIN: Duration = Duration::from_millis(100);
/// How long a client tries to come back.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// The buffers that the server's own sessions have.
pub(crate) fn buffers() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0)
}

/// How a client gets its tickets.
#[derive(Clone)]
pub(crate) enum Key {
    /// By an agent's token.
    Agent(String),
    /// As a visitor; `visitor` is filled in at the first visit.
    Visitor(WidgetSessionInput),
}

/// Where a client goes in.
#[derive(Clone)]
pub(crate) struct Door {
    /// The API.
    pub(crate) api: Api,
    /// Where WebSockets go: the server, or a proxy before it.
    pub(crate) socket: SocketAddr,
    pub(crate) key: Key,
}

/// What came.
pub(crate) enum Incoming {
    /// A frame.
    Frame(Box<ServerFrame>),
    /// The connection broke: call [`Client::come_back`].
    Broken,
}

/// One client.
pub(crate) struct Client {
    pub(crate) door: Door,
    number: u32,
    requests: u32,
    socket: WebSocketStream<TcpStream>,
    session: Option<SessionId>,
    seq: u64,
    acked: u64,
    acked_at: Instant,
    /// Requests without an answer, in the order in which they were made.
    outbox: BTreeMap<Request, ClientFrame>,
}

impl Client {
    /// Opens a connection and says hello; tries again for a while, since the server may be restarting just now.
    pub(crate) async fn open(door: Door, number: u32) -> Result<Self> {
        let started = Instant::now();
        loop {
            match Self::try_open(door.clone(), number).await {
                Ok(client) => return Ok(client),
                Err(error) if started.elapsed() > OPEN_MAX => return Err(error),
                Err(_) => tokio::time::sleep(OPEN_AGAIN).await,
            }
        }
    }

    async fn try_open(mut door: Door, number: u32) -> Result<Self> {
        let socket = connect(&mut door).await?;
        let mut client = Self {
            door,
            number,
            requests: 0,
            socket,
            session: None,
            seq: 0,
            acked: 0,
            acked_at: Instant::now(),
            outbox: BTreeMap::new(),
        };
        client.hello().await?;
        Ok(client)
    }

    /// The visitor's key, once there was a visit.
    pub(crate) fn visitor(&self) -> Option<&str> {
        match &self.door.key {
            Key::Visitor(input) => input.visitor.as_deref(),
            Key::Agent(_) => None,
        }
    }

    /// An id for the next request.
    pub(crate) fn request(&mut self) -> Request {
        self.requests += 1;
        Request { client: self.number, number: self.requests }
    }

    /// Sends a request, which is kept and repeated until it is answered. A broken connection is told by [`Self::next`].
    pub(crate) async fn ask(&mut self, request: Request, frame: ClientFrame) {
        let text = line(&frame);
        self.outbox.insert(request, frame);
        self.write(text).await;
    }

    /// Repeats a request that the server asked to repeat later.
    pub(crate) async fn repeat(&mut self, request: Request) {
        if let Some(frame) = self.outbox.get(&request) {
            let text = line(frame);
            self.write(text).await;
        }
    }

    /// A request that will not be repeated any more.
    pub(crate) fn drop_request(&mut self, request: Request) {
        self.outbox.remove(&request);
    }

    async fn write(&mut self, text: Utf8Bytes) {
        if self.socket.send(Message::Text(text)).await.is_err() {
            // The next read tells that the connection broke; what was not written is repeated after coming back.
            self.socket.close(None).await.ok();
        }
    }

    /// The next frame. Safe to be cancelled.
    pub(crate) async fn next(&mut self) -> Incoming {
        loop {
            let text = match self.socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Incoming::Broken,
            };
            let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) else { return Incoming::Broken };
            match &frame {
                ServerFrame::Event { seq, .. } => self.seq = *seq,
                ServerFrame::Accepted { id, .. } => {
                    if let Some(request) = Request::parse(id) {
                        self.outbox.remove(&request);
                    }
                }
                _ => {}
            }
            return Incoming::Frame(Box::new(frame));
        }
    }

    /// Tells the server which events have arrived, if it is time to.
    pub(crate) async fn acknowledge(&mut self) {
        let behind = self.seq.saturating_sub(self.acked);
        if behind >= ACK_EVENTS || (behind > 0 && self.acked_at.elapsed() >= ACK_AFTER) {
            self.acked = self.seq;
            self.acked_at = Instant::now();
            let text = line(&ClientFrame::Ack { seq: self.seq });
            self.write(text).await;
        }
    }

    /// Comes back after the connection broke: resumes the session and repeats what was not answered.
    pub(crate) async fn come_back(&mut self) -> Result<Mode> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(20);
        loop {
            match self.try_back().await {
                Ok(mode) => return Ok(mode),
                Err(error) if started.elapsed() > AWAY_MAX => {
                    return Err(error.context("could not come back"));
                }
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_millis(500));
                }
            }
        }
    }

    async fn try_back(&mut self) -> Result<Mode> {
        self.socket = connect(&mut self.door).await?;
        let mode = self.hello().await?;
        let unanswered: Vec<Utf8Bytes> = self.outbox.values().map(line).collect();
        for text in unanswered {
            self.socket.send(Message::Text(text)).await?;
        }
        Ok(mode)
    }

    async fn hello(&mut self) -> Result<Mode> {
        let seq = self.session.map(|_| self.seq);
        let hello = ClientFrame::Hello { protocol: VERSION, session: self.session, seq };
        self.socket.send(Message::Text(line(&hello))).await?;
        loop {
            let message = tokio::time::timeout(ANSWER_MAX, self.socket.next()).await.context("no welcome")?;
            match message.context("closed before the welcome")?? {
                Message::Text(text) => match serde_json::from_str(&text).context("an unknown frame")? {
                    ServerFrame::Welcome { session, mode, seq, .. } => {
                        self.session = Some(session);
                        self.seq = seq;
                        self.acked = seq;
                        return Ok(mode);
                    }
                    other => bail!("expected a welcome, got {other:?}"),
                },
                Message::Close(close) => {
                    let code = close.map_or(1005, |close| u16::from(close.code));
                    bail!("closed before the welcome: {code}")
                }
                _ => {}
            }
        }
    }

    /// Goes.
    pub(crate) async fn leave(mut self) {
        // Nobody waits for the answer: a run ends here.
        tokio::time::timeout(Duration::from_secs(1), self.socket.close(None)).await.ok();
    }
}

fn line(frame: &ClientFrame) -> Utf8Bytes {
    serde_json::to_string(frame).unwrap_or_default().into()
}

async fn connect(door: &mut Door) -> Result<WebSocketStream<TcpStream>> {
    let ticket = match &mut door.key {
        Key::Agent(token) => door.api.ticket(token).await?,
        Key::Visitor(input) => {
            let body = door.api.visit(input).await?;
            input.visitor = Some(body.visitor);
            body.ticket
        }
    };
    open_socket(door.socket, &ticket).await
}

/// Opens a WebSocket with this ticket.
pub(crate) async fn open_socket(address: SocketAddr, ticket: &str) -> Result<WebSocketStream<TcpStream>> {
    let mut request = format!("ws://{address}/api/v1/socket").into_client_request()?;
    let protocols = format!("{SUBPROTOCOL}, ticket.{ticket}");
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
    let stream = TcpStream::connect(address).await.context("the server cannot be reached")?;
    stream.set_nodelay(true)?;
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(buffers()));
    let (socket, _) =
        tokio::time::timeout(ANSWER_MAX, opened).await.context("the upgrade was not answered")??;
    Ok(socket)
}
