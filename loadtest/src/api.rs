//! The HTTP API, as far as a load test needs it: a small client on hyper that keeps a few connections open.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use policy::id::ConversationId;
use protocol::{
    AgentBody, AgentInput, HistoryBody, MessageView, TicketBody, TokenBody, TokenInput, WidgetSessionBody,
    WidgetSessionInput, WorkspaceBody, WorkspaceInput,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

const IDLE_MAX: usize = 16;
const TRIES: u32 = 40;
/// How long a server may take to say how it is.
const READY_MAX: Duration = Duration::from_secs(2);
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// The API of one server. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Api {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    idle: Arc<Mutex<Vec<SendRequest<Full<Bytes>>>>>,
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Arc::new(Mutex::new(Vec::new())) }
    }

    /// Makes a workspace for a run.
    pub(crate) async fn make_workspace(
        &self,
        operator: &str,
        input: &WorkspaceInput,
    ) -> Result<WorkspaceBody> {
        self.ask("/workspaces", Some(&bearer(operator)), input).await
    }

    /// Removes a run's workspace.
    pub(crate) async fn remove_workspace(&self, operator: &str, name: &str) -> Result<()> {
        let path = format!("/workspaces/{name}");
        self.send(Method::DELETE, &path, Some(&bearer(operator)), Bytes::new()).await.map(drop)
    }

    /// Makes an agent with a token.
    pub(crate) async fn make_agent(&self, admin: &str, input: &AgentInput) -> Result<(AgentBody, String)> {
        let body: AgentBody = self.ask("/agents", Some(&bearer(admin)), input).await?;
        let token = TokenInput { agent: body.id, days: 1 };
        let token: TokenBody = self.ask("/tokens", Some(&bearer(admin)), &token).await?;
        Ok((body, token.token))
    }

    /// A one-time key for an agent's WebSocket.
    pub(crate) async fn ticket(&self, token: &str) -> Result<String> {
        let body: TicketBody = self.ask("/tickets", Some(&bearer(token)), &serde_json::json!({})).await?;
        Ok(body.ticket)
    }

    /// A visitor starts, or comes back.
    pub(crate) async fn visit(&self, input: &WidgetSessionInput) -> Result<WidgetSessionBody> {
        self.ask("/widget/sessions", None, input).await
    }

    /// A customer's whole conversation, oldest message first.
    pub(crate) async fn history(
        &self,
        visitor: &str,
        conversation: ConversationId,
    ) -> Result<Vec<MessageView>> {
        let key = format!("Visitor {visitor}");
        let mut all = Vec::new();
        let mut before: Option<u64> = None;
        loop {
            let mut path = format!("/conversations/{conversation}/messages?limit=100");
            if let Some(before) = before {
                path.push_str(&format!("&before={before}"));
            }
            let answer = self.send(Method::GET, &path, Some(&key), Bytes::new()).await?;
            let page: HistoryBody = serde_json::from_slice(&answer).context("a page of messages")?;
            all.splice(0..0, page.messages);
            match page.before {
                Some(next) if before.is_none_or(|last| next < last) => before = Some(next),
                _ => return Ok(all),
            }
        }
    }

    /// What the server says of itself, ready or not; asked once.
    pub(crate) async fn ready(&self) -> Result<serde_json::Value> {
        let asked = self.once(Method::GET, "/readyz".to_owned(), None, Bytes::new());
        let (_, answer) =
            tokio::time::timeout(READY_MAX, asked).await.context("no answer from /readyz")??;
        serde_json::from_slice(&answer).context("/readyz says something else")
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        input: &impl Serialize,
    ) -> Result<T> {
        let body = Bytes::from(serde_json::to_vec(input)?);
        let answer = self.send(Method::POST, path, key, body).await?;
        serde_json::from_slice(&answer).with_context(|| format!("the answer to {path} has another form"))
    }

    /// Sends a request; where the server is away for a moment or asks to wait, again.
    async fn send(&self, method: Method, path: &str, key: Option<&str>, body: Bytes) -> Result<Bytes> {
        let mut wait = Duration::from_millis(10);
        let mut tried = 0;
        loop {
            let once = self.once(method.clone(), format!("/api/v1{path}"), key, body.clone());
            let problem = match tokio::time::timeout(ANSWER_MAX, once).await {
                Ok(Ok((status, answer))) if status.is_success() => return Ok(answer),
                Ok(Ok((status, answer))) => {
                    let problem = format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
                    let later = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
                    if !later.contains(&status) {
                        bail!(problem);
                    }
                    problem
                }
                Ok(Err(error)) => format!("{method} {path}: {error:#}"),
                Err(_) => format!("{method} {path}: no answer"),
            };
            tried += 1;
            if tried >= TRIES {
                bail!(problem);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_millis(500));
        }
    }

    async fn once(
        &self,
        method: Method,
        path: String,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes)> {
        let mut connection = match self.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", key);
        }
        let answer = connection.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push(connection);
        }
        Ok((status, body))
    }

    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await.context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
