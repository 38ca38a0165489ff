//! What one node says to another: parcels, several in an envelope with a number, so that a missing one is noticed.

use bytes::Bytes;
use policy::id::WorkspaceId;
use serde::{Deserialize, Serialize};

use crate::accounts::Principal;
use crate::files::Kept;

/// A request or an answer without its body.
pub(super) type Headers = Vec<(String, Bytes)>;

/// One thing said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Parcel {
    /// A client's WebSocket begins: its bytes follow under this number of the node that holds it.
    Open { way: u64, principal: Box<Principal> },
    /// Bytes of a WebSocket, from its client or to it.
    Bytes { way: u64, from_client: bool, bytes: Bytes },
    /// A WebSocket has ended.
    Shut { way: u64, from_client: bool },
    /// A request of the API that the other node is to answer.
    Request { call: u64, method: String, uri: String, headers: Headers, body: Bytes },
    /// The answer to it.
    Answer { call: u64, status: u16, headers: Headers, body: Bytes },
    /// Rows of the accounts that have changed; no value where one is gone.
    Accounts(Vec<(Bytes, Option<Bytes>)>),
    /// A shard was given back: who is next may take it at once.
    Free,
    /// Nothing: who listens hears that the connection is there.
    Beat,
    /// A mail that a mail server handed to another node; it is answered for like a request, by a status alone.
    Mail { call: u64, mail: Box<HandedMail> },
}

/// A mail for a mailbox of a workspace. What it says lies in the blob store where it is large.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HandedMail {
    /// Whose mailbox it is.
    pub(crate) workspace: WorkspaceId,
    /// The mailbox's address.
    pub(crate) account: String,
    /// The mail as it came.
    pub(crate) kept: Kept,
    /// The recipients that the server told.
    pub(crate) envelope: Vec<String>,
}

/// Parcels that travel together.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) from: String,
    /// 1, 2, 3, ... to each node.
    pub(super) number: u64,
    pub(super) parcels: Vec<Parcel>,
}

impl Parcel {
    /// About how many bytes it has.
    pub(super) fn size(&self) -> usize {
        let heads =
            |headers: &Headers| headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        64 + match self {
            Self::Bytes { bytes, .. } => bytes.len(),
            Self::Request { headers, body, .. } | Self::Answer { headers, body, .. } => {
                body.len() + heads(headers)
            }
            Self::Accounts(rows) => {
                rows.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len)).sum()
            }
            Self::Mail { mail, .. } => {
                let here = if let Kept::Here(bytes) = &mail.kept { bytes.len() } else { 0 };
                here + mail.envelope.iter().map(String::len).sum::<usize>()
            }
            Self::Open { .. } | Self::Shut { .. } | Self::Free | Self::Beat => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let bytes = Bytes::from_static(b"\x81\x85frame");
        let parcels = vec![Parcel::Bytes { way: 7, from_client: true, bytes: bytes.clone() }, Parcel::Free];
        let envelope = Envelope { from: "a".into(), number: 3, parcels };
        let wire = postcard::to_allocvec(&envelope).unwrap();
        let read: Envelope = postcard::from_bytes(&wire).unwrap();
        assert_eq!((read.from.as_str(), read.number, read.parcels.len()), ("a", 3, 2));
        assert!(
            matches!(&read.parcels[0], Parcel::Bytes { way: 7, from_client: true, bytes: it } if *it == bytes)
        );
        assert!(postcard::from_bytes::<Envelope>(&wire[..wire.len() - 2]).is_err());
    }
}
