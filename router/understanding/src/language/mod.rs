//! Which language a message is in: by its script, then by a small model of the languages that share the script.
//!
//! The model ships with the program ([`Languages::shipped`]); what it was built from, and how to build it again, stands in
//! `docs/understanding.md`. Hints shift the odds by stated factors; an allow-list rules out the rest.

mod script;
mod train;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::calibrate::{per_mille, softmax};
use crate::linear::Linear;
use crate::text::Text;
use crate::wrong::Damaged;

pub use script::Script;
pub use train::Sample;

/// The version of what this file does; a model of another version is not read.
pub const VERSION: u16 = 1;

/// The language of the customer's profile is likelier by this factor.
pub const PROFILE_FACTOR: f32 = 8.0;
/// The language of the channel account, or of the message before, is likelier by this factor.
pub const CHANNEL_FACTOR: f32 = 3.0;

/// What is known before a message is read. Languages by their ISO 639-1 codes, such as `de`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The language of the customer's profile.
    pub profile: Option<&'a str>,
    /// The language of the channel account or the page.
    pub channel: Option<&'a str>,
    /// The language of the conversation's last message.
    pub before: Option<&'a str>,
    /// Only these come into question; all of them where it is empty.
    pub allowed: &'a [&'a str],
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// The ISO 639-1 code; none where nothing tells.
    pub code: Option<String>,
    /// The probability of it, in thousandths.
    pub confidence: u16,
    /// The words that spoke most for it, the strongest first.
    pub because: Vec<String>,
    /// The version of the model.
    pub version: u32,
}

/// The languages of one script.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Group {
    script: Script,
    codes: Vec<String>,
    linear: Linear,
    sharpness: f32,
}

/// A model of languages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Languages {
    format: u16,
    version: u32,
    /// How many pieces of text it was trained on.
    trained_on: u32,
    groups: Vec<Group>,
}

static SHIPPED: LazyLock<Languages> = LazyLock::new(|| {
    Languages::from_bytes(include_bytes!("../../model/languages.bin"))
        .expect("the model in the repository is read by a test of this crate")
});

/// Reads the model that ships.
pub(crate) fn warm_up() {
    LazyLock::force(&SHIPPED);
}

impl Languages {
    /// The model that ships with the program. The first call reads it, which takes some milliseconds.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The language of a text.
    ///
    /// ```
    /// use understanding::language::{Hints, Languages};
    /// use understanding::text::Text;
    ///
    /// let text = Text::read("Mein Paket ist immer noch nicht da");
    /// let language = Languages::shipped().label(&text, &Hints::default());
    /// assert_eq!(language.code.as_deref(), Some("de"));
    /// ```
    #[must_use]
    pub fn label(&self, text: &Text, hints: &Hints<'_>) -> Language {
        for (script, share) in Script::shares(text) {
            if let Some(language) = self.in_script(text, script, share, hints) {
                return language;
            }
        }
        // No letter tells. A hint is better than nothing, and says so by its confidence.
        let hinted = [hints.profile, hints.before, hints.channel].into_iter().flatten();
        let code = hinted.filter(|code| hints.allows(code)).map(str::to_owned).next();
        Language { confidence: 0, code, because: Vec::new(), version: self.version }
    }

    fn in_script(&self, text: &Text, script: Script, share: u32, hints: &Hints<'_>) -> Option<Language> {
        let of_share = |probability: f32| per_mille(probability * share as f32 / 1000.0);
        if let Some(group) = self.groups.iter().find(|group| group.script == script) {
            let allowed: Vec<usize> =
                (0..group.codes.len()).filter(|at| hints.allows(&group.codes[*at])).collect();
            let sight = group.linear.see(text);
            let scores = group.linear.scores_of(&sight);
            let odds: Vec<f32> = allowed
                .iter()
                .map(|at| scores[*at] * group.sharpness + hints.odds(&group.codes[*at]))
                .collect();
            let best = (0..odds.len()).max_by(|a, b| odds[*a].total_cmp(&odds[*b]).then(b.cmp(a)))?;
            let mut rivals = allowed.clone();
            rivals.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
            rivals.truncate(4);
            return Some(Language {
                code: Some(group.codes[allowed[best]].clone()),
                confidence: of_share(softmax(&odds, 1.0)[best]),
                because: group.linear.because(text, &sight, allowed[best], &rivals),
                version: self.version,
            });
        }
        let code = script.languages().iter().find(|code| hints.allows(code))?;
        Some(Language {
            code: Some((*code).to_owned()),
            confidence: of_share(1.0),
            because: Vec::new(),
            version: self.version,
        })
    }

    /// The codes of all languages that can come out, in alphabetical order.
    #[must_use]
    pub fn codes(&self) -> Vec<&str> {
        let scripts = [
            Script::Devanagari,
            Script::Han,
            Script::Kana,
            Script::Hangul,
            Script::Greek,
            Script::Hebrew,
            Script::Thai,
            Script::Georgian,
            Script::Armenian,
            Script::Bengali,
            Script::Tamil,
            Script::Telugu,
            Script::Gujarati,
            Script::Kannada,
            Script::Malayalam,
            Script::Gurmukhi,
            Script::Sinhala,
            Script::Khmer,
            Script::Lao,
            Script::Burmese,
            Script::Ethiopic,
        ];
        let of_groups = self.groups.iter().flat_map(|group| group.codes.iter().map(String::as_str));
        let mut codes: Vec<&str> = of_groups
            .chain(scripts.into_iter().flat_map(|script| script.languages().iter().copied()))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// How many pieces of text it was trained on.
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
        let sound = model.format == VERSION
            && model.groups.iter().all(|group| {
                group.codes.len() == group.linear.classes()
                    && group.sharpness.is_finite()
                    && !group.codes.is_empty()
            });
        if sound { Ok(model) } else { Err(Damaged) }
    }
}

impl Hints<'_> {
    fn allows(&self, code: &str) -> bool {
        self.allowed.is_empty() || self.allowed.contains(&code)
    }

    fn odds(&self, code: &str) -> f32 {
        let hint = |hint: Option<&str>, factor: f32| if hint == Some(code) { factor.ln() } else { 0.0 };
        hint(self.profile, PROFILE_FACTOR)
            + hint(self.channel, CHANNEL_FACTOR)
            + hint(self.before, CHANNEL_FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str, hints: &Hints<'_>) -> Option<String> {
        Languages::shipped().label(&Text::read(text), hints).code
    }

    #[test]
    fn plain_sentences_in_the_seven_languages_of_the_product() {
        for (code, text) in [
            ("en", "Where is my parcel? It should have been here yesterday."),
            ("de", "Wo ist mein Paket? Es sollte gestern ankommen."),
            ("fr", "Où est mon colis ? Il devait arriver hier."),
            ("es", "¿Dónde está mi paquete? Tenía que llegar ayer."),
            ("pt", "Onde está a minha encomenda? Devia ter chegado ontem."),
            ("ar", "أين طردي؟ كان يجب أن يصل أمس."),
            ("zh", "我的包裹在哪里？昨天就应该到了。"),
        ] {
            assert_eq!(label(text, &Hints::default()).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn a_hint_decides_where_the_text_does_not() {
        let hints = |profile| Hints { profile: Some(profile), ..Hints::default() };
        assert_eq!(label("12:30", &hints("de")).as_deref(), Some("de"));
        assert_eq!(label("12:30", &Hints::default()), None);
        // But a clear text stands against it.
        assert_eq!(label("Where is my parcel, please?", &hints("de")).as_deref(), Some("en"));
    }

    #[test]
    fn only_what_is_allowed_comes_out() {
        let hints = Hints { allowed: &["de", "ja"], ..Hints::default() };
        for text in ["Where is my parcel?", "我的包裹", "Где посылка?", "?"] {
            let code = label(text, &hints);
            assert!(
                code.is_none() || code.as_deref() == Some("de") || code.as_deref() == Some("ja"),
                "{text}: {code:?}"
            );
        }
        assert_eq!(
            label("我的包裹", &hints).as_deref(),
            Some("ja"),
            "the one allowed language that is written so"
        );
    }
}
