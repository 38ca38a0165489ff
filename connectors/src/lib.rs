//! Channels: what each can carry, and how its messages come and go. Each channel is a module of its own; all are described
//! by the same [`Capabilities`], so that whoever writes to a customer asks the channel and not its name.
//!
//! Web chat is the first: its transport is the session protocol itself, so here stands only what it can carry. Channels
//! with a provider add a [`Connector`].

mod capabilities;
mod connector;
pub mod email;
pub mod web_chat;

pub use capabilities::{Capabilities, Markup, Receipts, TextUnit};
pub use connector::{Answer, Connector, ConnectorError, Inbound, InboundItem, Outbound, Sent};

/// What a channel can carry, by its name; `None` for a channel that is not built in.
#[must_use]
pub fn capabilities(channel: &str) -> Option<&'static Capabilities> {
    [&web_chat::CAPABILITIES, &email::CAPABILITIES].into_iter().find(|it| it.channel == channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_found_by_name() {
        assert_eq!(capabilities("web_chat").map(|it| it.text_max), Some(16_384));
        assert!(capabilities("smoke_signals").is_none());
    }
}
