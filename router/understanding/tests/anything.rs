//! Any text and any bytes: nothing panics, every number stays within its bounds, and the cost is bounded.

use std::sync::LazyLock;

use proptest::prelude::*;
use understanding::intent::{Example, Intents};
use understanding::language::{Hints, Languages};
use understanding::mood::{Circumstances, Moods, Standing};
use understanding::text::{MOST_CHARS, Text};

static INTENTS: LazyLock<Intents> = LazyLock::new(|| {
    let of = |intent: &str, text: &str| Example { intent: intent.into(), text: text.into() };
    Intents::train(&[
        of("parcel", "where is my parcel"),
        of("parcel", "my parcel is late"),
        of("refund", "I want my money back"),
        of("refund", "refund my order"),
    ])
    .expect("enough examples")
});

/// Texts as they come: scripts mixed, marks, joiners, controls, long words.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,200}",
        "[a-zA-Z'’!? ]{0,300}",
        "[а-яёіїәғқ \u{301}]{0,100}",
        "[\u{600}-\u{6ff}\u{200c} ]{0,100}",
        "[一-龥ぁ-んァ-ン가-힣ก-๛]{0,100}",
        "[\u{1f300}-\u{1faff}❤️ ]{0,60}",
        prop::collection::vec(any::<u8>(), 0..400)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_labels_within_bounds(
        text in texts(),
        contacts: u32,
        unsolved: u32,
        waited_s: u32,
        target_s: u32,
        now: i64,
        half_life: i64,
    ) {
        let read = Text::read(&text);
        let language = Languages::shipped().label(&read, &Hints::default());
        prop_assert!(language.confidence <= 1000 && language.because.len() <= 3);
        let intent = INTENTS.label(&read);
        prop_assert!(intent.confidence <= 1000 && intent.because.len() <= 3);
        let circumstances = Circumstances { contacts, unsolved, waited_s, target_s };
        for code in [None, Some("en"), Some("de")] {
            let mood = Moods::shipped().label(&read, code, &circumstances);
            prop_assert!(mood.confidence <= 1000 && mood.upset <= 1000 && mood.worried <= 1000);
            prop_assert!(mood.pleased <= 1000 && mood.arousal <= 1000 && (-1000..=1000).contains(&mood.valence));
            prop_assert!(mood.because.len() <= 8);
            let standing = Standing::default().with(&mood, now, half_life);
            prop_assert!(standing.upset <= 1000 && standing.arousal <= 1000);
            prop_assert!((1000..=1250).contains(&standing.weight(1250)));
        }
    }

    #[test]
    fn what_comes_after_the_bound_changes_nothing(text in "[a-zé ]{1,40}", tail in texts()) {
        let head: String = text.chars().cycle().take(MOST_CHARS).collect();
        let whole = format!("{head}{tail}");
        let label = |text: &str| Languages::shipped().label(&Text::read(text), &Hints::default());
        prop_assert_eq!(label(&head), label(&whole));
        prop_assert_eq!(INTENTS.label(&Text::read(&head)), INTENTS.label(&Text::read(&whole)));
    }

    #[test]
    fn any_bytes_are_a_model_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at: usize, to: u8) {
        // Whether it is one does not matter here; that it is looked at without a panic does.
        drop((Languages::from_bytes(&bytes), Intents::from_bytes(&bytes), Moods::from_bytes(&bytes)));
        bytes = INTENTS.to_bytes().expect("written");
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(model) = Intents::from_bytes(&bytes) {
            prop_assert!(model.label(&Text::read("where is my parcel")).confidence <= 1000);
        }
    }
}
