//! What `replay` and `load` share: plays dialogues, through a saboteur where one is wanted, and tells the verdict.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::sync::mpsc;

use crate::checker::{self, Verdict};
use crate::dialogs::Dialogue;
use crate::fail::Usage;
use crate::figures::{self, Latencies};
use crate::proxy::Proxy;
use crate::report::{Common, Report, say};
use crate::roster::{self, SKILLS};
use crate::sabotage::{Kind, Saboteur};
use crate::spawn::{Target, Which};
use crate::stage::{self, Cast, Play, Played};

/// After how long without a sign a sabotaged message is taken for lost, beyond the dialogue's longest gap.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long after everything could have been said a customer gives up.
const OVERTIME: Duration = Duration::from_secs(60);

/// What is to be played.
pub(crate) struct Wanted {
    pub(crate) dialogues: Vec<Dialogue>,
    pub(crate) agents: usize,
    /// When each customer comes.
    pub(crate) arrivals: Vec<Duration>,
    /// Open loop: turns are due at their own times, which begin this long after the first customer may come.
    pub(crate) open: Option<Duration>,
    pub(crate) sabotage: Option<Kind>,
}

/// Plays it and prints the result; says whether everything was correct.
pub(crate) async fn run(command: &str, common: &Common, which: &Which, wanted: Wanted) -> Result<bool> {
    if wanted.sabotage == Some(Kind::ForgetAck) && which.url.is_some() {
        return Err(Usage("--sabotage forget-ack starts the server again: use --spawn".to_owned()).into());
    }
    let roster = roster::draw(&wanted.dialogues, wanted.agents, common.seed);
    if roster.extended > 0 {
        let extended = roster.extended;
        say(&format!("{extended} agents hold more than {SKILLS} skills, so that every dialogue has two"));
    }
    let mut target = Target::find(which).await?;
    let mut report = Report::new(command, common, &target.level, target.limits());
    let cast = Cast::make(&target.api, &target.operator, &roster, &wanted.dialogues).await?;
    let played = through(&mut target, &cast, common.seed, wanted).await;
    let removed = target.api.remove_workspace(&target.operator, &cast.name).await;
    target.stop().await;
    let played = played?;
    removed?;
    let verdict = checker::judge(&cast.plan, &played.journals);
    let latencies = figures::latencies(&cast.plan, &played.journals)?;
    tell(&mut report, &verdict, &latencies)?;
    report.print(common.json)
}

/// Plays, with a saboteur between if one is wanted, and starts the server again if the saboteur says so.
async fn through(target: &mut Target, cast: &Cast, seed: u64, wanted: Wanted) -> Result<Played> {
    let (restart, mut restarts) = mpsc::channel(1);
    let mut sabotaged = None;
    if let Some(kind) = wanted.sabotage {
        let saboteur = Saboteur::new(kind, Arc::clone(&cast.plan), &target.level, seed, restart);
        let saboteur = Arc::new(Mutex::new(saboteur));
        let proxy = Proxy::start(target.api.address, Arc::clone(&saboteur)).await?;
        sabotaged = Some((proxy, saboteur));
    }
    let play = Play {
        api: target.api.clone(),
        socket: sabotaged.as_ref().map_or(target.api.address, |(proxy, _)| proxy.address),
        arrivals: wanted.arrivals,
        open: wanted.open,
        patience: wanted.sabotage.map(|_| PATIENCE),
        overtime: OVERTIME,
        start: Instant::now(),
    };
    let mut playing = Box::pin(stage::play(play, cast, wanted.dialogues));
    let played = loop {
        tokio::select! {
            played = &mut playing => break played?,
            Some(()) = restarts.recv() => {
                if let Some(server) = &mut target.server {
                    server.kill().await?;
                    server.start_again().await?;
                    target.operator.clone_from(&server.operator);
                }
            }
        }
    };
    if let Some((_, saboteur)) = &sabotaged {
        let done = saboteur.lock().unwrap_or_else(PoisonError::into_inner).done();
        ensure!(done, "no frame came by that could be corrupted: nothing was tested");
    }
    Ok(played)
}

fn tell(report: &mut Report, verdict: &Verdict, latencies: &Latencies) -> Result<()> {
    for fault in &verdict.faults {
        say(fault);
    }
    report.set_all(verdict)?;
    report.set("match_ms", latencies.matching.json());
    report.set("relay_ms", latencies.relay.json());
    report.set("ack_ms", latencies.ack.json());
    report.correct &= verdict.sound() && verdict.acked > 0;
    Ok(())
}
