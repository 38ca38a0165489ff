//! `whatif`: recorded traffic under another policy or staffing. One thread reads, one replays the recorded decisions, one
//! asks the other policy and gathers the traffic; then the draws run on all cores.

mod read;
mod table;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use policy::Document;
use serde_json::{Value, json};
use simulation::whatif::{Comparison, Groups, Guards, LOOKS, Look, Plan, Staffing, Tally, one};

use crate::fail::Usage;
use crate::report::{Common, Report, bar, say};
use crate::simulate::pool;
use read::Studied;

/// Flags of `whatif`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// A data folder, or what `switchboard export events` or `simulate --record` wrote
    #[arg(long, value_name = "DIR|FILE")]
    log: PathBuf,
    /// The workspace of a data folder, by its id; needed where there are several
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// The other policy (TOML); without it the recorded one stays
    #[arg(long, value_name = "FILE.toml", required_unless_present = "staffing")]
    policy: Option<PathBuf>,
    /// Other staffing (TOML): agents to remove, change and add
    #[arg(long, value_name = "FILE.toml")]
    staffing: Option<PathBuf>,
    /// How often what the recording leaves open is drawn; unless given, 4 to 20 times, until no guard's answer could change
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    draws: Option<u16>,
    /// No group may wait longer, for certain, by more than this and by more than a tenth
    #[arg(long, value_name = "SECONDS", default_value_t = Guards::default().wait_s)]
    guard_wait: f64,
    /// Not more customers may leave, for certain, by more than this share of all
    #[arg(long, value_name = "SHARE", default_value_t = Guards::default().abandonment)]
    guard_abandonment: f64,
    /// No agent may become fuller than this, for certain
    #[arg(long, value_name = "SHARE", default_value_t = Guards::default().load)]
    guard_load: f64,
}

/// Replays; says whether the recorded decisions came out exactly.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let document = arguments.policy.as_deref().map(toml_of::<Document>).transpose()?;
    let staffing = arguments.staffing.as_deref().map(toml_of::<Staffing>).transpose()?.unwrap_or_default();
    let guards = Guards {
        wait_s: arguments.guard_wait,
        abandonment: arguments.guard_abandonment,
        load: arguments.guard_load,
        ..Guards::default()
    };
    let mut report = Report::new("whatif", &arguments.common, "none", json!({}));
    let started = std::time::Instant::now();
    let studied = read::study(&arguments.log, arguments.workspace.as_deref(), document.as_ref())?;
    let read_s = started.elapsed().as_secs_f64();
    let Studied { traffic, like, changed, unchanged, erased } = studied;
    let usage = |it: simulation::whatif::PlanFault| Usage(it.to_string());
    let before = Plan::recorded(&traffic).map_err(usage)?;
    let after = Plan::new(&traffic, document.as_ref(), &staffing).map_err(usage)?;
    let groups = Groups::of(&traffic);
    // The same plan comes to the same: then one side is enough.
    let sides = if unchanged && staffing == Staffing::default() { 1 } else { 2 };
    let compared = draw(
        arguments,
        &guards,
        sides,
        |side, draw| {
            let plan = if side == 0 { &before } else { &after };
            Ok(one(&traffic, &groups, plan, draw)?)
        },
        |pairs, look| Comparison::of(&traffic, &after, &groups, pairs, &guards, look),
    )?;
    // What is no change of policy must decide as it was decided; so must the recorded policy in any case.
    let exact = like.identical == like.decisions;
    if let Some(number) = like.first_difference {
        say(&format!(
            "the recorded decisions do not come out again: event {number} is the first that differs"
        ));
    }
    report.correct = exact;
    report.set("conversations", traffic.came());
    report.set("decisions", like.decisions);
    report.set("identical", like.identical.saturating_sub(changed));
    report.set("changed", changed);
    report.set("erased", traffic.erased(&erased));
    report.set("draws", compared.draws);
    report.set("read_seconds", rounded(read_s));
    let told = rounded_all(json!(compared));
    for field in ["groups", "worse_off", "blocked_by", "abandonment", "unserved", "skill_fit", "loads"] {
        if let Some(value) = told.get(field).filter(|_| arguments.common.json || !table::shows(field)) {
            report.set(field, value.clone());
        }
    }
    if !arguments.common.json {
        table::print(&compared)?;
    }
    report.print(arguments.common.json)
}

/// Draws as often as is wanted, or until no guard's answer could change any more.
fn draw(
    arguments: &Arguments,
    guards: &Guards,
    sides: usize,
    one: impl Fn(usize, u64) -> Result<Tally> + Sync,
    compare: impl Fn(&[(Tally, Tally)], Option<Look>) -> Comparison,
) -> Result<Comparison> {
    let fixed = arguments.draws.map(|draws| (usize::from(draws), None));
    let looks = LOOKS.iter().map(|look| (look.draws, Some(*look)));
    let looks: Vec<(usize, Option<Look>)> = fixed.map_or_else(|| looks.collect(), |fixed| vec![fixed]);
    let most = looks.last().map_or(0, |(draws, _)| *draws);
    let progress = bar((sides * most) as u64, "draws");
    let mut pairs: Vec<(Tally, Tally)> = Vec::with_capacity(most);
    let mut compared = compare(&pairs, None);
    for (draws, look) in looks {
        let done = pairs.len();
        let played = pool::run(sides * (draws - done), &progress, |index| {
            let draw = (done + index / sides) as u64;
            one(index % sides, arguments.common.seed.wrapping_mul(1 << 20).wrapping_add(draw))
        })?;
        pairs.extend(played.chunks(sides).filter_map(|it| Some((it.first()?.clone(), it.last()?.clone()))));
        compared = compare(&pairs, look);
        if look.is_some() && compared.is_settled(guards) {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(compared)
}

fn toml_of<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()));
    let text = text.map_err(|error| Usage(format!("{error:#}")))?;
    toml::from_str(&text).map_err(|error| Usage(format!("{} has a fault: {error}", path.display())).into())
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// All figures to a fraction that means something.
fn rounded_all(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => items.iter_mut().for_each(|it| *it = rounded_all(it.take())),
        Value::Object(fields) => fields.values_mut().for_each(|it| *it = rounded_all(it.take())),
        Value::Number(number) if number.is_f64() => {
            value = number.as_f64().map_or(Value::Null, |it| json!(rounded(it)));
        }
        _ => {}
    }
    value
}
