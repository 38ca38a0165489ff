//! What came out: the measures of one replication, their means over replications, and the ratio to the pooled bound with
//! its paired 95 % interval.

use serde::Serialize;

use crate::scenario::Scenario;
use crate::world::Contact;

/// A customer is served well within this.
const WELL_MS: i64 = 30_000;
/// What a matter costs that ends in abandonment, in seconds.
const ABANDONED_S: f64 = 900.0;

/// The measures of one replication. Who came during the warm-up, or after the horizon, does not count in the waits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Measures {
    /// Mean time in queue, those who left included.
    pub mean_s: f64,
    /// 95 % waited no longer.
    pub p95_s: f64,
    /// 99 % waited no longer.
    pub p99_s: f64,
    /// Share who were taken within 30 s.
    pub within_30s: f64,
    /// Share who left.
    pub abandoned: f64,
    /// Mean of the waits times the weights.
    pub weighted_wait_s: f64,
    /// The smallest share within 30 s of any language or group.
    pub slowest_group_30s: f64,
    /// Waits and handling of all contacts of a matter, and 900 s where it ends in abandonment.
    pub outcome_s: f64,
    /// Standard deviation of the agents' time with something in hand, in shares of its mean.
    pub load_spread: f64,
    /// Mean time in queue and in hand.
    pub in_system_s: f64,
    /// Share who had to wait.
    pub delayed: f64,
    /// Share of first contacts that were solved.
    pub solved_first: f64,
}

/// A mean over replications and the half-width of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The half-width; 0 for a single replication, which tells nothing of it.
    pub half_width: f64,
}

/// A rule in a scenario, over all replications.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Which scenario.
    pub scenario: String,
    /// Which rule.
    pub rule: String,
    /// How many replications.
    pub reps: usize,
    /// The means of the measures.
    #[serde(flatten)]
    pub measures: Measures,
    /// Half-width of the mean wait's 95 % interval.
    pub mean_half_width_s: f64,
    /// Mean time in queue of the pooled bound, on the same seeds.
    pub pooled_s: f64,
    /// Mean wait as a multiple of it.
    pub ratio: f64,
    /// Lower end of its paired 95 % interval.
    pub ratio_low: f64,
    /// Upper end.
    pub ratio_high: f64,
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Measures one replication.
#[must_use]
pub fn measure(scenario: &Scenario, contacts: &[Contact]) -> Measures {
    let counts = |at: i64| (scenario.warmup_s..scenario.horizon_s).contains(&seconds(at));
    let counted: Vec<&Contact> = contacts.iter().filter(|it| counts(it.arrived)).collect();
    if counted.is_empty() {
        return Measures::default();
    }
    let many = counted.len() as f64;
    let mean = |of: &dyn Fn(&Contact) -> f64| counted.iter().map(|it| of(it)).sum::<f64>() / many;
    let is_well = |it: &Contact| it.agent.is_some() && it.waited <= WELL_MS;
    let flag = |holds: bool| f64::from(u8::from(holds));
    let mut waits: Vec<i64> = counted.iter().map(|it| it.waited).collect();
    let (outcome_s, solved_first) = matters(contacts, &counts);
    Measures {
        mean_s: mean(&|it| seconds(it.waited)),
        p95_s: quantile(&mut waits, 0.95),
        p99_s: quantile(&mut waits, 0.99),
        within_30s: mean(&|it| flag(is_well(it))),
        abandoned: mean(&|it| flag(it.agent.is_none())),
        weighted_wait_s: mean(&|it| seconds(it.waited) * scenario.classes[it.class].weight),
        slowest_group_30s: slowest(scenario, &counted, is_well),
        outcome_s,
        load_spread: load_spread(scenario, &counted),
        in_system_s: mean(&|it| seconds(it.waited + it.handled)),
        delayed: mean(&|it| flag(it.waited > 0)),
        solved_first,
    }
}

/// The wait that a share of them did not exceed, in seconds.
fn quantile(waits: &mut [i64], level: f64) -> f64 {
    let index = ((waits.len() as f64 * level).ceil() as usize).clamp(1, waits.len()) - 1;
    seconds(*waits.select_nth_unstable(index).1)
}

/// Mean time to outcome, and the share solved at the first contact, over matters that came when it counts.
fn matters(contacts: &[Contact], counts: &dyn Fn(i64) -> bool) -> (f64, f64) {
    let most = contacts.iter().map(|it| it.matter + 1).max().unwrap_or(0);
    let mut seen = vec![false; most];
    let mut counted = vec![false; most];
    let (mut total, mut matters, mut solved) = (0.0, 0, 0);
    // Contacts stand in the order of arrival, so that the first of a matter comes first.
    for it in contacts {
        if !seen[it.matter] {
            seen[it.matter] = true;
            counted[it.matter] = counts(it.arrived);
            matters += usize::from(counted[it.matter]);
            solved += usize::from(counted[it.matter] && it.solved);
        }
        if counted[it.matter] {
            total += seconds(it.waited + it.handled) + if it.agent.is_none() { ABANDONED_S } else { 0.0 };
        }
    }
    (total / (matters.max(1)) as f64, share(solved, matters))
}

fn slowest(scenario: &Scenario, counted: &[&Contact], is_well: impl Fn(&Contact) -> bool) -> f64 {
    let smallest = |of: &dyn Fn(&Contact) -> usize| {
        let size = counted.iter().map(|it| of(it) + 1).max().unwrap_or(0);
        let mut groups = vec![(0usize, 0usize); size];
        for it in counted {
            let group = &mut groups[of(it)];
            group.0 += usize::from(is_well(it));
            group.1 += 1;
        }
        let shares = groups.iter().filter(|(_, all)| *all > 0).map(|(well, all)| share(*well, *all));
        shares.fold(1.0, f64::min)
    };
    smallest(&|it| scenario.classes[it.class].group).min(smallest(&|it| scenario.classes[it.class].language))
}

fn load_spread(scenario: &Scenario, counted: &[&Contact]) -> f64 {
    let mut load = vec![0.0; scenario.agents.len()];
    for it in counted {
        if let Some(agent) = it.agent {
            load[agent] += seconds(it.handled);
        }
    }
    let (mean, deviation) = moments(&load);
    // Over all agents, who are no sample.
    let all = load.len() as f64;
    if mean > 0.0 { deviation * ((all - 1.0) / all).sqrt() / mean } else { 0.0 }
}

/// Mean and standard deviation of a sample.
fn moments(values: &[f64]) -> (f64, f64) {
    let many = values.len() as f64;
    let mean = values.iter().sum::<f64>() / many.max(1.0);
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (many - 1.0)).sqrt())
}

/// Mean and 95 % interval of independent replications.
#[must_use]
pub fn estimate(values: &[f64]) -> Estimate {
    let (mean, deviation) = moments(values);
    let half_width = if values.len() < 2 {
        0.0
    } else {
        student(values.len() - 1) * deviation / (values.len() as f64).sqrt()
    };
    Estimate { mean, half_width }
}

/// The ratio of two means over the same seeds, with its interval from the pairs.
#[must_use]
pub fn ratio(ours: &[f64], base: &[f64]) -> Estimate {
    let below = estimate(base).mean;
    if below <= 0.0 {
        return Estimate { mean: 0.0, half_width: 0.0 };
    }
    let mean = estimate(ours).mean / below;
    let rest: Vec<f64> = ours.iter().zip(base).map(|(ours, base)| ours - mean * base).collect();
    Estimate { mean, half_width: estimate(&rest).half_width / below }
}

/// Sums replications up, each given with the pooled bound of its seed.
#[must_use]
pub fn summarize(scenario: &str, rule: &str, runs: &[(Measures, Measures)]) -> Summary {
    let of = |field: fn(&Measures) -> f64| runs.iter().map(|(ours, _)| field(ours)).collect::<Vec<_>>();
    let mean = |field: fn(&Measures) -> f64| estimate(&of(field)).mean;
    let (ours, pooled) = (of(|it| it.mean_s), runs.iter().map(|(_, it)| it.mean_s).collect::<Vec<_>>());
    let ratio = ratio(&ours, &pooled);
    Summary {
        scenario: scenario.to_owned(),
        rule: rule.to_owned(),
        reps: runs.len(),
        measures: Measures {
            mean_s: mean(|it| it.mean_s),
            p95_s: mean(|it| it.p95_s),
            p99_s: mean(|it| it.p99_s),
            within_30s: mean(|it| it.within_30s),
            abandoned: mean(|it| it.abandoned),
            weighted_wait_s: mean(|it| it.weighted_wait_s),
            slowest_group_30s: mean(|it| it.slowest_group_30s),
            outcome_s: mean(|it| it.outcome_s),
            load_spread: mean(|it| it.load_spread),
            in_system_s: mean(|it| it.in_system_s),
            delayed: mean(|it| it.delayed),
            solved_first: mean(|it| it.solved_first),
        },
        mean_half_width_s: estimate(&ours).half_width,
        pooled_s: estimate(&pooled).mean,
        ratio: ratio.mean,
        ratio_low: ratio.mean - ratio.half_width,
        ratio_high: ratio.mean + ratio.half_width,
    }
}

/// The 97.5 % point of Student's distribution.
#[must_use]
pub fn student(freedom: usize) -> f64 {
    const FIRST: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    match freedom {
        0 => f64::INFINITY,
        1..=10 => FIRST[freedom - 1],
        _ => {
            // Cornish and Fisher, from the normal point.
            let (z, many) = (1.959_964_f64, freedom as f64);
            let first = (z.powi(3) + z) / 4.0;
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
            z + first / many + second / many.powi(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_points_are_those_of_the_tables() {
        for (freedom, point) in [(1, 12.706), (7, 2.365), (15, 2.131), (19, 2.093), (39, 2.023), (120, 1.980)]
        {
            assert!((student(freedom) - point).abs() < 1.5e-3, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn a_ratio_of_pairs_knows_what_they_share() {
        // Twice the base, each time: no doubt is left, however much the base itself varies.
        let base = [1.0, 5.0, 9.0, 2.0];
        let twice = base.map(|it| 2.0 * it);
        let found = ratio(&twice, &base);
        assert!((found.mean - 2.0).abs() < 1e-12 && found.half_width < 1e-9, "{found:?}");
        let spread = estimate(&base);
        assert!((spread.mean - 4.25).abs() < 1e-12 && spread.half_width > 1.0, "{spread:?}");
        assert_eq!(ratio(&base, &[0.0; 4]).mean, 0.0);
    }

    #[test]
    fn quantiles_are_waits_that_occurred() {
        let mut waits: Vec<i64> = (1..=100).map(|it| it * 1_000).rev().collect();
        assert_eq!(quantile(&mut waits, 0.95), 95.0);
        assert_eq!(quantile(&mut waits, 0.99), 99.0);
        assert_eq!(quantile(&mut [7_000], 0.95), 7.0);
    }
}
