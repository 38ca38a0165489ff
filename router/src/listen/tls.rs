//! TLS: certificate and key, read again when their files change or on SIGHUP. New ones that cannot be used leave the old
//! in force, and the log says why.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::config::Tls;
use crate::metrics::Metrics;

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// By what a change of a file is seen: when it was written, and its size.
type Stamp = Option<(SystemTime, u64)>;

/// A certificate that is read again when its files change.
pub struct ReloadableTls {
    files: Tls,
    config: ArcSwap<rustls::ServerConfig>,
    seen: Mutex<[Stamp; 2]>,
}

impl ReloadableTls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// If they cannot be read or do not belong together.
    pub fn load(files: &Tls) -> anyhow::Result<Arc<Self>> {
        // Before the files are read: what is written meanwhile is a change.
        let seen = stamps(files);
        let config = ArcSwap::from_pointee(read(files)?);
        Ok(Arc::new(Self { files: files.clone(), config, seen: Mutex::new(seen) }))
    }

    pub(super) fn current(&self) -> Arc<rustls::ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files again, if they changed or it must be; says whether new ones are in force.
    pub(super) fn refresh(&self, must: bool) -> Option<anyhow::Result<()>> {
        let now = stamps(&self.files);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now && !must {
                return None;
            }
            *seen = now;
        }
        Some(read(&self.files).map(|config| self.config.store(Arc::new(config))))
    }
}

/// Looks at the files every ten seconds and on SIGHUP.
pub(super) async fn keep_fresh(tls: Arc<ReloadableTls>, metrics: Arc<Metrics>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => Some(hangup),
        Err(error) => {
            warn!(%error, "SIGHUP cannot be heard: the certificate is looked at every ten seconds only");
            None
        }
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let must = tokio::select! {
            _ = look.tick() => false,
            Some(()) = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => None,
                }
            } => true,
        };
        let of = Arc::clone(&tls);
        let read = tokio::task::spawn_blocking(move || of.refresh(must)).await;
        match read {
            Ok(None) | Err(_) => {}
            Ok(Some(Ok(()))) => {
                metrics.certificate_read(true);
                info!("the certificate was read again and is in force");
            }
            Ok(Some(Err(error))) => {
                metrics.certificate_read(false);
                warn!(error = format!("{error:#}"), "the new certificate cannot be used: the old one stays");
            }
        }
    }
}

fn stamps(files: &Tls) -> [Stamp; 2] {
    let stamp = |path: &Path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    [stamp(&files.cert), stamp(&files.key)]
}

/// The certificate for connections that speak another protocol than HTTP, as its files are now.
///
/// # Errors
/// If the files cannot be read or do not belong together.
pub fn server_config(files: &Tls) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let mut config = read(files)?;
    config.alpn_protocols.clear();
    Ok(Arc::new(config))
}

fn read(files: &Tls) -> anyhow::Result<rustls::ServerConfig> {
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("the certificate {}", files.cert.display()))?;
    anyhow::ensure!(!certificates.is_empty(), "there is no certificate in {}", files.cert.display());
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
