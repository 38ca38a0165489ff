//! An answer taken apart: what is new, what is quoted, what is a signature. Nothing is thrown away: the pieces in order are
//! the whole text, and the console shows the folded ones on a click. If in doubt a line is new: showing too much is a small
//! fault, hiding what somebody wrote is a large one.
//!
//! ```text
//!  Thanks, it works now.                     new
//!
//!  On 3 May 2024, at 10:00, Ann wrote:       quote   (lines.rs: attribution)
//!  > Did it help?                            quote
//!  --                                        signature
//!  Bob
//! ```
//!
//! One pass, and each line is looked at a bounded number of times, so that a quote of a megabyte takes milliseconds.

mod lines;
mod phrases;

use lines::Line;

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Written for this mail.
    New,
    /// Quoted, with the lines that introduce it.
    Quote,
    /// A signature, also one that a device adds.
    Signature,
}

/// A run of lines of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Of which kind.
    pub kind: Kind,
    /// The lines, each with its line break.
    pub text: String,
}

/// A text in pieces; joined they are the text, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// The pieces in order.
    pub pieces: Vec<Piece>,
}

impl Split {
    /// What is shown at first: what is new. Quoted lines between answers are shown with them, since the answers mean nothing
    /// without. Never nothing: if all of it is quoted or signed, all of it is shown.
    #[must_use]
    pub fn visible(&self) -> String {
        let shown = self.parted().filter(|(_, shown)| *shown);
        let shown: String = shown.map(|(it, _)| it.text.as_str()).collect();
        if self.pieces.iter().any(is_new) { shown.trim_matches('\n').to_owned() } else { shown }
    }

    /// What is folded away at first: all that [`Self::visible`] does not show.
    #[must_use]
    pub fn folded(&self) -> String {
        let folded: String =
            self.parted().filter(|(_, shown)| !shown).map(|(it, _)| it.text.as_str()).collect();
        folded.trim_matches('\n').to_owned()
    }

    /// Each piece, and whether it is shown at first.
    fn parted(&self) -> impl Iterator<Item = (&Piece, bool)> {
        let first = self.pieces.iter().position(is_new);
        let last = self.pieces.iter().rposition(is_new);
        self.pieces.iter().enumerate().map(move |(at, piece)| {
            let (Some(first), Some(last)) = (first, last) else { return (piece, true) };
            let next = self.pieces.get(at + 1).filter(|next| is_new(next));
            let answered =
                piece.kind == Kind::Quote && next.is_some_and(|next| answers(&piece.text, &next.text));
            (piece, (first..=last).contains(&at) && (piece.kind == Kind::New || answered))
        })
    }

    /// What is not quoted: what is new, with signatures.
    #[must_use]
    pub fn without_quotes(&self) -> String {
        let kept: String =
            self.pieces.iter().filter(|it| it.kind != Kind::Quote).map(|it| it.text.as_str()).collect();
        if kept.trim().is_empty() { self.visible() } else { kept.trim_matches('\n').to_owned() }
    }
}

fn is_new(piece: &Piece) -> bool {
    piece.kind == Kind::New && !piece.text.trim().is_empty()
}

/// Whether new text answers the quote before it. What follows a long quoted line at once, without a blank line between, is
/// rather the end of that line, which some program has broken.
fn answers(quote: &str, new: &str) -> bool {
    let last = quote.lines().next_back().unwrap_or_default();
    let glued = !last.trim().is_empty() && !new.starts_with('\n');
    let broken = glued && last.chars().count() > 60;
    let alone = glued && new.lines().filter(|it| !it.trim().is_empty()).count() == 1;
    !(broken || alone)
}

/// Takes a text apart.
#[must_use]
pub fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut kinds = judge(&lines);
    closing(&lines, &mut kinds);
    let mut split = Split::default();
    for (line, kind) in lines.iter().zip(kinds) {
        match split.pieces.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(line),
            _ => split.pieces.push(Piece { kind, text: (*line).to_owned() }),
        }
    }
    split
}

/// The kind of each line.
fn judge(lines: &[&str]) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(lines.len());
    // What lines are that nothing says anything about.
    let mut current = Kind::New;
    while kinds.len() < lines.len() {
        let at = kinds.len();
        match lines::look(lines, at) {
            Line::Blank => kinds.push(current),
            Line::Plain => kinds.push(current),
            Line::Quoted => {
                kinds.push(Kind::Quote);
                // Blank lines within a quote are part of it.
                let blank = lines[at + 1..].iter().take_while(|it| it.trim().is_empty()).count();
                if blank > 0 && lines.get(at + 1 + blank).is_some_and(|it| lines::is_quoted(it)) {
                    kinds.resize(at + 1 + blank, Kind::Quote);
                }
                current = Kind::New;
            }
            Line::Attribution { lines: count } => {
                kinds.resize(at + count, Kind::Quote);
                let next = lines[at + count..].iter().find(|it| !it.trim().is_empty());
                // Without marks nothing says where the quote ends: it goes on to the end.
                current = if next.is_some_and(|it| lines::is_quoted(it)) { Kind::New } else { Kind::Quote };
                if current == Kind::Quote {
                    kinds.resize(lines.len(), Kind::Quote);
                } else {
                    let blank = lines[at + count..].iter().take_while(|it| it.trim().is_empty()).count();
                    kinds.resize(at + count + blank, Kind::Quote);
                }
            }
            Line::QuoteToEnd => {
                // A rule above it belongs to it.
                let above =
                    kinds.len() - lines[..at].iter().rev().take_while(|it| it.trim().is_empty()).count();
                if above > 0 && lines::is_rule(lines[above - 1]) {
                    kinds.truncate(above - 1);
                }
                kinds.resize(lines.len(), Kind::Quote);
            }
            Line::Forward => kinds.resize(lines.len(), Kind::New),
            Line::Signature => {
                kinds.push(Kind::Signature);
                current = Kind::Signature;
            }
        }
    }
    kinds
}

/// The lines of a polite ending: the phrase and what may stand under it.
const CLOSING_MAX: usize = 7;

/// A polite ending with a name under it is a signature, if it ends what is new.
fn closing(lines: &[&str], kinds: &mut [Kind]) {
    let Some(end) =
        kinds.iter().zip(lines).rposition(|(kind, it)| *kind == Kind::New && !it.trim().is_empty())
    else {
        return;
    };
    let start = end.saturating_sub(2 * CLOSING_MAX);
    let new = |at: &usize| kinds[*at] == Kind::New && !lines[*at].trim().is_empty();
    let below: Vec<usize> = (start..=end).filter(new).collect();
    let at = below.iter().rev().take(CLOSING_MAX).find(|at| phrases::is_closing(lines[**at])).copied();
    let at = at.or_else(|| {
        let dashed = phrases::is_dashed_name(lines[end]);
        (dashed && end > 0 && lines[end - 1].trim().is_empty()).then_some(end)
    });
    let Some(at) = at else { return };
    let short = below.iter().filter(|it| **it > at).all(|it| phrases::may_sign(lines[*it]));
    let something_above = (0..at).any(|it| kinds[it] == Kind::New && !lines[it].trim().is_empty());
    let unbroken = kinds[at..=end].iter().all(|it| *it == Kind::New);
    if short && something_above && unbroken {
        kinds[at..=end].fill(Kind::Signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str) -> String {
        split(text).visible()
    }

    #[test]
    fn pieces_joined_are_the_text() {
        let text = "a\r\n\r\nOn 1 May 2020, Bob wrote:\r\n> b\r\nc\n-- \nd";
        let joined: String = split(text).pieces.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn quotes_of_many_programs_are_told_apart() {
        for quote in [
            "On Apr 3, 2012, at 4:19 PM, bob wrote:\n> Hi",
            "On Wed, Dec 9, Mister Example\n<m@example.com>\nwrote:\n> Hi",
            "Am 14.01.2024 um 10:00 schrieb Hans <hans@example.de>:\n> Hi",
            "Le lun. 15 nov. 2021 à 19:42, Ann <a@example.com>\na écrit :\n\nHi",
            "El mié, 5 de jun de 2024 a las 10:00, Ann (<a@example.com>) escribió:\n\n> Hi",
            "在 2024年1月5日，张三 <z@example.com> 写道：\n> Hi",
            "-----Original Message-----\nFrom: a\nTo: b\n\nHi",
            "________________________________\nVon: Ann\nGesendet: Montag, 3. Juni 2024 10:00\nAn: b\nBetreff: c\n\nHi",
            "> Hi",
        ] {
            assert_eq!(visible(&format!("Hello\n\n{quote}\n")), "Hello", "{quote}");
        }
    }

    #[test]
    fn answers_between_quotes_keep_them() {
        let text = "On 1 May 2020, Bob wrote:\n> one?\n\nyes\n\n> two?\n\nno\n\n> three?\n";
        assert_eq!(visible(text), "yes\n\n> two?\n\nno");
        assert_eq!(visible("> one?\nyes\n"), "yes");
    }

    #[test]
    fn nothing_is_never_all_that_is_shown() {
        assert_eq!(visible("> only\n> quoted\n"), "> only\n> quoted\n");
        assert_eq!(visible("-- \nonly signed"), "-- \nonly signed");
        assert_eq!(visible(""), "");
    }

    #[test]
    fn signatures_are_told_apart_and_lists_are_not() {
        assert_eq!(visible("hi\n\n-- \nBob\nCEO"), "hi");
        assert_eq!(visible("hi\n\nSent from my iPhone"), "hi");
        assert_eq!(visible("hi\n\nMit freundlichen Grüßen\nBob Muster"), "hi");
        assert_eq!(visible("because of:\n-- first\n-- second"), "because of:\n-- first\n-- second");
        assert_eq!(
            visible("Best regards to all of you who came, it was great to see you"),
            "Best regards to all of you who came, it was great to see you"
        );
    }

    #[test]
    fn forwarded_mail_is_shown() {
        let text = "see below\n\n---------- Forwarded message ---------\nFrom: a <a@example.com>\nDate: x\nTo: b\n\nhi";
        assert_eq!(visible(text), text);
    }
}
