//! A message, read once for everything that looks at it: its words in small letters, its marks, and how it is written.
//!
//! What is looked at is bounded ([`MOST_CHARS`]), so that a long mail costs no more than a long message. Scripts that put
//! no space between words (Chinese, Japanese, Thai and their neighbours) give a word for each character; pairs of words
//! then say what a word says elsewhere.

use core::ops::Range;

/// So many characters are looked at, from the beginning on; the rest of a longer text is passed by.
pub const MOST_CHARS: usize = 2_000;
/// Longer runs without a space are cut into words of this length.
const LONGEST_WORD: usize = 40;

/// What a word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters alone.
    Letters,
    /// Letters and digits; every digit reads `0`, since it rarely matters which one it is.
    Digits,
    /// One mark that carries a mood: an exclamation or question mark, a pictograph.
    Mark,
}

/// A word, as a range of [`Text::chars`].
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) chars: Range<usize>,
    pub(crate) kind: Kind,
}

/// A message that has been read.
#[derive(Debug, Clone, Default)]
pub struct Text {
    chars: Vec<char>,
    words: Vec<Word>,
    letters: u32,
    capitals: u32,
    shouted: u32,
}

impl Text {
    /// Reads a text. Any text will do; the cost is bounded by [`MOST_CHARS`].
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut word = Reader::default();
        for char in text.chars().take(MOST_CHARS) {
            read.take(char, &mut word);
        }
        word.finish(&mut read);
        read
    }

    /// The words, in their order.
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The characters of a word.
    pub(crate) fn chars(&self, word: &Word) -> &[char] {
        &self.chars[word.chars.clone()]
    }

    /// All characters that words are made of.
    pub(crate) fn all_chars(&self) -> &[char] {
        &self.chars
    }

    /// The words of a range as a person would read them.
    pub(crate) fn phrase(&self, range: Range<usize>) -> String {
        let mut phrase = String::new();
        let words = self.words.get(range).unwrap_or_default();
        for (at, word) in words.iter().enumerate() {
            let chars = self.chars(word);
            let after_spaced = at > 0 && !self.chars(&words[at - 1]).iter().all(|char| unspaced(*char));
            if at > 0 && (after_spaced || !chars.iter().all(|char| unspaced(*char))) {
                phrase.push(' ');
            }
            phrase.extend(chars);
        }
        phrase
    }

    /// How many words were written in capitals alone: two letters or more, in a text that has small letters somewhere or
    /// at least three such words (a lone `OK` is no shout).
    #[must_use]
    pub fn shouted_words(&self) -> u32 {
        if self.capitals < self.letters || self.shouted >= 3 { self.shouted } else { 0 }
    }

    /// How many words there are, marks apart.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().filter(|word| word.kind != Kind::Mark).count()
    }

    /// Whether there is no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many exclamation and question marks there are.
    #[must_use]
    pub fn marks(&self) -> u32 {
        let marks = self.words.iter().filter(|word| word.kind == Kind::Mark);
        marks.filter(|word| matches!(self.chars(word), ['!' | '?'])).fold(0, |sum, _| sum + 1)
    }

    fn take(&mut self, char: char, word: &mut Reader) {
        if char.is_alphanumeric() || (is_joiner(char) && word.is_open()) {
            if unspaced(char) {
                word.finish(self);
                word.push(self, char);
                word.finish(self);
            } else {
                if word.len >= LONGEST_WORD {
                    word.finish(self);
                }
                word.push(self, char);
            }
            return;
        }
        // A combining mark belongs to the letter before it.
        if is_combining(char) && word.is_open() {
            self.chars.push(char);
            word.len += 1;
            return;
        }
        word.finish(self);
        let mark = match char {
            '!' | '！' | '¡' => Some('!'),
            '?' | '？' | '¿' | '؟' => Some('?'),
            _ if is_pictograph(char) => Some(char),
            _ => None,
        };
        if let Some(mark) = mark {
            let from = self.chars.len();
            self.chars.push(mark);
            self.words.push(Word { chars: from..from + 1, kind: Kind::Mark });
        }
    }
}

/// The word that is being read.
#[derive(Default)]
struct Reader {
    from: usize,
    len: usize,
    letters: u32,
    capitals: u32,
    digits: bool,
}

impl Reader {
    fn is_open(&self) -> bool {
        self.len > 0
    }

    fn push(&mut self, text: &mut Text, char: char) {
        if self.len == 0 {
            self.from = text.chars.len();
        }
        self.len += 1;
        if char.is_numeric() {
            self.digits = true;
            text.chars.push('0');
            return;
        }
        if char.is_alphabetic() {
            self.letters += 1;
            self.capitals += u32::from(char.is_uppercase());
        }
        // One character may become two or three in small letters; the dot of a Turkish capital I goes.
        text.chars.extend(char.to_lowercase().filter(|low| *low != '\u{307}').map(plain));
    }

    fn finish(&mut self, text: &mut Text) {
        if self.len == 0 {
            return;
        }
        // An apostrophe at the end was a quotation mark.
        while text.chars.last().copied().is_some_and(is_joiner) {
            text.chars.pop();
        }
        text.letters += self.letters;
        text.capitals += self.capitals;
        if self.letters >= 2 && self.letters == self.capitals {
            text.shouted += 1;
        }
        let kind = if self.digits { Kind::Digits } else { Kind::Letters };
        let chars = self.from..text.chars.len();
        if !chars.is_empty() {
            text.words.push(Word { chars, kind });
        }
        *self = Self::default();
    }
}

/// Inside a word these hold it together.
fn is_joiner(char: char) -> bool {
    matches!(char, '\'' | '’' | 'ʼ' | '`' | '\u{200c}' | '\u{200d}')
}

fn plain(char: char) -> char {
    if matches!(char, '’' | 'ʼ' | '`') { '\'' } else { char }
}

fn is_combining(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}')
}

fn is_pictograph(char: char) -> bool {
    matches!(char, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}

/// Whether a character is of a script that puts no space between words.
pub(crate) fn unspaced(char: char) -> bool {
    matches!(char, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let read = Text::read(text);
        (0..read.words().len()).map(|at| read.phrase(at..at + 1)).collect()
    }

    #[test]
    fn words_are_small_and_digits_are_alike() {
        assert_eq!(words("Where's my Order #4711?!"), ["where's", "my", "order", "0000", "?", "!"]);
        assert_eq!(words("‘quoted’ İyi"), ["quoted", "iyi"]);
    }

    #[test]
    fn scripts_without_spaces_give_a_word_a_character() {
        assert_eq!(words("还没到 OK"), ["还", "没", "到", "ok"]);
        assert_eq!(Text::read("还没到 OK now").phrase(0..5), "还没到 ok now");
    }

    #[test]
    fn shouting_is_more_than_a_short_word() {
        assert_eq!(Text::read("OK").shouted_words(), 0);
        assert_eq!(Text::read("I have been waiting FOREVER").shouted_words(), 1);
        assert_eq!(Text::read("WHERE IS MY PARCEL").shouted_words(), 4);
    }

    #[test]
    fn what_is_looked_at_is_bounded() {
        let read = Text::read(&"ﬃİ".repeat(100_000));
        assert!(read.all_chars().len() <= 3 * MOST_CHARS);
        assert!(read.words().iter().all(|word| word.chars.len() <= 3 * LONGEST_WORD));
    }
}
