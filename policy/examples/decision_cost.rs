//! Measures what a decision with its record costs, and how that grows with the number of agents and of waiting
//! conversations. Prints one JSON line.
//!
//! `cargo run --release -p policy --example decision_cost [RULE]`, such as `least_customer_time` or `bullseye`

#![expect(clippy::print_stdout, reason = "the line it prints is what it is for")]
#![expect(clippy::disallowed_types, reason = "it measures time")]

use std::time::Instant;

#[path = "../benches/load/mod.rs"]
mod load;
use load::Load;

const ROUNDS: usize = 200_000;
const WARM_UP: usize = 20_000;

fn main() {
    if let Some(rule) = std::env::args().nth(1).as_deref().and_then(policy::Rule::by_name) {
        return over_groups(rule);
    }
    let freed = freed(10_000, 50_000);
    let came = came(10_000);
    let agents: Vec<_> =
        [100, 1_000, 10_000, 100_000].map(|count| (count, self::freed(count, 50_000))).into();
    let came_agents: Vec<_> = [100, 1_000, 10_000, 100_000].map(|count| (count, self::came(count))).into();
    let waiting: Vec<_> =
        [1_000, 10_000, 100_000, 1_000_000].map(|count| (count, self::freed(10_000, count))).into();
    println!(
        "{{\"freed_ns\":{},\"came_ns\":{},\"clock_ns\":{},\"exponent_agents\":{:.3},\"exponent_agents_came\":{:.3},\
         \"exponent_waiting\":{:.3},\"by_agents\":{},\"by_agents_came\":{},\"by_waiting\":{}}}",
        freed.json(),
        came.json(),
        clock(),
        exponent(&agents),
        exponent(&came_agents),
        exponent(&waiting),
        table(&agents),
        table(&came_agents),
        table(&waiting),
    );
}

/// A rule, with 500 distinct profiles at most.
fn over_groups(rule: policy::Rule) {
    let cost = |agents, waiting| busy(Load::busy(agents, waiting, rule, 500));
    let freed = cost(10_000, 50_000);
    let agents: Vec<_> = [100, 1_000, 10_000, 100_000].map(|count| (count, cost(count, 50_000))).into();
    let waiting: Vec<_> =
        [1_000, 10_000, 100_000, 1_000_000].map(|count| (count, cost(10_000, count))).into();
    println!(
        "{{\"rule\":\"{}\",\"freed_ns\":{},\"exponent_agents\":{:.3},\"exponent_waiting\":{:.3},\
         \"by_agents\":{},\"by_waiting\":{}}}",
        rule.name(),
        freed.json(),
        exponent(&agents),
        exponent(&waiting),
        table(&agents),
        table(&waiting),
    );
}

/// Nanoseconds of many decisions.
struct Times {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
    mean: f64,
}

impl Times {
    fn new(mut all: Vec<u64>) -> Self {
        all.drain(..WARM_UP);
        let mean = all.iter().sum::<u64>() as f64 / all.len() as f64;
        all.sort_unstable();
        let at = |share: usize| all[(all.len() - 1) * share / 1_000];
        Self { p50: at(500), p99: at(990), p999: at(999), max: at(1_000), mean }
    }

    fn json(&self) -> String {
        let Self { p50, p99, p999, max, mean } = self;
        format!(
            "{{\"p50\":{p50},\"p99\":{p99},\"p999\":{p999},\"max\":{max},\"mean\":{mean:.0},\"n\":{}}}",
            ROUNDS - WARM_UP
        )
    }
}

/// An agent is freed and gets the next conversation.
fn freed(agents: u64, waiting: u64) -> Times {
    busy(Load::full(agents, waiting))
}

fn busy(mut load: Load) -> Times {
    let times = (0..ROUNDS).map(|_| {
        let (agent, channel) = load.draw();
        let begun = Instant::now();
        let decision = load.free(agent, &channel);
        let time = begun.elapsed();
        drop(decision);
        load.note(agent);
        load.come();
        nanoseconds(time)
    });
    Times::new(times.collect())
}

/// A conversation comes and gets an agent; another one ends.
fn came(agents: u64) -> Times {
    let mut load = Load::light(agents);
    let times = (0..ROUNDS).map(|_| {
        let conversation = load.come();
        let begun = Instant::now();
        let decision = load.serve(conversation);
        let mut time = begun.elapsed();
        let Some(decision) = decision else { return nanoseconds(time) };
        load.note(decision.agent);
        let (agent, channel) = load.draw();
        let begun = Instant::now();
        load.end(agent, &channel);
        time += begun.elapsed();
        nanoseconds(time)
    });
    Times::new(times.collect())
}

/// What reading the clock costs, in nanoseconds: it is part of every time above.
fn clock() -> u64 {
    let mut all: Vec<u64> = (0..10_000).map(|_| nanoseconds(Instant::now().elapsed())).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

fn nanoseconds(time: core::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The slope of the logarithm of the mean cost over the logarithm of the size, by least squares.
fn exponent(points: &[(u64, Times)]) -> f64 {
    let logs: Vec<_> = points.iter().map(|(size, times)| ((*size as f64).ln(), times.mean.ln())).collect();
    let count = logs.len() as f64;
    let (x_mean, y_mean) =
        (logs.iter().map(|(x, _)| x).sum::<f64>() / count, logs.iter().map(|(_, y)| y).sum::<f64>() / count);
    let covariance: f64 = logs.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    covariance / logs.iter().map(|(x, _)| (x - x_mean).powi(2)).sum::<f64>()
}

fn table(points: &[(u64, Times)]) -> String {
    let rows: Vec<_> = points.iter().map(|(size, times)| format!("\"{size}\":{}", times.json())).collect();
    format!("{{{}}}", rows.join(","))
}
