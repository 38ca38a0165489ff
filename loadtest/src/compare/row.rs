//! One line of the comparison: figures of both sides by round, their ratios, and whether the goal is met.

use serde::Serialize;

use crate::stats::{interval, median};

/// What is to be reached, as a ratio of ours to the yardstick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// Whether it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// The interval lies on both sides of the goal, or there are no figures.
    Unresolved,
}

/// A row under way.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    goal: Goal,
    ours: Vec<f64>,
    base: Vec<f64>,
    /// Why there are no figures.
    why: Option<String>,
}

/// A row as told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) ours: f64,
    pub(crate) base: f64,
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) reach: f64,
    pub(crate) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

impl Row {
    pub(crate) fn new(name: &'static str, goal: Goal) -> Self {
        Self { name, goal, ours: Vec::new(), base: Vec::new(), why: None }
    }

    /// Adds a round.
    pub(crate) fn add(&mut self, ours: f64, base: f64) {
        self.ours.push(ours);
        self.base.push(base);
    }

    /// There are no figures, and why.
    pub(crate) fn without(&mut self, why: String) {
        self.why.get_or_insert(why);
    }

    /// Whether this row was to be measured in this run.
    pub(crate) fn was_tried(&self) -> bool {
        !self.ours.is_empty() || self.why.is_some()
    }

    /// What it comes to.
    pub(crate) fn tell(&self, seed: u64) -> Told {
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.base)
            .filter(|(_, base)| **base > 0.0)
            .map(|(ours, base)| ours / base)
            .collect();
        let (low, high) = interval(&ratios, seed);
        let (reach, verdict) = match self.goal {
            Goal::AtMost(reach) => (reach, judge(high <= reach, low > reach)),
            Goal::AtLeast(reach) => (reach, judge(low >= reach, high < reach)),
        };
        let verdict = if ratios.is_empty() { Verdict::Unresolved } else { verdict };
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Told {
            name: self.name,
            ours: rounded(median(&self.ours)),
            base: rounded(median(&self.base)),
            ratio: rounded(median(&ratios)),
            low: rounded(low),
            high: rounded(high),
            reach,
            verdict,
            why: self.why.clone(),
        }
    }
}

fn judge(met: bool, missed: bool) -> Verdict {
    match (met, missed) {
        (true, _) => Verdict::Met,
        (false, true) => Verdict::Missed,
        (false, false) => Verdict::Unresolved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(goal: Goal, ratios: &[f64]) -> Verdict {
        let mut row = Row::new("row", goal);
        ratios.iter().for_each(|ratio| row.add(*ratio * 2.0, 2.0));
        row.tell(1).verdict
    }

    #[test]
    fn a_goal_is_met_missed_or_unresolved() {
        let most = Goal::AtMost(1.25);
        assert_eq!(verdict(most, &[1.0, 1.1, 1.2, 1.1, 1.0]), Verdict::Met);
        assert_eq!(verdict(most, &[1.4, 1.3, 1.5, 1.4, 1.6]), Verdict::Missed);
        assert_eq!(verdict(most, &[1.0, 1.5, 1.1, 1.4, 1.2]), Verdict::Unresolved);
        let least = Goal::AtLeast(0.7);
        assert_eq!(verdict(least, &[0.8, 0.9, 0.75, 0.8, 0.8]), Verdict::Met);
        assert_eq!(verdict(least, &[0.5, 0.6, 0.65, 0.6, 0.5]), Verdict::Missed);
        assert_eq!(verdict(least, &[0.5, 0.9, 0.6, 0.8, 0.7]), Verdict::Unresolved);
        assert_eq!(verdict(least, &[]), Verdict::Unresolved);
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        let mut row = Row::new("row", Goal::AtMost(2.0));
        row.add(2.0, 1.0);
        row.add(30.0, 10.0);
        row.add(1.0, 1.0);
        let told = row.tell(1);
        assert_eq!((told.ours, told.base, told.ratio), (2.0, 1.0, 2.0));
    }
}
