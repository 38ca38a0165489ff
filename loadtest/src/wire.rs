//! Lean ends of a pair for measuring: they look only at what a measurement needs, so that the same small cost lies on both
//! sides of a comparison.
//!
//! A text of 200 bytes begins with ten digits: the number of the message in its pair.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::buffers;

/// Bytes of a text.
pub(crate) const TEXT_BYTES: usize = 200;
const DIGITS: usize = 10;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket, from this local address if one is given: one address has only so many ports.
pub(crate) async fn open(
    to: SocketAddr,
    from: Option<SocketAddr>,
    protocols: Option<&str>,
) -> Result<Socket> {
    let mut request = format!("ws://{to}/api/v1/socket").into_client_request()?;
    if let Some(protocols) = protocols {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
    }
    let stream = match from {
        Some(from) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind(from)?;
            socket.connect(to).await
        }
        None => TcpStream::connect(to).await,
    };
    let stream = stream.with_context(|| format!("{to} cannot be reached"))?;
    stream.set_nodelay(true)?;
    Ok(tokio_tungstenite::client_async_with_config(request, stream, Some(buffers())).await?.0)
}

/// The text of a message.
pub(crate) fn text(number: u64) -> String {
    format!("{number:0DIGITS$}{}", "x".repeat(TEXT_BYTES - DIGITS))
}

/// The number with which a text begins.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.get(..DIGITS)?.parse().ok()
}

/// What a frame of the server is, as far as a measurement cares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// `accepted`, for this request.
    Accepted(&'a str),
    /// An event with its number; with its text if it is a message.
    Event { seq: u64, text: Option<&'a str> },
    /// Something else.
    Other,
}

/// Reads a server's frame by looking for three marks, which is exact for texts made by [`text`].
pub(crate) fn see(frame: &str) -> Seen<'_> {
    if frame.starts_with(r#"{"type":"accepted""#) {
        return after(frame, r#""id":""#)
            .and_then(|rest| rest.split('"').next())
            .map_or(Seen::Other, Seen::Accepted);
    }
    let Some(rest) = frame.strip_prefix(r#"{"type":"event","seq":"#) else { return Seen::Other };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let Ok(seq) = rest[..digits].parse() else { return Seen::Other };
    let text = rest[digits..]
        .starts_with(r#","event":{"kind":"message""#)
        .then(|| after(rest, r#""text":""#).and_then(|rest| rest.split('"').next()))
        .flatten();
    Seen::Event { seq, text }
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::id::{ContactPointId, ConversationId, MessageId};
    use protocol::{Author, AuthorKind, DeliveryState, MessageView, ServerFrame, SessionEvent};

    #[test]
    fn texts_carry_their_number() {
        assert_eq!(text(42).len(), TEXT_BYTES);
        assert_eq!(number(&text(42)), Some(42));
        assert_eq!(number("short"), None);
    }

    #[test]
    fn frames_are_seen_as_the_protocol_writes_them() {
        let conversation = ConversationId::from_bits(1);
        let accepted = ServerFrame::Accepted {
            id: "7-12".into(),
            conversation: Some(conversation),
            message: Some(MessageId::from_bits(2)),
            seq: Some(3),
            level: "disk".into(),
        };
        assert_eq!(see(&serde_json::to_string(&accepted).unwrap()), Seen::Accepted("7-12"));
        let message = MessageView {
            id: MessageId::from_bits(2),
            seq: 3,
            from: Author { kind: AuthorKind::Customer, agent: None, name: None },
            text: Some(text(9)),
            contact_point: ContactPointId::from_bits(4),
            channel: "web_chat".into(),
            at_ms: 5,
            delivery: DeliveryState::Sent,
            client_id: None,
            labels: None,
            mail: None,
        };
        let event = ServerFrame::Event { seq: 17, event: SessionEvent::Message { conversation, message } };
        let frame = serde_json::to_string(&event).unwrap();
        assert_eq!(see(&frame), Seen::Event { seq: 17, text: Some(text(9).as_str()) });
        let left = ServerFrame::Event { seq: 18, event: SessionEvent::ConversationLeft { conversation } };
        assert_eq!(see(&serde_json::to_string(&left).unwrap()), Seen::Event { seq: 18, text: None });
        assert_eq!(see(&serde_json::to_string(&ServerFrame::Pong {}).unwrap()), Seen::Other);
        assert_eq!(see("nonsense"), Seen::Other);
    }
}
