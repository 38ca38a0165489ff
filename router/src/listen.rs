//! Our own accept loop: TLS, limits by source, header timeouts, and who really asks.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;
use tracing::{info, warn};

use crate::config::{Cidr, Config, Tls};
use crate::metrics::Metrics;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The client's address; behind a trusted proxy, what that one says.
    pub ip: IpAddr,
}

/// A certificate that is read again when its files change.
pub struct ReloadableTls {
    files: Tls,
    acceptor: ArcSwap<rustls::ServerConfig>,
    changed: Mutex<Option<SystemTime>>,
}

impl ReloadableTls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// If they cannot be read or do not belong together.
    pub fn load(files: &Tls) -> anyhow::Result<Arc<Self>> {
        let config = read(files)?;
        Ok(Arc::new(Self {
            files: files.clone(),
            acceptor: ArcSwap::from_pointee(config),
            changed: Mutex::new(changed(&files.cert)),
        }))
    }

    /// Reads them again if they changed; bad new ones leave the old in force.
    fn refresh(&self) {
        let now = changed(&self.files.cert).max(changed(&self.files.key));
        let mut seen = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if now <= *seen {
            return;
        }
        *seen = now;
        match read(&self.files) {
            Ok(config) => {
                self.acceptor.store(Arc::new(config));
                info!("the certificate was read again");
            }
            Err(error) => warn!(%error, "the new certificate cannot be used: the old one stays"),
        }
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|it| it.modified()).ok()
}

fn read(files: &Tls) -> anyhow::Result<rustls::ServerConfig> {
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("the certificate {}", files.cert.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("the key {}", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("certificate and key do not belong together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// How many connections each source has.
#[derive(Clone)]
struct Sources {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
}

/// One connection of a source; counts it out when dropped.
struct Place {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    ip: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Sources {
    fn enter(&self, ip: IpAddr, permit: OwnedSemaphorePermit) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { counts: Arc::clone(&self.counts), ip, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

/// What every connection needs.
struct Shared {
    app: Router,
    tls: Option<Arc<ReloadableTls>>,
    config: Arc<Config>,
    proxies: Vec<Cidr>,
}

/// Accepts connections until told to stop.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ReloadableTls>>,
    app: Router,
    config: Arc<Config>,
    _metrics: Arc<Metrics>,
    mut shutdown: watch::Receiver<bool>,
) {
    let proxies = config.trusted_proxies.clone();
    let places = Arc::new(Semaphore::new(config.limits.connections));
    let sources = Sources { counts: Arc::default(), max: config.limits.connections_per_source };
    let shared = Arc::new(Shared { app, tls, config, proxies });
    let mut refresh = tokio::time::interval(Duration::from_secs(10));
    let mut back_off = Duration::from_millis(5);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = refresh.tick() => {
                if let Some(tls) = &shared.tls {
                    tls.refresh();
                }
                continue;
            }
            _ = shutdown.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                back_off = Duration::from_millis(5);
                // Beyond the limit a connection is closed at once: it costs nothing, and a client tries again.
                let place = Arc::clone(&places)
                    .try_acquire_owned()
                    .ok()
                    .and_then(|it| sources.enter(address.ip(), it));
                if let Some(place) = place {
                    tokio::spawn(connection(Arc::clone(&shared), stream, address, place));
                }
            }
            Err(error) => {
                if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
                {
                    warn!(%error, "accepting failed: out of files?");
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(Duration::from_secs(1));
                }
            }
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr, place: Place) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match &shared.tls {
        Some(tls) => {
            let acceptor = TlsAcceptor::from(tls.acceptor.load_full());
            let handshake = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream));
            if let Ok(Ok(stream)) = handshake.await {
                http(&shared, stream, address.ip(), place).await;
            }
        }
        None => http(&shared, stream, address.ip(), place).await,
    }
}

async fn http<S>(shared: &Arc<Shared>, stream: S, peer: IpAddr, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let place = Arc::new(place);
    let of = Arc::clone(shared);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let mut app = of.app.clone();
        let ip = client(peer, request.headers(), &of.proxies);
        request.extensions_mut().insert(Source { ip });
        // An upgraded connection keeps its place until it ends.
        request.extensions_mut().insert(Arc::clone(&place).as_extension());
        async move { app.call(request.map(axum::body::Body::new)).await }
    });
    let timeout = Duration::from_millis(u64::from(shared.config.limits.header_timeout_ms));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(64 * 1_024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// A place that travels with the request into the session that it becomes.
#[derive(Clone)]
pub struct KeepPlace(#[expect(dead_code, reason = "kept for its drop")] Arc<Place>);

impl Place {
    fn as_extension(self: Arc<Self>) -> KeepPlace {
        KeepPlace(self)
    }
}

/// The client's address: the peer's, or behind trusted proxies the last address that none of them added.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Cidr]) -> IpAddr {
    let trusted = |ip: IpAddr| proxies.iter().any(|range| range.contains(ip));
    if !trusted(peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<IpAddr> =
        forwarded.flat_map(|it| it.split(',')).map_while(|it| it.trim().parse().ok()).collect();
    chain.into_iter().rev().find(|ip| !trusted(*ip)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2".parse().unwrap());
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let (proxy, stranger): (IpAddr, IpAddr) =
            ("10.0.0.1".parse().unwrap(), "198.51.100.1".parse().unwrap());
        assert_eq!(client(stranger, &headers, &proxies), stranger);
        assert_eq!(client(proxy, &headers, &proxies), "203.0.113.9".parse::<IpAddr>().unwrap());
        assert_eq!(client(proxy, &HeaderMap::new(), &proxies), proxy);
        assert_eq!(client(proxy, &headers, &[]), proxy);
    }
}
