//! Mail that no person wrote: vacation replies, notices, lists, reports (RFC 3834). It is shown but nothing answers it, it
//! reopens nothing and starts no clock; otherwise two programs could answer each other for ever.

use super::headers::Headers;
use super::mail::Mail;

/// Why a mail is no person's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// An answer by itself, such as of somebody on holiday.
    Reply,
    /// A notice that some program made.
    Notice,
    /// Mail to many: a list, a newsletter.
    Bulk,
    /// A report of delivery, or what comes from the null sender.
    Report,
}

impl Automatic {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reply => "automatic_reply",
            Self::Notice => "notice",
            Self::Bulk => "bulk",
            Self::Report => "report",
        }
    }
}

/// Local parts that nobody reads.
const UNREAD: [&str; 10] = [
    "mailer-daemon",
    "mailerdaemon",
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "bounce",
    "bounces",
];

/// Judges by the header; `None` for what a person may have written.
#[must_use]
pub fn judge(headers: &Headers, mail: &Mail) -> Option<Automatic> {
    let has = |name: &str| headers.first(name).is_some();
    if mail.report.is_some() {
        return Some(Automatic::Report);
    }
    let submitted = headers.first("Auto-Submitted").map(first_word);
    match submitted.as_deref() {
        Some("no" | "") | None => {}
        Some("auto-replied") => return Some(Automatic::Reply),
        Some(_) => return Some(Automatic::Notice),
    }
    let suppress = headers.first("X-Auto-Response-Suppress").unwrap_or_default().to_ascii_lowercase();
    let suppressed =
        suppress.split([',', ';', ' ']).any(|it| matches!(it.trim(), "all" | "autoreply" | "oof" | "dr"));
    let precedence = headers.first("Precedence").map(first_word).unwrap_or_default();
    if ["X-Autoreply", "X-Autorespond", "X-AutoReply-From", "X-Mail-Autoreply"].into_iter().any(has)
        || precedence == "auto_reply"
        || is_absence(&mail.subject)
    {
        return Some(Automatic::Reply);
    }
    if matches!(precedence.as_str(), "bulk" | "junk" | "list")
        || headers.iter().any(|it| it.name.to_ascii_lowercase().starts_with("list-"))
        || has("Feedback-ID")
    {
        return Some(Automatic::Bulk);
    }
    if mail.return_path.as_deref() == Some("") {
        return Some(Automatic::Report);
    }
    let local =
        mail.from.first().and_then(|it| it.address.rsplit_once('@')).map(|(it, _)| it.to_ascii_lowercase());
    let local = local.unwrap_or_default();
    let unread = UNREAD
        .iter()
        .any(|it| local == *it || local.strip_prefix(it).is_some_and(|it| it.starts_with(['+', '-', '.'])));
    if suppressed || has("X-Loop") || unread || local == "postmaster" {
        return Some(Automatic::Notice);
    }
    None
}

/// The first word of a value, in lower case, without parameters and comments.
fn first_word(value: &str) -> String {
    value.split([';', '(', ' ']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Subjects that mail programs give to answers from holiday. They stand at the beginning, so that a question about one is none.
fn is_absence(subject: &str) -> bool {
    const BEGINNINGS: [&str; 16] = [
        "out of office:",
        "out of office re:",
        "automatic reply:",
        "auto reply:",
        "autoreply:",
        "auto-reply:",
        "automatische antwort:",
        "abwesenheitsnotiz:",
        "abwesend:",
        "réponse automatique",
        "respuesta automática",
        "resposta automática",
        "risposta automatica",
        "automatisch antwoord:",
        "自动回复",
        "رد تلقائي",
    ];
    let subject = subject.trim().to_lowercase();
    BEGINNINGS.iter().any(|it| subject.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    fn judged(head: &str) -> Option<Automatic> {
        read(format!("{head}\r\n\r\nhi").as_bytes(), &Limits::default()).automatic
    }

    #[test]
    fn persons_are_answered() {
        assert_eq!(judged("From: ann@example.com\r\nSubject: hi"), None);
        assert_eq!(judged("From: ann@example.com\r\nAuto-Submitted: no"), None);
        assert_eq!(judged("From: ann@example.com\r\nX-Auto-Response-Suppress: None"), None);
        assert_eq!(judged("From: a@example.com\r\nSubject: your automatic reply was odd"), None);
        assert_eq!(judged("From: bouncer@example.com"), None);
    }

    #[test]
    fn programs_are_not() {
        assert_eq!(judged("Auto-Submitted: auto-replied (vacation)"), Some(Automatic::Reply));
        assert_eq!(judged("Auto-Submitted: auto-generated"), Some(Automatic::Notice));
        assert_eq!(judged("Precedence: bulk"), Some(Automatic::Bulk));
        assert_eq!(judged("List-Id: <x.example.com>"), Some(Automatic::Bulk));
        assert_eq!(judged("X-Auto-Response-Suppress: DR, OOF"), Some(Automatic::Notice));
        assert_eq!(judged("Return-Path: <>\r\nFrom: ann@example.com"), Some(Automatic::Report));
        assert_eq!(judged("From: no-reply@example.com"), Some(Automatic::Notice));
        assert_eq!(judged("Subject: =?utf-8?q?R=C3=A9ponse_automatique_?= : x"), Some(Automatic::Reply));
    }
}
