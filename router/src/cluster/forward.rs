//! What this node hands on: requests, sockets and mails of shards that another node owns.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use policy::id::WorkspaceId;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::edges::Edges;
use super::parcel::{HandedMail, Headers, Parcel};
use super::{Cluster, Owner};
use crate::accounts::Principal;
use crate::api::problem::Refusal;
use crate::api::{Counted, token_of, too_many, workspace_of_visitor};
use crate::pause::PauseSignal;
use crate::server::{App, DrainSignal};
use crate::session::frame::Notice;

/// An answer of another node is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Chunks that may wait for a socket: beyond that its client does not read.
const CHUNKS: usize = 256;
const CHUNK: usize = 16 << 10;
/// `1012, service restart` as a whole close frame of the server (RFC 6455, section 5.5.1).
const RESTART: [u8; 4] = [0x88, 2, 0x03, 0xf4];

/// The status of a mail that is durable.
pub(super) const TAKEN: u16 = 200;

/// Marks a request that another node has handed to us: it is answered here, whoever owns its shard by now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandedOn;

/// A notice as a whole frame of the server.
fn whole(notice: &Notice) -> Vec<u8> {
    let frame = Frame::message(notice.text().to_owned(), OpCode::Data(Data::Text), true);
    let mut bytes = Vec::with_capacity(frame.len());
    // Memory takes everything.
    frame.format(&mut bytes).ok();
    bytes
}

fn nobody() -> Response {
    Refusal::from(crate::shard::Refused::Busy).into_response()
}

/// Hands a request on to the node that owns its workspace; what is ours goes on here.
pub(crate) async fn hand_on(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(cluster) = &app.cluster else { return next.run(request).await };
    let path = request.uri().path();
    // What is exported is too long to be passed on: only the node that owns its shard sends it.
    let ours = !path.starts_with("/api/v1/") || ["/api/v1/socket", "/api/v1/export/events"].contains(&path);
    if ours || request.extensions().get::<HandedOn>().is_some() {
        return next.run(request).await;
    }
    // Before anything of it is read, and before another node is troubled with it.
    if let Some(refused) = too_many(&app, &request) {
        return refused;
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Counted);
    let most = crate::api::body_max(&app.config, parts.uri.path());
    let Ok(body) = axum::body::to_bytes(body, most).await else {
        return Refusal::too_large().into_response();
    };
    match place(&app, cluster, &parts.method, parts.uri.path(), &parts.headers, &body).await {
        Owner::Here => next.run(Request::from_parts(parts, Body::from(body))).await,
        Owner::Nobody => nobody(),
        Owner::There(node) => {
            let headers = parts.headers.iter();
            let headers =
                headers.map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())));
            let uri = parts.uri.to_string();
            let method = parts.method.to_string();
            let answer = cluster.request(&node, method, uri, headers.collect(), body).await;
            answer.map_or_else(nobody, response)
        }
    }
}

/// Which node is to answer a request.
async fn place(
    app: &App,
    cluster: &Cluster,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Owner {
    let named = path.strip_prefix("/api/v1/workspaces/").and_then(|name| app.accounts.workspace_named(name));
    let workspace: Option<WorkspaceId> = match path {
        "/api/v1/widget/sessions" => {
            let input: Option<protocol::WidgetSessionInput> = serde_json::from_slice(body).ok();
            input.and_then(|input| app.accounts.workspace_of_widget(&input.widget)).map(|record| record.id)
        }
        // A workspace begins on the node that makes it.
        "/api/v1/workspaces" | "/api/v1/setup" if *method == Method::POST => return cluster.any_owner(),
        "/api/v1/sign-in" => None,
        _ => match token_of(headers) {
            Some(token) => match app.accounts.authenticate_anywhere(&token, app.now().0).await {
                Some(Principal::Agent { workspace, .. }) => Some(workspace),
                _ => named.map(|record| record.id),
            },
            None => workspace_of_visitor(app, headers),
        },
    };
    workspace.map_or(Owner::Here, |workspace| cluster.owner(workspace))
}

fn response((status, headers, body): super::Answer) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_maybe_shared(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

impl Cluster {
    /// Asks another node; no answer where it has gone, or takes too long.
    async fn request(
        &self,
        node: &str,
        method: String,
        uri: String,
        headers: Headers,
        body: Bytes,
    ) -> Option<super::Answer> {
        self.ask(node, |call| Parcel::Request { call, method, uri, headers, body }).await
    }

    /// Hands a mail on to the node that owns its workspace; says whether it is durable there.
    pub(crate) async fn hand_on_mail(&self, node: &str, mail: HandedMail) -> bool {
        let mail = Box::new(mail);
        let answer = self.ask(node, |call| Parcel::Mail { call, mail }).await;
        answer.is_some_and(|(status, ..)| status == TAKEN)
    }

    /// Says something that is answered; no answer where the node has gone, or takes too long.
    async fn ask(&self, node: &str, parcel: impl FnOnce(u64) -> Parcel) -> Option<super::Answer> {
        let call = self.number();
        let (answer, answered) = oneshot::channel();
        self.calls.insert(call, (node.to_owned(), answer));
        let parcel = parcel(call);
        let asked = async {
            self.post.to(node).send(parcel).await.ok()?;
            answered.await.ok()
        };
        let answer = timeout(PATIENCE, asked).await.ok().flatten();
        self.calls.remove(&call);
        answer
    }

    /// Passes the bytes of a socket to the node that has its session, and back, to the end of either.
    /// Meanwhile it is told when the store takes nothing: that other node cannot be heard then.
    pub(crate) async fn pass<S>(
        &self,
        socket: S,
        node: String,
        principal: Principal,
        mut drain: DrainSignal,
        mut pause: PauseSignal,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let way = self.number();
        let (chunks, mut to_client) = mpsc::channel::<Bytes>(CHUNKS);
        self.sockets.insert(way, (node.clone(), chunks));
        let post = self.post.to(&node);
        let (mut read, mut write) = tokio::io::split(socket);
        let opened = post.send(Parcel::Open { way, principal: Box::new(principal) }).await;
        let mut buffer = BytesMut::with_capacity(CHUNK);
        let mut edges = Edges::default();
        while opened.is_ok() {
            tokio::select! {
                biased;
                _ = drain.closing() => {
                    if edges.between_frames() {
                        drop(timeout(Duration::from_secs(1), write.write_all(&RESTART)).await);
                    }
                    break;
                }
                chunk = to_client.recv() => {
                    // The session has ended, or its node has.
                    let Some(chunk) = chunk else { break };
                    let mut all = BytesMut::from(chunk);
                    while let Ok(more) = to_client.try_recv() {
                        all.extend_from_slice(&more);
                    }
                    edges.pass(&all);
                    if !matches!(timeout(PATIENCE, write.write_all(&all)).await, Ok(Ok(()))) {
                        break;
                    }
                    drop(write.flush().await);
                }
                // Within a message there is no place for it; the rest of one that is lost comes no more.
                notice = pause.tell(), if edges.between_messages() => {
                    if !matches!(timeout(PATIENCE, write.write_all(&whole(&notice))).await, Ok(Ok(()))) {
                        break;
                    }
                    drop(write.flush().await);
                }
                count = read.read_buf(&mut buffer) => {
                    let bytes = buffer.split().freeze();
                    buffer.reserve(CHUNK);
                    let parcel = Parcel::Bytes { way, from_client: true, bytes };
                    if !matches!(count, Ok(1..)) || post.send(parcel).await.is_err() {
                        break;
                    }
                }
            }
        }
        self.sockets.remove(&way);
        self.post.say(&node, Parcel::Shut { way, from_client: true });
        drop(timeout(Duration::from_secs(1), write.shutdown()).await);
    }
}
