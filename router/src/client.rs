//! Requests of our own to a server's API: those of the simulated people, and a backup's, which may go by TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server that does not take a connection within this time is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// A server as its clients reach it.
pub(crate) struct Remote {
    /// Host and port, as they stand in `Host`.
    authority: String,
    tls: Option<Arc<ClientConfig>>,
}

impl Remote {
    /// Without TLS, at host and port.
    pub(crate) fn plain(authority: &str) -> Self {
        Self { authority: authority.to_owned(), tls: None }
    }

    /// By its address, such as `https://chat.example.com`. Its certificate must come from an authority of `ca` (PEM), or
    /// where none is named, from one that this machine trusts.
    pub(crate) fn at(url: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let wrong = || format!("{url} is no address of a server: write it as https://chat.example.com");
        anyhow::ensure!(crate::config::is_origin(url), wrong());
        let origin = crate::config::origin(url);
        let (scheme, authority) = origin.split_once("://").with_context(wrong)?;
        let tls = if scheme == "https" { Some(Arc::new(trusting(ca)?)) } else { None };
        Ok(Self { authority: authority.to_owned(), tls })
    }

    /// One request.
    ///
    /// # Errors
    /// If there is no server, it is not who it must be, or it refuses; then its reason.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let authority: axum::http::uri::Authority = self.authority.parse()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect((host, port)));
        let stream = connecting.await.map_err(anyhow::Error::from).and_then(|stream| Ok(stream?));
        let stream = stream.with_context(|| format!("{} takes no connection", self.authority))?;
        let mut request =
            hyper::Request::post(path).header(HOST, &self.authority).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
        let Some(tls) = &self.tls else { return exchange(stream, request).await };
        let name = ServerName::try_from(host.to_owned())?;
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        let stream = handshake.with_context(|| {
            format!("{} cannot be trusted; name the authority of its certificate with --ca", self.authority)
        })?;
        exchange(stream, request).await
    }
}

async fn exchange<T: DeserializeOwned>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> anyhow::Result<T> {
    let path = request.uri().path().to_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // The connection ends with the answer.
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    driver.abort();
    if !status.is_success() {
        let problem: Option<protocol::Problem> = serde_json::from_slice(&bytes).ok();
        let detail = problem.map(|problem| format!(": {}", problem.detail)).unwrap_or_default();
        anyhow::bail!("{path} answered {status}{detail}");
    }
    Ok(serde_json::from_slice(&bytes)?)
}

fn trusting(ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let read = || format!("{} holds no certificates (PEM)", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(read)? {
                roots.add(certificate.with_context(read)?)?;
            }
            anyhow::ensure!(!roots.is_empty(), read());
        }
        None => {
            // One that cannot be read or used is none that anybody can be known by.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            anyhow::ensure!(!roots.is_empty(), "this machine trusts no authority: name one with --ca");
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Tls};
    use crate::listen::tests::write_certificate;
    use crate::server::Server;
    use protocol::{BackupBody, BackupInput};

    #[tokio::test]
    async fn a_backup_comes_by_tls_from_who_can_be_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_certificate(folder.path());
        let tls = Some(Tls { cert: path("cert.pem"), key: path("key.pem") });
        let (listen, level) = (([127, 0, 0, 1], 0).into(), "os".to_owned());
        let config = Config { listen, data: path("data"), level, shards: 2, tls, ..Config::default() };
        let server = Server::start(config).await.unwrap();
        let url = format!("https://localhost:{}", server.address.port());
        let token = server.app.accounts.operator_token_once();
        let body = BackupInput { to: path("backup").display().to_string() };
        let ask = async |ca: Option<&Path>, token: Option<&str>| {
            Remote::at(&url, ca)?.post::<BackupBody>("/api/v1/backup", token, &body).await
        };
        assert!(ask(None, token.as_deref()).await.is_err(), "nobody here knows its authority");
        assert!(ask(Some(&path("key.pem")), token.as_deref()).await.is_err(), "a key is no certificate");
        let ca = path("cert.pem");
        let refused = ask(Some(&ca), None).await.unwrap_err().to_string();
        assert!(refused.contains("401") && refused.contains("sign in first"), "{refused}");
        ask(Some(&ca), token.as_deref()).await.unwrap();
        log_store::backup::verify(&path("backup")).unwrap();
        let again = ask(Some(&ca), token.as_deref()).await.unwrap_err().to_string();
        assert!(again.contains("choose a new folder"), "{again}");
        server.drain().await;
    }

    #[test]
    fn only_an_address_of_a_server_is_taken() {
        for wrong in ["chat.example.com", "ftp://chat.example.com", "https://chat.example.com/api", ""] {
            assert!(Remote::at(wrong, None).is_err(), "{wrong}");
        }
        assert_eq!(Remote::at("http://Chat.example.com:80/", None).unwrap().authority, "chat.example.com");
    }
}
