//! Typed ids. Each kind has a prefix in its text form (`cnv_…`, `agt_…`), so that an id can never be taken for one of
//! another kind. The 128 bits are made outside (uuid v7 by the server, a counter in tests): nothing here draws them.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32 in lower case: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const TEXT_LEN: usize = 26;

/// Why a text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form {prefix}_ and 26 characters of 0-9 a-z")]
pub struct InvalidId {
    /// The prefix that was expected, such as `cnv`.
    pub prefix: &'static str,
}

fn encode(bits: u128, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; TEXT_LEN];
    let mut rest = bits;
    for slot in text.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != TEXT_LEN || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        Some(bits << 5 | digit as u128)
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
                f.write_str(concat!($prefix, "_"))?;
                encode(self.0, f)
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
                    serializer.collect_str(self)
                } else {
                    self.0.to_be_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
