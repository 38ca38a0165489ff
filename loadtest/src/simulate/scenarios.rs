//! Scenarios under rules: each replication draws its customers once and plays them under the pooled bound and every rule.

use std::path::Path;

use anyhow::{Context as _, Result};
use policy::Document;
use serde_json::{Value, json};
use simulation::figures::{Measures, Summary, measure, summarize};
use simulation::scenario::Scenario;
use simulation::setting::{POOLED, document};
use simulation::{arrivals, world};

use super::{Arguments, page, pool, seed_of, table};
use crate::fail::Usage;
use crate::report::{Report, bar, say};

const REPLICATIONS: u32 = 16;

/// A scenario, its bound, and the documents of the rules.
struct Plan {
    scenario: Scenario,
    pooled: Scenario,
    bound: Document,
    rules: Vec<(String, Document)>,
}

pub(super) fn run(arguments: &Arguments, path: &Path) -> Result<bool> {
    let plans = plans(arguments, path)?;
    let reps = arguments.reps.unwrap_or(REPLICATIONS) as usize;
    let mut report = Report::new("simulate", &arguments.common, "none", json!({}));
    report.set("oracle", arguments.oracle);
    let progress = bar((plans.len() * reps) as u64, "replications");
    let runs = pool::run(plans.len() * reps, &progress, |index| {
        replicate(&plans[index / reps], seed_of(arguments.common.seed, index % reps), arguments.oracle)
    });
    progress.finish_and_clear();
    let runs = runs?;
    let results = sum_up(&plans, &runs, reps);
    if let Some(path) = &arguments.report {
        std::fs::write(path, page::page(&results, arguments.common.seed))
            .with_context(|| format!("the page could not be written to {}", path.display()))?;
        say(&format!("plots: {}", path.display()));
    }
    if arguments.common.json {
        report.set("results", results.iter().map(row).collect::<Vec<_>>());
    } else {
        table::print(&results)?;
    }
    report.print(arguments.common.json)
}

fn plans(arguments: &Arguments, path: &Path) -> Result<Vec<Plan>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Usage(format!("the scenarios could not be read from {}: {error}", path.display()))
    })?;
    let mut scenarios = Scenario::read_all(&text).map_err(|fault| Usage(fault.to_string()))?;
    if let Some(unknown) = arguments.only.iter().find(|name| scenarios.iter().all(|it| it.name != **name)) {
        return Err(Usage(format!("there is no scenario `{unknown}` in {}", path.display())).into());
    }
    scenarios.retain(|it| arguments.only.is_empty() || arguments.only.contains(&it.name));
    scenarios.into_iter().map(|scenario| plan(scenario, &arguments.rule)).collect()
}

fn plan(scenario: Scenario, rules: &[String]) -> Result<Plan> {
    let pooled = scenario.pooled();
    let made = |scenario: &Scenario, rule: &str| document(scenario, rule).map_err(|it| Usage(it.to_string()));
    let of = |rule: &String| Ok((rule.clone(), made(&scenario, rule)?));
    let rules = rules.iter().map(of).collect::<Result<_>>()?;
    let bound = made(&pooled, POOLED)?;
    Ok(Plan { scenario, pooled, bound, rules })
}

/// The measures of the bound, then those of each rule, for one seed.
fn replicate(plan: &Plan, seed: u64, oracle: bool) -> Result<Vec<Measures>> {
    let fates = arrivals::draw(&plan.scenario, seed);
    let bound = world::run(&plan.pooled, &plan.bound, &fates, seed, false)?;
    let mut all = vec![measure(&plan.pooled, &bound)];
    for (rule, document) in &plan.rules {
        if rule == POOLED {
            all.push(all[0]);
            continue;
        }
        let contacts = world::run(&plan.scenario, document, &fates, seed, oracle)
            .with_context(|| format!("rule {rule}, seed {seed}"))?;
        all.push(measure(&plan.scenario, &contacts));
    }
    Ok(all)
}

fn sum_up(plans: &[Plan], runs: &[Vec<Measures>], reps: usize) -> Vec<Summary> {
    let mut results = Vec::new();
    for (plan, runs) in plans.iter().zip(runs.chunks(reps)) {
        for (index, (rule, _)) in plan.rules.iter().enumerate() {
            let pairs: Vec<_> = runs.iter().map(|all| (all[index + 1], all[0])).collect();
            results.push(summarize(&plan.scenario.name, rule, &pairs));
        }
    }
    results
}

/// A result as it stands in the JSON, to a fraction that means something.
fn row(summary: &Summary) -> Value {
    let mut value = json!(summary);
    for field in value.as_object_mut().into_iter().flat_map(|it| it.values_mut()) {
        if let Some(number) = field.as_f64().filter(|_| field.is_f64()) {
            *field = json!((number * 10_000.0).round() / 10_000.0);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_fields_that_others_read() {
        let value = row(&summarize("N", "longest_idle", &[(Measures::default(), Measures::default()); 3]));
        for field in [
            "scenario",
            "rule",
            "reps",
            "mean_s",
            "p95_s",
            "p99_s",
            "within_30s",
            "abandoned",
            "weighted_wait_s",
            "slowest_group_30s",
            "outcome_s",
            "load_spread",
            "pooled_s",
            "ratio",
            "ratio_low",
            "ratio_high",
        ] {
            assert!(value.get(field).is_some(), "{field}");
        }
        assert_eq!(value["reps"], 3);
    }
}
