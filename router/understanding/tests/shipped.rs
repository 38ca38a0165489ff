//! The models that ship: they are read, they are small, and the model of moods is the one that its data gives.

use std::path::Path;

use understanding::intent::{Example, Intents};
use understanding::language::Languages;
use understanding::mood::{Circumstances, Comment, Feelings, Moods};
use understanding::text::Text;

/// Both models together are no larger than this.
const MOST_BYTES: usize = 1_000_000;

#[test]
fn shipped_models_are_read_and_small() {
    let codes = Languages::shipped().codes();
    assert_eq!(codes.len(), 57, "docs/understanding.md tells how many: {codes:?}");
    for code in ["ar", "de", "en", "es", "fr", "pt", "zh"] {
        assert!(codes.contains(&code), "{code} is a language of the product");
    }
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let size = |name: &str| std::fs::metadata(model.join(name)).expect("a model").len() as usize;
    assert!(size("languages.bin") + size("mood.bin") <= MOST_BYTES);
    assert!(Moods::shipped().trained_on() > 0);
}

#[test]
fn the_shipped_mood_is_what_its_data_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mood/goemotions.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no ../shared/data/mood/goemotions.jsonl beside the repository");
        return;
    };
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let of = |split: &str| -> Vec<Comment> {
        lines
            .iter()
            .filter(|line| line["split"] == split)
            .map(|line| Comment {
                text: line["text"].as_str().expect("a text").to_owned(),
                feelings: Feelings::of(
                    line["labels"].as_array().expect("labels").iter().filter_map(serde_json::Value::as_str),
                ),
            })
            .collect()
    };
    let (train, dev) = (of("train"), of("dev"));
    let trained = Moods::train(&train, &dev);
    let shipped = Moods::shipped();
    assert_eq!(trained.version(), shipped.version(), "model/mood.bin is older than what builds it");
    // Not byte for byte: logarithms differ in the last place from one C library to another.
    for comment in dev.iter().step_by(10) {
        let text = Text::read(&comment.text);
        let label = |model: &Moods| model.label(&text, Some("en"), &Circumstances::default());
        let apart = label(&trained).upset.abs_diff(label(shipped).upset);
        assert!(apart <= 5, "model/mood.bin is older than what builds it: see docs/understanding.md");
    }
}

#[test]
fn the_same_examples_give_the_same_model() {
    let examples: Vec<Example> = (0..60)
        .map(|at| Example {
            intent: format!("intent {}", at % 3),
            text: format!("a question about thing {} in the {}th way", at % 3, at / 3),
        })
        .collect();
    let bytes = || Intents::train(&examples).expect("trained").to_bytes().expect("written");
    assert_eq!(bytes(), bytes());
}
