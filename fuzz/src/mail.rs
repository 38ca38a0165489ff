//! Mails: parts, fields, charsets, names, threads, verdicts. Nothing is lost: the pieces of the text are the text, something is
//! always shown, and names of attachments are names.

use connectors::email::thread::Threads;
use connectors::email::{Limits, read, verdict};

/// Whether somebody is found to have written it.
pub(crate) fn run(data: &[u8]) -> bool {
    let mail = read(data, &Limits::default());
    let joined: String = mail.split.pieces.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(joined, mail.text, "the pieces are the text");
    for it in &mail.attachments {
        assert!(
            !it.name.is_empty() && !it.name.contains(['/', '\\', '\0', '\n']),
            "{:?} is no name",
            it.name
        );
    }
    assert_eq!(Threads::new(b"fuzz").refers_to(&mail, &[]), None, "a reference was guessed");
    for field in mail.headers.iter().take(100) {
        if let Some(results) = verdict::parse(&field.value) {
            assert!(!results.server.is_empty(), "results of nobody");
        }
    }
    match verdict::judge(&mail, "mx.hub.example") {
        verdict::Verdict::Verified { .. } => {
            assert_eq!(mail.from.len(), 1, "several writers cannot be proven by one result");
        }
        verdict::Verdict::Unverified | verdict::Verdict::Suspect { .. } => {}
    }
    !mail.from.is_empty()
}
