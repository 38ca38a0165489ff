//! One round: a fresh server, a load, SIGKILL at a random moment, the same address again, and everything judged.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::cut::{Dropped, Durable};
use super::{made, trace, transcripts};
use crate::api::Api;
use crate::checker::{self, Verdict};
use crate::journal::micros;
use crate::report::say;
use crate::rng::Rng;
use crate::roster;
use crate::spawn::{Level, Server};
use crate::stage::{self, Cast, Play};

/// Agents at work, so that all dialogues fit with some waiting.
const AGENTS: usize = 8;
/// Customers come within this time.
const ARRIVALS_S: f64 = 0.8;
/// The kill comes between these, in seconds after the agents are online.
const KILL_S: (f64, f64) = (0.1, 1.6);
/// How long clients may take beyond their dialogues.
const OVERTIME: Duration = Duration::from_secs(45);

/// What a round found.
pub(super) struct Found {
    pub(super) verdict: Verdict,
    /// Faults of the store after the kill, and of its copy cut back to the last synced byte.
    pub(super) store: transcripts::Judged,
}

/// What the trace of a round left: a folder to start from, and what was dropped.
struct CutBack {
    folder: TempDir,
    dropped: Dropped,
}

/// Plays a round.
pub(super) async fn play(program: &Path, level: Level, seed: u64, traced: bool) -> Result<Found> {
    let beside =
        tempfile::Builder::new().prefix("loadtest-trace-").tempdir().context("no folder for the trace")?;
    let file = beside.path().join("trace");
    let prefix = if traced { trace::prefix(&file)? } else { Vec::new() };
    let mut server = Server::start(program, level, &prefix).await?;
    let api = Api::new(server.address);
    let dialogues = made::dialogues(seed);
    let roster = roster::draw(&dialogues, AGENTS, seed);
    let cast = Cast::make(&api, &server.operator, &roster, &dialogues).await?;
    let mut rng = Rng::new(seed, "kill");
    let kill_after = Duration::from_secs_f64(KILL_S.0 + rng.unit() * (KILL_S.1 - KILL_S.0));
    let start = Instant::now();
    let play = Play {
        open: None,
        api: api.clone(),
        socket: server.address,
        arrivals: arrivals(&mut rng),
        patience: None,
        overtime: OVERTIME,
        start,
    };
    let (played, (killed_at, cut_back)) = tokio::try_join!(
        stage::play(play, &cast, dialogues),
        kill(&mut server, kill_after, traced.then_some(file.as_path()))
    )?;
    let verdict = checker::judge(&cast.plan, &played.journals);
    let all = transcripts::acked(&played.journals, u64::MAX);
    let mut store = transcripts::judge(&api, &played.reads, &all).await?;
    server.stop().await;
    if let Some(cut_back) = cut_back {
        let until = micros(killed_at.saturating_duration_since(start));
        let acked = transcripts::acked(&played.journals, until);
        let judged = reopen(program, level, cut_back, &played.reads, &acked).await?;
        store.lost += judged.lost;
        store.duplicated += judged.duplicated;
        store.out_of_order += judged.out_of_order;
        store.checked += judged.checked;
    }
    Ok(Found { verdict, store })
}

fn arrivals(rng: &mut Rng) -> Vec<Duration> {
    let mut at: Vec<_> =
        (0..made::DIALOGUES).map(|_| Duration::from_secs_f64(rng.unit() * ARRIVALS_S)).collect();
    at.sort();
    at
}

/// Kills the server after a while and starts it again; between the two a traced store is cut back to a copy. Says the
/// moment before the kill: what was acknowledged by then must be there.
async fn kill(
    server: &mut Server,
    after: Duration,
    trace_file: Option<&Path>,
) -> Result<(Instant, Option<CutBack>)> {
    tokio::time::sleep(after).await;
    let pid = server.process().context("the server had ended by itself")?;
    let killed_at = Instant::now();
    server.kill().await?;
    let cut_back = match trace_file {
        Some(file) => Some(cut_back(server, pid, file).await?),
        None => None,
    };
    server.start_again().await.context("the server does not start again after it was killed")?;
    Ok((killed_at, cut_back))
}

async fn cut_back(server: &Server, pid: u32, file: &Path) -> Result<CutBack> {
    let ops = trace::read(file, pid).await?;
    let folder =
        tempfile::Builder::new().prefix("loadtest-cut-").tempdir().context("no folder for the copy")?;
    let dropped = Durable::after(&ops).copy(&server.data(), &folder.path().join("data"))?;
    if !ops.iter().any(|op| matches!(op, trace::Op::Write { path, .. } if path.starts_with(server.data()))) {
        bail!("the trace has no write to the store: nothing would be tested");
    }
    Ok(CutBack { folder, dropped })
}

/// Starts a server on what was durable and reads everything.
async fn reopen(
    program: &Path,
    level: Level,
    cut_back: CutBack,
    reads: &[(String, policy::id::ConversationId)],
    acked: &std::collections::BTreeMap<policy::id::ConversationId, Vec<transcripts::Acked>>,
) -> Result<transcripts::Judged> {
    let CutBack { folder, dropped } = cut_back;
    match Server::start_in(folder, program, level, &[]).await {
        Ok(mut server) => {
            let judged = transcripts::judge(&Api::new(server.address), reads, acked).await;
            server.stop().await;
            let judged = judged?;
            say(&format!(
                "cut back: {} bytes and {} files were not synced; {} acknowledged messages looked for, {} lost",
                dropped.bytes, dropped.files, judged.checked, judged.lost
            ));
            Ok(judged)
        }
        Err(error) => {
            // A store that does not open after a power cut has lost everything that it acknowledged.
            say(&format!("the store that was cut back does not open: {error:#}"));
            let lost = acked.values().map(|acked| acked.len() as u64).sum::<u64>().max(1);
            Ok(transcripts::Judged { lost, checked: lost, ..transcripts::Judged::default() })
        }
    }
}
