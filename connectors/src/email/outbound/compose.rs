//! A mail as bytes. Encoding and parts are made by `lettre`; what goes into the header is checked before: a line break in a
//! value that a user gives would begin a field of its own, and is refused.

use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};

use super::super::{html, names};

/// Attachments of one mail.
const FILES_MAX: usize = 50;
/// Recipients of one mail.
const RECIPIENTS_MAX: usize = 100;

/// A mail to be written.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Its own id, without angle brackets.
    pub message_id: String,
    /// Name and address of the mailbox.
    pub from: (String, String),
    /// Where answers go.
    pub reply_to: Option<String>,
    /// To whom.
    pub to: Vec<String>,
    /// Who gets a copy.
    pub cc: Vec<String>,
    /// Who gets a copy without anybody knowing: they stand in the envelope only.
    pub bcc: Vec<String>,
    /// The subject.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same as HTML, where it is more than the text; made of the text otherwise.
    pub html: Option<String>,
    /// The id of the mail that it answers, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The ids of the conversation, oldest first.
    pub references: Vec<String>,
    /// Attachments.
    pub files: Vec<File>,
    /// Fields of our own, such as `Auto-Submitted`.
    pub fields: Vec<(&'static str, String)>,
    /// When it is written, in ms since 1970.
    pub at_ms: i64,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its type: `image/png`.
    pub media_type: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Why a mail cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A value has a line break or another control character in it.
    #[error("{0} has a line break or a control character: nothing was sent; take it out")]
    Injection(&'static str),
    /// An address is none.
    #[error("{0} is no address that mail can be sent to: nothing was sent; correct it")]
    Address(&'static str),
    /// It cannot be put together.
    #[error("the mail cannot be put together: {0}")]
    Other(String),
}

/// Writes a mail.
///
/// # Errors
/// [`DraftError`]; nothing of it may be sent then.
pub fn compose(draft: &Draft) -> Result<Vec<u8>, DraftError> {
    check(draft)?;
    let when =
        std::time::UNIX_EPOCH + std::time::Duration::from_millis(u64::try_from(draft.at_ms).unwrap_or(0));
    let mut builder = Message::builder()
        .date(when)
        .from(mailbox("the mailbox", &draft.from.0, &draft.from.1)?)
        .message_id(Some(format!("<{}>", draft.message_id)))
        .subject(draft.subject.as_str());
    for address in &draft.to {
        builder = builder.to(mailbox("a recipient", "", address)?);
    }
    for address in &draft.cc {
        builder = builder.cc(mailbox("a recipient of a copy", "", address)?);
    }
    for address in &draft.bcc {
        mailbox("a recipient of a copy", "", address)?;
    }
    if let Some(address) = &draft.reply_to {
        builder = builder.reply_to(mailbox("the reply address", &draft.from.0, address)?);
    }
    let ids = |ids: &[String]| ids.iter().map(|it| format!("<{it}>")).collect::<Vec<_>>();
    let mut fields = draft.fields.clone();
    if let Some(id) = &draft.in_reply_to {
        fields.push(("In-Reply-To", format!("<{id}>")));
    }
    if !draft.references.is_empty() {
        fields.push(("References", ids(&draft.references).join(" ")));
    }
    for (name, value) in fields {
        // One id a line: ids hold no blanks, and lines stay short.
        let folded = value.replace(' ', "\r\n ");
        builder =
            builder.raw_header(HeaderValue::dangerous_new_pre_encoded(field_name(name)?, value, folded));
    }
    let html = draft.html.clone().unwrap_or_else(|| html::of_text(&draft.text));
    let words = MultiPart::alternative()
        .singlepart(SinglePart::plain(draft.text.clone()))
        .singlepart(SinglePart::html(html));
    let message = if draft.files.is_empty() {
        builder.multipart(words)
    } else {
        let mut parts = MultiPart::mixed().multipart(words);
        for file in &draft.files {
            let name = names::clean(&file.name).unwrap_or_else(|| names::by_type(1, &file.media_type));
            let kind = ContentType::parse(&file.media_type)
                .or_else(|_| ContentType::parse("application/octet-stream"))
                .map_err(|error| DraftError::Other(error.to_string()))?;
            parts = parts.singlepart(Attachment::new(name).body(Body::new(file.content.clone()), kind));
        }
        builder.multipart(parts)
    };
    // What lettre keeps of the envelope is not used: the relay is told its own.
    message.map(|it| it.formatted()).map_err(|error| DraftError::Other(error.to_string()))
}

/// Whether mail can be sent to an address.
#[must_use]
pub fn is_address(address: &str) -> bool {
    address.len() <= 254 && !address.chars().any(char::is_control) && address.parse::<Address>().is_ok()
}

fn field_name(name: &'static str) -> Result<HeaderName, DraftError> {
    HeaderName::new_from_ascii(name.to_owned()).map_err(|error| DraftError::Other(error.to_string()))
}

fn mailbox(what: &'static str, name: &str, address: &str) -> Result<Mailbox, DraftError> {
    let address: Address = address.parse().map_err(|_| DraftError::Address(what))?;
    Ok(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address))
}

/// Everything that stands in the header, one line each.
fn check(draft: &Draft) -> Result<(), DraftError> {
    let one = |what: &'static str, text: &str| {
        if text.chars().any(char::is_control) { Err(DraftError::Injection(what)) } else { Ok(()) }
    };
    one("the subject", &draft.subject)?;
    one("the mailbox", &draft.from.0)?;
    one("the mailbox", &draft.from.1)?;
    let ids = draft.in_reply_to.iter().chain(&draft.references).chain(std::iter::once(&draft.message_id));
    for id in ids {
        one("an id", id)?;
        if id.contains(['<', '>', ' ']) || !id.is_ascii() {
            return Err(DraftError::Injection("an id"));
        }
    }
    for address in draft.to.iter().chain(&draft.cc).chain(&draft.bcc).chain(&draft.reply_to) {
        one("an address", address)?;
    }
    for (name, value) in &draft.fields {
        one(name, value)?;
    }
    for file in &draft.files {
        one("the name of an attachment", &file.name)?;
        one("the type of an attachment", &file.media_type)?;
    }
    let recipients = draft.to.len() + draft.cc.len() + draft.bcc.len();
    if recipients == 0 || recipients > RECIPIENTS_MAX {
        return Err(DraftError::Other(format!("a mail has 1 to {RECIPIENTS_MAX} recipients")));
    }
    if draft.files.len() > FILES_MAX {
        return Err(DraftError::Other(format!("a mail has at most {FILES_MAX} attachments")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read};
    use super::*;

    fn draft() -> Draft {
        Draft {
            message_id: "c.1.x@hub.example".to_owned(),
            from: ("Support, Hüb".to_owned(), "support@hub.example".to_owned()),
            reply_to: Some("support+tabc@hub.example".to_owned()),
            to: vec!["ann@shop.example".to_owned()],
            subject: "Re: Grüße 🎉".to_owned(),
            text: "Hello\n.\nFrom here: ü\n".to_owned(),
            at_ms: 1_700_000_000_000,
            ..Draft::default()
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut draft = draft();
        draft.in_reply_to = Some("p@shop.example".to_owned());
        draft.references = (0..30).map(|it| format!("r{it}@shop.example")).collect();
        draft.bcc = vec!["secret@hub.example".to_owned()];
        draft.files = vec![File {
            name: "bill é.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: vec![0, 10, 13, 255],
        }];
        let raw = compose(&draft).expect("written");
        assert!(raw.split(|it| *it == b'\n').all(|line| line.len() <= 998));
        assert!(!String::from_utf8_lossy(&raw).contains("secret@"));
        let mail = read(&raw, &Limits::default());
        assert_eq!((mail.subject.as_str(), mail.from[0].name.as_str()), ("Re: Grüße 🎉", "Support, Hüb"));
        assert_eq!(mail.text.replace("\r\n", "\n").trim_end(), draft.text.trim_end());
        assert_eq!(
            (mail.references.len(), mail.in_reply_to.as_slice()),
            (30, ["p@shop.example".to_owned()].as_slice())
        );
        assert_eq!(
            (mail.attachments[0].name.as_str(), mail.attachments[0].content.as_slice()),
            ("bill é.pdf", [0, 10, 13, 255].as_slice())
        );
        assert_eq!(mail.reply_to[0].address, "support+tabc@hub.example");
    }

    #[test]
    fn no_value_begins_a_field() {
        for break_line in ["\r\nBcc: x@evil.example", "\nX: y", "\rX", "\0"] {
            let with = |change: &dyn Fn(&mut Draft, String)| {
                let mut draft = draft();
                change(&mut draft, format!("a{break_line}"));
                compose(&draft)
            };
            assert!(matches!(with(&|it, text| it.subject = text), Err(DraftError::Injection(_))));
            assert!(matches!(with(&|it, text| it.from.0 = text), Err(DraftError::Injection(_))));
            assert!(matches!(with(&|it, text| it.to = vec![text]), Err(DraftError::Injection(_))));
            assert!(matches!(with(&|it, text| it.references = vec![text]), Err(DraftError::Injection(_))));
            assert!(matches!(
                with(&|it, text| it.fields = vec![("X-A", text)]),
                Err(DraftError::Injection(_))
            ));
            let file = |it: &mut Draft, name| {
                it.files = vec![File { name, media_type: "text/plain".to_owned(), content: Vec::new() }];
            };
            assert!(matches!(with(&file), Err(DraftError::Injection(_))));
        }
    }

    #[test]
    fn addresses_are_addresses() {
        let mut none = draft();
        none.to = vec!["nobody".to_owned()];
        assert_eq!(compose(&none), Err(DraftError::Address("a recipient")));
        none.to.clear();
        assert!(compose(&none).is_err());
    }
}
