//! Requests of our own to a server's API: those of the simulated people, and those of the command line, which may go by TLS.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
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

    /// Sends a value as JSON and reads one.
    ///
    /// # Errors
    /// If there is no server, it is not who it must be, or it refuses; then its reason.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let body = Bytes::from(serde_json::to_vec(body)?);
        self.send(Method::POST, path, token, "application/json", body).await?.json().await
    }

    /// Sends a text and reads a value.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn post_text<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        text: String,
    ) -> anyhow::Result<T> {
        self.send(Method::POST, path, token, "text/plain", Bytes::from(text)).await?.json().await
    }

    /// Asks for something that may be long.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, token, "text/plain", Bytes::new()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let authority: axum::http::uri::Authority = self.authority.parse()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect((host, port)));
        let stream = connecting.await.map_err(anyhow::Error::from).and_then(|stream| Ok(stream?));
        let stream = stream.with_context(|| format!("{} takes no connection", self.authority))?;
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, kind);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body))?;
        let Some(tls) = &self.tls else { return exchange(stream, request).await };
        let name = ServerName::try_from(host.to_owned())?;
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        let stream = handshake.with_context(|| {
            format!("{} cannot be trusted; name the authority of its certificate with --ca", self.authority)
        })?;
        exchange(stream, request).await
    }
}

/// An answer that says yes; its body may be under way.
pub(crate) struct Answer {
    body: Incoming,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

impl Drop for Answer {
    /// The connection ends with the answer.
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Answer {
    async fn json<T: DeserializeOwned>(mut self) -> anyhow::Result<T> {
        let bytes = (&mut self.body).collect().await?.to_bytes();
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Hands the body on as it comes; gives its last bytes, `last` at most.
    ///
    /// # Errors
    /// If it breaks off, or cannot be written.
    pub(crate) async fn write_to(mut self, out: &mut impl Write, last: usize) -> anyhow::Result<Vec<u8>> {
        let mut tail = Vec::new();
        while let Some(frame) = self.body.frame().await {
            let frame = frame.context("the answer broke off: ask again")?;
            let Ok(bytes) = frame.into_data() else { continue };
            out.write_all(&bytes)?;
            tail.extend_from_slice(&bytes[bytes.len().saturating_sub(last)..]);
            tail.drain(..tail.len().saturating_sub(last));
        }
        out.flush()?;
        Ok(tail)
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> anyhow::Result<Answer> {
    let path = request.uri().path().to_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let mut answer = Answer { body, connection };
    if !head.status.is_success() {
        let bytes = (&mut answer.body).collect().await?.to_bytes();
        let problem: Option<protocol::Problem> = serde_json::from_slice(&bytes).ok();
        let detail = problem.map(|problem| {
            let errors = problem.errors.iter().map(|it| format!("\n{}: {}", it.pointer, it.detail));
            format!(": {}{}", problem.detail, errors.collect::<String>())
        });
        anyhow::bail!("{path} answered {}{}", head.status, detail.unwrap_or_default());
    }
    Ok(answer)
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
