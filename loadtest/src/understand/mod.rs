//! `understand`: trains where there is something to train, and judges language, intent and mood on texts that were not
//! trained on.

mod figures;
mod intents;
mod languages;
mod mood;
mod sets;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::report::{Common, Report, say};

/// Flags of `understand`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The folder with `intents`, `languages` and `mood`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Train on the split `train` of this folder; the same one where not given
    #[arg(long, value_name = "DIR")]
    train: Option<PathBuf>,
}

/// One thing that was judged; what does not apply is null.
#[derive(Debug, Default, Serialize)]
struct Row {
    set: String,
    kind: String,
    n_train: usize,
    n_test: usize,
    accuracy: f64,
    macro_f1: f64,
    ece: f64,
    us_per_message: f64,
    oos_recall: Option<f64>,
    auc: Option<f64>,
    allow_list: Option<usize>,
}

/// A goal: of which row, what it is called, and whether a row meets it.
struct Goal {
    set: &'static str,
    kind: &'static str,
    allow_list: Option<usize>,
    name: &'static str,
    met: fn(&Row) -> bool,
}

const GOALS: [Goal; 8] = [
    Goal {
        set: "banking77",
        kind: "intent",
        allow_list: None,
        name: "accuracy",
        met: |row| row.accuracy >= 0.89,
    },
    Goal {
        set: "banking77",
        kind: "intent",
        allow_list: None,
        name: "us_per_message",
        met: |row| row.us_per_message <= 100.0,
    },
    Goal {
        set: "clinc150",
        kind: "intent",
        allow_list: None,
        name: "accuracy",
        met: |row| row.accuracy >= 0.88,
    },
    Goal {
        set: "clinc150",
        kind: "intent",
        allow_list: None,
        name: "oos_recall",
        met: |row| row.oos_recall >= Some(0.5),
    },
    Goal {
        set: "languages",
        kind: "utterance",
        allow_list: None,
        name: "accuracy",
        met: |row| row.accuracy >= 0.9,
    },
    Goal {
        set: "languages",
        kind: "utterance",
        allow_list: Some(5),
        name: "accuracy",
        met: |row| row.accuracy >= 0.97,
    },
    Goal { set: "goemotions", kind: "upset", allow_list: None, name: "auc", met: |row| row.auc >= Some(0.8) },
    Goal { set: "goemotions", kind: "upset", allow_list: None, name: "ece", met: |row| row.ece <= 0.05 },
];

/// Judges every set; says whether all were found.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let train = arguments.train.as_ref().unwrap_or(&arguments.data);
    let limits =
        json!({"examples": understanding::intent::MOST_EXAMPLES, "chars": understanding::text::MOST_CHARS});
    let mut report = Report::new("understand", &arguments.common, "none", limits);
    let mut rows = Vec::new();
    for kind in ["intents", "languages", "mood"] {
        let data = sets::read(&arguments.data, kind)?;
        if data.is_empty() {
            say(&format!("{}: no file of JSON lines in {kind}/", arguments.data.display()));
            report.misses.push(format!("{kind}: not found"));
            report.correct = false;
        }
        let with = if train == &arguments.data { data.clone() } else { sets::read(train, kind)? };
        for set in &data {
            say(&format!("{kind}: {}", set.name));
            match kind {
                "intents" => rows.push(intents::judge(set, &with)?),
                "languages" => rows.extend(languages::judge(set, arguments.common.seed)),
                _ => rows.extend(mood::judge(set, &with)?),
            }
        }
    }
    report.misses.extend(misses(&rows));
    report.set("rows", serde_json::to_value(&rows)?);
    report.print(arguments.common.json)
}

fn misses(rows: &[Row]) -> Vec<String> {
    let missed = |goal: &&Goal| {
        let is =
            |row: &&Row| row.set == goal.set && row.kind == goal.kind && row.allow_list == goal.allow_list;
        rows.iter().find(is).is_some_and(|row| !(goal.met)(row))
    };
    let name = |goal: &Goal| {
        let list = goal.allow_list.map_or_else(String::new, |count| format!(" of {count}"));
        format!("{} {}{list}: {}", goal.set, goal.kind, goal.name)
    };
    GOALS.iter().filter(missed).map(name).collect()
}

/// So many passes are timed, and each answer's fastest counts: what else the machine does is no part of the cost. A pass goes
/// over all, so that no answer finds what it needs still at hand from the one before.
const PASSES: usize = 3;

/// Answers for all, and what one took in microseconds.
fn timed<T, A>(all: &[T], answer: impl Fn(&T) -> A) -> (Vec<A>, f64) {
    let mut fastest = vec![Duration::MAX; all.len()];
    let mut answers = Vec::new();
    for _ in 0..PASSES {
        answers.clear();
        for (one, fastest) in all.iter().zip(&mut fastest) {
            let started = Instant::now();
            answers.push(answer(one));
            *fastest = started.elapsed().min(*fastest);
        }
    }
    let sum: Duration = fastest.iter().sum();
    (answers, round(sum.as_secs_f64() * 1e6 / all.len().max(1) as f64))
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_that_are_missed_are_named() {
        let row = |auc, ece| Row {
            set: "goemotions".into(),
            kind: "upset".into(),
            auc: Some(auc),
            ece,
            ..Row::default()
        };
        assert!(misses(&[row(0.81, 0.01)]).is_empty());
        assert_eq!(misses(&[row(0.79, 0.06)]), ["goemotions upset: auc", "goemotions upset: ece"]);
        let listed =
            Row { set: "languages".into(), kind: "utterance".into(), allow_list: Some(5), ..Row::default() };
        assert_eq!(misses(&[listed]), ["languages utterance of 5: accuracy"]);
    }
}
