//! What a line of a mail begins.

use std::sync::LazyLock;

use regex::Regex;

use super::phrases;

/// A longer line introduces nothing, in bytes.
const LINE_MAX: usize = 500;
/// Lines over which "On …, somebody wrote:" may be broken.
const ATTRIBUTION_LINES: usize = 4;
/// Lines that are looked at for "From: … Sent: … To: … Subject: …".
const BLOCK_LINES: usize = 12;

/// What a line is, by itself and by what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    /// Nothing says anything about it.
    Plain,
    /// It begins with `>`.
    Quoted,
    /// It begins "On …, somebody wrote:", over so many lines.
    Attribution {
        lines: usize,
    },
    /// From here on all is quoted.
    QuoteToEnd,
    /// From here on another's mail is handed on: that is what the mail is about.
    Forward,
    /// A signature begins.
    Signature,
}

/// Looks at a line.
pub(super) fn look(lines: &[&str], at: usize) -> Line {
    let line = lines[at].trim();
    if line.is_empty() {
        return Line::Blank;
    }
    if is_quoted(line) {
        return Line::Quoted;
    }
    if line.len() > LINE_MAX {
        return Line::Plain;
    }
    if phrases::FORWARD.is_match(line) {
        return Line::Forward;
    }
    if phrases::ORIGINAL.is_match(line) || phrases::REPLY_ABOVE.is_match(line) || begins_block(lines, at) {
        return Line::QuoteToEnd;
    }
    if let Some(lines) = attribution(lines, at) {
        return Line::Attribution { lines };
    }
    if begins_signature(lines, at) {
        return Line::Signature;
    }
    Line::Plain
}

/// Whether a line is marked as quoted.
pub(super) fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// Whether a line is only a rule.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.chars().all(|it| matches!(it, '_' | '-' | '=' | '*' | '\u{2014}' | '\u{2015}'))
}

/// `From:` and its siblings in one block, as Outlook and many others put them.
fn begins_block(lines: &[&str], at: usize) -> bool {
    let Some(first) = phrases::label(lines[at]) else { return false };
    let mut seen = 1u8 << first as u8;
    let mut unlabelled = 0;
    for line in lines[at + 1..].iter().take(BLOCK_LINES) {
        if line.trim().is_empty() {
            break;
        }
        match phrases::label(line) {
            Some(label) => {
                seen |= 1 << label as u8;
                unlabelled = 0;
            }
            // Long lists of addresses go on in the next lines.
            None if unlabelled < 2 => unlabelled += 1,
            None => break,
        }
    }
    let from = seen & 1 << phrases::Label::From as u8 != 0;
    let above = lines[..at].iter().rev().find(|it| !it.trim().is_empty());
    let ruled = above.is_some_and(|it| is_rule(it));
    from && seen.count_ones() >= if ruled { 2 } else { 3 }
}

/// How a line begins that may introduce a quote: a preposition of many languages, a weekday or a date.
static OPENING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(phrases::OPENING).ok());
/// That somebody wrote, in many languages.
static WROTE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(phrases::WROTE).ok());

/// "On …, somebody wrote:" from this line on; over how many lines.
fn attribution(lines: &[&str], at: usize) -> Option<usize> {
    let first = lines[at].trim().trim_start_matches(['-', '*', ' ']);
    if !OPENING.as_ref()?.is_match(first) {
        return None;
    }
    let mut joined = String::new();
    for (count, line) in lines[at..].iter().take(ATTRIBUTION_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() || (count > 0 && is_quoted(line)) || joined.len() + line.len() > LINE_MAX {
            return None;
        }
        if count > 0 {
            joined.push(' ');
        }
        joined.push_str(line);
        if introduces(joined.trim_start_matches(['-', '*', ' '])) {
            return Some(count + 1);
        }
    }
    None
}

/// Whether a whole text is an introduction: a date or an address in it, and that somebody wrote, or just `somebody <address>:`.
fn introduces(text: &str) -> bool {
    let dashed = text.ends_with("--");
    let text = text.trim_end_matches(['-', '*', ' ']);
    let ends = text.ends_with([':', '：']);
    let bare = text.trim_end_matches([':', '：', ' ']);
    let dated = text.contains(|it: char| it.is_ascii_digit());
    let addressed = text.contains('@');
    if (ends || dashed) && (dated || addressed) && WROTE.as_ref().is_some_and(|it| it.is_match(text)) {
        return true;
    }
    let starts_with_date = text.starts_with(|it: char| it.is_ascii_digit());
    dated && addressed && bare.ends_with('>') && (ends || starts_with_date)
}

/// Whether a signature begins at a line.
fn begins_signature(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim_end_matches(['\r', '\n']);
    let bare = line.trim();
    if matches!(bare, "--") && line.starts_with("--") {
        return lines[at + 1..].iter().any(|it| !it.trim().is_empty()) || at > 0;
    }
    // The foot of a mailing list.
    let below = lines.len() - at;
    if bare.len() >= 20 && bare.bytes().all(|it| it == b'_') && below <= 12 && at > 0 {
        return true;
    }
    let stands_alone = at == 0 || lines[at - 1].trim().is_empty() || is_rule(lines[at - 1]);
    stands_alone && bare.chars().count() <= 100 && phrases::DEVICE.is_match(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introductions_need_date_or_address() {
        assert!(introduces("On Nov 26, 2013 you wrote:"));
        assert!(introduces("11:00 AM, November 17, 2021, \"John - Acme\" <john@mail.example.com>:"));
        assert!(introduces("2012/4/3 bob <bob@example.com>"));
        assert!(introduces("On Tue, 25 Mar 2014 Bob <b@example.com> wrote ----"));
        assert!(!introduces("On the other hand, it could happen TWICE!"));
        assert!(!introduces("On average they wrote:"));
    }

    #[test]
    fn a_block_needs_three_labels_or_a_rule() {
        assert_eq!(look(&["From: a\n", "To: b\n", "\n"], 0), Line::Plain);
        assert_eq!(look(&["From: a\n", "Sent: b\n", "To: c\n"], 0), Line::QuoteToEnd);
        assert_eq!(look(&["____\n", "From: a\n", "To: b\n", "\n"], 1), Line::QuoteToEnd);
        assert_eq!(look(&["From: our database, not From: external\n"], 0), Line::Plain);
    }
}
