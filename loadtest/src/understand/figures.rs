//! What answers come to: accuracy, macro F1, calibration error, area under the curve.

use std::collections::BTreeMap;

/// So many bins has the calibration error, each of the same number of answers.
const BINS: usize = 15;

/// The share of right answers.
pub(super) fn accuracy(right: &[bool]) -> f64 {
    right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64
}

/// The mean over classes of F1, for pairs of what is true and what was said. No answer counts as a miss of the true class
/// and for no other; classes that nothing is of do not count.
pub(super) fn macro_f1<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> f64 {
    #[derive(Default)]
    struct Counts {
        hits: usize,
        is: usize,
        said: usize,
    }
    let mut classes: BTreeMap<&str, Counts> = BTreeMap::new();
    for (is, said) in pairs {
        classes.entry(is).or_default().is += 1;
        if let Some(said) = said {
            classes.entry(said).or_default().said += 1;
            classes.entry(is).or_default().hits += usize::from(is == said);
        }
    }
    let of_some: Vec<f64> = classes
        .values()
        .filter(|counts| counts.is > 0)
        .map(|counts| 2.0 * counts.hits as f64 / (counts.is + counts.said) as f64)
        .collect();
    of_some.iter().sum::<f64>() / of_some.len().max(1) as f64
}

/// Expected calibration error: answers in bins of equal mass by their confidence (in thousandths); the mean distance between
/// the share that is right and the confidence, by the size of the bins (Naeini and others, AAAI 2015).
pub(super) fn ece(answers: &[(u16, bool)]) -> f64 {
    let mut answers = answers.to_vec();
    // By confidence alone: among equal ones the order is that of the texts, and says nothing of right and wrong.
    answers.sort_by_key(|(confidence, _)| *confidence);
    let all = answers.len();
    let error = |bin: usize| {
        let bin = &answers[bin * all / BINS..(bin + 1) * all / BINS];
        let confidence: f64 = bin.iter().map(|(confidence, _)| f64::from(*confidence) / 1000.0).sum();
        let right = bin.iter().filter(|(_, right)| *right).count() as f64;
        (confidence - right).abs()
    };
    (0..BINS).map(error).sum::<f64>() / all.max(1) as f64
}

/// Area under the curve: how often something of the class scores above something that is not, ties counting half
/// (Mann and Whitney, 1947).
pub(super) fn auc(scored: &[(u16, bool)]) -> f64 {
    let mut scored = scored.to_vec();
    scored.sort_unstable_by_key(|(score, _)| *score);
    let (mut below, mut wins, mut is) = (0.0, 0.0, 0.0);
    for same in scored.chunk_by(|a, b| a.0 == b.0) {
        let of_class = same.iter().filter(|(_, is)| *is).count() as f64;
        let others = same.len() as f64 - of_class;
        wins += of_class * (below + others / 2.0);
        below += others;
        is += of_class;
    }
    if is * below > 0.0 { wins / (is * below) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn accuracy_and_f1_by_hand() {
        near(accuracy(&[true, true, false, true]), 0.75);
        // a: 1 of 2 found, 1 said; b: 1 of 1 found, 2 said; no answer for one of a.
        near(macro_f1([("a", Some("a")), ("a", None), ("b", Some("b"))]), (2.0 / 3.0 + 1.0) / 2.0);
        near(macro_f1([("a", Some("b")), ("b", Some("b"))]), (0.0 + 2.0 / 3.0) / 2.0);
        near(macro_f1([]), 0.0);
    }

    #[test]
    fn calibration_error_by_hand() {
        let half_right: Vec<(u16, bool)> = (0..150).map(|at| (500, at % 2 == 0)).collect();
        near(ece(&half_right), 0.0);
        let always_sure: Vec<(u16, bool)> = (0..150).map(|at| (1000, at % 2 == 0)).collect();
        near(ece(&always_sure), 0.5);
    }

    #[test]
    fn area_by_hand() {
        near(auc(&[(1, false), (2, true), (3, false), (4, true)]), 0.75);
        near(auc(&[(1, true), (1, false)]), 0.5);
        near(auc(&[(9, true), (1, false)]), 1.0);
        near(auc(&[(1, true)]), 0.0);
    }
}
