//! How a customer feels: upset, worried, pleased or even, with valence and arousal, from the words and the circumstances.
//!
//! ```text
//!   English words ──> linear model, calibrated ──┐
//!   phrases in seven languages ──────────────────┼──> log-odds ──> probability, in thousandths
//!   capitals, marks, contacts, waiting ──────────┘        └──────> because: "third time", third contact
//! ```
//!
//! A mood is a guess about a person. It fades ([`Standing`]), it moves a decision within a stated bound only
//! ([`Standing::weight`]), and the customer may have it switched off.

mod circumstances;
mod standing;
mod train;
mod words;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::calibrate::{Line, per_mille, probability};
use crate::linear::Linear;
use crate::text::Text;
use crate::wrong::Damaged;

pub use circumstances::Circumstances;
pub use standing::{HALF_LIFE_MS, Standing};
pub use train::{Comment, Feelings};
use words::Phrases;

/// The version of what this file does; a model of another version is not read.
pub const VERSION: u16 = 1;

/// A tone is called by its name from this probability on, in thousandths.
pub const CALLED_FROM: u16 = 500;

/// How a message sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Angry, annoyed, disappointed, sad.
    Upset,
    /// Afraid, nervous, confused.
    Worried,
    /// Grateful, glad.
    Pleased,
    /// None of these.
    Even,
}

/// Why, in a form that a page can put into its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The customer's own words.
    Words(String),
    /// Words in capitals: so many.
    Capitals(u32),
    /// Exclamation and question marks: so many.
    Marks(u32),
    /// The customer has come so many times lately.
    Contacts(u32),
    /// The customer has waited for so many seconds, longer than was meant.
    Waited(u32),
    /// So many earlier conversations ended without a solution.
    Unsolved(u32),
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mood {
    /// The tone, by the largest of the three probabilities below.
    pub tone: Tone,
    /// The probability of the tone, in thousandths.
    pub confidence: u16,
    /// The probability that the customer is upset, in thousandths.
    pub upset: u16,
    /// The probability that the customer is worried, in thousandths.
    pub worried: u16,
    /// The probability that the customer is pleased, in thousandths.
    pub pleased: u16,
    /// From bad (-1000) to good (1000).
    pub valence: i16,
    /// From calm (0) to stirred up (1000).
    pub arousal: u16,
    /// What spoke for the tone, the strongest first.
    pub because: Vec<Reason>,
    /// The version of the model.
    pub version: u32,
}

/// The four things that a model tells, in the order of its classes.
const CLASSES: usize = 4;
const UPSET: usize = 0;
const WORRIED: usize = 1;
const PLEASED: usize = 2;
const AROUSED: usize = 3;

/// A model of moods.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moods {
    format: u16,
    version: u32,
    trained_on: u32,
    linear: Linear,
    lines: [Line; CLASSES],
    /// Log-odds of each where nothing is known.
    base: [f32; CLASSES],
}

static SHIPPED: LazyLock<Moods> = LazyLock::new(|| {
    Moods::from_bytes(include_bytes!("../../model/mood.bin"))
        .expect("the model in the repository is read by a test of this crate")
});

/// Reads the model that ships.
pub(crate) fn warm_up() {
    LazyLock::force(&SHIPPED);
}

impl Moods {
    /// The model that ships with the program. The first call reads it, which takes some milliseconds.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The mood of a message. The linear model knows English; it is asked where `language` is `en` or unknown. Phrases and
    /// circumstances count in every language.
    ///
    /// ```
    /// use understanding::mood::{Circumstances, Moods, Tone};
    /// use understanding::text::Text;
    ///
    /// let text = Text::read("This is the third time I write and it is STILL BROKEN!!!");
    /// let again = Circumstances { contacts: 3, ..Circumstances::default() };
    /// let mood = Moods::shipped().label(&text, Some("en"), &again);
    /// assert_eq!(mood.tone, Tone::Upset);
    /// assert!(mood.valence < 0);
    /// ```
    #[must_use]
    pub fn label(&self, text: &Text, language: Option<&str>, circumstances: &Circumstances) -> Mood {
        let english = language.is_none_or(|code| code == "en");
        let mut odds = if english && !text.is_empty() { self.odds(text) } else { self.base };
        let phrases = Phrases::shipped().found(text);
        for found in &phrases {
            for (odds, by) in odds.iter_mut().zip(found.odds) {
                *odds += by;
            }
        }
        let around = circumstances.reasons(text);
        odds[UPSET] += circumstances::bounded(&around);
        odds[AROUSED] += circumstances::bounded(&around);
        let [upset, worried, pleased, arousal] = odds.map(|odds| per_mille(probability(odds)));
        let mut mood = Mood {
            tone: Tone::Even,
            confidence: 0,
            upset,
            worried,
            pleased,
            valence: valence(upset, worried, pleased),
            arousal,
            because: Vec::new(),
            version: self.version,
        };
        self.call(&mut mood, text, english, &phrases, around);
        mood
    }

    /// Gives the tone its name, and says why.
    fn call(
        &self,
        mood: &mut Mood,
        text: &Text,
        english: bool,
        phrases: &[words::Found],
        around: Vec<(Reason, f32)>,
    ) {
        let tones = [
            (mood.upset, Tone::Upset, UPSET),
            (mood.worried, Tone::Worried, WORRIED),
            (mood.pleased, Tone::Pleased, PLEASED),
        ];
        // The first of equals, so that being upset is not overlooked.
        let (most, tone, class) = tones.into_iter().rev().max_by_key(|(most, ..)| *most).unwrap_or(tones[0]);
        if most < CALLED_FROM {
            mood.confidence = 1000 - most;
            return;
        }
        (mood.tone, mood.confidence) = (tone, most);
        let mut because: Vec<Reason> = phrases
            .iter()
            .filter(|found| found.odds[class] > 0.0)
            .map(|found| Reason::Words(text.phrase(found.words.clone())))
            .collect();
        if because.is_empty() && english {
            because.extend(
                self.linear.because(text, &self.linear.see(text), class, &[]).into_iter().map(Reason::Words),
            );
        }
        because.truncate(3);
        if tone == Tone::Upset {
            because.extend(around.into_iter().map(|(reason, _)| reason));
        }
        mood.because = because;
    }

    fn odds(&self, text: &Text) -> [f32; CLASSES] {
        let scores = self.linear.scores(text);
        let mut odds = self.base;
        for ((odds, line), score) in odds.iter_mut().zip(&self.lines).zip(scores) {
            *odds = line.odds(score);
        }
        odds
    }

    /// How many texts it was trained on.
    #[must_use]
    pub fn trained_on(&self) -> u32 {
        self.trained_on
    }

    /// A number that changes with what it was trained on.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The model as bytes.
    ///
    /// # Errors
    /// None in practice: memory is all that writing needs.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Damaged> {
        postcard::to_allocvec(self).map_err(|_| Damaged)
    }

    /// A model from bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are something else, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let model: Self = postcard::from_bytes(bytes).map_err(|_| Damaged)?;
        let numbers = model.lines.iter().flat_map(|line| [line.slope, line.offset]).chain(model.base);
        let sound = model.format == VERSION
            && model.linear.classes() == CLASSES
            && numbers.into_iter().all(f32::is_finite);
        if sound { Ok(model) } else { Err(Damaged) }
    }
}

/// From the three probabilities: being worried weighs half of being upset.
fn valence(upset: u16, worried: u16, pleased: u16) -> i16 {
    let valence = i32::from(pleased) - i32::from(upset) - i32::from(worried) / 2;
    i16::try_from(valence.clamp(-1000, 1000)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str, language: &str) -> Mood {
        Moods::shipped().label(&Text::read(text), Some(language), &Circumstances::default())
    }

    #[test]
    fn tones_in_the_seven_languages_of_the_product() {
        for (language, upset, pleased) in [
            ("en", "This is unacceptable, it is still broken.", "Thank you so much, great service!"),
            (
                "de",
                "Das ist eine Frechheit, es geht immer noch nicht.",
                "Vielen Dank, das hat super geklappt.",
            ),
            ("fr", "C'est inacceptable, ça ne marche toujours pas.", "Merci beaucoup, c'est parfait."),
            ("es", "Es inaceptable, sigue sin funcionar.", "Muchas gracias, todo perfecto."),
            ("pt", "Isto é inaceitável, continua sem funcionar.", "Muito obrigado, ficou perfeito."),
            ("ar", "هذا غير مقبول، ما زال لا يعمل", "شكرا جزيلا، خدمة ممتازة"),
            ("zh", "太差劲了，还是不能用，我要投诉", "非常感谢，太好了"),
        ] {
            assert_eq!(label(upset, language).tone, Tone::Upset, "{upset}");
            assert_eq!(label(pleased, language).tone, Tone::Pleased, "{pleased}");
            assert!(!label(upset, language).because.is_empty(), "{upset}");
        }
        assert_eq!(label("My order number is 4711.", "en").tone, Tone::Even);
        assert_eq!(label("Meine Bestellnummer ist 4711.", "de").tone, Tone::Even);
    }

    #[test]
    fn circumstances_count_and_are_told() {
        let text = Text::read("I am still waiting for an answer");
        let calm = Moods::shipped().label(&text, Some("en"), &Circumstances::default());
        let again = Circumstances { contacts: 3, unsolved: 2, waited_s: 4_000, target_s: 60 };
        let worse = Moods::shipped().label(&text, Some("en"), &again);
        assert!(worse.upset > calm.upset && worse.arousal > calm.arousal && worse.valence < calm.valence);
        assert!(worse.because.contains(&Reason::Contacts(3)), "{:?}", worse.because);
    }

    #[test]
    fn a_text_without_words_has_no_mood_of_its_own() {
        let mood = label("", "en");
        assert_eq!((mood.tone, mood.because.len()), (Tone::Even, 0));
    }
}
