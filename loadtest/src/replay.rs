//! `loadtest replay`: plays recorded dialogues and has the checker judge them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::checker::{self, Verdict};
use crate::dialogs;
use crate::figures::{self, Latencies};
use crate::report::{Common, Report, say};
use crate::roster::{self, SKILLS};
use crate::spawn::{Target, Which};
use crate::stage::{self, Cast, Play};

/// Flags of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Dialogues, one JSON object a line
    file: PathBuf,
    /// Divide the recorded gaps by this
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Play only so many dialogues
    #[arg(long)]
    limit: Option<usize>,
    /// How many agents
    #[arg(long, default_value_t = 48)]
    agents: usize,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

/// Runs it; says whether everything was correct.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    if !(arguments.speed > 0.0 && arguments.speed.is_finite()) {
        return Err(crate::fail::Usage("--speed must be above 0".to_owned()).into());
    }
    let dialogues = dialogs::read(&arguments.file, arguments.speed, arguments.limit)?;
    let agents = arguments.agents.max(1);
    let roster = roster::draw(&dialogues, agents, arguments.common.seed);
    if roster.extended > 0 {
        say(&format!(
            "{} agents hold more than {SKILLS} skills, so that every dialogue has two",
            roster.extended
        ));
    }
    let target = Target::find(&arguments.which).await?;
    let mut report = Report::new("replay", &arguments.common, &target.level, target.limits());
    let cast = Cast::make(&target.api, &target.operator, &roster, &dialogues).await?;
    let play = Play {
        api: target.api.clone(),
        socket: target.api.address,
        arrivals: stage::arrivals(&dialogues, agents, arguments.common.seed),
        patience: None,
        overtime: Duration::from_secs(60),
        start: Instant::now(),
    };
    let played = stage::play(play, &cast, dialogues).await?;
    let verdict = checker::judge(&cast.plan, &played.journals);
    let latencies = figures::latencies(&cast.plan, &played.journals)?;
    target.api.remove_workspace(&target.operator, &cast.name).await?;
    target.stop().await;
    tell(&mut report, &verdict, &latencies);
    report.print(arguments.common.json)
}

/// The fields of `replay` and `load`.
pub(crate) fn tell(report: &mut Report, verdict: &Verdict, latencies: &Latencies) {
    for fault in &verdict.faults {
        say(fault);
    }
    counts(report, verdict);
    report.set("match_ms", latencies.matching.json());
    report.set("relay_ms", latencies.relay.json());
    report.set("ack_ms", latencies.ack.json());
}

/// The checker's counts.
pub(crate) fn counts(report: &mut Report, verdict: &Verdict) {
    report.set("conversations", verdict.conversations);
    report.set("messages", verdict.messages);
    report.set("acked", verdict.acked);
    report.set("lost", verdict.lost);
    report.set("duplicated", verdict.duplicated);
    report.set("out_of_order", verdict.out_of_order);
    report.set("misrouted", verdict.misrouted);
    report.set("over_capacity", verdict.over_capacity);
    report.set("unfinished", verdict.unfinished);
    report.correct &= verdict.sound() && verdict.acked > 0;
}
