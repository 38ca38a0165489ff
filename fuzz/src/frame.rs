//! Frames that clients send: what is understood is written and understood again in the same way.

use protocol::ClientFrame;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(frame) = serde_json::from_slice::<ClientFrame>(data) else { return false };
    let written = serde_json::to_string(&frame).expect("a frame can be written");
    let again: ClientFrame = serde_json::from_str(&written).expect("what we write we can read");
    assert_eq!(again.request_id(), frame.request_id());
    assert_eq!(again, frame, "{written}");
    true
}
