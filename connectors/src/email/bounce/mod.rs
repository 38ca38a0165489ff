//! Reports about mail that was sent: of delivery (RFC 3464, and the free texts of those who do not follow it) and of
//! complaints (RFC 5965).

mod dsn;
mod free_text;
mod reason;

pub use reason::Reason;

use super::headers::Headers;
use super::mail::Mail;
use super::structure::Part;
use super::{mime, thread, transfer};

/// Recipients kept of one report.
const RECIPIENTS_MAX: usize = 100;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// How far a mail got.
    Delivery(Delivery),
    /// Somebody calls a mail unwanted: nothing more is sent there.
    Complaint(Complaint),
}

/// How far a mail got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// For each recipient.
    pub recipients: Vec<Recipient>,
    /// The envelope's id that the mail was sent with.
    pub envelope_id: Option<String>,
    /// The id of the mail that it reports on.
    pub original: Option<String>,
    /// It was read from free text, so that it may be wrong.
    pub guessed: bool,
}

/// What became of the mail to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address; empty if the report does not name it.
    pub address: String,
    /// What happened.
    pub action: Action,
    /// Class, subject and detail of the status (RFC 3463); zeros for what is not told.
    pub status: (u8, u16, u16),
    /// The last server's own words.
    pub diagnostic: String,
    /// Why.
    pub reason: Reason,
}

impl Recipient {
    /// Whether the address itself is no good: the router offers another contact point.
    #[must_use]
    pub fn unreachable(&self) -> bool {
        self.action == Action::Failed && self.reason.is_about_the_address()
    }
}

/// What happened to a mail on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not arrive.
    Failed,
    /// It has not arrived yet.
    Delayed,
    /// It arrived.
    Delivered,
    /// It went on to a server that tells no more.
    Relayed,
    /// It went on to several.
    Expanded,
}

impl Action {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaint {
    /// Of which kind: `abuse`, `fraud`, `not-spam`.
    pub kind: String,
    /// Whose.
    pub recipient: Option<String>,
    /// The id of the mail.
    pub original: Option<String>,
}

/// Reads a report, if the mail is one.
pub(super) fn read(top: &Part<'_>, mail: &Mail) -> Option<Report> {
    let parts = top.walk();
    let original = parts.iter().find_map(|it| returned(it));
    let original_id = || original.as_ref().and_then(|it| it.all("Message-ID").flat_map(thread::ids).next());
    if let Some(part) = parts.iter().find(|it| it.is("message", "feedback-report")) {
        let fields = Headers::of_block(&mime::text_of(part));
        let recipient = fields.first("Original-Rcpt-To").or_else(|| fields.first("Removal-Recipient"));
        let recipient = recipient.map(|it| it.trim_matches(['<', '>', ' ']).to_owned());
        return Some(Report::Complaint(Complaint {
            kind: fields.first("Feedback-Type").unwrap_or("abuse").to_ascii_lowercase(),
            recipient: recipient.or_else(|| Some(original.as_ref()?.first("To")?.to_owned())),
            original: original_id(),
        }));
    }
    let status = parts.iter().find(|it| {
        it.kind.kind == "message"
            && matches!(it.kind.subtype.as_str(), "delivery-status" | "global-delivery-status")
    });
    let read =
        status.map(|part| dsn::read(&mime::text_of(part), &mail.text)).filter(|it| !it.recipients.is_empty());
    let mut delivery = read.or_else(|| free_text::read(top, mail, original.as_ref()))?;
    delivery.recipients.truncate(RECIPIENTS_MAX);
    delivery.original = delivery.original.or_else(original_id);
    Some(Report::Delivery(delivery))
}

/// The head of the mail that a report gives back.
fn returned(part: &Part<'_>) -> Option<Headers> {
    let whole = part.kind.kind == "message" && matches!(part.kind.subtype.as_str(), "rfc822" | "global");
    let head = part.is("text", "rfc822-headers")
        || part.is("text", "rfc822-header")
        || part.is("message", "global-headers");
    (whole || head).then(|| mime::head_of(&transfer::content(part)))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};
    use super::*;

    const REPORT: &str = "From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
        --b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\nOriginal-Envelope-Id: env-7\r\n\r\n\
        Final-Recipient: rfc822; gone@shop.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n\
        Final-Recipient: rfc822;late@shop.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n\
        --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <m1@hub.example>\r\n\r\n--b--\r\n";

    #[test]
    fn reports_of_delivery_are_read() {
        let Some(Report::Delivery(found)) = read(REPORT.as_bytes(), &Limits::default()).report else {
            panic!("no report")
        };
        assert_eq!(
            (found.envelope_id.as_deref(), found.original.as_deref()),
            (Some("env-7"), Some("m1@hub.example"))
        );
        let [gone, late] = found.recipients.as_slice() else { panic!("two recipients") };
        assert_eq!(
            (gone.address.as_str(), gone.action, gone.status),
            ("gone@shop.example", Action::Failed, (5, 1, 1))
        );
        assert!(gone.unreachable());
        assert_eq!((late.action, late.unreachable()), (Action::Delayed, false));
    }

    #[test]
    fn complaints_are_read() {
        let raw = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
            Feedback-Type: abuse\r\nOriginal-Rcpt-To: <ann@shop.example>\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <m1@hub.example>\r\n\r\nhi\r\n--b--\r\n";
        let Some(Report::Complaint(found)) = read(raw.as_bytes(), &Limits::default()).report else {
            panic!("no complaint")
        };
        assert_eq!((found.kind.as_str(), found.recipient.as_deref()), ("abuse", Some("ann@shop.example")));
        assert_eq!(found.original.as_deref(), Some("m1@hub.example"));
    }

    #[test]
    fn persons_who_write_of_failures_report_nothing() {
        let raw = "From: ann@shop.example\r\nSubject: delivery failed\r\n\r\nMy parcel: delivery failed, bob@shop.example says 550.";
        assert_eq!(read(raw.as_bytes(), &Limits::default()).report, None);
    }
}
