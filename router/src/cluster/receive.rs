//! What other nodes say to this one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use log_store::redis::Heard;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use super::Cluster;
use super::forward::{HandedOn, TAKEN};
use super::parcel::{Envelope, Headers, Parcel};
use crate::accounts::Principal;
use crate::server::App;
use crate::session::handshake;

/// What a client may have under way to its session, in chunks and in bytes.
const CHUNKS: usize = 64;
const PIPE: usize = 64 << 10;
const CHUNK: usize = 16 << 10;

/// Hears what is said to this node, as long as it runs.
pub(crate) async fn receive(app: Arc<App>, cluster: Arc<Cluster>, routes: Router) {
    let mut heard = cluster.bus.listen(&cluster.me, cluster.hold);
    let mut numbers: HashMap<String, u64> = HashMap::new();
    // The first gap is the beginning.
    let mut again = false;
    while let Some(heard) = heard.recv().await {
        let words = match heard {
            Heard::Words(words) => words,
            Heard::Gap => {
                // Whatever was said meanwhile is lost, by nodes too that were not heard yet; clients come again and miss
                // nothing.
                numbers.clear();
                cluster.cut_off_all();
                if again {
                    cluster.shake();
                }
                again = true;
                if let Err(error) = app.accounts.reload() {
                    debug!(%error, "accounts cannot be read just now");
                }
                continue;
            }
        };
        let Ok(Envelope { from, number, parcels }) = postcard::from_bytes(&words) else {
            warn!("words of another version of the program are not understood");
            continue;
        };
        let last = numbers.entry(from.clone()).or_insert(number.saturating_sub(1));
        if number <= *last {
            continue;
        }
        if number != *last + 1 {
            debug!(from, "words of a node are missing: what goes over it begins anew");
            cluster.cut_off(&from);
        }
        *last = number;
        for parcel in parcels {
            take(&app, &cluster, &routes, &from, parcel);
        }
        if numbers.len() > 1_024 {
            let nodes = cluster.nodes();
            numbers.retain(|node, _| nodes.contains(node));
        }
    }
}

/// Takes one parcel; nothing here waits.
fn take(app: &Arc<App>, cluster: &Arc<Cluster>, routes: &Router, from: &str, parcel: Parcel) {
    match parcel {
        Parcel::Open { way, principal } => open(app, cluster, from, way, *principal),
        Parcel::Bytes { way, from_client: true, bytes } => {
            let key = (from.to_owned(), way);
            let full = cluster.guests.get(&key).map(|guest| guest.try_send(bytes).is_err());
            match full {
                Some(false) => {}
                Some(true) => drop(cluster.guests.remove(&key)),
                None => cluster.post.say(from, Parcel::Shut { way, from_client: false }),
            }
        }
        Parcel::Bytes { way, from_client: false, bytes } => {
            let full = cluster.sockets.get(&way).is_some_and(|socket| socket.1.try_send(bytes).is_err());
            if full {
                cluster.sockets.remove(&way);
            }
        }
        Parcel::Shut { way, from_client: true } => drop(cluster.guests.remove(&(from.to_owned(), way))),
        Parcel::Shut { way, from_client: false } => drop(cluster.sockets.remove(&way)),
        Parcel::Request { call, method, uri, headers, body } => {
            let (cluster, routes, from) = (Arc::clone(cluster), routes.clone(), from.to_owned());
            tokio::spawn(async move {
                let (status, headers, body) = answer(routes, &method, &uri, headers, body).await;
                // A node that has gone needs no answer.
                drop(cluster.post.to(&from).send(Parcel::Answer { call, status, headers, body }).await);
            });
        }
        Parcel::Mail { call, mail } => {
            let (app, cluster, from) = (Arc::clone(app), Arc::clone(cluster), from.to_owned());
            tokio::spawn(async move {
                let status = if crate::email::take_handed(&app, *mail).await { TAKEN } else { 503 };
                let answer = Parcel::Answer { call, status, headers: Headers::new(), body: Bytes::new() };
                drop(cluster.post.to(&from).send(answer).await);
            });
        }
        Parcel::Answer { call, status, headers, body } => {
            if let Some((_, (_, waiting))) = cluster.calls.remove(&call) {
                drop(waiting.send((status, headers, body)));
            }
        }
        Parcel::Accounts(rows) => app.accounts.take_over(&rows),
        Parcel::Free => cluster.wake.notify_one(),
        Parcel::Beat => {}
    }
}

async fn answer(
    routes: Router,
    method: &str,
    uri: &str,
    headers: Headers,
    body: Bytes,
) -> (u16, Headers, Bytes) {
    let mut request = Request::builder().method(method).uri(uri).extension(HandedOn);
    for (name, value) in headers {
        request = request.header(name, &value[..]);
    }
    let Ok(request) = request.body(Body::from(body)) else { return (400, Headers::new(), Bytes::new()) };
    let Ok(response) = routes.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())));
    (parts.status.as_u16(), headers.collect(), body)
}

/// A client whose socket is at another node.
fn open(app: &Arc<App>, cluster: &Arc<Cluster>, from: &str, way: u64, principal: Principal) {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let (guest, mut from_client) = mpsc::channel::<Bytes>(CHUNKS);
    let key = (from.to_owned(), way);
    cluster.guests.insert(key.clone(), guest);
    tokio::spawn(handshake::serve(Arc::clone(app), theirs, principal, None));
    let cluster = Arc::clone(cluster);
    tokio::spawn(async move {
        let post = cluster.post.to(&key.0);
        let (mut read, mut write) = tokio::io::split(ours);
        let mut buffer = BytesMut::with_capacity(CHUNK);
        loop {
            tokio::select! {
                bytes = from_client.recv() => {
                    // The client has gone, or its node has.
                    let Some(bytes) = bytes else { break };
                    if write.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
                count = read.read_buf(&mut buffer) => {
                    let bytes = buffer.split().freeze();
                    buffer.reserve(CHUNK);
                    let parcel = Parcel::Bytes { way: key.1, from_client: false, bytes };
                    if !matches!(count, Ok(1..)) || post.send(parcel).await.is_err() {
                        break;
                    }
                }
            }
        }
        cluster.guests.remove(&key);
        cluster.post.say(&key.0, Parcel::Shut { way: key.1, from_client: false });
    });
}
