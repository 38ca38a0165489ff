//! Which script a text is written in. It settles the language where a script has one, and else which languages compete.

use crate::text::Text;

/// A script, named by the languages that are told apart in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Script {
    /// Most of Europe, Turkish, Indonesian, Vietnamese.
    Latin,
    /// Russian and its neighbours, Kazakh.
    Cyrillic,
    /// Arabic, Persian, Urdu.
    Arabic,
    /// Hindi.
    Devanagari,
    /// Chinese characters without kana.
    Han,
    /// Japanese.
    Kana,
    /// Korean.
    Hangul,
    /// Greek.
    Greek,
    /// Hebrew.
    Hebrew,
    /// Thai.
    Thai,
    /// Georgian.
    Georgian,
    /// Armenian.
    Armenian,
    /// Bengali.
    Bengali,
    /// Tamil.
    Tamil,
    /// Telugu.
    Telugu,
    /// Gujarati.
    Gujarati,
    /// Kannada.
    Kannada,
    /// Malayalam.
    Malayalam,
    /// Punjabi.
    Gurmukhi,
    /// Sinhala.
    Sinhala,
    /// Khmer.
    Khmer,
    /// Lao.
    Lao,
    /// Burmese.
    Burmese,
    /// Amharic.
    Ethiopic,
}

use Script::{
    Arabic, Armenian, Bengali, Burmese, Cyrillic, Devanagari, Ethiopic, Georgian, Greek, Gujarati, Gurmukhi,
    Han, Hangul, Hebrew, Kana, Kannada, Khmer, Lao, Latin, Malayalam, Sinhala, Tamil, Telugu, Thai,
};

/// Scripts by their first and last character (Unicode 17, Blocks.txt), in ascending order.
const RANGES: [(char, char, Script); 33] = [
    ('A', 'Z', Latin),
    ('a', 'z', Latin),
    ('\u{c0}', '\u{24f}', Latin),
    ('\u{370}', '\u{3ff}', Greek),
    ('\u{400}', '\u{52f}', Cyrillic),
    ('\u{530}', '\u{58f}', Armenian),
    ('\u{590}', '\u{5ff}', Hebrew),
    ('\u{600}', '\u{6ff}', Arabic),
    ('\u{750}', '\u{77f}', Arabic),
    ('\u{900}', '\u{97f}', Devanagari),
    ('\u{980}', '\u{9ff}', Bengali),
    ('\u{a00}', '\u{a7f}', Gurmukhi),
    ('\u{a80}', '\u{aff}', Gujarati),
    ('\u{b80}', '\u{bff}', Tamil),
    ('\u{c00}', '\u{c7f}', Telugu),
    ('\u{c80}', '\u{cff}', Kannada),
    ('\u{d00}', '\u{d7f}', Malayalam),
    ('\u{d80}', '\u{dff}', Sinhala),
    ('\u{e00}', '\u{e7f}', Thai),
    ('\u{e80}', '\u{eff}', Lao),
    ('\u{1000}', '\u{109f}', Burmese),
    ('\u{10a0}', '\u{10ff}', Georgian),
    ('\u{1100}', '\u{11ff}', Hangul),
    ('\u{1200}', '\u{137f}', Ethiopic),
    ('\u{1780}', '\u{17ff}', Khmer),
    ('\u{1e00}', '\u{1eff}', Latin),
    ('\u{1f00}', '\u{1fff}', Greek),
    ('\u{3040}', '\u{30ff}', Kana),
    ('\u{3130}', '\u{318f}', Hangul),
    ('\u{3400}', '\u{9fff}', Han),
    ('\u{ac00}', '\u{d7af}', Hangul),
    ('\u{fb1d}', '\u{fb4f}', Hebrew),
    ('\u{fb50}', '\u{feff}', Arabic),
];

impl Script {
    fn of(char: char) -> Option<Self> {
        let after = RANGES.partition_point(|(first, _, _)| *first <= char);
        let (_, last, script) = RANGES.get(after.checked_sub(1)?)?;
        (char <= *last).then_some(*script)
    }

    /// What a character counts. A Chinese character says what a word of others says; names and brands in Latin letters stand
    /// in texts of every script, seldom the other way round.
    fn weight(self) -> u32 {
        match self {
            Latin => 1,
            Han | Kana | Hangul => 6,
            _ => 3,
        }
    }

    /// The languages of a script that has one, or that are told apart by the script alone.
    pub(super) fn languages(self) -> &'static [&'static str] {
        match self {
            Latin | Cyrillic | Arabic => &[],
            Devanagari => &["hi"],
            Han => &["zh", "ja"],
            Kana => &["ja"],
            Hangul => &["ko"],
            Greek => &["el"],
            Hebrew => &["he"],
            Thai => &["th"],
            Georgian => &["ka"],
            Armenian => &["hy"],
            Bengali => &["bn"],
            Tamil => &["ta"],
            Telugu => &["te"],
            Gujarati => &["gu"],
            Kannada => &["kn"],
            Malayalam => &["ml"],
            Gurmukhi => &["pa"],
            Sinhala => &["si"],
            Khmer => &["km"],
            Lao => &["lo"],
            Burmese => &["my"],
            Ethiopic => &["am"],
        }
    }

    /// The scripts of a text with the share of each in thousandths, the largest first.
    #[must_use]
    pub fn shares(text: &Text) -> Vec<(Self, u32)> {
        let mut weights: Vec<(Self, u32)> = Vec::new();
        for script in text.all_chars().iter().filter_map(|char| Self::of(*char)) {
            match weights.iter_mut().find(|(other, _)| *other == script) {
                Some((_, weight)) => *weight += script.weight(),
                None => weights.push((script, script.weight())),
            }
        }
        let weight = |weights: &[(Self, u32)], script| {
            weights.iter().find(|(other, _)| *other == script).map_or(0, |(_, weight)| *weight)
        };
        // Japanese mixes both; one kana in ten is enough to tell.
        let (han, kana) = (weight(&weights, Han), weight(&weights, Kana));
        if han > 0 && kana * 10 >= han {
            weights.retain(|(script, _)| *script != Han);
            weights.iter_mut().filter(|(script, _)| *script == Kana).for_each(|(_, weight)| *weight += han);
        }
        weights.sort_unstable_by_key(|(script, weight)| (core::cmp::Reverse(*weight), *script));
        let all: u32 = weights.iter().map(|(_, weight)| weight).sum();
        weights.iter_mut().for_each(|(_, weight)| *weight = *weight * 1000 / all);
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<Script> {
        Script::shares(&Text::read(text)).first().map(|(script, _)| *script)
    }

    #[test]
    fn ranges_ascend_and_do_not_overlap() {
        assert!(RANGES.iter().all(|(first, last, _)| first <= last));
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn a_name_in_latin_letters_does_not_make_a_text_latin() {
        assert_eq!(first("Gary Lee Conner ойнат"), Some(Cyrillic));
        assert_eq!(first("Star Theatres 有什么电影"), Some(Han));
        assert_eq!(first("What does ойнат mean in this sentence"), Some(Latin));
    }

    #[test]
    fn kana_makes_japanese() {
        assert_eq!(first("午前6時のアラームを停止"), Some(Kana));
        assert_eq!(first("停止闹钟"), Some(Han));
        assert_eq!(first("1234 !?"), None);
    }
}
