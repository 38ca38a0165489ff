//! Answers: whatever they say, the pieces in order are the text, and what is shown is never nothing.

use connectors::email::reply::{Kind, split};

/// Whether something in it is told apart.
pub(crate) fn run(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let split = split(&text);
    let joined: String = split.pieces.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(joined, text, "the pieces are the text");
    assert_eq!(split.visible().trim().is_empty(), text.trim().is_empty(), "something is shown");
    for pair in split.pieces.windows(2) {
        assert_ne!(pair[0].kind, pair[1].kind, "neighbours differ");
    }
    split.pieces.iter().any(|it| it.kind != Kind::New)
}
