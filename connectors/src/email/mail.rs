//! A mail as the rest of the program sees it: read, decoded, with nothing lost. How it is read stands in [`super::mime`].

use super::automatic::Automatic;
use super::bounce::Report;
use super::headers::Headers;
use super::reply::Split;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// The mail's own id, without angle brackets; the first where there are several.
    pub message_id: Option<String>,
    /// The ids it says it answers.
    pub in_reply_to: Vec<String>,
    /// The ids of its conversation, oldest first.
    pub references: Vec<String>,
    /// Who wrote it; several where the header names several.
    pub from: Vec<Mailbox>,
    /// Who sent it on behalf of the writers.
    pub sender: Option<Mailbox>,
    /// Where answers should go.
    pub reply_to: Vec<Mailbox>,
    /// To whom it is addressed.
    pub to: Vec<Mailbox>,
    /// Who got a copy.
    pub cc: Vec<Mailbox>,
    /// The addresses it was delivered to, as the own server noted them: the nearest first.
    pub delivered_to: Vec<String>,
    /// The envelope's sender as the own server noted it: `Some("")` for the null sender of reports.
    pub return_path: Option<String>,
    /// The subject, decoded.
    pub subject: String,
    /// When it was written, in ms since 1970, as the writer's machine says.
    pub date_ms: Option<i64>,
    /// What it says, as plain text: from its text parts, or from its HTML where there is none.
    pub text: String,
    /// The same, with what was quoted and signed told apart.
    pub split: Split,
    /// Its HTML, decoded and not cleaned: only [`super::html::clean`] makes it fit to be shown.
    pub html: Option<String>,
    /// Everything else it carries.
    pub attachments: Vec<Attachment>,
    /// Why it is no person's message, if it is none.
    pub automatic: Option<Automatic>,
    /// What it reports, if it is a report of delivery or a complaint.
    pub report: Option<Report>,
    /// The header as it stands, top to bottom.
    pub headers: Headers,
    /// Parts were left out because the mail has too many.
    pub parts_left_out: bool,
}

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The name, decoded; empty if there is none.
    pub name: String,
    /// The address, as written.
    pub address: String,
}

impl Mailbox {
    /// What stands after the last `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        domain_of(&self.address)
    }
}

/// The domain of an address, in lower case.
#[must_use]
pub fn domain_of(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let domain = domain.trim().trim_end_matches(['.', '>']).to_lowercase();
    (!local.is_empty() && !domain.is_empty()).then_some(domain)
}

/// The form of an address by which it is compared: lower case, without the part after `+`.
#[must_use]
pub fn comparable(address: &str) -> String {
    let address = address.trim().to_lowercase();
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let base = local.split_once('+').map_or(local, |(base, _)| base);
            format!("{}@{domain}", if base.is_empty() { local } else { base })
        }
        None => address,
    }
}

/// Something that a mail carries beside its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, clean: no path, no control characters. Never empty.
    pub name: String,
    /// Its type as the sender says, in lower case: `image/png`. Not to be trusted.
    pub media_type: String,
    /// The id by which the HTML names it, without angle brackets.
    pub content_id: Option<String>,
    /// Whether the HTML shows it, so that it need not stand beneath the text.
    pub inline: bool,
    /// Its content, decoded.
    pub content: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_case_and_detail() {
        assert_eq!(comparable(" Ann+shop@Example.COM "), "ann@example.com");
        assert_eq!(comparable("+x@example.com"), "+x@example.com");
        assert_eq!(comparable("postmaster"), "postmaster");
        assert_eq!(domain_of("a@B.example."), Some("b.example".to_owned()));
        assert_eq!(domain_of("@b.example"), None);
    }
}
