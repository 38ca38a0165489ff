//! Email. Reading is one function, [`read`]: bytes in, a [`Mail`] out, whatever the bytes are.
//!
//! | module | what it does |
//! |---|---|
//! | [`mail`] | the mail as the rest of the program sees it |
//! | [`mime`], [`headers`], [`charset`], [`names`] | parts, fields, charsets that lie, names of attachments |
//! | [`html`] | HTML made fit to be shown, and made plain text |
//! | [`reply`] | what is new in an answer, what is quoted, what is a signature |
//! | [`automatic`], [`bounce`] | mail that nobody wrote: vacation replies, lists, reports of delivery, complaints |
//! | [`verdict`] | whether the sender is who it says, by what the own server found out |
//! | [`thread`] | which conversation a mail belongs to |
//! | [`imap`], [`inbound`] | the two ways in: a mailbox is read, or a server hands mail over |
//! | [`outbound`] | mail is composed, signed and handed to the relay |
//! | [`net`] | connections, with TLS |

pub mod automatic;
pub mod bounce;
pub mod charset;
mod fields;
pub mod headers;
pub mod html;
pub mod imap;
pub mod inbound;
pub mod mail;
pub mod mime;
pub mod names;
pub mod net;
pub mod outbound;
pub mod reply;
mod structure;
pub mod thread;
mod transfer;
pub mod verdict;

pub use mail::{Attachment, Mail, Mailbox};
pub use mime::{Limits, read};

use crate::capabilities::{Capabilities, Markup, Receipts, TextUnit};

/// The channel's name.
pub const CHANNEL: &str = "email";

/// What it can carry.
pub const CAPABILITIES: Capabilities = Capabilities {
    channel: CHANNEL,
    text_max: 1 << 20,
    text_unit: TextUnit::Bytes,
    markup: Markup::Html,
    receipts: Receipts::None,
    typing: false,
    reply_window_h: None,
};
