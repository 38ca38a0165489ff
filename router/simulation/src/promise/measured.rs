//! How good promises were: the rows of `simulate --promise`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scenario::Scenario;
use crate::world::asked::Asked;

/// Who comes so short before the end finds a desk at which nobody else comes any more: not counted.
const LAST_S: f64 = 1_800.0;

/// One who was asked and waited to the end, with what those are grouped by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// What was said, and what came.
    pub asked: Asked,
    /// The wait.
    pub waited_s: f64,
}

/// Promises of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// `all`, or the queue, language or priority.
    pub group: String,
    /// How many waited to the end.
    pub n: usize,
    /// The share who were served within the told 90th percentile.
    pub p90_kept: f64,
    /// The share who were served within the told median.
    pub p50_kept: f64,
    /// The mean told less the mean wait, in shares of the mean wait.
    pub bias: f64,
    /// Root of the mean squared error of the mean told, in seconds.
    pub rmse: f64,
    /// The same of the wait of the last of the class to enter service.
    pub rmse_les: f64,
    /// The mean wait, in seconds.
    pub mean_wait_s: f64,
    /// Milliseconds of an estimate: 99 % took no longer.
    pub ms_p99: f64,
}

/// Those whose wait is known, warm-up and end left out.
#[must_use]
pub fn outcomes(scenario: &Scenario, asked: &[Asked]) -> Vec<Outcome> {
    let span = scenario.warmup_s..(scenario.horizon_s - LAST_S).max(scenario.warmup_s);
    let counts = |asked: &&Asked| span.contains(&(asked.at as f64 / 1e3));
    let of = |asked: &Asked| Some(Outcome { asked: *asked, waited_s: asked.waited_s? });
    asked.iter().filter(counts).filter_map(of).collect()
}

/// The rows of one scenario: all, then by queue, language and priority.
#[must_use]
pub fn rows(scenario: &Scenario, outcomes: &[Outcome], ms_p99: f64) -> Vec<Row> {
    let mut groups: BTreeMap<(u8, String), Vec<&Outcome>> = BTreeMap::new();
    for it in outcomes {
        let class = &scenario.classes[it.asked.class];
        let names = [
            (0, "all".to_owned()),
            (1, format!("queue {}", class.name)),
            (2, format!("language {}", class.language)),
            (3, format!("priority {}", class.priority)),
        ];
        for name in names {
            groups.entry(name).or_default().push(it);
        }
    }
    groups.into_iter().map(|((_, group), of)| row(&scenario.name, &group, &of, ms_p99)).collect()
}

/// One row over these outcomes.
#[must_use]
pub fn row(scenario: &str, group: &str, outcomes: &[&Outcome], ms_p99: f64) -> Row {
    let n = outcomes.len();
    let mean = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(|it| of(it)).sum::<f64>() / n.max(1) as f64;
    let within =
        |of: fn(&Outcome) -> u32| mean(&|it: &Outcome| f64::from(u8::from(it.waited_s <= f64::from(of(it)))));
    let waited = mean(&|it| it.waited_s);
    Row {
        scenario: scenario.to_owned(),
        group: group.to_owned(),
        n,
        p90_kept: within(|it| it.asked.promise.p90_s),
        p50_kept: within(|it| it.asked.promise.median_s),
        bias: (mean(&|it| it.asked.mean_s) - waited) / waited.max(1e-9),
        rmse: mean(&|it| (it.asked.mean_s - it.waited_s).powi(2)).sqrt(),
        rmse_les: mean(&|it| (it.asked.les_s - it.waited_s).powi(2)).sqrt(),
        mean_wait_s: waited,
        ms_p99,
    }
}
