//! Training a workspace's model.

use std::collections::{BTreeMap, BTreeSet};

use super::{Example, Intents, OUT_OF_SCOPE, VERSION};
use crate::calibrate::sharpness;
use crate::features::Shape;
use crate::linear::{self, Linear, Settings};
use crate::text::Text;
use crate::wrong::Unfit;

/// More examples are refused.
pub const MOST_EXAMPLES: usize = 50_000;
/// More intents are refused.
pub const MOST_INTENTS: usize = 500;

/// Words and pairs, and runs of two to four characters, as is usual for short questions. What one example alone has counts
/// too: an intent may have two examples.
const SETTINGS: Settings = Settings {
    shape: Shape { words: 2, shortest: 2, longest: 4, digits: true, marks: false, bits: 18 },
    at_least: 1,
    price: 1.0,
    passes: 40,
    most_rows: linear::MOST_ROWS,
};
/// Every so manieth example of an intent is held out.
const HELD_OUT: usize = 5;
/// Of the right answers on held-out examples, one in so many may fall out of scope.
const LOST: usize = 400;
/// The same where the workspace has given examples of what is out of scope: it wants such texts kept out.
const LOST_IF_WANTED: usize = 100;
/// So many right answers on held-out examples tell where the border is.
const ENOUGH: usize = 20;

/// An example that has been read.
struct Read {
    text: Text,
    /// None for an example of what is out of scope.
    intent: Option<usize>,
}

impl linear::Example for &Read {
    fn text(&self) -> &Text {
        &self.text
    }

    fn is(&self, class: usize) -> bool {
        self.intent == Some(class)
    }
}

impl Intents {
    /// Trains a model; the same examples in the same order give the same model.
    ///
    /// # Errors
    /// [`Unfit`] where there are too few examples to learn from, or more than training takes.
    pub fn train(examples: &[Example]) -> Result<Self, Unfit> {
        let names = names(examples)?;
        let number = |name: &str| names.iter().position(|other| other == name);
        let read: Vec<Read> = examples
            .iter()
            .map(|example| Read { text: Text::read(&example.text), intent: number(&example.intent) })
            .collect();
        let (sharpness, floor) = hold_out(&read, names.len());
        let linear = linear::train(&read.iter().collect::<Vec<_>>(), names.len(), &SETTINGS);
        Ok(Self { format: VERSION, version: fingerprint(examples), names, linear, sharpness, floor })
    }
}

fn names(examples: &[Example]) -> Result<Vec<String>, Unfit> {
    let mut counts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for example in examples.iter().filter(|example| example.intent != OUT_OF_SCOPE) {
        counts.entry(&example.intent).or_default().insert(&example.text);
    }
    if examples.len() > MOST_EXAMPLES || counts.len() > MOST_INTENTS {
        return Err(Unfit::TooMany {
            given: examples.len(),
            intents: counts.len(),
            most: MOST_EXAMPLES,
            most_intents: MOST_INTENTS,
        });
    }
    if counts.len() < 2 {
        return Err(Unfit::TooFewIntents(counts.len()));
    }
    if let Some((name, texts)) = counts.iter().find(|(_, texts)| texts.len() < 2) {
        return Err(Unfit::TooFewExamples((*name).to_owned(), texts.len()));
    }
    Ok(counts.into_keys().map(str::to_owned).collect())
}

/// Learns on examples that were held out how sharp the scores are, and below which of them a text is out of scope.
fn hold_out(read: &[Read], intents: usize) -> (f32, f32) {
    let mut seen = vec![0usize; intents + 1];
    let (held, kept): (Vec<&Read>, Vec<&Read>) = read.iter().partition(|example| {
        let count = &mut seen[example.intent.unwrap_or(intents)];
        *count += 1;
        // The second, the seventh and so on of each intent.
        *count % HELD_OUT == 2
    });
    let linear = linear::train(&kept, intents, &SETTINGS);
    let scored: Vec<(Vec<f32>, usize)> =
        held.iter().filter_map(|example| Some((linear.scores(&example.text), example.intent?))).collect();
    let wanted = read.iter().any(|example| example.intent.is_none());
    (sharpness(&scored), floor(&scored, &linear, if wanted { LOST_IF_WANTED } else { LOST }))
}

/// The score that one in `lost` of the right answers does not reach.
fn floor(scored: &[(Vec<f32>, usize)], linear: &Linear, lost: usize) -> f32 {
    let mut right: Vec<f32> = scored
        .iter()
        .filter(|(scores, intent)| scores.iter().all(|score| *score <= scores[*intent]))
        .map(|(scores, intent)| scores[*intent])
        .collect();
    right.sort_unstable_by(f32::total_cmp);
    let nothing = linear.scores(&Text::default());
    let of_nothing = nothing.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    let least = right.get(right.len() / lost).copied().unwrap_or(of_nothing + 0.2);
    // Few right answers tell little: half way from a text that nothing is known of.
    let floor = if right.len() < ENOUGH { f32::midpoint(of_nothing, least) } else { least };
    floor.max(of_nothing + 1e-3)
}

/// FNV-1a over all examples.
fn fingerprint(examples: &[Example]) -> u32 {
    let bytes = examples
        .iter()
        .flat_map(|example| example.intent.bytes().chain([0xff]).chain(example.text.bytes()).chain([0xfe]));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        let of = |intent: &str, texts: &[&str]| -> Vec<Example> {
            texts.iter().map(|text| Example { intent: intent.into(), text: (*text).into() }).collect()
        };
        [
            of(
                "parcel",
                &["where is my parcel", "my parcel is late", "has the parcel left", "track my parcel"],
            ),
            of(
                "refund",
                &["I want my money back", "refund my order", "when is the refund paid", "money back please"],
            ),
        ]
        .concat()
    }

    #[test]
    fn what_was_trained_comes_back_from_bytes() {
        let model = Intents::train(&examples()).expect("trained");
        let bytes = model.to_bytes().expect("written");
        let again = Intents::from_bytes(&bytes).expect("read");
        let text = Text::read("is my parcel on its way? the parcel is late");
        assert_eq!(model.label(&text), again.label(&text));
        assert_eq!(model.label(&text).name.as_deref(), Some("parcel"));
        for cut in 0..bytes.len() {
            assert!(Intents::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_text_that_nothing_is_known_of_is_out_of_scope() {
        let model = Intents::train(&examples()).expect("trained");
        for text in ["", "?!", "Ωμέγα", "12"] {
            assert_eq!(model.label(&Text::read(text)).name, None, "{text}");
        }
    }

    #[test]
    fn examples_that_nothing_can_be_learned_of_are_refused() {
        let mut few = examples();
        few.truncate(5);
        assert_eq!(Intents::train(&few).err(), Some(Unfit::TooFewExamples("refund".into(), 1)));
        few.truncate(4);
        assert_eq!(Intents::train(&few).err(), Some(Unfit::TooFewIntents(1)));
        assert!(matches!(
            Intents::train(&vec![few[0].clone(); MOST_EXAMPLES + 1]),
            Err(Unfit::TooMany { .. })
        ));
    }

    #[test]
    fn the_version_changes_with_the_examples() {
        let mut changed = examples();
        let before = Intents::train(&changed).expect("trained").version();
        changed[0].text.push('s');
        assert_ne!(before, Intents::train(&changed).expect("trained").version());
    }
}
