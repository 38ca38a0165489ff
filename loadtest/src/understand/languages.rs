//! Languages: the model that ships, without hints and with an allow-list of five.

use std::collections::BTreeSet;

use understanding::language::{Hints, Language, Languages};
use understanding::text::Text;

use super::figures::{accuracy, ece, macro_f1};
use super::sets::{Line, Set};
use super::{Row, round, timed};
use crate::rng::Rng;

/// The true language and so many others that are drawn.
const OTHERS: usize = 4;

/// Judges a set by kind of text, twice each.
pub(super) fn judge(set: &Set, seed: u64) -> Vec<Row> {
    let kinds: BTreeSet<&str> = set.lines.iter().map(|line| line.kind.as_str()).collect();
    let all: BTreeSet<&str> = set.lines.iter().map(|line| line.lang.as_str()).collect();
    let all: Vec<&str> = all.into_iter().collect();
    let test = set.test(&BTreeSet::new());
    let mut rows = Vec::new();
    for kind in kinds {
        let of_kind: Vec<&Line> = test.iter().copied().filter(|line| line.kind == kind).collect();
        let mut rng = Rng::new(seed, "allow-list");
        let listed: Vec<(&Line, Vec<&str>)> =
            of_kind.iter().map(|line| (*line, allow_list(&line.lang, &all, &mut rng))).collect();
        let open: Vec<(&Line, Vec<&str>)> = of_kind.iter().map(|line| (*line, Vec::new())).collect();
        for (lines, allow_list) in [(open, None), (listed, Some(OTHERS + 1))] {
            rows.push(Row { allow_list, ..row(&set.name, kind, &lines) });
        }
    }
    rows
}

fn row(set: &str, kind: &str, lines: &[(&Line, Vec<&str>)]) -> Row {
    let model = Languages::shipped();
    let (said, us_per_message): (Vec<Language>, f64) = timed(lines, |(line, allowed)| {
        model.label(&Text::read(&line.text), &Hints { allowed, ..Hints::default() })
    });
    let answers = || lines.iter().zip(&said).map(|((line, _), said)| (line.lang.as_str(), said));
    let right: Vec<bool> = answers().map(|(is, said)| said.code.as_deref() == Some(is)).collect();
    let sure: Vec<(u16, bool)> =
        said.iter().zip(&right).map(|(said, right)| (said.confidence, *right)).collect();
    Row {
        set: set.to_owned(),
        kind: kind.to_owned(),
        n_train: model.trained_on() as usize,
        n_test: lines.len(),
        accuracy: round(accuracy(&right)),
        macro_f1: round(macro_f1(answers().map(|(is, said)| (is, said.code.as_deref())))),
        ece: round(ece(&sure)),
        us_per_message,
        ..Row::default()
    }
}

/// The true language and others of the set, drawn without putting back.
fn allow_list<'a>(is: &'a str, all: &[&'a str], rng: &mut Rng) -> Vec<&'a str> {
    let mut others: Vec<&str> = all.iter().copied().filter(|other| *other != is).collect();
    let mut list = vec![is];
    for _ in 0..OTHERS.min(others.len()) {
        list.push(others.swap_remove(rng.below(others.len())));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_true_language_and_four_others() {
        let all = ["a", "b", "c", "d", "e", "f", "g"];
        let draw = |seed| {
            let mut rng = Rng::new(seed, "x");
            (0..50).map(|_| allow_list("c", &all, &mut rng)).collect::<Vec<_>>()
        };
        for list in draw(1) {
            assert_eq!(list.len(), 5);
            assert_eq!(list.iter().filter(|code| **code == "c").count(), 1);
            assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), 5, "{list:?}");
        }
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(allow_list("a", &["a", "b"], &mut Rng::new(1, "x")), ["a", "b"]);
    }
}
