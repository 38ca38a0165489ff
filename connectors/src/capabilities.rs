//! What a channel can carry.

/// A channel's abilities and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The channel's name, as policies write it.
    pub channel: &'static str,
    /// The longest text, in `text_unit`.
    pub text_max: usize,
    /// What a text is measured in.
    pub text_unit: TextUnit,
    /// Markup that the channel shows.
    pub markup: Markup,
    /// How far the channel tells a message's way.
    pub receipts: Receipts,
    /// Whether the customer sees that somebody types, and the other way round.
    pub typing: bool,
    /// Hours after the customer's last message in which free text may be sent; `None` where there is no such window.
    pub reply_window_h: Option<u32>,
}

/// What a text is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextUnit {
    /// Bytes of UTF-8.
    Bytes,
    /// UTF-16 units.
    Utf16,
    /// Unicode characters.
    Characters,
}

/// Markup that a channel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// None: what looks like markup is text.
    None,
    /// HTML, cleaned.
    Html,
}

/// How far a channel tells a message's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receipts {
    /// Not at all.
    None,
    /// That it arrived.
    Delivered,
    /// That it was seen.
    Seen,
}

impl Capabilities {
    /// How long a text is, in this channel's unit.
    #[must_use]
    pub fn measure(&self, text: &str) -> usize {
        match self.text_unit {
            TextUnit::Bytes => text.len(),
            TextUnit::Utf16 => text.encode_utf16().count(),
            TextUnit::Characters => text.chars().count(),
        }
    }

    /// Whether a text fits into one message.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        self.measure(text) <= self.text_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_measured_in_the_channels_unit() {
        let of = |text_unit| Capabilities { text_unit, ..crate::web_chat::CAPABILITIES };
        let text = "é𝄞";
        assert_eq!(of(TextUnit::Bytes).measure(text), 6);
        assert_eq!(of(TextUnit::Utf16).measure(text), 3);
        assert_eq!(of(TextUnit::Characters).measure(text), 2);
        let small = Capabilities { text_max: 5, ..of(TextUnit::Bytes) };
        assert!(!small.fits(text) && small.fits("hello"));
    }
}
