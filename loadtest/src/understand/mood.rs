//! Mood: a model is trained and calibrated as the one that ships is, and each of three feelings is judged against the rest.

use anyhow::{Result, ensure};
use understanding::mood::{Circumstances, Comment, Feelings, Mood, Moods};
use understanding::text::Text;

use super::figures::{accuracy, auc, ece, macro_f1};
use super::sets::{Line, Set, plain_texts};
use super::{Row, round, timed};

/// Where there is no split `dev`, every so manieth text to train on is held out to calibrate.
const HELD_OUT: usize = 5;

/// Judges a set by a model that is trained on the split `train` of all.
pub(super) fn judge(set: &Set, with: &[Set]) -> Result<Vec<Row>> {
    let (mut train, mut held_out): (Vec<&Line>, Vec<&Line>) = (Vec::new(), Vec::new());
    for other in with {
        train.extend(other.split("train"));
        held_out.extend(other.split("dev"));
    }
    ensure!(!train.is_empty(), "{}: nothing to train on has a split `train`", set.name);
    if held_out.is_empty() {
        let (held, kept): (Vec<_>, Vec<_>) =
            train.iter().copied().enumerate().partition(|(at, _)| at % HELD_OUT == 0);
        train = kept.into_iter().map(|(_, line)| line).collect();
        held_out = held.into_iter().map(|(_, line)| line).collect();
    }
    let comments = |lines: &[&Line]| -> Vec<Comment> {
        lines.iter().map(|line| Comment { text: line.text.clone(), feelings: feelings(line) }).collect()
    };
    let model = Moods::train(&comments(&train), &comments(&held_out));
    let test = set.test(&plain_texts(train.iter().chain(&held_out).copied()));
    let (said, us_per_message) =
        timed(&test, |line| model.label(&Text::read(&line.text), Some("en"), &Circumstances::default()));
    let row = |kind: &str, is: fn(Feelings) -> bool, told: fn(&Mood) -> u16| {
        let scored: Vec<(u16, bool)> =
            test.iter().zip(&said).map(|(line, said)| (told(said), is(feelings(line)))).collect();
        let name = |is: bool| if is { "yes" } else { "no" };
        let right: Vec<bool> = scored.iter().map(|(score, is)| (*score >= 500) == *is).collect();
        Row {
            set: set.name.clone(),
            kind: kind.to_owned(),
            n_train: train.len(),
            n_test: test.len(),
            accuracy: round(accuracy(&right)),
            macro_f1: round(macro_f1(
                scored.iter().map(|(score, is)| (name(*is), Some(name(*score >= 500)))),
            )),
            ece: round(ece(&scored)),
            us_per_message,
            auc: Some(round(auc(&scored))),
            ..Row::default()
        }
    };
    Ok(vec![
        row("upset", |feelings| feelings.upset, |mood| mood.upset),
        row("worried", |feelings| feelings.worried, |mood| mood.worried),
        row("pleased", |feelings| feelings.pleased, |mood| mood.pleased),
    ])
}

fn feelings(line: &Line) -> Feelings {
    Feelings::of(line.labels.iter().map(String::as_str))
}
