//! Mail in, handed over by a mail server: SMTP (RFC 5321) or LMTP (RFC 2033). A mail is answered with 250 only once it is
//! durable; as long as it cannot be, the answer is 4xx and the server tries again. It takes mail for its own recipients only,
//! so it is no open relay, and it listens where the configuration says: the mail server's side, not the internet.

mod data;
mod session;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// One answer for a mail.
    Smtp,
    /// One answer for each recipient of a mail.
    Lmtp,
}

/// How mail is taken.
#[derive(Clone)]
pub struct Settings {
    /// Our own name, as greetings have it.
    pub host: String,
    /// Which protocol.
    pub protocol: Protocol,
    /// Bytes of one mail; more is refused, and told before.
    pub mail_bytes: usize,
    /// Connections at once; more are answered 421.
    pub connections: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// The certificate for STARTTLS, if there is one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// From whom and to whom, as the server says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// The sender; empty for reports.
    pub sender: String,
    /// The recipients.
    pub recipients: Vec<String>,
}

/// Why a mail is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Not now: the sender's server tries again.
    #[error("the mail cannot be stored just now")]
    Later,
    /// Nobody here has this address.
    #[error("there is no such recipient here")]
    Unknown,
}

/// What comes of a mail that is handed on.
pub type Taken<'a> = Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send + 'a>>;

/// Who takes the mail.
pub trait Receiver: Send + Sync {
    /// Whether somebody here has an address.
    fn knows(&self, recipient: &str) -> bool;

    /// Takes a mail for these recipients; done means durable. The same mail may come twice, and is taken once.
    fn take(&self, envelope: Envelope, raw: Vec<u8>) -> Taken<'_>;
}

/// Listens until it is dropped.
pub async fn serve(listener: TcpListener, settings: Settings, receiver: Arc<dyn Receiver>) {
    let settings = Arc::new(settings);
    let room = Arc::new(Semaphore::new(settings.connections.max(1)));
    loop {
        let (stream, from): (_, SocketAddr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection to the mail listener failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let (settings, receiver) = (Arc::clone(&settings), Arc::clone(&receiver));
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            tokio::spawn(session::turn_away(stream, settings));
            continue;
        };
        tokio::spawn(async move {
            if let Err(error) = session::run(stream, from, &settings, &*receiver).await {
                debug!(%error, "a mail connection ended");
            }
            drop(permit);
        });
    }
}
