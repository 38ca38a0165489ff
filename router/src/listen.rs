//! Our own accept loop: limits before a byte is parsed, TLS, time limits, and who really asks. It holds every HTTP
//! connection, so that closing is in order: nothing new is accepted, idle ones end, answers under way are finished.

mod sources;
mod tls;
mod wire;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::Service;
use tracing::{Instrument as _, debug, debug_span, warn};

use crate::api::problem::Refusal;
use crate::config::Config;
use crate::metrics::{Metrics, RefusedBy};
use crate::telemetry::span;
pub use sources::Proxies;
use sources::{Place, Sources};
pub(crate) use sources::{SITE_TIMES, site_of, source_of};
use wire::{Counted, Deadline};

pub use tls::{ReloadableTls, server_config};

/// The body of a request may take so many times as long as its head.
const BODY_TIMES_HEADER: u32 = 3;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The client's address; behind a trusted proxy, what that one says.
    pub ip: IpAddr,
    /// Whether the client came by TLS, to us or to a trusted proxy.
    pub tls: bool,
}

/// One connection's share of the limits. It travels with the request into the session that it becomes, and is given back
/// when the last of them ends.
#[derive(Clone)]
pub struct KeepPlace {
    _connection: Arc<Admission>,
    _client: Option<Arc<Place>>,
}

struct Admission {
    _permit: OwnedSemaphorePermit,
    _place: Option<Place>,
}

/// What every connection needs.
struct Shared {
    app: Router,
    tls: Option<Arc<ReloadableTls>>,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    proxies: Proxies,
    sources: Sources,
    handshakes: Semaphore,
}

/// Accepts connections until told to stop, then waits for those that are open.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ReloadableTls>>,
    app: Router,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut helpers = JoinSet::new();
    if let Some(tls) = &tls {
        helpers.spawn(tls::keep_fresh(Arc::clone(tls), Arc::clone(&metrics)));
    }
    let places = Arc::new(Semaphore::new(config.limits.connections));
    let shared = Arc::new(Shared {
        app,
        tls,
        proxies: Proxies::new(&config.trusted_proxies),
        sources: Sources::new(config.limits.connections_per_source),
        handshakes: Semaphore::new(config.limits.handshakes),
        config,
        metrics,
    });
    let mut connections = JoinSet::new();
    let mut back_off = Duration::from_millis(5);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = connections.join_next() => {
                told(ended);
                continue;
            }
            () = stopped(&mut shutdown) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                back_off = Duration::from_millis(5);
                // Beyond the limit a connection is closed at once: it costs nothing, and a client tries again.
                match admit(&shared, &places, address) {
                    Ok(admission) => {
                        let stop = shutdown.clone();
                        let shared = Arc::clone(&shared);
                        let task = connection(shared, stream, address, admission, stop);
                        connections.spawn(task.instrument(debug_span!(span::CONNECTION)));
                    }
                    Err(by) => shared.metrics.connection_refused(by),
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                shared.metrics.connection_refused(RefusedBy::System);
                warn!(%error, "accepting failed: raise the limit of open files, or lower limits.connections");
                tokio::select! {
                    () = tokio::time::sleep(back_off) => back_off = (back_off * 2).min(Duration::from_secs(1)),
                    () = stopped(&mut shutdown) => break,
                }
            }
        }
    }
    // From here on others are refused by the system, and may go to another node.
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        told(ended);
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Nobody left to say stop means stop.
    drop(stop.wait_for(|stop| *stop).await);
}

fn told(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        warn!("a request failed by a fault of ours; only its connection was closed");
    }
}

fn admit(shared: &Shared, places: &Arc<Semaphore>, from: SocketAddr) -> Result<Arc<Admission>, RefusedBy> {
    let permit = Arc::clone(places).try_acquire_owned().map_err(|_| RefusedBy::Limit)?;
    // A proxy stands for many: its clients are counted one by one when they open a session.
    let place = if shared.proxies.trust(from.ip()) {
        None
    } else {
        Some(shared.sources.enter(from.ip()).ok_or(RefusedBy::Source)?)
    };
    Ok(Arc::new(Admission { _permit: permit, _place: place }))
}

async fn connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    address: SocketAddr,
    admission: Arc<Admission>,
    stop: watch::Receiver<bool>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let stream = Counted::new(stream, Arc::clone(&shared.metrics));
    let Some(tls) = &shared.tls else {
        return http(&shared, stream, address.ip(), admission, stop).await;
    };
    let handshake = async {
        // Never closed while we hold it; waiting here is part of the time limit.
        let _turn = shared.handshakes.acquire().await.ok()?;
        TlsAcceptor::from(tls.current()).accept(stream).await.ok()
    };
    match tokio::time::timeout(head_timeout(&shared.config), handshake).await {
        Ok(Some(stream)) => http(&shared, stream, address.ip(), admission, stop).await,
        Ok(None) | Err(_) => shared.metrics.handshake_failed(),
    }
}

async fn http<S>(
    shared: &Arc<Shared>,
    stream: S,
    peer: IpAddr,
    admission: Arc<Admission>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let of = Arc::clone(shared);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (of, admission) = (Arc::clone(&of), Arc::clone(&admission));
        let answered = async move { Ok::<_, Infallible>(answer(&of, request, peer, admission).await) };
        answered.instrument(debug_span!(span::REQUEST))
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout(&shared.config))
        .max_buf_size(64 * 1_024);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "a connection ended badly");
    }
}

async fn answer(
    shared: &Arc<Shared>,
    mut request: Request<Incoming>,
    peer: IpAddr,
    admission: Arc<Admission>,
) -> Response {
    let source = Source {
        ip: shared.proxies.client(peer, request.headers()),
        tls: shared.tls.is_some() || shared.proxies.say_tls(peer, request.headers()),
    };
    // An upgraded connection keeps its place until it ends; behind a proxy it also takes one for its client.
    let mut client = None;
    if request.headers().contains_key(header::UPGRADE) && shared.proxies.trust(peer) {
        match shared.sources.enter(source.ip) {
            Some(place) => client = Some(Arc::new(place)),
            None => {
                shared.metrics.connection_refused(RefusedBy::Source);
                return Refusal::too_many(1_000).into_response();
            }
        }
    }
    request.extensions_mut().insert(source);
    let place = KeepPlace { _connection: admission, _client: client };
    request.extensions_mut().insert(place.clone());
    let limit = head_timeout(&shared.config) * BODY_TIMES_HEADER;
    let request = request.map(|body| axum::body::Body::new(Deadline::new(body, limit)));
    let response = match shared.app.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    drop(place);
    response
}

fn head_timeout(config: &Config) -> Duration {
    Duration::from_millis(u64::from(config.limits.header_timeout_ms))
}

#[cfg(test)]
pub(crate) mod tests;
