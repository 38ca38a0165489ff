//! What mails of ours say by themselves, in the languages that we have; a test holds the catalogues against each other.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The texts of one language, by key.
pub(crate) type Catalogue = BTreeMap<String, String>;

macro_rules! catalogues {
    ($($language:literal)*) => {
        [$(($language, include_str!(concat!("../../texts/mail.", $language, ".json")))),*]
    };
}

static CATALOGUES: LazyLock<Vec<(&'static str, Catalogue)>> = LazyLock::new(|| {
    catalogues! { "en" "de" "fr" "es" "pt" "ar" "zh" }
        .into_iter()
        // A test reads every file; a broken one never gets into a build that passed.
        .map(|(language, json)| (language, serde_json::from_str(json).unwrap_or_default()))
        .collect()
});

/// The catalogue for a language tag; English where there is none.
pub(crate) fn for_language(tag: Option<&str>) -> &'static Catalogue {
    let primary = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or("en").to_ascii_lowercase();
    let found = CATALOGUES.iter().find(|(language, _)| *language == primary);
    &found.unwrap_or(&CATALOGUES[0]).1
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
        assert_eq!((english.len(), CATALOGUES.len()), (9, 7));
        for (language, texts) in CATALOGUES.iter() {
            assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language}");
            for (key, text) in texts {
                assert_eq!(holes(text), holes(&english[key]), "{language} {key}");
                assert!(!text.trim().is_empty(), "{language} {key}");
            }
        }
        assert_eq!(for_language(Some("de-AT")), &CATALOGUES[1].1);
        assert_eq!(for_language(Some("tlh")), english);
    }

    #[test]
    fn what_we_quote_is_known_as_a_quote() {
        for (language, texts) in CATALOGUES.iter() {
            let wrote = texts["wrote"].replace("{when}", "2026-11-24 09:00 UTC").replace("{name}", "Ann");
            let mail = format!("From: a@b.test\r\n\r\nThanks\r\n\r\n{wrote}\r\n> Hello\r\n");
            let read = connectors::email::read(mail.as_bytes(), &connectors::email::Limits::default());
            assert_eq!(read.split.visible().trim(), "Thanks", "{language}");
        }
    }
}
