//! The promise: in each scenario a share of those who have to wait is told of their wait as the server would tell it, and
//! what was said is compared with what came, and with the wait of the last who entered service.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use simulation::arrivals;
use simulation::promise::measured::{Outcome, Row, outcomes, row, rows};
use simulation::promise::{forecast, size};
use simulation::scenario::Scenario;
use simulation::setting::document;
use simulation::world::asked::run_asking;

use super::{Arguments, pool, scenarios, seed_of};
use crate::fail::Usage;
use crate::report::{Report, bar};

const REPLICATIONS: u32 = 8;
/// Groups of fewer outcomes say too little: their interval is wider than what is asked of them.
const LEAST: usize = 200;
/// Those in which several kinds of customers or changing loads mix, as `policy-theory` has them.
const MIXED: [&str; 5] = ["VIP", "LANG", "W", "BURST", "BANKDAY"];
/// What is to be reached: bias either way, P90 kept overall and in each language and priority, milliseconds, and error
/// against the last to enter service.
const BIAS: f64 = 0.05;
const KEPT: std::ops::RangeInclusive<f64> = 0.88..=0.93;
const KEPT_GROUP: f64 = 0.85;
const MS: f64 = 10.0;
const RMSE: f64 = 0.7;

pub(super) fn run(arguments: &Arguments, path: &Path) -> Result<bool> {
    let played = scenarios::chosen(arguments, path, [size::scenario()])?;
    let [rule] = arguments.rule.as_slice() else {
        return Err(Usage("--promise measures under one rule: name one with --rule".to_owned()).into());
    };
    let reps = arguments.reps.unwrap_or(REPLICATIONS) as usize;
    let mut report = Report::new("simulate", &arguments.common, "none", json!({}));
    report.set("rule", rule.as_str());
    report.set("reps", reps);
    let progress = bar((played.len() * reps) as u64, "replications");
    let runs = pool::run(played.len() * reps, &progress, |index| {
        replicate(&played[index / reps], rule, seed_of(arguments.common.seed, index % reps))
    });
    progress.finish_and_clear();
    let runs = runs?;
    let mut all = Vec::new();
    let mut mixed: Vec<Outcome> = Vec::new();
    for (scenario, runs) in played.iter().zip(runs.chunks(reps)) {
        let mut times: Vec<f64> = runs.iter().flat_map(|(_, times)| times.iter().copied()).collect();
        let outcomes: Vec<Outcome> = runs.iter().flat_map(|(outcomes, _)| outcomes.iter().copied()).collect();
        all.extend(rows(scenario, &outcomes, p99(&mut times)));
        if MIXED.contains(&scenario.name.as_str()) {
            mixed.extend(outcomes);
        }
    }
    if !mixed.is_empty() {
        all.push(row("mixed", "all", &mixed.iter().collect::<Vec<_>>(), 0.0));
    }
    report.misses.extend(misses(&all));
    if arguments.common.json {
        report.set("rows", all.iter().map(written).collect::<Vec<_>>());
    } else {
        print(&all)?;
    }
    report.print(arguments.common.json)
}

/// The outcomes of one world, and the milliseconds of each estimate.
fn replicate(scenario: &Scenario, rule: &str, seed: u64) -> Result<(Vec<Outcome>, Vec<f64>)> {
    let document = document(scenario, rule).map_err(|it| Usage(it.to_string()))?;
    let fates = arrivals::draw(scenario, seed);
    let mut times = Vec::new();
    let mut estimate = |present: &_, seed| {
        let begun = busy_ms();
        let made = forecast(present, seed);
        times.push(busy_ms() - begun);
        made
    };
    let (asked, _) = run_asking(scenario, &document, &fates, seed, &mut estimate)
        .with_context(|| format!("rule {rule}, seed {seed}"))?;
    Ok((outcomes(scenario, &asked), times))
}

/// The time that this thread has been at work, in milliseconds: what an estimate takes, whoever else is busy.
fn busy_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0)
}

fn misses(rows: &[Row]) -> Vec<String> {
    let mut misses = Vec::new();
    for it in rows.iter().filter(|it| it.n >= LEAST) {
        let overall = it.group == "all";
        let grouped = it.group.starts_with("language") || it.group.starts_with("priority");
        let goals = [
            ("bias", !overall || it.bias.abs() <= BIAS),
            ("p90_kept", !overall || KEPT.contains(&it.p90_kept)),
            ("p90_kept", !grouped || it.p90_kept >= KEPT_GROUP),
            ("ms_p99", it.scenario != size::NAME || !overall || it.ms_p99 <= MS),
            ("rmse", it.scenario != "mixed" || it.rmse <= RMSE * it.rmse_les),
        ];
        let missed = goals.into_iter().filter(|(_, met)| !met);
        misses.extend(missed.map(|(name, _)| format!("{} {}: {name}", it.scenario, it.group)));
    }
    misses
}

/// A row as it stands in the JSON, to a fraction that means something.
fn written(row: &Row) -> Value {
    let mut value = json!(row);
    for field in value.as_object_mut().into_iter().flat_map(|it| it.values_mut()) {
        if let Some(number) = field.as_f64().filter(|_| field.is_f64()) {
            *field = json!((number * 10_000.0).round() / 10_000.0);
        }
    }
    value
}

fn print(rows: &[Row]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut scenario = "";
    for it in rows {
        if it.scenario != scenario {
            scenario = &it.scenario;
            writeln!(out, "{scenario}: estimates of {:.1} ms (99 %)", it.ms_p99)?;
            writeln!(
                out,
                "  {:16} {:>6} {:>8} {:>8} {:>7} {:>8} {:>8} {:>8}",
                "group", "n", "P90 kept", "P50 kept", "bias", "mean s", "RMSE s", "LES s"
            )?;
        }
        writeln!(
            out,
            "  {:16} {:>6} {:>7.1}% {:>7.1}% {:>6.1}% {:>8.1} {:>8.1} {:>8.1}",
            it.group,
            it.n,
            100.0 * it.p90_kept,
            100.0 * it.p50_kept,
            100.0 * it.bias,
            it.mean_wait_s,
            it.rmse,
            it.rmse_les
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, p90_kept: f64, bias: f64) -> Row {
        Row {
            scenario: "one".into(),
            group: group.into(),
            n: LEAST,
            p90_kept,
            p50_kept: 0.5,
            bias,
            rmse: 1.0,
            rmse_les: 2.0,
            mean_wait_s: 10.0,
            ms_p99: 1.0,
        }
    }

    #[test]
    fn goals_that_are_missed_are_named_and_small_groups_are_not_judged() {
        assert!(misses(&[row("all", 0.9, 0.05), row("language 1", 0.85, 0.3)]).is_empty());
        assert_eq!(misses(&[row("all", 0.94, -0.06)]), ["one all: bias", "one all: p90_kept"]);
        assert_eq!(misses(&[row("priority 0", 0.84, 0.0)]), ["one priority 0: p90_kept"]);
        assert!(misses(&[Row { n: LEAST - 1, ..row("priority 0", 0.5, 0.0) }]).is_empty());
        let mixed = Row { scenario: "mixed".into(), rmse: 1.5, ..row("all", 0.9, 0.0) };
        assert_eq!(misses(&[mixed]), ["mixed all: rmse"]);
        let large = Row { scenario: size::NAME.into(), ms_p99: 10.1, ..row("all", 0.9, 0.0) };
        assert_eq!(misses(&[large]), [format!("{} all: ms_p99", size::NAME)]);
    }

    #[test]
    fn the_99th_of_a_hundred_is_one_that_occurred() {
        let mut times: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(p99(&mut times), 99.0);
        assert_eq!(p99(&mut []), 0.0);
    }
}
