//! `loadtest crash`: servers that are killed in the middle of their work, and must have lost nothing.
//!
//! Every round has a server, a folder and a seed of its own. At level `disk` every tenth round, from the first one on, also
//! records the order of writes and syncs, cuts a copy of the store back to what was synced, opens that, and looks for
//! everything that was acknowledged before the kill.

mod cut;
pub(crate) mod made;
mod round;
mod trace;
pub(crate) mod transcripts;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::fail::{Missing, Usage};
use crate::report::{Common, Report, bar, say};
use crate::rng::Rng;
use crate::spawn::{Level, Which};

/// Every so many rounds the writes are traced.
const TRACED_EVERY: usize = 10;

/// Flags of `crash`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many servers are killed
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Default, Serialize)]
struct Sums {
    kills: u64,
    messages: u64,
    acked: u64,
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    failed_rounds: Vec<u64>,
}

/// Runs it; says whether nothing was lost.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    let level = arguments.which.level();
    if arguments.which.url.is_some() {
        return Err(Usage("crash kills servers, so it starts its own: leave out --url".to_owned()).into());
    }
    if level == Level::Memory {
        return Err(Usage("at level memory nothing survives: use --level os or disk".to_owned()).into());
    }
    let program = arguments.which.program()?;
    let limits = json!({"SWITCHBOARD_LIMITS": "load"});
    let mut report = Report::new("crash", &arguments.common, level.name(), limits);
    let mut seeds = Rng::new(arguments.common.seed, "crash");
    let mut sums = Sums::default();
    let progress = bar(arguments.rounds as u64, "kills");
    for number in 0..arguments.rounds {
        // A single round can be played again by its seed: the first round of a run has the run's own.
        let seed = if number == 0 { arguments.common.seed } else { seeds.next() >> 12 };
        let traced = level == Level::Disk && number % TRACED_EVERY == 0;
        match round::play(&program, level, seed, traced).await {
            Ok(found) => add(&mut sums, seed, &found),
            Err(error) if error.is::<Missing>() => return Err(error),
            Err(error) => {
                say(&format!("round with seed {seed}: {error:#}"));
                sums.failed_rounds.push(seed);
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    report.correct = sums.failed_rounds.is_empty() && sums.acked > 0;
    report.misses.extend(sums.failed_rounds.iter().map(|seed| format!("the round with seed {seed}")));
    report.set("rounds", arguments.rounds);
    report.set_all(&sums)?;
    report.print(arguments.common.json)
}

fn add(sums: &mut Sums, seed: u64, found: &round::Found) {
    let (verdict, store) = (&found.verdict, &found.store);
    sums.kills += 1;
    sums.messages += verdict.messages;
    sums.acked += verdict.acked;
    sums.lost += verdict.lost + store.lost;
    sums.duplicated += verdict.duplicated + store.duplicated;
    sums.out_of_order += verdict.out_of_order + store.out_of_order;
    if !verdict.sound() || !store.sound() || verdict.acked == 0 {
        say(&format!(
            "round with seed {seed}: {verdict:?}; in the store: {store:?}; play it again with --rounds 1 --seed {seed}"
        ));
        sums.failed_rounds.push(seed);
    }
}
