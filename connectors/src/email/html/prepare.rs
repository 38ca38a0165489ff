//! HTML before it is cleaned, as a browser without scripts would show it: the cleaner drops some elements with what is read in
//! them, and takes ever longer for what is nested ever deeper. So this takes away the tags of pictures in letters, formulas and
//! lists and keeps their words, drops what is not shown, bounds the depth, and writes all text as text. It makes nothing safe:
//! the cleaner judges what it leaves like everything else.

use std::cell::RefCell;
use std::collections::HashSet;

use html5ever::Attribute;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};

use super::{style, tokens};

/// Open elements that are kept; the tags of what is nested deeper go. Browsers stop at 512.
const OPEN_MAX: usize = 256;
/// Tags of letters that were begun and not ended: each is begun anew in every paragraph that follows, so that the cleaned HTML
/// grows by as many.
const LETTERS_MAX: usize = 12;

/// Prepares HTML; `kept` are the elements that the cleaner lets through.
pub(super) fn prepare(html: &str, kept: &HashSet<&str>) -> String {
    let writer = Writer { html: String::with_capacity(html.len()), open: Vec::new(), beyond: 0, letters: 0 };
    tokens::each(html, Sink { kept, writer: RefCell::new(writer) }).writer.into_inner().html
}

struct Sink<'k> {
    kept: &'k HashSet<&'k str>,
    writer: RefCell<Writer>,
}

impl TokenSink for Sink<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.writer.borrow_mut();
        match token {
            Token::CharacterTokens(text) => writer.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => writer.end(&tag.name, self.kept),
            Token::TagToken(tag) => return writer.begin(&tag, self.kept),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.writer.borrow().space() != Space::Html
    }
}

/// Which language an element is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Html,
    /// A drawing or a formula.
    Foreign,
    /// Part of a drawing or a formula in which HTML stands.
    Border,
}

/// An element that is open.
struct Open {
    name: String,
    /// What it became; nothing where only its tags went.
    shown: Option<String>,
    space: Space,
    /// Nothing in it is shown.
    hidden: bool,
    /// It stands in an entry of a list, in which everything is text.
    in_option: bool,
}

struct Writer {
    html: String,
    open: Vec<Open>,
    /// Elements that are open beyond the bound.
    beyond: usize,
    letters: usize,
}

impl Writer {
    fn space(&self) -> Space {
        self.open.last().map_or(Space::Html, |it| it.space)
    }

    fn hidden(&self) -> bool {
        self.open.last().is_some_and(|it| it.hidden)
    }

    fn in_option(&self) -> bool {
        self.open.last().is_some_and(|it| it.in_option)
    }

    fn text(&mut self, text: &str) {
        if !self.hidden() {
            escape(&mut self.html, text);
        }
    }

    /// Opens an element; `hides` says whether what is in it is not shown.
    fn push(&mut self, name: &str, shown: Option<String>, space: Space, hides: bool) {
        let hidden = self.hidden() || (hides && (!self.in_option() || name == "script"));
        let in_option = self.in_option() || name == "option";
        self.open.push(Open { name: name.to_owned(), shown, space, hidden, in_option });
    }

    fn begin(&mut self, tag: &Tag, kept: &HashSet<&str>) -> TokenSinkResult<()> {
        let name = &*tag.name;
        if self.space() == Space::Foreign && breaks_out(tag) {
            while self.space() == Space::Foreign {
                self.open.pop();
            }
        }
        if self.space() == Space::Foreign || matches!(name, "svg" | "math") {
            if !tag.self_closing && self.has_room() {
                let space = if is_border(name) { Space::Border } else { Space::Foreign };
                self.push(name, None, space, matches!(name, "style" | "script" | "title" | "metadata"));
            }
            return TokenSinkResult::Continue;
        }
        if let Some(raw) = raw(name) {
            // Its end is looked for whatever the depth.
            let shown = shown_as(name, kept).filter(|_| !self.hidden());
            self.write_begin(tag, shown.as_deref());
            self.push(name, shown, Space::Html, !matches!(name, "textarea" | "xmp"));
            return TokenSinkResult::RawData(raw);
        }
        if matches!(name, "option" | "optgroup") {
            self.close("option");
        }
        let shown = shown_as(name, kept).filter(|_| !self.hidden());
        if matches!(name, "td" | "th" | "caption") {
            // What was not ended before a cell is not begun anew in it.
            self.letters = 0;
        }
        if is_letters(name) {
            self.letters += 1;
            if self.letters > LETTERS_MAX {
                return TokenSinkResult::Continue;
            }
        }
        if is_empty(name) || closes_itself(name) {
            self.write_begin(tag, shown.as_deref());
        } else if self.has_room() {
            self.write_begin(tag, shown.as_deref());
            self.push(name, shown, Space::Html, name == "template");
        }
        if name == "plaintext" { TokenSinkResult::Plaintext } else { TokenSinkResult::Continue }
    }

    fn has_room(&mut self) -> bool {
        if self.open.len() >= OPEN_MAX {
            self.beyond += 1;
        }
        self.open.len() < OPEN_MAX
    }

    fn end(&mut self, name: &str, kept: &HashSet<&str>) {
        if is_letters(name) {
            self.letters = self.letters.saturating_sub(1);
        }
        if closes_itself(name) && self.space() != Space::Foreign {
            if let Some(shown) = shown_as(name, kept).filter(|_| !self.hidden()) {
                self.write_end(&shown);
            }
            return;
        }
        let raw = self.open.last().is_some_and(|it| it.name == name && raw(name).is_some());
        if self.beyond > 0 && !raw {
            self.beyond -= 1;
            return;
        }
        self.close(name);
    }

    /// Closes the innermost element of a name.
    fn close(&mut self, name: &str) {
        // An end within a table ends nothing around it.
        let inner = self.open.iter().rposition(|it| it.name == name || it.name == "table");
        let Some(at) = inner.filter(|at| self.open[*at].name == name) else { return };
        let shown = self.open[at].shown.take();
        self.open.truncate(at);
        if let Some(shown) = shown {
            self.write_end(&shown);
        }
    }

    fn write_begin(&mut self, tag: &Tag, shown: Option<&str>) {
        let Some(shown) = shown else { return };
        self.html.push('<');
        self.html.push_str(shown);
        for Attribute { name, value } in &tag.attrs {
            let name = &*name.local;
            let plain = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
            if !plain || name.starts_with("on") {
                continue;
            }
            let value = if name == "style" {
                style::tame(value).into()
            } else {
                std::borrow::Cow::Borrowed(&**value)
            };
            self.html.push(' ');
            self.html.push_str(name);
            self.html.push_str("=\"");
            escape(&mut self.html, &value);
            self.html.push('"');
        }
        self.html.push('>');
    }

    fn write_end(&mut self, shown: &str) {
        self.html.push_str("</");
        self.html.push_str(shown);
        self.html.push('>');
    }
}

/// Adds a text with the signs that mean something in HTML written out.
pub(super) fn escape(html: &mut String, text: &str) {
    for it in text.chars() {
        match it {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
}

/// The element that an element becomes; nothing where only its words stay.
fn shown_as(name: &str, kept: &HashSet<&str>) -> Option<String> {
    let shown = match name {
        "body" | "dialog" | "dir" | "fieldset" | "form" | "legend" | "menu" | "optgroup" | "option"
        | "search" | "summary" => "div",
        "image" => "img",
        "listing" | "plaintext" | "xmp" => "pre",
        other => other,
    };
    kept.contains(shown).then(|| shown.to_owned())
}

/// Elements whose content is no HTML. Scripts do not run where the mail is shown, so `noscript` is none.
fn raw(name: &str) -> Option<RawKind> {
    match name {
        "script" => Some(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
        "title" | "textarea" => Some(RawKind::Rcdata),
        _ => None,
    }
}

/// Elements without content.
fn is_empty(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "image"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that end where the next begins or what is around them ends.
fn closes_itself(name: &str) -> bool {
    matches!(
        name,
        "p" | "li"
            | "td"
            | "th"
            | "tr"
            | "dt"
            | "dd"
            | "thead"
            | "tbody"
            | "tfoot"
            | "caption"
            | "colgroup"
            | "a"
            | "rt"
            | "rp"
            | "rb"
            | "rtc"
    )
}

/// Elements of letters, which a browser begins anew where they were not ended.
fn is_letters(name: &str) -> bool {
    matches!(
        name,
        "b" | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

/// Parts of drawings and formulas in which HTML stands (HTML, section 13.2.6.1).
fn is_border(name: &str) -> bool {
    matches!(
        name,
        "foreignobject" | "desc" | "title" | "mi" | "mo" | "mn" | "ms" | "mtext" | "annotation-xml"
    )
}

/// Tags that end a drawing or a formula (HTML, section 13.2.6.5).
fn breaks_out(tag: &Tag) -> bool {
    let name = &*tag.name;
    let font =
        name == "font" && tag.attrs.iter().any(|it| matches!(&*it.name.local, "color" | "face" | "size"));
    font || matches!(
        name,
        "b" | "big"
            | "blockquote"
            | "body"
            | "br"
            | "center"
            | "code"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "em"
            | "embed"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "hr"
            | "i"
            | "img"
            | "li"
            | "listing"
            | "menu"
            | "meta"
            | "nobr"
            | "ol"
            | "p"
            | "pre"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "strike"
            | "sub"
            | "sup"
            | "table"
            | "tt"
            | "u"
            | "ul"
            | "var"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Images, clean};
    use super::*;

    fn cleaned(html: &str) -> String {
        clean(html, Images::Blocked, &std::collections::BTreeMap::new()).html
    }

    #[test]
    fn words_in_drawings_formulas_and_lists_stay() {
        assert_eq!(cleaned("<svg width=1><text x=1>x</text></svg><math><mtext>y</mtext></math>"), "xy");
        assert_eq!(cleaned("<select><option>one<option>two</select>"), "<div>one</div><div>two</div>");
        assert_eq!(cleaned("<svg><![CDATA[<b>x]]></svg>"), "&lt;b&gt;x");
        // A letter's tag ends a drawing, whatever it stood in.
        assert_eq!(cleaned("<svg><style>a{}<b>shown</b></style>"), "<b>shown</b>");
        assert!(!cleaned("<svg><style><img src=x onerror=x()></style></svg>").contains("onerror"));
    }

    #[test]
    fn what_browsers_show_as_text_stays_text() {
        for (html, shown) in [
            // In an entry of a list everything but scripts is text.
            ("<option><style><b>one</style></option>", "<div>&lt;b&gt;one</div>"),
            ("<option><iframe></option><i>two", "<div>&lt;/option&gt;&lt;i&gt;two</div>"),
            ("<option><script>x()</script>three</option>", "<div>three</div>"),
            ("<xmp><svg><i>four", "<pre>&lt;svg&gt;&lt;i&gt;four</pre>"),
            ("<plaintext><i>five", "<pre>&lt;i&gt;five</pre>"),
            ("a<?php x ?>b<root/>c", "abc"),
            ("<object data=x>six</object><noscript><i>seven</i></noscript>", "six<i>seven</i>"),
            ("<details><summary>eight</summary>nine</details>", "<div>eight</div>nine"),
            ("<textarea><i>ten</textarea>", "&lt;i&gt;ten"),
        ] {
            assert_eq!(cleaned(html), shown, "{html}");
        }
    }

    #[test]
    fn what_browsers_do_not_show_goes() {
        for html in [
            "<style>p{}</style>",
            "<title>t</title>",
            "<template>t</template>",
            "<iframe>t</iframe>",
            "<script>t",
        ] {
            assert_eq!(cleaned(html), "", "{html}");
        }
    }

    #[test]
    fn colours_of_a_page_stay_with_its_letters() {
        let html = "<body bgcolor=black><div style=\"background:#036 url(x.png);color:white\">w</div></body>";
        let shown = cleaned(html);
        assert!(shown.contains("bgcolor=\"black\"") && shown.contains("background-color:#036"), "{shown}");
        assert!(shown.contains("color:white") && !shown.contains("url"), "{shown}");
    }

    #[test]
    fn what_is_nested_or_strewn_without_end_is_bounded() {
        for piece in [
            "<div>",
            "<b>",
            "<p><font size=1>x",
            "<table><td>",
            "<svg><desc>",
            "<option><select>",
            "<a href=x>",
        ] {
            let html = format!("{}end", piece.repeat((64 << 10) / piece.len()));
            let cleaned = cleaned(&html);
            assert!(cleaned.contains("end"), "{piece}");
            assert!(cleaned.len() < 40 * html.len(), "{piece}: {} bytes", cleaned.len());
        }
        assert_eq!(cleaned(&"<div>".repeat(10_000)).matches("<div>").count(), OPEN_MAX);
        let many: String = (0..10_000).map(|it| format!(" a{it}=1")).collect();
        assert_eq!(cleaned(&format!("<p{many}>text</p>")), "<p>text</p>");
    }
}
