//! What a linear model sees of a text: words, pairs of words, and runs of characters within words, each hashed to a number.
//!
//! Runs of characters carry over to forms and misspellings that no example had. Hashing (feature hashing, Weinberger and
//! others, ICML 2009) needs no dictionary; a model keeps only the numbers that its examples had.

use serde::{Deserialize, Serialize};

use crate::text::{Kind, Text, Word};

/// More than this is not looked at.
pub(crate) const MOST_HITS: usize = 12_000;

/// What is taken from a text. Part of a model: two models with different shapes see different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// Words in a row, from one up to this.
    pub(crate) words: u8,
    /// The shortest run of characters.
    pub(crate) shortest: u8,
    /// The longest run of characters; none below `shortest`.
    pub(crate) longest: u8,
    /// Whether words with digits count.
    pub(crate) digits: bool,
    /// Whether marks count as words.
    pub(crate) marks: bool,
    /// Numbers have so many bits.
    pub(crate) bits: u8,
}

/// Words are weighed among themselves, and so are runs of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Block {
    Words,
    Chars,
}

/// Something that was seen, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) key: u32,
    pub(crate) block: Block,
    /// The first word of it, as an index into the text's words.
    pub(crate) from: u16,
    /// So many words.
    pub(crate) words: u8,
}

/// FNV-1a over code points, with a last mix so that the low bits are good.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn with(self, value: u32) -> Self {
        Self((self.0 ^ u64::from(value)).wrapping_mul(0x0100_0000_01b3))
    }

    fn key(self, bits: u8) -> u32 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> (64 - u32::from(bits))) as u32
    }
}

/// Stands before and after a word in runs of characters.
const EDGE: u32 = 0x11_0000;

impl Shape {
    fn counts(&self, word: &Word) -> bool {
        match word.kind {
            Kind::Letters => true,
            Kind::Digits => self.digits,
            Kind::Mark => self.marks,
        }
    }

    /// Everything that a model of this shape sees in a text.
    pub(crate) fn hits(&self, text: &Text) -> Vec<Hit> {
        let mut hits = Vec::with_capacity(256);
        let counted = || text.words().iter().enumerate().filter(|(_, word)| self.counts(word));
        let mut before: [Option<(usize, Hash)>; 2] = [None; 2];
        for (at, word) in counted() {
            if hits.len() >= MOST_HITS {
                break;
            }
            let chars = text.chars(word);
            let whole = chars.iter().fold(Hash::new(1), |hash, char| hash.with(*char as u32));
            self.word(&mut hits, at, whole, &mut before);
            if word.kind != Kind::Mark {
                self.runs(&mut hits, at, chars);
            }
        }
        hits
    }

    fn word(&self, hits: &mut Vec<Hit>, at: usize, whole: Hash, before: &mut [Option<(usize, Hash)>; 2]) {
        // Positions are below `MOST_CHARS`, so they fit.
        let place = |from: usize| u16::try_from(from).unwrap_or(u16::MAX);
        let span = |from: usize| u8::try_from(at + 1 - from).unwrap_or(u8::MAX);
        let mut hit = |hash: Hash, from: usize| {
            hits.push(Hit {
                key: hash.key(self.bits),
                block: Block::Words,
                from: place(from),
                words: span(from),
            });
        };
        hit(whole, at);
        let [second, first] = *before;
        if let Some((from, hash)) = second.filter(|_| self.words >= 2) {
            hit(pair(hash, whole), from);
        }
        if let (Some((from, start)), Some((_, middle)), true) = (first, second, self.words >= 3) {
            hit(pair(pair(start, middle), whole), from);
        }
        *before = [Some((at, whole)), second];
    }

    fn runs(&self, hits: &mut Vec<Hit>, at: usize, chars: &[char]) {
        let code = |place: usize| -> u32 {
            if place == 0 || place > chars.len() { EDGE } else { chars[place - 1] as u32 }
        };
        let len = chars.len() + 2;
        for start in 0..len {
            let mut hash = Hash::new(2);
            for (run, place) in (start..len.min(start + usize::from(self.longest))).enumerate() {
                hash = hash.with(code(place));
                let lone_edge = run == 0 && (start == 0 || start == len - 1);
                if run + 1 >= usize::from(self.shortest) && !lone_edge {
                    hits.push(Hit {
                        key: hash.key(self.bits),
                        block: Block::Chars,
                        from: u16::try_from(at).unwrap_or(u16::MAX),
                        words: 1,
                    });
                }
            }
        }
    }
}

fn pair(first: Hash, second: Hash) -> Hash {
    Hash(first.0.rotate_left(21)).with(second.0 as u32).with((second.0 >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { words: 2, shortest: 2, longest: 3, digits: true, marks: false, bits: 18 };

    #[test]
    fn words_pairs_and_runs_are_seen() {
        let hits = SHAPE.hits(&Text::read("my card!"));
        let count = |block, words| hits.iter().filter(|hit| hit.block == block && hit.words == words).count();
        assert_eq!((count(Block::Words, 1), count(Block::Words, 2)), (2, 1));
        // ^m my y$ ^my my$, and ^c ca ar rd d$ ^ca car ard rd$.
        assert_eq!(count(Block::Chars, 1), 14);
        assert!(hits.iter().all(|hit| hit.key < 1 << 18));
    }

    #[test]
    fn a_pair_is_not_its_words_in_the_other_order() {
        let pairs = |text: &str| -> Vec<u32> {
            SHAPE.hits(&Text::read(text)).iter().filter(|hit| hit.words == 2).map(|hit| hit.key).collect()
        };
        assert_ne!(pairs("not good"), pairs("good not"));
        assert_eq!(pairs("not good"), pairs("NOT  good"));
    }
}
