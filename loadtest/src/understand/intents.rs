//! Intents: a model is trained as a workspace trains its own, and judged with out-of-scope at work.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use understanding::intent::{Example, Intents, OUT_OF_SCOPE};
use understanding::text::Text;

use super::figures::{accuracy, ece, macro_f1};
use super::sets::{Line, Set, plain_texts};
use super::{Row, round, timed};

/// Judges a set by a model that is trained on the set of the same name, or else on one that has all its intents.
pub(super) fn judge(set: &Set, with: &[Set]) -> Result<Row> {
    let train = matching(set, with)
        .with_context(|| format!("{}: nothing to train on has a split `train` with its intents", set.name))?;
    let examples: Vec<Example> = train
        .split("train")
        .map(|line| Example { intent: line.intent.clone(), text: line.text.clone() })
        .collect();
    let model = Intents::train(&examples).with_context(|| train.name.clone())?;
    let test = set.test(&plain_texts(train.split("train")));
    let (said, us_per_message) = timed(&test, |line| model.label(&Text::read(&line.text)));

    let answers: Vec<_> = test.iter().zip(&said).collect();
    let (out, within): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(line, _)| line.intent == OUT_OF_SCOPE);
    let right: Vec<bool> =
        within.iter().map(|(line, said)| said.name.as_ref() == Some(&line.intent)).collect();
    let sure: Vec<(u16, bool)> =
        within.iter().map(|(line, said)| (said.confidence, said.nearest == line.intent)).collect();
    let refused: Vec<bool> = out.iter().map(|(_, said)| said.name.is_none()).collect();
    Ok(Row {
        set: set.name.clone(),
        kind: "intent".to_owned(),
        n_train: examples.len(),
        n_test: test.len(),
        accuracy: round(accuracy(&right)),
        macro_f1: round(macro_f1(
            within.iter().map(|(line, said)| (line.intent.as_str(), said.name.as_deref())),
        )),
        ece: round(ece(&sure)),
        us_per_message,
        oos_recall: (!refused.is_empty()).then(|| round(accuracy(&refused))),
        ..Row::default()
    })
}

fn matching<'a>(set: &Set, with: &'a [Set]) -> Option<&'a Set> {
    let intents = |lines: &mut dyn Iterator<Item = &Line>| -> BTreeSet<String> {
        lines.map(|line| line.intent.clone()).filter(|intent| intent != OUT_OF_SCOPE).collect()
    };
    let wanted = intents(&mut set.lines.iter());
    let fits = |other: &&Set| {
        let has = intents(&mut other.split("train"));
        !has.is_empty() && (other.name == set.name || wanted.is_subset(&has))
    };
    with.iter().filter(|other| other.name == set.name).chain(with).find(fits)
}
