//! The parts of a mail. The walk is ours, since it must be bounded in depth and in number, and must keep what is damaged:
//!
//! ```text
//!  mail ─► head ─┬─► leaf: type, transfer encoding, body
//!                └─► multipart ─► parts, split at its boundary ─► ...
//! ```
//!
//! A boundary that never comes leaves one leaf of text. A message within the mail is a leaf: its text is not this mail's text.

use super::fields::{self, ContentType};
use super::headers::Headers;
use super::mime::Limits;

/// A part: its head and what is under it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) headers: Headers,
    /// The type, `text/plain` where none is given.
    pub(super) kind: ContentType,
    pub(super) disposition: Option<ContentType>,
    /// Everything under the head, still encoded.
    pub(super) body: &'a [u8],
    pub(super) children: Vec<Part<'a>>,
    /// A limit was reached: it was not taken apart.
    pub(super) left_whole: bool,
}

/// Takes a mail apart.
pub(super) fn parts<'a>(raw: &'a [u8], limits: &Limits) -> Part<'a> {
    let mut budget = limits.parts;
    part(raw, limits.depth, &mut budget, "text/plain")
}

fn part<'a>(raw: &'a [u8], depth: usize, budget: &mut usize, unnamed: &str) -> Part<'a> {
    *budget = budget.saturating_sub(1);
    let (head, body) = split_head(raw);
    let headers = Headers::of_head(head);
    let kind = headers.all("Content-Type").last().and_then(fields::content_type);
    let mut part = Part {
        kind: kind.unwrap_or_else(|| ContentType::plain(unnamed)),
        disposition: headers.all("Content-Disposition").last().and_then(fields::content_type),
        headers,
        body,
        children: Vec::new(),
        left_whole: false,
    };
    if part.kind.kind != "multipart" {
        return part;
    }
    let sections = part.kind.param("boundary").map(|it| sections(body, it)).unwrap_or_default();
    if sections.is_empty() {
        // Nothing in it is a part: it is what somebody wrote.
        part.kind = ContentType::plain("text/plain");
    } else if depth == 0 || *budget < sections.len() {
        part.left_whole = true;
    } else {
        let unnamed = if part.kind.subtype == "digest" { "message/rfc822" } else { "text/plain" };
        for section in sections {
            if *budget == 0 {
                part.left_whole = true;
                break;
            }
            part.children.push(self::part(section, depth - 1, budget, unnamed));
        }
    }
    part
}

impl<'a> Part<'a> {
    /// The part's type and subtype.
    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.kind == kind && self.kind.subtype == subtype
    }

    /// The name that the sender gave it.
    pub(super) fn name(&self) -> Option<&str> {
        let named =
            |it: &'_ ContentType, key| it.param(key).map(str::trim).filter(|it| !it.is_empty()).is_some();
        match &self.disposition {
            Some(it) if named(it, "filename") => it.param("filename"),
            Some(it) if named(it, "name") => it.param("name"),
            _ => self.kind.param("name").or_else(|| self.kind.param("filename")),
        }
    }

    /// Whether the sender wants it beneath the text rather than in it.
    pub(super) fn is_attached(&self) -> bool {
        self.disposition.as_ref().is_some_and(|it| it.kind == "attachment")
    }

    /// It and all under it, in order.
    pub(super) fn walk(&self) -> Vec<&Part<'a>> {
        let mut found = vec![self];
        for child in &self.children {
            found.extend(child.walk());
        }
        found
    }
}

/// A line's end: CR LF, LF, or a lone CR.
fn line_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.iter().position(|it| matches!(it, b'\r' | b'\n'))?;
    let length = if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((at, at + length))
}

/// The head and the body. The head ends at the first empty line, or before the first line that cannot belong to it.
pub(super) fn split_head(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while at < raw.len() {
        let (line, next) = match line_end(&raw[at..]) {
            Some((end, next)) => (&raw[at..at + end], at + next),
            None => (&raw[at..], raw.len()),
        };
        if line.is_empty() {
            return (&raw[..at], &raw[next..]);
        }
        let continues = matches!(line[0], b' ' | b'\t');
        let envelope = at == 0 && (line.starts_with(b"From ") || line.starts_with(b">From "));
        if !(continues || envelope || is_field(line)) {
            return (&raw[..at], &raw[at..]);
        }
        at = next;
    }
    (raw, &[])
}

/// Whether a line begins a field: a name without blanks in it, and a colon.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|it| *it == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(|it| (33..=126).contains(it) || *it >= 128)
}

/// What stands between the delimiter lines of a boundary.
fn sections<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let boundary = boundary.trim_end().as_bytes();
    let mut sections = Vec::new();
    if boundary.is_empty() {
        return sections;
    }
    let (mut at, mut begun) = (0, None);
    let mut previous_end = 0;
    while at < body.len() {
        let (line, next) = match line_end(&body[at..]) {
            Some((end, next)) => (&body[at..at + end], at + next),
            None => (&body[at..], body.len()),
        };
        let rest = line.strip_prefix(b"--").and_then(|it| it.strip_prefix(boundary));
        let closes = rest.is_some_and(|it| it.starts_with(b"--"));
        if closes || rest.is_some_and(|it| it.trim_ascii().is_empty()) {
            if let Some(begun) = begun {
                sections.push(&body[begun..previous_end.max(begun)]);
            }
            begun = (!closes).then_some(next);
            if closes {
                break;
            }
        }
        previous_end = at + line.len();
        at = next;
    }
    if let Some(begun) = begun {
        sections.push(&body[begun.min(body.len())..]);
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_at_the_first_line_that_is_no_field() {
        assert_eq!(split_head(b"A: b\r\n\r\nbody"), (b"A: b\r\n".as_slice(), b"body".as_slice()));
        assert_eq!(split_head(b"A: b\n c\n\nbody"), (b"A: b\n c\n".as_slice(), b"body".as_slice()));
        assert_eq!(split_head(b"A: b\rC: d\r\rbody"), (b"A: b\rC: d\r".as_slice(), b"body".as_slice()));
        assert_eq!(
            split_head(b"A: b\nno field here\nmore"),
            (b"A: b\n".as_slice(), b"no field here\nmore".as_slice())
        );
        assert_eq!(split_head(b"\nbody"), (b"".as_slice(), b"body".as_slice()));
        assert_eq!(split_head(b"From ann\nA: b\n\nbody").1, b"body");
    }

    #[test]
    fn sections_stand_between_delimiters() {
        let body = b"before\r\n--x\r\none\r\n--xy\r\n--x  \r\ntwo\r\n--x--\r\nafter";
        assert_eq!(sections(body, "x"), [b"one\r\n--xy".as_slice(), b"two"]);
        assert_eq!(sections(b"--x\none", "x"), [b"one".as_slice()]);
        assert_eq!(sections(b"--x\n--x--", "x"), [b"".as_slice()]);
        assert!(sections(b"none", "x").is_empty());
    }

    #[test]
    fn nesting_is_bounded() {
        let mut raw = String::new();
        for level in 0..5_000 {
            raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
        }
        let limits = Limits::default();
        let top = parts(raw.as_bytes(), &limits);
        let all = top.walk();
        assert_eq!(all.len(), limits.depth + 1);
        assert!(all.last().is_some_and(|it| it.left_whole && !it.body.is_empty()));
    }

    #[test]
    fn parts_are_bounded_in_number() {
        let raw = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            "--b\r\n\r\nhi\r\n".repeat(10_000)
        );
        let top = parts(raw.as_bytes(), &Limits::default());
        assert!(top.left_whole && top.children.is_empty());
    }
}
