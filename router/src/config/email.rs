//! Settings of email: mailboxes that conversations come from, and the listener that mail servers hand mail to.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A channel account of email: an address that customers write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailAccount {
    /// The workspace's id, `wsp_…`.
    pub workspace: String,
    /// The address.
    pub address: String,
    /// The name in mails that go out.
    #[serde(default)]
    pub name: String,
    /// What stands beneath each answer.
    #[serde(default)]
    pub signature: String,
    /// Whether the mail that opens a conversation is answered with place and promise.
    #[serde(default = "yes")]
    pub acknowledge: bool,
    /// For so many days after its end an answer opens its conversation again; later it opens a new one. 0: always a new one.
    #[serde(default = "a_month")]
    pub reopen_days: u32,
    /// Our mail server's name in `Authentication-Results`. Without it every sender counts as not proven.
    #[serde(default)]
    pub own_server: Option<String>,
    /// The mailbox that is read; without it mail comes by the listener.
    #[serde(default)]
    pub imap: Option<Mailbox>,
    /// The relay that takes what goes out.
    pub relay: MailServer,
    /// Signatures of what goes out, where the relay makes none.
    #[serde(default)]
    pub dkim: Option<Dkim>,
}

/// A mail server, and who signs in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `tls`, `starttls`, or `plain` on the same machine only.
    #[serde(default = "starttls")]
    pub security: String,
    /// Certificates to trust instead of the system's (PEM).
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Who signs in.
    #[serde(default)]
    pub user: Option<String>,
    /// The file that holds the password, or the access token where `oauth` is set; read at every connection.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whether it holds an OAuth 2 access token.
    #[serde(default)]
    pub oauth: bool,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Where.
    pub server: MailServer,
    /// The folder.
    #[serde(default = "inbox")]
    pub folder: String,
    /// Whether mail that is there at the first look is taken too.
    #[serde(default)]
    pub history: bool,
}

/// A key for signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The domain.
    pub domain: String,
    /// The selector, under which the other half of the key stands in DNS.
    pub selector: String,
    /// The private key (PEM).
    pub key: PathBuf,
}

/// Where mail servers hand mail over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailListener {
    /// The address to listen on; none unless it is set.
    pub listen: Option<SocketAddr>,
    /// `lmtp` or `smtp`.
    pub protocol: String,
    /// Our own name, as greetings have it.
    pub host: String,
}

impl Default for MailListener {
    fn default() -> Self {
        Self { listen: None, protocol: "lmtp".into(), host: "localhost".into() }
    }
}

const fn yes() -> bool {
    true
}

const fn a_month() -> u32 {
    30
}

fn starttls() -> String {
    "starttls".into()
}

fn inbox() -> String {
    "INBOX".into()
}
