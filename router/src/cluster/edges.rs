//! Where frames of WebSocket begin and end in a stream of bytes that is passed on (RFC 6455, section 5.2), so that a frame of
//! our own goes between two and never into one.

/// The longest head of a frame: two bytes, eight of length, four of mask.
const HEAD: usize = 14;

/// Follows a stream.
#[derive(Debug, Default)]
pub(super) struct Edges {
    head: [u8; HEAD],
    /// So many bytes of the head are known.
    known: usize,
    /// So many bytes of the frame are still to come once its head is known.
    left: u64,
    /// The last frame was not the last of its message.
    within: bool,
}

impl Edges {
    /// Takes note of bytes that were passed on.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let here = self.left.min(bytes.len() as u64);
                self.left -= here;
                bytes = &bytes[usize::try_from(here).unwrap_or(bytes.len())..];
                continue;
            }
            self.head[self.known] = bytes[0];
            self.known += 1;
            bytes = &bytes[1..];
            if let Some(length) = self.length() {
                // A control frame (8 and up) may stand within a message and does not end it.
                if self.head[0] & 0x08 == 0 {
                    self.within = self.head[0] & 0x80 == 0;
                }
                self.left = length;
                self.known = 0;
            }
        }
    }

    /// Whether a control frame may stand here.
    pub(super) fn between_frames(&self) -> bool {
        self.known == 0 && self.left == 0
    }

    /// Whether a message may stand here.
    pub(super) fn between_messages(&self) -> bool {
        self.between_frames() && !self.within
    }

    /// What follows the head, once all of the head is known.
    fn length(&self) -> Option<u64> {
        if self.known < 2 {
            return None;
        }
        let (mask, short) = (self.head[1] & 0x80 != 0, self.head[1] & 0x7f);
        let more = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let whole = 2 + more + if mask { 4 } else { 0 };
        (self.known == whole).then(|| match more {
            0 => u64::from(short),
            _ => self.head[2..2 + more].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

    use super::*;

    fn frame(code: OpCode, length: usize, last: bool, mask: bool) -> Vec<u8> {
        let mut frame = Frame::message(vec![7; length], code, last);
        let header = frame.header_mut();
        *header = FrameHeader { mask: mask.then_some([1, 2, 3, 4]), ..header.clone() };
        let mut bytes = Vec::new();
        frame.format(&mut bytes).expect("memory takes it");
        bytes
    }

    #[test]
    fn edges_are_where_frames_end_however_the_bytes_come() {
        for length in [0, 1, 125, 126, 300, 65_535, 65_536, 70_000] {
            for mask in [false, true] {
                for pieces in [1, 3, 1_000, usize::MAX] {
                    let bytes = frame(OpCode::Data(Data::Text), length, true, mask);
                    let mut edges = Edges::default();
                    let mut passed = 0;
                    for piece in bytes.chunks(pieces.min(bytes.len())) {
                        edges.pass(piece);
                        passed += piece.len();
                        assert_eq!(edges.between_messages(), passed == bytes.len(), "{length}, {passed}");
                    }
                }
            }
        }
    }

    #[test]
    fn within_a_message_of_several_frames_only_a_control_frame_may_stand() {
        let mut edges = Edges::default();
        edges.pass(&frame(OpCode::Data(Data::Text), 10, false, false));
        assert!(edges.between_frames() && !edges.between_messages());
        edges.pass(&[0x89, 0]);
        assert!(edges.between_frames() && !edges.between_messages());
        edges.pass(&frame(OpCode::Data(Data::Continue), 10, true, false));
        assert!(edges.between_messages());
    }
}
