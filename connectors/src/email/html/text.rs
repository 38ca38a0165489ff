//! HTML as plain text, for reading, rules and previews. Quotes that mail programs mark become lines that begin with `>`, so
//! that an answer in HTML is split by the same rules as one in plain text. One pass over the tokens, no tree: as large or as
//! deep as it may be, it takes linear time and bounded memory.

use std::cell::RefCell;

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};

use super::tokens;

/// Open elements that are remembered; what is nested deeper has no effect of its own.
const OPEN_MAX: usize = 512;
/// How far back an end tag looks for its beginning.
const LOOK_BACK: usize = 64;
/// Quotes within quotes that are told apart.
const QUOTES_MAX: usize = 10;
/// What a rule becomes.
const RULE: &str = "________________________________";

/// The text of HTML.
#[must_use]
pub fn to_text(html: &str) -> String {
    tokens::each(html, Sink::default()).0.into_inner().finish()
}

#[derive(Default)]
struct Sink(RefCell<Writer>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => writer.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => writer.end(&tag.name),
            Token::TagToken(tag) => {
                writer.begin(&tag);
                return match &*tag.name {
                    "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                        TokenSinkResult::RawData(RawKind::Rawtext)
                    }
                    "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                };
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// What an open element does to what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Nothing,
    /// It is not shown.
    Hidden,
    /// It is quoted.
    Quoted,
    /// Its line breaks and blanks count.
    Preformatted,
}

#[derive(Default)]
struct Writer {
    text: String,
    open: Vec<(String, Effect)>,
    /// Line breaks that are due before the next text.
    breaks: usize,
    /// A blank is due before the next text.
    blank: bool,
    /// The line has text.
    in_line: bool,
}

impl Writer {
    fn has(&self, effect: Effect) -> bool {
        self.open.iter().any(|(_, it)| *it == effect)
    }

    fn begin(&mut self, tag: &Tag) {
        let name = &*tag.name;
        match name {
            "br" => self.line_break(),
            "hr" => {
                self.block(1);
                self.word(RULE);
                self.block(1);
            }
            "img" => {
                if let Some(alt) = attribute(tag, "alt") {
                    self.text(&alt);
                }
            }
            "td" | "th" => self.blank = true,
            _ => self.block(margin(name)),
        }
        if name == "li" && !self.has(Effect::Hidden) {
            self.word("- ");
        }
        // These close by themselves, and what they do is done.
        let closes = matches!(
            name,
            "br" | "hr"
                | "img"
                | "input"
                | "meta"
                | "link"
                | "col"
                | "area"
                | "base"
                | "wbr"
                | "source"
                | "embed"
                | "param"
                | "track"
                | "p"
                | "li"
                | "td"
                | "th"
                | "tr"
                | "dt"
                | "dd"
                | "option"
        );
        if !closes && !tag.self_closing && self.open.len() < OPEN_MAX {
            let effect = effect(tag);
            if effect == Effect::Quoted {
                // The lines above a quote are not part of it.
                self.flush();
            }
            self.open.push((name.to_owned(), effect));
        }
    }

    fn end(&mut self, name: &str) {
        self.block(margin(name));
        let from = self.open.len().saturating_sub(LOOK_BACK);
        if let Some(at) = self.open[from..].iter().rposition(|(it, _)| it == name) {
            let quoted = self.open[from + at..].iter().any(|(_, it)| *it == Effect::Quoted);
            self.open.truncate(from + at);
            if quoted {
                self.block(1);
            }
        }
    }

    /// At least so many line breaks are due.
    fn block(&mut self, breaks: usize) {
        if breaks > 0 {
            self.breaks = self.breaks.max(if self.in_line { breaks } else { breaks - 1 });
            self.blank = false;
        }
    }

    fn line_break(&mut self) {
        if self.has(Effect::Hidden) {
            return;
        }
        self.flush();
        self.new_line();
    }

    fn flush(&mut self) {
        for _ in 0..std::mem::take(&mut self.breaks) {
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        if !self.in_line {
            self.prefix();
        }
        self.text.push('\n');
        self.in_line = false;
        self.blank = false;
    }

    fn prefix(&mut self) {
        let depth = self.open.iter().filter(|(_, it)| *it == Effect::Quoted).count().min(QUOTES_MAX);
        for _ in 0..depth {
            self.text.push_str("> ");
        }
    }

    /// Puts text as it is.
    fn word(&mut self, word: &str) {
        self.flush();
        if !self.in_line {
            self.prefix();
            self.in_line = true;
        } else if self.blank {
            self.text.push(' ');
        }
        self.blank = false;
        self.text.push_str(word);
    }

    fn text(&mut self, text: &str) {
        if self.has(Effect::Hidden) {
            return;
        }
        if self.has(Effect::Preformatted) {
            for (number, line) in text.split('\n').enumerate() {
                if number > 0 {
                    self.line_break();
                }
                if !line.is_empty() {
                    self.word(line.trim_end_matches('\r'));
                }
            }
            return;
        }
        let blank = |it: char| it.is_ascii_whitespace();
        if text.starts_with(blank) {
            self.blank = true;
        }
        for word in text.split(blank).filter(|it| !it.is_empty()) {
            self.word(&word.replace('\u{a0}', " ").replace(['\u{200b}', '\u{feff}', '\u{ad}'], ""));
            self.blank = true;
        }
        self.blank = text.ends_with(blank);
    }

    fn finish(self) -> String {
        let mut text = String::with_capacity(self.text.len());
        for line in self.text.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.trim_matches('\n').to_owned()
    }
}

/// Line breaks around an element.
fn margin(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "pre" | "blockquote" => 2,
        "div" | "table" | "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer"
        | "form" | "center" | "address" | "main" | "nav" | "aside" | "figure" | "fieldset" | "body"
        | "option" => 1,
        _ => 0,
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs.iter().find(|it| &*it.name.local == name).map(|it| it.value.to_string())
}

/// Class names and ids by which mail programs mark what they quote.
const QUOTES: [&str; 8] = [
    "gmail_quote",
    "gmail_attr",
    "moz-cite-prefix",
    "yahoo_quoted",
    "protonmail_quote",
    "zmail_extra",
    "ms-outlook-mobile-reference-message",
    "quoted-text",
];

fn effect(tag: &Tag) -> Effect {
    let name = &*tag.name;
    let style = attribute(tag, "style").unwrap_or_default().to_ascii_lowercase().replace(' ', "");
    if matches!(
        name,
        "script" | "style" | "title" | "template" | "noframes" | "noembed" | "iframe" | "object"
    ) || style.contains("display:none")
        || style.contains("mso-hide:all")
        || attribute(tag, "hidden").is_some()
    {
        return Effect::Hidden;
    }
    let marks = format!(
        "{} {}",
        attribute(tag, "class").unwrap_or_default(),
        attribute(tag, "id").unwrap_or_default()
    );
    let marked = QUOTES.iter().any(|it| marks.contains(it));
    // A bare blockquote is how some indent.
    let cited = attribute(tag, "type").is_some_and(|it| it.eq_ignore_ascii_case("cite"))
        || style.contains("border-left");
    match name {
        "blockquote" if marked || cited => Effect::Quoted,
        // A forwarded mail stands in the same box as a quoted one: there the text itself decides.
        "div" if marked && !marks.contains("gmail_") => Effect::Quoted,
        "pre" | "xmp" => Effect::Preformatted,
        _ => Effect::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_lines() {
        assert_eq!(to_text("<p>one</p><p>two<br>three</p>"), "one\n\ntwo\nthree");
        assert_eq!(to_text("<div>a</div><div><br></div><div>b</div>"), "a\n\nb");
        assert_eq!(to_text("<ul><li>x<li>y</ul>"), "- x\n- y");
        assert_eq!(to_text("<table><tr><td>a<td>b<tr><td>c</table>"), "a b\nc");
    }

    #[test]
    fn what_is_not_shown_is_not_read() {
        assert_eq!(to_text("<style>p{}</style><title>t</title>x<script>'</p>'</script>"), "x");
        assert_eq!(to_text("<div style='display: none'>secret</div>open"), "open");
    }

    #[test]
    fn quotes_are_marked() {
        let html = "yes<blockquote type=cite>why?<br>now?</blockquote>bye";
        assert_eq!(to_text(html), "yes\n\n> why?\n> now?\n\nbye");
        assert_eq!(to_text("<blockquote>only indented</blockquote>"), "only indented");
    }

    #[test]
    fn nesting_without_end_is_read_too() {
        let text = to_text(&format!("{}deep", "<div>".repeat(200_000)));
        assert_eq!(text, "deep");
    }
}
