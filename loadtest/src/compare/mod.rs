//! `loadtest compare`: the server and the yardsticks in turn, round by round, and what comes out as ratios.
//!
//! | row | ours | yardstick |
//! |---|---|---|
//! | `relay_p50`, `relay_p99` | message to the other end, level `memory`, light load, ms | bare relay |
//! | `relay_throughput` | messages a second, 16 on their way in each pair | bare relay |
//! | `ack_p50`, `ack_p99` | message to its acknowledgement, level `disk`, light load, ms | bare relay + write and fdatasync |
//! | `append_rate` | appends a second at `Log::append`, 512 producers | raw append of the same mean group |
//! | `offer_p99` | closing a conversation to the next offer, level `disk`, ms | bare relay p99 + fdatasync p99 |
//! | `idle_memory` | resident bytes an idle session | bare socket with 4 KiB buffers |
//! | `start_empty` | starting an empty server, s | 0.3 s |
//! | `start_1m` | events a second, store opened and log replayed | store opened and its records read, no more |
//!
//! With a Redis, where `--only` asks for it:
//!
//! | row | ours | yardstick |
//! |---|---|---|
//! | `node_relay_p50`, `node_relay_p99` | message to an agent at another node, level `redis`, light load, ms | two bare relays, publish and subscribe |
//! | `nodes_1`, `nodes_32` | messages a second over three nodes, in 1 and 32 workspaces, level `redis+disk` | one node |
//! | `redis_append` | appends a second at `Log::append` on Redis, 512 producers | plain pipelines of the same commands |
//! | `resume` | after `kill -9`, until 5,000 clients have their snapshot again, s | until 5,000 sockets of the bare relay are open |

mod idle;
pub(crate) mod log;
mod nodes;
mod offers;
pub(crate) mod pipeline;
pub(crate) mod ready;
mod resume;
mod rounds;
mod row;
mod start;

use anyhow::Result;
use serde_json::json;

use self::rounds::{Course, Part, Rows};
use self::row::Verdict;
use crate::fail::Usage;
use crate::report::{Common, Report, bar, say};
use crate::spawn::Which;

/// Flags of `compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often both sides are measured in turn [default: 5; 2 with --quick]
    #[arg(long)]
    rounds: Option<usize>,
    /// How many pairs [default: 100; 20 with --quick]
    #[arg(long)]
    pairs: Option<usize>,
    /// A short form for a quick look: the intervals are wide, and most goals stay unresolved
    #[arg(long)]
    quick: bool,
    /// Only these parts; the rows of the others are left out [default: all that need no Redis]
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

impl Arguments {
    fn course(&self) -> Course {
        let mut course = if self.quick { Course::quick() } else { Course::full() };
        course.pairs = self.pairs.unwrap_or(course.pairs).max(1);
        if !self.only.is_empty() {
            course.parts.clone_from(&self.only);
        }
        course
    }
}

/// Runs it.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    if arguments.which.url.is_some() || arguments.which.spawn.is_some() || arguments.which.level.is_some() {
        let detail =
            "compare starts its own servers, at levels of its own: leave out --url, --spawn and --level";
        return Err(Usage(detail.to_owned()).into());
    }
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 2 } else { 5 }).max(1);
    let course = arguments.course();
    let limits = json!({"SWITCHBOARD_LIMITS": "load"});
    let mut report = Report::new("compare", &arguments.common, "memory, disk", limits);
    if arguments.quick {
        say("quick: fewer pairs, shorter rounds, a shorter log; not the figures to quote");
        report.set("quick", true);
    }
    let program = arguments.which.program()?;
    let mut rows = Rows::default();
    let long = if course.parts.contains(&Part::Start) {
        match start::LongLog::make(&program, course.log_events).await {
            Ok(long) => Some(long),
            Err(error) => {
                rows.start_1m.without(format!("{error:#}"));
                None
            }
        }
    } else {
        None
    };
    let progress = bar(rounds as u64, "rounds");
    for round in 0..rounds {
        rounds::round(&program, &course, long.as_ref(), arguments.common.seed, round, &mut rows).await?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let told: Vec<_> =
        rows.all().iter().filter(|row| row.was_tried()).map(|row| row.tell(arguments.common.seed)).collect();
    for row in &told {
        match (row.verdict, &row.why) {
            (Verdict::Met, _) => {}
            (Verdict::Missed, _) => report.misses.push(row.name.to_owned()),
            (Verdict::Unresolved, None) => report.misses.push(format!("{} (unresolved)", row.name)),
            (Verdict::Unresolved, Some(why)) => {
                report.misses.push(format!("{} (unresolved: {why})", row.name));
            }
        }
    }
    report.set("rounds", rounds);
    report.set("rows", serde_json::to_value(&told)?);
    if !rows.shares.is_empty() {
        report.set("shares", serde_json::to_value(&rows.shares)?);
    }
    report.print(arguments.common.json)
}
