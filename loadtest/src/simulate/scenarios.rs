//! Scenarios under rules: each replication draws its customers once and plays them under the pooled bound and every rule.

use std::path::Path;

use anyhow::{Context as _, Result};
use policy::Document;
use policy::document::LearningDoc;
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
    report.set("learned_hours", arguments.learn);
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

/// The scenarios of a file, and further ones, that were asked for.
pub(super) fn chosen(
    arguments: &Arguments,
    path: &Path,
    further: impl IntoIterator<Item = Scenario>,
) -> Result<Vec<Scenario>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Usage(format!("the scenarios could not be read from {}: {error}", path.display()))
    })?;
    let mut scenarios = Scenario::read_all(&text).map_err(|fault| Usage(fault.to_string()))?;
    scenarios.extend(further);
    if let Some(unknown) = arguments.only.iter().find(|name| scenarios.iter().all(|it| it.name != **name)) {
        return Err(Usage(format!("there is no scenario `{unknown}` in {}", path.display())).into());
    }
    scenarios.retain(|it| arguments.only.is_empty() || arguments.only.contains(&it.name));
    Ok(scenarios)
}

fn plans(arguments: &Arguments, path: &Path) -> Result<Vec<Plan>> {
    chosen(arguments, path, [])?
        .into_iter()
        .map(|scenario| plan(scenario, &arguments.rule, arguments.learn))
        .collect()
}

fn plan(mut scenario: Scenario, rules: &[String], learn: Option<u32>) -> Result<Plan> {
    let learned = f64::from(learn.unwrap_or(0)) * 3_600.0;
    scenario.horizon_s += learned;
    scenario.warmup_s += learned;
    let pooled = scenario.pooled();
    let made = |scenario: &Scenario, rule: &str| document(scenario, rule).map_err(|it| Usage(it.to_string()));
    let of = |rule: &String| {
        let mut document = made(&scenario, rule)?;
        if learn.is_some() {
            document.learning = LearningDoc::default();
        }
        Ok((rule.clone(), document))
    };
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

    const LINE: &str = r#"{"name":"one","horizon_s":20000,"warmup_s":2000,"chat_speed_each":[1.0],"email_speed_by_chats":[1.0],
        "skill_changes_speed":false,"recontact_share":0,"recontact_delay_s":1,"profile_step_s":300,"profile":[1.0],
        "burst_x_on_off":null,"agent_present_away_s":null,"classes":[{"name":"A","rate_per_s":0.005,"channel":"Voice",
        "work_s":240,"cv":1,"patience_s":null,"weight":1,"priority":1,"sla_s":30,"skill":0,"language":0,
        "knows_an_agent":0,"group":0}],"agents":[{"skills":[1],"languages":[0],"slots":{"voice":1,"chat":0,"email":0},
        "primary":0},{"skills":[1],"languages":[0],"slots":{"voice":1,"chat":0,"email":0},"primary":0}]}"#;

    fn asked(rule: &str, only: &str) -> Arguments {
        let only = Some(only).filter(|it| !it.is_empty()).map(str::to_owned);
        Arguments {
            common: crate::report::Common { json: true, seed: 1 },
            scenarios: None,
            only: only.into_iter().collect(),
            rule: vec![rule.to_owned()],
            reps: Some(2),
            oracle: false,
            learn: None,
            anchors: false,
            record: None,
            promise: false,
            report: None,
        }
    }

    #[test]
    fn what_cannot_be_played_is_a_usage_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), LINE.replace('\n', "")).unwrap();
        let status = |rule, only, path: &Path| {
            plans(&asked(rule, only), path).err().map(|it| crate::fail::status(&it))
        };
        assert_eq!(status("longest_idle", "", file.path()), None);
        assert_eq!(status("guessing", "", file.path()), Some(2));
        assert_eq!(status("longest_idle", "two", file.path()), Some(2));
        assert_eq!(status("longest_idle", "", Path::new("/nowhere/suite.jsonl")), Some(2));
        std::fs::write(file.path(), "{}").unwrap();
        assert_eq!(status("longest_idle", "", file.path()), Some(2));
    }

    #[test]
    fn where_everybody_is_able_a_rule_is_the_bound_itself() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), LINE.replace('\n', "")).unwrap();
        let plans = plans(&asked("longest_idle", ""), file.path()).unwrap();
        let runs: Vec<_> = (0..2).map(|seed| replicate(&plans[0], seed, false).unwrap()).collect();
        let results = sum_up(&plans, &runs, 2);
        assert_eq!(results.len(), 1);
        assert!(results[0].measures.mean_s > 0.0);
        assert!((results[0].ratio - 1.0).abs() < 1e-9, "{}", results[0].ratio);
    }

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
