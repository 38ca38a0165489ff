//! The simulated people's line to the server: a small client of the session protocol.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use protocol::{
    ClientFrame, ServerFrame, SessionEvent, TicketBody, TransferTarget, WidgetSessionBody, WidgetSessionInput,
};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::client::Remote;

/// One open session.
pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
    requests: u64,
    prefix: String,
    last: u64,
}

impl Client {
    /// Signs an agent in by token.
    pub(super) async fn agent(base: &str, token: &str) -> anyhow::Result<Self> {
        let ticket: TicketBody =
            Remote::plain(base).post("/api/v1/tickets", Some(token), &serde_json::json!({})).await?;
        Self::open(base, &ticket.ticket).await
    }

    /// Comes as a visitor.
    pub(super) async fn visitor(base: &str, input: &WidgetSessionInput) -> anyhow::Result<Self> {
        let session: WidgetSessionBody =
            Remote::plain(base).post("/api/v1/widget/sessions", None, input).await?;
        Self::open(base, &session.ticket).await
    }

    async fn open(base: &str, ticket: &str) -> anyhow::Result<Self> {
        let mut request = format!("ws://{base}/api/v1/socket").into_client_request()?;
        let protocols = format!("{}, ticket.{ticket}", protocol::SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&protocols)?);
        let stream = TcpStream::connect(base).await?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        let prefix = uuid::Uuid::now_v7().simple().to_string();
        let mut client = Self { socket, requests: 0, prefix, last: 0 };
        client.say(&ClientFrame::Hello { protocol: protocol::VERSION, session: None, seq: None }).await?;
        Ok(client)
    }

    /// A fresh id for a request.
    pub(super) fn id(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.prefix, self.requests)
    }

    /// Sends a frame.
    pub(super) async fn say(&mut self, frame: &ClientFrame) -> anyhow::Result<()> {
        self.socket.send(Message::text(serde_json::to_string(frame)?)).await?;
        Ok(())
    }

    /// Writes a message.
    pub(super) async fn write(
        &mut self,
        conversation: Option<policy::id::ConversationId>,
        text: &str,
    ) -> anyhow::Result<()> {
        let id = self.id();
        self.say(&ClientFrame::Send { id, conversation, contact_point: None, text: text.to_owned() }).await
    }

    /// Hands a conversation over to a queue.
    pub(super) async fn hand_over(
        &mut self,
        conversation: policy::id::ConversationId,
        queue: &str,
    ) -> anyhow::Result<()> {
        let id = self.id();
        self.say(&ClientFrame::Transfer { id, conversation, to: TransferTarget::Queue(queue.into()) }).await
    }

    /// The next event, or nothing within this time.
    pub(super) async fn event_within(
        &mut self,
        limit: std::time::Duration,
    ) -> anyhow::Result<Option<SessionEvent>> {
        match tokio::time::timeout(limit, self.event()).await {
            Ok(event) => event.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The next event; its arrival is confirmed.
    pub(super) async fn event(&mut self) -> anyhow::Result<SessionEvent> {
        loop {
            let message = self.socket.next().await.context("the server has closed the session")??;
            let Message::Text(text) = message else { continue };
            match serde_json::from_str(&text)? {
                ServerFrame::Event { seq, event } => {
                    self.last = seq;
                    self.say(&ClientFrame::Ack { seq }).await?;
                    return Ok(event);
                }
                ServerFrame::Rejected { code, .. } => {
                    tracing::debug!(?code, "a simulated request was rejected");
                }
                _ => {}
            }
        }
    }
}
