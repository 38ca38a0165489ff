//! Phrases that tell a mood, in the product's seven languages: a small list of our own, in `words.txt` beside this file.
//!
//! They are what makes a mood explainable ("third time", "still broken") and what knows the languages that the linear model
//! was not trained on. A phrase matches whole words; the longest one wins.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{AROUSED, CLASSES, PLEASED, UPSET, WORRIED};
use crate::text::Text;

/// The log-odds of a strong phrase; a plain one has half of it.
const STRONG: f32 = 2.4;

/// Phrases by their first word.
pub(super) struct Phrases(BTreeMap<Vec<char>, Vec<Phrase>>);

struct Phrase {
    words: Vec<Vec<char>>,
    odds: [f32; CLASSES],
}

/// A phrase that stands in a text.
pub(super) struct Found {
    pub(super) words: Range<usize>,
    pub(super) odds: [f32; CLASSES],
}

static SHIPPED: LazyLock<Phrases> = LazyLock::new(|| Phrases::read(include_str!("words.txt")));

impl Phrases {
    pub(super) fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads lines such as `upset strong en: still broken, third time`. Lines of another form are passed by; a test holds the
    /// list to having none.
    fn read(list: &str) -> Self {
        let mut phrases = Self(BTreeMap::new());
        for (odds, text) in list.lines().filter_map(line).flatten() {
            let read = Text::read(text);
            let words: Vec<Vec<char>> = read.words().iter().map(|word| read.chars(word).to_vec()).collect();
            if let Some(first) = words.first().cloned() {
                phrases.0.entry(first).or_default().push(Phrase { words, odds });
            }
        }
        for same_first in phrases.0.values_mut() {
            same_first.sort_by_key(|phrase| core::cmp::Reverse(phrase.words.len()));
        }
        phrases
    }

    /// The phrases of a text, none of which overlap, each told once.
    pub(super) fn found(&self, text: &Text) -> Vec<Found> {
        let words = text.words();
        let mut found: Vec<Found> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let longest = self.0.get(text.chars(&words[at])).and_then(|phrases| {
                phrases.iter().find(|phrase| {
                    let here = words.get(at..at + phrase.words.len()).unwrap_or_default();
                    here.len() == phrase.words.len()
                        && here
                            .iter()
                            .zip(&phrase.words)
                            .all(|(here, word)| text.chars(here) == word.as_slice())
                })
            });
            let Some(phrase) = longest else {
                at += 1;
                continue;
            };
            let range = at..at + phrase.words.len();
            at = range.end;
            let told = |other: &Found| text.phrase(other.words.clone()) == text.phrase(range.clone());
            if !found.iter().any(told) && found.len() < MOST_FOUND {
                found.push(Found { words: range, odds: phrase.odds });
            }
        }
        found
    }
}

/// More than this say nothing more.
const MOST_FOUND: usize = 8;

/// The phrases of a line with their log-odds; none for a comment.
fn line(line: &str) -> Option<impl Iterator<Item = ([f32; CLASSES], &str)>> {
    let (head, phrases) = line.split_once(": ")?;
    let mut head = head.split_whitespace();
    let mut odds = [0.0; CLASSES];
    let class = match head.next()? {
        "upset" => UPSET,
        "worried" => WORRIED,
        "pleased" => PLEASED,
        "urgent" => AROUSED,
        _ => return None,
    };
    let by = match head.next()? {
        "strong" => STRONG,
        "plain" => STRONG / 2.0,
        _ => return None,
    };
    odds[class] = by;
    // Who is upset is stirred up, and not pleased; who is pleased is not upset.
    match class {
        UPSET => (odds[AROUSED], odds[PLEASED]) = (by / 2.0, -by / 2.0),
        PLEASED => odds[UPSET] = -by / 2.0,
        WORRIED => odds[AROUSED] = by / 4.0,
        _ => {}
    }
    Some(phrases.split(", ").map(move |phrase| (odds, phrase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read() {
        let list = include_str!("words.txt");
        for text in list.lines().filter(|text| !text.is_empty() && !text.starts_with('#')) {
            assert!(line(text).is_some_and(|phrases| phrases.count() > 0), "{text}");
        }
        for language in ["en", "de", "fr", "es", "pt", "ar", "zh"] {
            for kind in ["upset", "worried", "pleased", "urgent"] {
                let has = |text: &str| text.starts_with(kind) && text.contains(&format!(" {language}: "));
                assert!(list.lines().any(has), "no {kind} in {language}");
            }
        }
    }

    #[test]
    fn the_longest_phrase_wins_and_counts_once() {
        let phrases = Phrases::read("upset plain en: broken, still broken\n");
        let text = Text::read("Still broken! It is still broken.");
        let found = phrases.found(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(text.phrase(found[0].words.clone()), "still broken");
        assert!(phrases.found(&Text::read("unbroken")).is_empty());
    }
}
