//! Measures what one replay of a recorded day costs, as what-if does 40 of them. Prints one JSON line.
//!
//! `cargo run --release -p simulation --example replay_cost SUITE.jsonl WW8 3.4 [RULE [TRIED]]` draws a day of the scenario with
//! 3.4 times as many customers and agents, records it under the rule and replays it under itself and under the tried rule; then
//! draws on two threads until the figures are settled.

#![expect(clippy::print_stdout, reason = "the line it prints is what it is for")]

use std::time::Instant;

use policy::document::{Document, Rule};
use policy::id::WorkspaceId;
use simulation::scenario::Scenario;
use simulation::setting::document;
use simulation::whatif::compare::one;
use simulation::whatif::{Comparison, Gather, Groups, Guards, LOOKS, Plan, Staffing};
use simulation::{arrivals, world};

const SEED: u64 = 7;
const DAY_S: f64 = 86_400.0;
const DRAWS: u64 = 2;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [suite, name, factor, rules @ ..] = &arguments[..] else {
        return Err("name a suite, a scenario and a factor".into());
    };
    let rule = rules.first().map_or("longest_idle", String::as_str);
    let tried = rules.get(1).map_or("least_customer_time", String::as_str);
    let scenario = day(suite, name, factor.parse()?)?;
    let recorded = document(&scenario, rule)?;
    let fates = arrivals::draw(&scenario, SEED);
    let mut gather: Option<Gather> = None;
    let (mut events, begun) = (0u64, Instant::now());
    world::record(&scenario, &recorded, &fates, SEED, &mut |event| {
        events += 1;
        let empty = engine::Engine::new();
        gather.get_or_insert_with(|| Gather::begin(WorkspaceId::from_bits(1), &empty, event.at)).event(event);
    })?;
    let record_s = begun.elapsed().as_secs_f64();
    let traffic = gather.ok_or("nothing was recorded")?.end();
    let other = Document { rule: Rule::by_name(tried).ok_or("there is no such rule")?, ..recorded };
    let staffing = Staffing::default();
    let groups = Groups::of(&traffic);
    let mut costs = Vec::new();
    for document in [None, Some(&other)] {
        let plan = Plan::new(&traffic, document, &staffing)?;
        let begun = Instant::now();
        for draw in 0..DRAWS {
            one(&traffic, &groups, &plan, draw)?;
        }
        costs.push(begun.elapsed().as_secs_f64() / DRAWS as f64);
    }
    let begun = Instant::now();
    let (before, after) =
        (Plan::new(&traffic, None, &staffing)?, Plan::new(&traffic, Some(&other), &staffing)?);
    let guards = Guards::default();
    let mut pairs = Vec::new();
    for look in LOOKS {
        while pairs.len() < look.draws {
            let draw = pairs.len() as u64;
            let (one, other) = std::thread::scope(|scope| {
                let other = scope.spawn(|| one(&traffic, &groups, &after, draw));
                (one(&traffic, &groups, &before, draw), other.join())
            });
            pairs.push((one?, other.map_err(|_| "a replay ended badly")??));
        }
        let compared = Comparison::of(&traffic, &after, &groups, &pairs, &guards, Some(look));
        if compared.is_settled(&guards) {
            break;
        }
    }
    let (draws, draw_s) = (pairs.len(), begun.elapsed().as_secs_f64());
    println!(
        "{{\"scenario\":\"{name}\",\"conversations\":{},\"agents\":{},\"events\":{events},\"record_s\":{record_s:.2},\
         \"replay_s\":{{\"{rule}\":{:.3},\"{tried}\":{:.3}}},\"draws\":{draws},\
         \"draw_s\":{draw_s:.2}}}",
        traffic.came(),
        scenario.agents.len(),
        costs[0],
        costs[1],
    );
    Ok(())
}

/// A day of a scenario with so many times as many customers and agents.
fn day(suite: &str, name: &str, factor: f64) -> Result<Scenario, Failed> {
    let all = Scenario::read_all(&std::fs::read_to_string(suite)?)?;
    let mut scenario = all.into_iter().find(|it| it.name == *name).ok_or("there is no such scenario")?;
    scenario.horizon_s = DAY_S;
    scenario.warmup_s = 0.0;
    scenario.classes.iter_mut().for_each(|class| class.rate_per_s *= factor);
    let count = (scenario.agents.len() as f64 * factor).round() as usize;
    scenario.agents = scenario.agents.iter().cycle().take(count).cloned().collect();
    Ok(scenario)
}
