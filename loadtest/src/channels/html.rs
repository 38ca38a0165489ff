//! Hostile HTML: what is left after cleaning is read again, and nothing in it may run.

use connectors::email::html::{Images, clean, to_text};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Reader;
use super::reading::{Judged, Reading};
use super::samples::Sample;

pub(super) fn reader(folder: &str) -> Option<Reader> {
    (folder.rsplit('/').next() == Some("html")).then_some(judge)
}

/// Elements that run, load, place or post something.
const FORBIDDEN: [&str; 20] = [
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input", "button",
    "base", "meta", "link", "svg", "math", "template", "noscript", "portal", "video",
];

fn judge(sample: &Sample) -> Judged {
    let payload = sample.expected.get("payload").and_then(Value::as_str).unwrap_or_default();
    let cleaned = clean(payload, Images::Blocked, &BTreeMap::new());
    let mut judged = Judged::of(Reading {
        kind: "html".to_owned(),
        text: cleaned.html.clone(),
        verdict: to_text(&cleaned.html).into(),
        ..Reading::default()
    });
    judged.faults = faults(&cleaned.html);
    judged
}

/// What in HTML could run.
fn faults(html: &str) -> Vec<String> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Faults::default(), TokenizerOpts::default());
    let _ended = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Faults(RefCell<Vec<String>>);

impl TokenSink for Faults {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut faults = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => faults.extend(faults_of(&tag)),
            Token::CommentToken(_) => faults.push("a comment is left".to_owned()),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn faults_of(tag: &Tag) -> Vec<String> {
    let mut faults = Vec::new();
    if FORBIDDEN.contains(&&*tag.name) {
        faults.push(format!("<{}> is left", tag.name));
    }
    for attribute in &tag.attrs {
        let name = attribute.name.local.to_string().to_ascii_lowercase();
        let value: String = attribute
            .value
            .to_lowercase()
            .chars()
            .filter(|it| !it.is_whitespace() && !it.is_control())
            .collect();
        if name.starts_with("on")
            || matches!(name.as_str(), "srcdoc" | "formaction" | "action" | "background" | "id" | "name")
        {
            faults.push(format!("the attribute {name} is left"));
        }
        // A title is read, not followed.
        let followed = !matches!(name.as_str(), "title" | "alt");
        if !followed {
            continue;
        }
        if value.starts_with("javascript:")
            || value.starts_with("vbscript:")
            || value.starts_with("data:text")
        {
            faults.push(format!("{name} runs something"));
        }
        if name == "style"
            && (value.contains("url(") || value.contains("expression") || value.contains("position:"))
        {
            faults.push("style fetches or places something".to_owned());
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_found() {
        assert!(faults("<p>fine <b style='color:red'>x</b></p>").is_empty());
        for bad in [
            "<script>",
            "<p onclick=x>",
            "<a href=' java\nscript:x'>",
            "<!-- x -->",
            "<p style='background:url(x)'>",
        ] {
            assert_eq!(faults(bad).len(), 1, "{bad}");
        }
    }
}
