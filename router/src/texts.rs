//! The catalogues of texts for customers, one a language, embedded. The pages and the notices read from them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The texts of one language.
#[derive(Debug)]
pub struct Catalogue {
    /// The language, such as `pt`.
    pub language: &'static str,
    /// `ltr` or `rtl`.
    pub direction: &'static str,
    /// Text by key.
    pub texts: BTreeMap<String, String>,
}

macro_rules! catalogues {
    ($($language:literal $direction:literal,)*) => {
        [$(($language, $direction, include_str!(concat!("../../web/texts/", $language, ".json")))),*]
    };
}

static CATALOGUES: LazyLock<Vec<Catalogue>> = LazyLock::new(|| {
    catalogues! { "en" "ltr", "de" "ltr", "fr" "ltr", "es" "ltr", "pt" "ltr", "ar" "rtl", "zh" "ltr", }
        .into_iter()
        .map(|(language, direction, json)| Catalogue {
            language,
            direction,
            // A test reads every file; a broken one never gets into a build that passed.
            texts: serde_json::from_str(json).unwrap_or_default(),
        })
        .collect()
});

/// The catalogue for a language tag; English where there is none.
#[must_use]
pub fn for_language(tag: Option<&str>) -> &'static Catalogue {
    let primary = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or("en").to_ascii_lowercase();
    CATALOGUES.iter().find(|it| it.language == primary).unwrap_or(&CATALOGUES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(text: &str) -> Vec<&str> {
        let mut holes: Vec<_> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
        holes.sort_unstable();
        holes
    }

    #[test]
    fn every_language_has_every_text_with_the_same_holes() {
        let english = for_language(None);
        assert!(english.texts.len() >= 20, "the English catalogue is empty or broken");
        for catalogue in CATALOGUES.iter() {
            let keys: Vec<_> = catalogue.texts.keys().collect();
            assert_eq!(keys, english.texts.keys().collect::<Vec<_>>(), "{}", catalogue.language);
            for (key, text) in &catalogue.texts {
                assert_eq!(holes(text), holes(&english.texts[key]), "{} {key}", catalogue.language);
                assert!(!text.trim().is_empty(), "{} {key}", catalogue.language);
            }
        }
    }

    #[test]
    fn tags_find_their_language() {
        assert_eq!(for_language(Some("es-MX")).language, "es");
        assert_eq!(for_language(Some("ar")).direction, "rtl");
        for unknown in [None, Some("tlh"), Some(""), Some("-"), Some("é")] {
            assert_eq!(for_language(unknown).language, "en", "{unknown:?}");
        }
        assert_eq!(for_language(Some("PT_br")).language, "pt");
        assert_eq!(CATALOGUES.iter().filter(|it| it.direction == "rtl").count(), 1);
    }
}
