//! Values of single fields, read by `mail-parser`: encoded words (RFC 2047), parameters in pieces (RFC 2231), addresses, dates.

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};

use super::mail::Mailbox;

/// Addresses kept of one field.
const ADDRESSES_MAX: usize = 1_000;

/// A type or a disposition, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentType {
    pub(super) kind: String,
    pub(super) subtype: String,
    params: Vec<(String, String)>,
}

impl ContentType {
    /// A type without parameters, such as `text/plain`.
    pub(super) fn plain(name: &str) -> Self {
        let (kind, subtype) = name.split_once('/').unwrap_or((name, ""));
        Self { kind: kind.to_owned(), subtype: subtype.to_owned(), params: Vec::new() }
    }

    /// The first parameter of a name.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Type and subtype.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.kind, if self.subtype.is_empty() { "octet-stream" } else { &self.subtype })
    }
}

/// Whoever parses expects the end of the line.
fn with<R>(value: &str, read: impl FnOnce(&mut MessageStream<'_>) -> R) -> R {
    let mut line = Vec::with_capacity(value.len() + 2);
    line.extend_from_slice(value.as_bytes());
    line.extend_from_slice(b"\r\n");
    read(&mut MessageStream::new(&line))
}

/// A type or a disposition; `None` if it is empty.
pub(super) fn content_type(value: &str) -> Option<ContentType> {
    with(value, |stream| {
        let HeaderValue::ContentType(found) = stream.parse_content_type() else { return None };
        let params = found.attributes.as_deref().unwrap_or_default().iter();
        let params = params.map(|it| (it.name.to_lowercase(), words(&it.value)));
        Some(ContentType {
            kind: found.c_type.trim().to_lowercase(),
            // A parameter without its semicolon is no part of the type.
            subtype: found
                .c_subtype
                .as_deref()
                .unwrap_or_default()
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_lowercase(),
            params: params.collect(),
        })
    })
}

/// Encoded words in a parameter are wrong, and common.
fn words(value: &str) -> String {
    if value.contains("=?") && value.contains("?=") { text(value) } else { value.to_owned() }
}

/// A text with its encoded words decoded, on one line.
pub(super) fn text(value: &str) -> String {
    let decoded = with(value, |stream| stream.parse_unstructured().into_text().map(|it| it.into_owned()));
    one_line(&decoded.unwrap_or_default())
}

/// Addresses, those within groups too.
pub(super) fn mailboxes(value: &str) -> Vec<Mailbox> {
    let mailbox = |it: &mail_parser::Addr<'_>| {
        let name = one_line(it.name.as_deref().unwrap_or_default());
        let address = one_line(it.address.as_deref().unwrap_or_default());
        (!name.is_empty() || !address.is_empty()).then_some(Mailbox { name, address })
    };
    with(value, |stream| match stream.parse_address() {
        HeaderValue::Address(Address::List(list)) => {
            list.iter().filter_map(mailbox).take(ADDRESSES_MAX).collect()
        }
        HeaderValue::Address(Address::Group(groups)) => {
            let all = groups.iter().flat_map(|it| it.addresses.iter());
            all.filter_map(mailbox).take(ADDRESSES_MAX).collect()
        }
        _ => Vec::new(),
    })
}

/// A date in ms since 1970.
pub(super) fn date_ms(value: &str) -> Option<i64> {
    let date = with(value, |stream| stream.parse_date().into_datetime())?;
    date.is_valid().then(|| date.to_timestamp().saturating_mul(1_000))
}

fn one_line(text: &str) -> String {
    text.trim().chars().map(|it| if it == '\t' { ' ' } else { it }).filter(|it| !it.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_keep_their_parameters() {
        let found = content_type("Text/Plain; charset=\"UTF-8\"; name*0*=utf-8''%e2%82%ac; name*1=.txt")
            .expect("a type");
        assert_eq!((found.kind.as_str(), found.subtype.as_str()), ("text", "plain"));
        assert_eq!((found.param("charset"), found.param("name")), (Some("UTF-8"), Some("€.txt")));
        let found =
            content_type("attachment; filename=\"=?utf-8?Q?=C3=A9t=C3=A9.pdf?=\"").expect("a disposition");
        assert_eq!(found.param("filename"), Some("été.pdf"));
        assert_eq!(
            content_type("text/plain charset=utf-8").map(|it| it.name()),
            Some("text/plain".to_owned())
        );
        assert_eq!(content_type(""), None);
    }

    #[test]
    fn words_split_within_a_letter_are_joined() {
        assert_eq!(text("=?utf-8?B?w6k=?= =?utf-8?Q?_=C3=A9?="), "é é");
        assert_eq!(text("plain  subject"), "plain  subject");
    }

    #[test]
    fn groups_are_flattened() {
        let found = mailboxes("\"Ann B.\" <ann@example.com>, team: bob@example.com, cy@example.com;");
        let addresses: Vec<_> = found.iter().map(|it| it.address.as_str()).collect();
        assert_eq!(addresses, ["ann@example.com", "bob@example.com", "cy@example.com"]);
        assert_eq!(found[0].name, "Ann B.");
    }

    #[test]
    fn dates_are_in_ms() {
        assert_eq!(date_ms("Mon, 2 Apr 2012 20:21:52 +0400"), Some(1_333_383_712_000));
        assert_eq!(date_ms("soon"), None);
    }
}
