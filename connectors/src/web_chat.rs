//! Web chat: our own widget over the session protocol.

use crate::capabilities::{Capabilities, Markup, Receipts, TextUnit};

/// The channel's name.
pub const CHANNEL: &str = "web_chat";

/// What it can carry.
pub const CAPABILITIES: Capabilities = Capabilities {
    channel: CHANNEL,
    text_max: 16_384,
    text_unit: TextUnit::Bytes,
    markup: Markup::None,
    receipts: Receipts::Seen,
    typing: true,
    reply_window_h: None,
};
