//! Typed ids. Each kind has a prefix in its text form (`cnv_…`, `agt_…`), so that an id can never be taken for one of
//! another kind. The 128 bits are made outside (uuid v7 by the server, a counter in tests): nothing here draws them.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32 in lower case: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// What each byte stands for in it; 255 for nothing.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};
/// A prefix of three letters and an underscore.
const PREFIX_LEN: usize = 4;
/// 128 bits in groups of five.
const TEXT_LEN: usize = 26;
/// The whole text form.
const ID_LEN: usize = PREFIX_LEN + TEXT_LEN;

/// Why a text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form {prefix}_ and 26 characters of 0-9 a-z")]
pub struct InvalidId {
    /// The prefix that was expected, such as `cnv`.
    pub prefix: &'static str,
}

/// The text form, written to a buffer: ids stand in every frame, so that none costs an allocation.
fn encode<'a>(prefix: &str, bits: u128, text: &'a mut [u8; ID_LEN]) -> Result<&'a str, core::str::Utf8Error> {
    text[..PREFIX_LEN].copy_from_slice(prefix.as_bytes());
    // In two halves, since wide shifts cost more than all the rest: 64 bits are twelve letters and four bits.
    let (mut high, mut low) = (bits >> 60, (bits & ((1 << 60) - 1)) as u64);
    for slot in text[ID_LEN - 12..].iter_mut().rev() {
        *slot = ALPHABET[(low & 31) as usize];
        low >>= 5;
    }
    for slot in text[PREFIX_LEN..ID_LEN - 12].iter_mut().rev() {
        *slot = ALPHABET[(high & 31) as usize];
        high >>= 5;
    }
    core::str::from_utf8(text)
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != TEXT_LEN || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let digit = DIGITS[usize::from(byte)];
        (digit < 32).then_some(bits << 5 | u128::from(digit))
    })
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(type = "string"))]
        pub struct $name(u128);

        impl $name {
            /// The prefix of this kind's text form.
            pub const PREFIX: &'static str = $prefix;

            /// An id of these bits.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The bits of this id.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; ID_LEN];
                f.write_str(encode(concat!($prefix, "_"), self.0, &mut text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    let mut text = [0; ID_LEN];
                    let text = encode(concat!($prefix, "_"), self.0, &mut text);
                    serializer.serialize_str(text.map_err(serde::ser::Error::custom)?)
                } else {
                    self.0.to_be_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    struct Text;

                    impl serde::de::Visitor<'_> for Text {
                        type Value = $name;

                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str(concat!("an id of the form ", $prefix, "_…"))
                        }

                        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                            text.parse().map_err(E::custom)
                        }
                    }

                    deserializer.deserialize_str(Text)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(|bytes| Self(u128::from_be_bytes(bytes)))
                }
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
                })
            }
        }
    )*};
}

typed_ids! {
    /// A tenant: one pool of agents, the unit of isolation.
    WorkspaceId = "wsp";
    /// A person who writes in.
    CustomerId = "cus";
    /// The customer's end: an address on a channel.
    ContactPointId = "cpt";
    /// One matter of one customer.
    ConversationId = "cnv";
    /// One message of a conversation.
    MessageId = "msg";
    /// A person or a bot that serves customers.
    AgentId = "agt";
    /// A conversation proposed to an agent until a deadline.
    OfferId = "ofr";
    /// A numbered stream of events to one connected client.
    SessionId = "ses";
    /// The cause of events: one command, given by whoever sent it.
    CommandId = "cmd";
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_form_is_read_back() {
        for bits in [0, 1, u128::MAX, 0x0190_5e3c_7b1a_7000_8000_0123_4567_89ab] {
            let id = ConversationId::from_bits(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn another_kind_and_noise_are_refused() {
        let agent = AgentId::from_bits(7).to_string();
        assert!(agent.parse::<ConversationId>().is_err());
        for text in ["", "cnv_", "cnv_z0000000000000000000000000", "cnv_0000000000000000000000000u", "cnv_é"]
        {
            assert_eq!(text.parse::<ConversationId>(), Err(InvalidId { prefix: "cnv" }), "{text}");
        }
    }

    #[test]
    fn text_order_is_bit_order() {
        let (old, new) = (MessageId::from_bits(1 << 70), MessageId::from_bits(3 << 80));
        assert!(old.to_string() < new.to_string());
    }
}
