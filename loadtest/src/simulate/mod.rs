//! `simulate`: scenarios and anchors on the simulator, which runs the same policy and engine as the server.

mod anchors;
mod page;
pub(crate) mod pool;
mod promise;
mod record;
mod scenarios;
mod table;

use std::path::PathBuf;

use anyhow::Result;

use crate::fail::Usage;
use crate::report::Common;

/// Flags of `simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The scenarios, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl", required_unless_present = "anchors")]
    scenarios: Option<PathBuf>,
    /// Only these scenarios of the file, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The rules to compare
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "least_customer_time")]
    rule: Vec<String>,
    /// Replications of each scenario; 40 of each anchor where not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    reps: Option<u32>,
    /// Tell the rule true rates, work and skills, which no live router sees
    #[arg(long)]
    oracle: bool,
    /// Type no skill in, and count only what comes after so many hours of learning what agents can do
    #[arg(long, value_name = "HOURS", conflicts_with = "anchors", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    learn: Option<u32>,
    /// Play the designs whose answer is known exactly
    #[arg(long, conflicts_with_all = ["scenarios", "oracle", "only"])]
    anchors: bool,
    /// Write what a server would have recorded of one scenario under one rule, for `whatif`, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["anchors", "oracle", "report", "reps"])]
    record: Option<PathBuf>,
    /// Ask waiting customers' promises in each scenario, and compare them with what came
    #[arg(long, conflicts_with_all = ["anchors", "oracle"])]
    promise: bool,
    /// Also write a page with plots
    #[arg(long, value_name = "FILE.html", conflicts_with_all = ["anchors", "promise"])]
    report: Option<PathBuf>,
}

/// Plays what was asked for; says whether the run was complete.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.anchors {
        return anchors::run(arguments);
    }
    match &arguments.scenarios {
        Some(path) if arguments.record.is_some() => record::run(arguments, path),
        Some(path) if arguments.promise => promise::run(arguments, path),
        Some(path) => scenarios::run(arguments, path),
        None => Err(Usage("name the scenarios: --scenarios FILE.jsonl, or --anchors".to_owned()).into()),
    }
}

/// The seed of a replication: the same for every rule and scenario.
fn seed_of(seed: u64, replication: usize) -> u64 {
    seed.wrapping_mul(1 << 20).wrapping_add(replication as u64)
}
