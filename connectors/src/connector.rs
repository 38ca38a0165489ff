//! The way to a provider: what comes in is durable before its cursor moves on, what goes out may be repeated.

use std::future::Future;
use std::pin::Pin;

use policy::Disclosed;

use crate::capabilities::Capabilities;

/// What a provider handed over in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inbound {
    /// The items, each by itself: a bad one never loses the others.
    pub items: Vec<InboundItem>,
    /// Where reading goes on; kept in the same batch as the items.
    pub cursor: Option<Vec<u8>>,
}

/// One thing that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundItem {
    /// A customer's text.
    Text {
        /// The provider's id of the message; a repeat has the same.
        id: String,
        /// The customer's address on the channel.
        from: String,
        /// The text.
        text: String,
    },
    /// A message got further on its way.
    Receipt {
        /// The provider's id of the message.
        id: String,
        /// How far.
        stage: crate::Receipts,
    },
    /// Something of a kind that is not known here; it is kept and shown as such.
    Unsupported {
        /// The provider's id.
        id: String,
        /// What it calls itself.
        kind: String,
    },
}

/// A message to a customer. Its text is here only because it may be.
#[derive(Debug)]
pub struct Outbound {
    /// The customer's address on the channel.
    pub to: String,
    /// The text.
    pub text: Disclosed<String>,
    /// Our own id, for providers that know a repeat by it.
    pub key: String,
}

/// A message that the provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The provider's id of it.
    pub id: String,
}

/// Why a provider took or gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// It is not signed as this provider signs.
    #[error("the request is not signed by the provider")]
    Forged,
    /// Try again after this many milliseconds.
    #[error("the provider asks to wait {retry_ms} ms")]
    Wait {
        /// How long.
        retry_ms: u32,
    },
    /// It will not work again either.
    #[error("the provider refuses it: {0}")]
    Refused(String),
    /// Nobody knows whether it went out.
    #[error("the provider did not answer: it may have been sent")]
    Unknown,
}

/// What comes of a call to a provider.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ConnectorError>> + Send + 'a>>;

/// One channel account's way to its provider. A call costs a network round trip, so a box costs nothing.
pub trait Connector: Send + Sync {
    /// What the channel can carry.
    fn capabilities(&self) -> &'static Capabilities;

    /// Fetches what has come since a cursor. Providers that push are read by their webhook instead, and answer nothing.
    fn fetch(&self, cursor: Option<&[u8]>) -> Answer<'_, Inbound>;

    /// Sends one message; a repeat with the same key is sent once where the provider can tell.
    fn send(&self, message: Outbound) -> Answer<'_, Sent>;
}
