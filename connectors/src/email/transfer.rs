//! Transfer encodings, read as leniently as they are written, and text that flows (RFC 3676).

use std::borrow::Cow;

use data_encoding::{Encoding, Specification};

use super::structure::Part;

/// A part's content without its transfer encoding.
pub(super) fn content<'a>(part: &Part<'a>) -> Cow<'a, [u8]> {
    // On a multipart an encoding means nothing, also where its parts were not found.
    if part
        .headers
        .all("Content-Type")
        .last()
        .is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("multipart/"))
    {
        return Cow::Borrowed(part.body);
    }
    let encoding = part.headers.first("Content-Transfer-Encoding").unwrap_or_default();
    let encoding =
        encoding.split([';', '(']).next().unwrap_or_default().trim().trim_matches('"').to_ascii_lowercase();
    match encoding.as_str() {
        "base64" => Cow::Owned(base64(part.body)),
        "quoted-printable" => Cow::Owned(quoted_printable(part.body)),
        "x-uuencode" | "uuencode" | "x-uue" | "uue" => {
            uudecode(part.body).map_or(Cow::Borrowed(part.body), Cow::Owned)
        }
        _ => Cow::Borrowed(part.body),
    }
}

/// Base 64 whatever stands between its letters, and however it ends.
fn base64(body: &[u8]) -> Vec<u8> {
    let mut lenient = Specification::new();
    lenient.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    lenient.check_trailing_bits = false;
    let encoding: Encoding = lenient.encoding().unwrap_or(data_encoding::BASE64_NOPAD);
    let mut content = Vec::with_capacity(body.len() / 4 * 3);
    // Padding ends a run: what follows begins anew.
    for run in body.split(|it| *it == b'=') {
        let mut letters: Vec<u8> = run
            .iter()
            .copied()
            .filter(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/'))
            .collect();
        // One letter alone is no byte.
        if letters.len() % 4 == 1 {
            letters.pop();
        }
        content.extend(encoding.decode(&letters).unwrap_or_default());
    }
    content
}

/// Quoted printable; what is no escape stays as it is.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(body.len());
    let lines = body.split_inclusive(|it| *it == b'\n');
    for line in lines {
        let ending = match line {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        let (line, ending) = line.split_at(line.len() - ending);
        // Blanks at the end of a line were added on the way.
        let line = if ending.is_empty() { line } else { line.trim_ascii_end() };
        let (line, soft) = match line.strip_suffix(b"=") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let mut at = 0;
        while at < line.len() {
            let escape = (line[at] == b'=').then(|| line.get(at + 1..at + 3)).flatten();
            let byte = escape.and_then(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok());
            match byte {
                Some(byte) if escape.is_none_or(|it| it[0] != b'+') => {
                    content.push(byte);
                    at += 3;
                }
                _ => {
                    content.push(line[at]);
                    at += 1;
                }
            }
        }
        if !soft {
            content.extend_from_slice(ending);
        }
    }
    content
}

/// The file between `begin` and `end`; `None` if there is none.
fn uudecode(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|it| *it == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.by_ref().find(|line| line.starts_with(b"begin "))?;
    let mut content = Vec::new();
    for line in lines {
        if line.starts_with(b"end") {
            return Some(content);
        }
        let Some((&length, groups)) = line.split_first() else { continue };
        let length = usize::from(length.wrapping_sub(32) & 63);
        let start = content.len();
        for group in groups.chunks(4) {
            let six = |at: usize| group.get(at).map_or(0, |it| it.wrapping_sub(32) & 63);
            content.push(six(0) << 2 | six(1) >> 4);
            content.push(six(1) << 4 | six(2) >> 2);
            content.push(six(2) << 6 | six(3));
        }
        content.truncate(start + length);
    }
    Some(content)
}

/// Joins lines that were only broken to be sent.
pub(super) fn unflow(part: &Part<'_>, text: String) -> String {
    let is = |name: &str, value: &str| part.kind.param(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
    if is("format", "flowed") { joined(&text, is("delsp", "yes")) } else { text }
}

fn joined(text: &str, drop_space: bool) -> String {
    let mut flowed = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|it| *it == b'>').count();
        let rest = &line[depth..];
        // A blank was put before what would look like a quote otherwise.
        let rest = if depth == 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
        let is_signature = rest.trim_start() == "-- ";
        if open == Some(depth) && !is_signature {
            flowed.push_str(if depth == 0 { rest } else { rest.trim_start() });
        } else {
            if open.is_some() {
                flowed.push('\n');
            }
            flowed.push_str(&line[..depth]);
            flowed.push_str(rest);
        }
        open = (rest.ends_with(' ') && !is_signature).then_some(depth);
        if open.is_none() {
            flowed.push('\n');
        } else if drop_space {
            flowed.pop();
        }
    }
    flowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_flow_are_joined() {
        assert_eq!(joined("one \r\ntwo\r\nthree\r\n", false), "one two\nthree\n");
        assert_eq!(joined("> q \n> r\nown\n", false), "> q r\nown\n");
        assert_eq!(joined("bye \n-- \nme\n", false), "bye \n-- \nme\n");
        assert_eq!(joined("al \nso\n", true), "also\n");
    }

    #[test]
    fn base64_is_read_through_junk() {
        assert_eq!(base64(b"aGVs\r\nbG8="), b"hello");
        assert_eq!(base64(b"aGVs!bG8"), b"hello");
        assert_eq!(base64(b"aGk=\naGk="), b"hihi");
        assert_eq!(base64(b"a"), b"");
    }

    #[test]
    fn quoted_printable_is_read_with_its_faults() {
        assert_eq!(quoted_printable(b"caf=C3=A9 =\r\nau lait  \r\n"), "café au lait\r\n".as_bytes());
        assert_eq!(quoted_printable(b"2 = 2, =ZZ, =+1"), b"2 = 2, =ZZ, =+1");
    }

    #[test]
    fn uuencoded_files_are_decoded() {
        let cat = b"text\nbegin 644 cat.txt\n#0V%T\n`\nend\n";
        assert_eq!(uudecode(cat).as_deref(), Some(b"Cat".as_slice()));
        assert_eq!(uudecode(b"nothing"), None);
        // A line without end is no reason to lose what was read.
        assert_eq!(uudecode(b"begin 644 x\n#0V%T\n").as_deref(), Some(b"Cat".as_slice()));
    }
}
