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
