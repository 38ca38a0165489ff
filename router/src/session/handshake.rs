//! The way into a session: one-time ticket, exact origin, upgrade. What fails here gets an HTTP problem and no socket.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Instrument;

use super::socket;
use crate::accounts::Principal;
use crate::api::problem::Refusal;
use crate::cluster::Owner;
use crate::listen::KeepPlace;
use crate::server::App;

/// Small on purpose: the default reads cost 128 KiB a connection, and most frames have less than this.
const READ_BUFFER: usize = 2_048;
/// Frames that leave together are written together, up to so many bytes at a time. The buffer grows only with what is
/// written, so that an idle connection does not pay for it.
const WRITE_BUFFER: usize = 16 << 10;
/// What may wait unwritten in one connection before writing fails.
const WRITE_BUFFER_MAX: usize = 8 << 20;

/// `GET /api/v1/socket`
pub async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let headers = request.headers().clone();
    match admit(&app, &headers).await {
        Ok((principal, accept, elsewhere)) => {
            let upgraded = hyper::upgrade::on(&mut request);
            let place = request.extensions().get::<KeepPlace>().cloned();
            tokio::spawn(async move {
                let Ok(io) = upgraded.await else { return };
                let io = TokioIo::new(io);
                match (elsewhere, app.cluster.clone()) {
                    (Some(node), Some(cluster)) => {
                        let _open = app.metrics.connection_opened();
                        let (drain, pause) = (app.drain_signal(), app.pause.signal());
                        cluster.pass(io, node, principal, drain, pause).await;
                        drop(place);
                    }
                    // A task of its own, which does not carry what the upgrade needed.
                    _ => drop(tokio::spawn(serve(app, io, principal, place))),
                }
            });
            let headers = [
                (header::CONNECTION, HeaderValue::from_static("Upgrade")),
                (header::UPGRADE, HeaderValue::from_static("websocket")),
                (header::SEC_WEBSOCKET_ACCEPT, accept),
                (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol::SUBPROTOCOL)),
            ];
            (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Serves a connection whose client has proven who it is.
pub(crate) async fn serve<S>(app: Arc<App>, io: S, principal: Principal, place: Option<KeepPlace>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(Some(app.config.limits.frame_bytes))
        .max_frame_size(Some(app.config.limits.frame_bytes));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let span = tracing::debug_span!(crate::telemetry::span::CONNECTION);
    socket::run(app, Box::new(socket), Arc::new(principal), place).instrument(span).await;
}

/// Who it is, the key to answer with, and the node that has the session, if it is another one.
async fn admit(app: &App, headers: &HeaderMap) -> Result<(Principal, HeaderValue, Option<String>), Refusal> {
    if app.draining() {
        return Err(Refusal::draining());
    }
    let key = upgrade_key(headers)?;
    let ticket = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .find_map(|name| name.strip_prefix("ticket."));
    let refused = || {
        app.metrics.ticket_refused();
        Refusal::unauthorized(
            "the ticket is missing, used or expired: get a new one and connect within 30 seconds",
        )
    };
    let redeemed = match ticket {
        Some(ticket) => app.tickets.redeem(ticket, app.now().0).await,
        None => None,
    };
    let (principal, issued_to) = redeemed.ok_or_else(refused)?;
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null"));
    if !origin_allowed(app, headers, origin, issued_to.as_deref(), &principal) {
        return Err(Refusal::forbidden(
            "this page's origin may not open sessions here: add it to the workspace's origins",
        ));
    }
    let workspace = match &principal {
        Principal::Agent { workspace, .. } | Principal::Customer { workspace, .. } => Some(*workspace),
        Principal::Operator => None,
    };
    match app.cluster.as_ref().zip(workspace).map(|(cluster, workspace)| cluster.owner(workspace)) {
        None | Some(Owner::Here) => Ok((principal, key, None)),
        Some(Owner::There(node)) => Ok((principal, key, Some(node))),
        Some(Owner::Nobody) => Err(crate::shard::Refused::Busy.into()),
    }
}

fn upgrade_key(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade-required",
            "this address speaks WebSocket only",
        ));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade-required",
            "use WebSocket version 13",
        ));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    // RFC 6455 section 4.1: 16 bytes in base64.
    let key =
        key.filter(|key| data_encoding::BASE64.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16));
    let key = key.ok_or_else(|| Refusal::invalid("Sec-WebSocket-Key must be 16 bytes in base64"))?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| Refusal::invalid("Sec-WebSocket-Key"))
}

/// A page's origin must be ours or listed, and the one that got the ticket; no origin at all is for programs, which got
/// their ticket without one.
fn origin_allowed(
    app: &App,
    headers: &HeaderMap,
    origin: Option<&str>,
    issued_to: Option<&str>,
    principal: &Principal,
) -> bool {
    match origin {
        None => issued_to.is_none(),
        Some(origin) => {
            let own = app.own_origin(headers).is_some_and(|own| own == origin);
            let listed = match principal {
                Principal::Customer { workspace, .. } => app
                    .accounts
                    .workspace(*workspace)
                    .is_some_and(|record| record.origins.iter().any(|it| it == origin)),
                Principal::Agent { .. } | Principal::Operator => false,
            };
            (own || listed) && issued_to.is_none_or(|it| it == origin)
        }
    }
}
