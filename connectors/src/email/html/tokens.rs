//! HTML of strangers as tokens, in bounded time. The tokenizer compares each attribute of a tag with all before it, so that one
//! tag with a million of them would take hours: what comes after such a tag is cut.

use std::cell::Cell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// Bytes that are tokenized at once.
const CHUNK: usize = 1 << 10;
/// Comparisons of attributes, at most, in tags that are longer than that: some seconds. A picture of 4 MB within a tag is below it.
const COMPARED: u64 = 4_000_000_000;

/// Runs a sink over the tokens of HTML.
pub(super) fn each<S: TokenSink>(html: &str, sink: S) -> S {
    let input = BufferQueue::default();
    let tokenizer = Tokenizer::new(Counting { sink, tokens: Cell::new(0) }, TokenizerOpts::default());
    let (mut rest, mut attributes, mut compared) = (html, 0_u64, 0_u64);
    while !rest.is_empty() && compared <= COMPARED {
        let (chunk, next) = rest.split_at(rest.floor_char_boundary(CHUNK));
        let before = tokenizer.sink.tokens.get();
        input.push_back(StrTendril::from_slice(chunk));
        let _ended = tokenizer.feed(&input);
        if tokenizer.sink.tokens.get() == before {
            // All of it stands within one tag: so many attributes may begin in it.
            let begin = chunk
                .bytes()
                .filter(|it| matches!(it, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' | b'/' | b'"' | b'\''));
            let begin = begin.count() as u64;
            compared += begin * attributes;
            attributes += begin;
        } else {
            attributes = 0;
        }
        rest = next;
    }
    tokenizer.end();
    tokenizer.sink.sink
}

struct Counting<S> {
    sink: S,
    tokens: Cell<u64>,
}

impl<S: TokenSink> TokenSink for Counting<S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<S::Handle> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        self.sink.process_token(token, line)
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.sink.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Notes how long each tag's list of attributes is, and the text.
    #[derive(Default)]
    struct Noted(RefCell<(Vec<usize>, String)>);

    impl TokenSink for Noted {
        type Handle = ();

        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            let mut noted = self.0.borrow_mut();
            match token {
                Token::TagToken(tag) => noted.0.push(tag.attrs.len()),
                Token::CharacterTokens(text) => noted.1.push_str(&text),
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }

    #[test]
    fn pieces_come_as_one_and_a_tag_that_would_take_hours_ends_all() {
        let text = "ä&amp;".repeat(5_000);
        let (_, told) = each(&format!("<p>{text}</p>"), Noted::default()).0.into_inner();
        assert_eq!(told, "ä&".repeat(5_000));
        // None of these is an attribute of its own, and who counts them does not know.
        let value = format!("<p title=\"{}\">after", "/".repeat(200_000));
        let (tags, told) = each(&value, Noted::default()).0.into_inner();
        assert_eq!((tags, told.as_str()), (Vec::new(), ""));
        let value = format!("<p title=\"{}\">after", "/".repeat(20_000));
        let (tags, told) = each(&value, Noted::default()).0.into_inner();
        assert_eq!((tags, told.as_str()), (vec![1], "after"));
    }
}
