//! Building a model of languages from texts whose language is known.
//!
//! Messages are short and full of names. So texts are cut into pieces of two to twelve words, equally many for each
//! language, and one piece in four of another language than English gets a word or two of English put into it.

use std::collections::BTreeMap;

use super::{Group, Languages, Script, VERSION};
use crate::calibrate::sharpness;
use crate::features::Shape;
use crate::linear::{self, Settings};
use crate::text::{Text, unspaced};

/// A text whose language is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The ISO 639-1 code.
    pub code: String,
    /// The text.
    pub text: String,
}

const SETTINGS: Settings = Settings {
    shape: Shape { words: 1, shortest: 1, longest: 4, digits: false, marks: false, bits: 18 },
    at_least: 8,
    price: 0.5,
    passes: 12,
    most_rows: 12_000,
};
/// So many pieces for each language of a script.
const PIECES: usize = 12_000;
/// So many words has a piece.
const LENGTHS: [usize; 8] = [2, 3, 4, 4, 5, 6, 8, 12];
/// One piece in so many is held out.
const HELD_OUT: usize = 12;
/// One piece in so many gets words of English.
const MIXED: u64 = 4;

struct Piece {
    text: Text,
    language: usize,
}

impl linear::Example for &Piece {
    fn text(&self) -> &Text {
        &self.text
    }

    fn is(&self, class: usize) -> bool {
        self.language == class
    }
}

impl Languages {
    /// Builds a model. Languages that share a script with others need samples; the others are known by their script. The
    /// same samples in the same order give the same model.
    #[must_use]
    pub fn train(samples: &[Sample]) -> Self {
        let english: Vec<&str> = samples
            .iter()
            .filter(|sample| sample.code == "en")
            .flat_map(|sample| sample.text.split_whitespace())
            .collect();
        let mut by_script: BTreeMap<Script, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for sample in samples {
            let Some((script, _)) = Script::shares(&Text::read(&sample.text)).first().copied() else {
                continue;
            };
            if script.languages().is_empty() {
                by_script.entry(script).or_default().entry(&sample.code).or_default().push(&sample.text);
            }
        }
        let mut trained_on = 0;
        let mut groups = Vec::new();
        for (script, mut languages) in by_script {
            // A stray line in another script does not make a language of that script.
            let most = languages.values().map(Vec::len).max().unwrap_or(0);
            languages.retain(|_, texts| texts.len() * 20 >= most);
            let codes: Vec<String> = languages.keys().map(|code| (*code).to_owned()).collect();
            let mut dice = Dice(0x1a06 + script as u64);
            let mut pieces = Vec::new();
            for (language, (code, texts)) in languages.iter().enumerate() {
                let others: &[&str] = if *code == "en" { &[] } else { &english };
                pieces.extend(cut(texts, others, &mut dice).into_iter().map(|text| Piece { text, language }));
            }
            trained_on += pieces.len();
            groups.push(group(script, codes, &pieces));
        }
        let version = samples.iter().flat_map(|sample| sample.code.bytes().chain(sample.text.bytes()));
        Self {
            format: VERSION,
            version: version
                .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)),
            trained_on: u32::try_from(trained_on).unwrap_or(u32::MAX),
            groups,
        }
    }
}

fn group(script: Script, codes: Vec<String>, pieces: &[Piece]) -> Group {
    let of = |held: bool| pieces.iter().enumerate().filter(move |(at, _)| (at % HELD_OUT == 0) == held);
    let kept: Vec<&Piece> = of(false).map(|(_, piece)| piece).collect();
    let linear = linear::train(&kept, codes.len(), &SETTINGS);
    let scored: Vec<(Vec<f32>, usize)> =
        of(true).map(|(_, piece)| (linear.scores(&piece.text), piece.language)).collect();
    Group { script, sharpness: sharpness(&scored), codes, linear }
}

/// Cuts pieces out of texts, long texts more often than short ones.
fn cut(texts: &[&str], english: &[&str], dice: &mut Dice) -> Vec<Text> {
    let words: Vec<Vec<&str>> = texts.iter().map(|text| text.split_whitespace().collect()).collect();
    let size = |words: &Vec<&str>| words.len().clamp(1, 20) as u64;
    let all: u64 = words.iter().map(size).sum();
    let mut ends = Vec::with_capacity(words.len());
    words.iter().fold(0, |sum, words| {
        ends.push(sum + size(words));
        sum + size(words)
    });
    (0..PIECES)
        .map(|_| {
            let drawn = dice.below(all);
            let words = &words[ends.partition_point(|end| *end <= drawn)];
            let length = LENGTHS[dice.below(LENGTHS.len() as u64) as usize].min(words.len());
            let from = dice.below((words.len() - length) as u64 + 1) as usize;
            let mut piece: Vec<&str> = words[from..from + length].to_vec();
            if !english.is_empty() && piece.len() >= 3 && dice.below(MIXED) == 0 {
                for _ in 0..=dice.below(2) {
                    let at = dice.below(piece.len() as u64 + 1) as usize;
                    piece.insert(at, english[dice.below(english.len() as u64) as usize]);
                }
            }
            let text = piece.join(" ");
            debug_assert!(!text.chars().all(unspaced), "scripts without spaces are not trained");
            Text::read(&text)
        })
        .collect()
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
