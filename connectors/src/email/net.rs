//! Connections to mail servers: TCP, and TLS from the first byte or after STARTTLS.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates to trust instead of the system's (PEM).
    pub ca: Option<PathBuf>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS; without it nothing is said.
    StartTls,
    /// Not at all: only for servers on the same machine.
    Plain,
}

/// Who signs in, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password or the token.
    pub secret: String,
    /// Whether the secret is an OAuth 2 access token.
    pub oauth: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// What SASL XOAUTH2 sends, before base 64.
    #[must_use]
    pub fn xoauth2(&self) -> String {
        format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", self.user, self.secret)
    }
}

/// Something to read from and write to.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, with TLS or without.
pub(super) type Stream = Box<dyn Duplex>;

/// Time to connect, and for a handshake.
const CONNECT: Duration = Duration::from_secs(20);

/// Connects; TLS only where it begins with the first byte.
pub(super) async fn connect(server: &Server) -> io::Result<Stream> {
    let tcp = within(CONNECT, TcpStream::connect((server.host.as_str(), server.port))).await?;
    tcp.set_nodelay(true)?;
    match server.security {
        Security::Tls => secure(Box::new(tcp), server).await,
        Security::StartTls | Security::Plain => Ok(Box::new(tcp)),
    }
}

/// Puts TLS over a connection.
pub(super) async fn secure(stream: Stream, server: &Server) -> io::Result<Stream> {
    let name = ServerName::try_from(server.host.clone()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(client_config(server)?));
    Ok(Box::new(within(CONNECT, connector.connect(name, stream)).await?))
}

/// Certificates that a server is checked against.
fn roots(server: &Server) -> io::Result<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    match &server.ca {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn client_config(server: &Server) -> io::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder.with_root_certificates(roots(server)?).with_no_client_auth())
}

/// Waits so long and no longer.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_sent_as_the_providers_want_them() {
        let who = Credentials { user: "a@b".to_owned(), secret: "t".to_owned(), oauth: true };
        assert_eq!(who.xoauth2(), "user=a@b\u{1}auth=Bearer t\u{1}\u{1}");
        assert!(!format!("{who:?}").contains("a@b"));
    }
}
