//! `loadtest cluster`: several nodes on one Redis, clients through all of them, faults by name, and the checker.
//!
//! Every round has nodes, a Redis and a seed of its own: load, fault, heal, drain, check.

mod fault;
mod field;
mod pass;
mod told;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use self::fault::Fault;
pub(crate) use self::fault::LEASE;
pub(crate) use self::field::settled;
use self::field::{Field, Topology};
use self::told::Told;
use crate::api::Api;
use crate::checker::{self, Verdict};
use crate::crash::{made, transcripts};
use crate::fail::{Missing, Usage};
use crate::figures::{self, Latencies, Times};
use crate::journal::What;
use crate::report::{Common, Report, bar, say};
use crate::rng::Rng;
use crate::roster;
use crate::spawn::{Level, Store, Which};
use crate::stage::{self, Cast, Play};
use clap::ValueEnum as _;

/// Agents at work, so that all dialogues fit with some waiting.
const AGENTS: usize = 8;
/// Customers come within this time.
const ARRIVALS_S: f64 = 0.8;
/// The fault comes between these, in seconds after the agents are online.
const FAULT_S: (f64, f64) = (0.1, 1.4);
/// More workspaces than this one machine does not carry.
const WORKSPACES_MAX: usize = 1_000;
/// How long clients may take beyond their dialogues.
const OVERTIME: Duration = Duration::from_secs(60);

/// Flags of `cluster`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many nodes
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How many rounds; each has one of the faults, in turn [default: one for each fault]
    #[arg(long)]
    rounds: Option<usize>,
    /// How Redis is run; as a Cluster only some faults can be done
    #[arg(long, value_enum, default_value_t)]
    redis: Topology,
    /// Over how many workspaces the dialogues are spread
    #[arg(long, default_value_t = 1)]
    workspaces: usize,
    /// Another version of the program, which every second node runs; `rolling` then brings all of them to the one under test
    #[arg(long, value_name = "PATH")]
    beside: Option<PathBuf>,
    /// Which faults [default: all that can be done]
    #[arg(long, value_enum, value_delimiter = ',')]
    fault: Vec<Fault>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

/// A fault's figures.
#[derive(Debug, Default, Clone)]
struct Row {
    injected: u64,
    recovered_ms: u64,
    /// Until the other nodes had all shards of one that was killed.
    routing_ms: Option<u64>,
    /// Calls that Redis had forgotten and owners gave back.
    given_back: u64,
    violations: u64,
}

/// Runs it; says whether nothing was violated.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    if arguments.which.url.is_some() || !matches!(arguments.which.spawn, None | Some(Store::Redis)) {
        return Err(Usage(
            "cluster starts nodes on a Redis of its own: leave out --url and --spawn".to_owned(),
        )
        .into());
    }
    if arguments.nodes < 2 {
        return Err(Usage("--nodes must be 2 or more".to_owned()).into());
    }
    let level = arguments.which.level.unwrap_or(Level::RedisDisk);
    if !matches!(level, Level::Redis | Level::RedisReplica | Level::RedisDisk) {
        return Err(Usage(
            "nodes share a log on Redis: use --level redis, redis+replica or redis+disk".to_owned(),
        )
        .into());
    }
    if !(1..=WORKSPACES_MAX).contains(&arguments.workspaces) {
        return Err(Usage(format!("--workspaces must be 1 to {WORKSPACES_MAX}")).into());
    }
    let topology = arguments.redis;
    if let Some(fault) = arguments.fault.iter().find(|fault| !fault.fits(topology)) {
        return Err(Usage(format!("{} cannot be done with a Cluster of Redis", fault.name())).into());
    }
    let all = Fault::value_variants().iter().filter(|it| it.fits(topology) && **it != Fault::None);
    let faults = if arguments.fault.is_empty() { all.copied().collect() } else { arguments.fault.clone() };
    let rounds = arguments.rounds.unwrap_or(faults.len());
    let program = arguments.which.program()?;
    let mut report =
        Report::new("cluster", &arguments.common, level.name(), json!({"SWITCHBOARD_LIMITS": "load"}));
    let mut seeds = Rng::new(arguments.common.seed, "cluster");
    let mut rows = vec![Row::default(); faults.len()];
    let (mut sums, mut failed) = (Sums::new()?, Vec::new());
    let progress = bar(rounds as u64, "rounds");
    for number in 0..rounds {
        // A single round can be played again by its seed and fault: the first round of a run has the run's own.
        let seed = if number == 0 { arguments.common.seed } else { seeds.next() >> 12 };
        let (fault, row) = (faults[number % faults.len()], &mut rows[number % faults.len()]);
        let shape = Shape { level, nodes: arguments.nodes, topology, workspaces: arguments.workspaces };
        match play(&program, arguments.beside.as_deref(), shape, fault, seed).await {
            Ok(found) => {
                row.injected += 1;
                row.given_back += found.told.given_back;
                let routing = found.routing.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
                row.routing_ms = row.routing_ms.max(routing);
                row.recovered_ms =
                    row.recovered_ms.max(u64::try_from(found.recovered.as_millis()).unwrap_or(u64::MAX));
                if !sums.add(&found)? {
                    row.violations += 1;
                    say(&format!(
                        "{} with seed {seed}: {:?}; in the store: {:?}; again with --rounds 1 --fault {} --seed {seed}",
                        fault.name(),
                        found.verdict,
                        found.store,
                        fault.name()
                    ));
                    failed.push(seed);
                }
            }
            Err(error) if error.is::<Missing>() => return Err(error),
            Err(error) => {
                say(&format!("{} with seed {seed}: {error:#}", fault.name()));
                failed.push(seed);
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let idle = faults.iter().zip(&rows).filter(|(_, row)| row.injected == 0).map(|(fault, _)| fault.name());
    report.misses.extend(idle.map(|name| format!("{name} was never injected")));
    report.misses.extend(failed.iter().map(|seed| format!("the round with seed {seed}")));
    report.correct = failed.is_empty() && sums.acked > 0 && report.misses.is_empty();
    report.set("nodes", arguments.nodes);
    report.set("redis", topology.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned()));
    report.set("workspaces", arguments.workspaces);
    report.set("rounds", rounds);
    sums.tell(&mut report);
    let told = faults.iter().zip(&rows).map(|(fault, row)| {
        json!({
            "name": fault.name(),
            "injected": row.injected,
            "recovered_ms": row.recovered_ms,
            "routing_ms": row.routing_ms,
            "given_back": row.given_back,
            "violations": row.violations,
        })
    });
    report.set("faults", told.collect::<Vec<_>>());
    report.set("failed_seeds", failed);
    report.print(arguments.common.json)
}

/// What a round is played on.
#[derive(Debug, Clone, Copy)]
struct Shape {
    level: Level,
    nodes: usize,
    topology: Topology,
    workspaces: usize,
}

/// What a round found.
struct Found {
    verdict: Verdict,
    store: transcripts::Judged,
    latencies: Latencies,
    /// From the first message to the last acknowledgement, in seconds.
    played_s: f64,
    /// From the end of the fault until the nodes were at rest.
    recovered: Duration,
    /// From the death of a node until the others had all shards.
    routing: Option<Duration>,
    told: Told,
}

impl Found {
    /// Whether nothing was violated.
    fn sound(&self) -> bool {
        self.verdict.sound() && self.store.sound() && self.verdict.acked > 0
    }
}

struct Sums {
    latencies: Latencies,
    handover: Times,
    played_s: f64,
    conversations: u64,
    messages: u64,
    acked: u64,
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    misrouted: u64,
    over_capacity: u64,
    unfinished: u64,
}

impl Sums {
    fn new() -> Result<Self> {
        Ok(Self {
            latencies: Latencies::new()?,
            handover: Times::new()?,
            played_s: 0.0,
            conversations: 0,
            messages: 0,
            acked: 0,
            lost: 0,
            duplicated: 0,
            out_of_order: 0,
            misrouted: 0,
            over_capacity: 0,
            unfinished: 0,
        })
    }

    /// Adds a round; says whether it was sound.
    fn add(&mut self, found: &Found) -> Result<bool> {
        let (verdict, store) = (&found.verdict, &found.store);
        self.latencies.add(&found.latencies)?;
        found.told.gaps_us.iter().for_each(|gap| self.handover.record(*gap));
        self.played_s += found.played_s;
        self.conversations += verdict.conversations;
        self.messages += verdict.messages;
        self.acked += verdict.acked;
        self.lost += verdict.lost + store.lost;
        self.duplicated += verdict.duplicated + store.duplicated;
        self.out_of_order += verdict.out_of_order + store.out_of_order;
        self.misrouted += verdict.misrouted;
        self.over_capacity += verdict.over_capacity;
        self.unfinished += verdict.unfinished;
        Ok(found.sound())
    }

    fn tell(&self, report: &mut Report) {
        for (name, value) in [
            ("conversations", self.conversations),
            ("messages", self.messages),
            ("acked", self.acked),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("out_of_order", self.out_of_order),
            ("misrouted", self.misrouted),
            ("over_capacity", self.over_capacity),
            ("unfinished", self.unfinished),
        ] {
            report.set(name, value);
        }
        report.set("match_ms", self.latencies.matching.json());
        report.set("relay_ms", self.latencies.relay.json());
        report.set("ack_ms", self.latencies.ack.json());
        report.set("handover_ms", self.handover.json());
        report.set("acked_per_s", (self.acked as f64 / self.played_s.max(0.001)).round());
    }
}

/// Plays a round.
async fn play(program: &Path, beside: Option<&Path>, shape: Shape, fault: Fault, seed: u64) -> Result<Found> {
    let Shape { level, nodes, topology, workspaces } = shape;
    let programs: Vec<_> =
        (0..nodes).map(|node| beside.filter(|_| node % 2 == 1).unwrap_or(program)).collect();
    let mut field = Field::start(&programs, level, topology, fault.needs_replica()).await?;
    let api = Api::new(field.address());
    // At least one dialogue and one agent a workspace.
    let (mut casts, mut shares) = (Vec::new(), vec![Vec::new(); workspaces]);
    let dialogues = made::many(seed, made::DIALOGUES.max(workspaces));
    for (number, dialogue) in dialogues.into_iter().enumerate() {
        shares[number % workspaces].push(dialogue);
    }
    for share in &shares {
        let roster = roster::draw(share, AGENTS.div_ceil(workspaces), seed);
        casts.push(Cast::make(&api, field.operator(), &roster, share).await?);
    }
    let mut rng = Rng::new(seed, "fault");
    let after = Duration::from_secs_f64(FAULT_S.0 + rng.unit() * (FAULT_S.1 - FAULT_S.0));
    let (start, since) = (Instant::now(), told::now_us());
    let plays = casts.iter().zip(shares).map(|(cast, share)| {
        let mut arrivals: Vec<_> =
            share.iter().map(|_| Duration::from_secs_f64(rng.unit() * ARRIVALS_S)).collect();
        arrivals.sort();
        let (api, socket) = (api.clone(), field.address());
        stage::play(
            Play { open: None, api, socket, arrivals, patience: None, overtime: OVERTIME, start },
            cast,
            share,
        )
    });
    let plays = futures_util::future::try_join_all(plays.collect::<Vec<_>>());
    let injected = async {
        tokio::time::sleep(after).await;
        let routing = fault.inject(&mut field, &mut rng).await?;
        anyhow::Ok((routing, field.settled().await?))
    };
    let outcome = tokio::try_join!(plays, injected);
    let (played, (routing, recovered)) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            field.keep_logs(seed)?;
            return Err(error.context(format!("the ends of the nodes' logs:\n{}", field.logs())));
        }
    };
    let mut found = Found {
        verdict: Verdict::default(),
        store: transcripts::Judged::default(),
        latencies: Latencies::new()?,
        played_s: 0.0,
        recovered,
        routing,
        told: Told::default(),
    };
    let (mut first, mut last) = (u64::MAX, 0);
    for (cast, played) in casts.iter().zip(&played) {
        found.verdict.add(checker::judge(&cast.plan, &played.journals));
        let acked = transcripts::acked(&played.journals, u64::MAX);
        found.store.add(&transcripts::judge(&api, &played.reads, &acked).await?);
        found.latencies.add(&figures::latencies(&cast.plan, &played.journals)?)?;
        for entry in played.journals.iter().flat_map(|journal| &journal.entries) {
            match entry.what {
                What::Sent { .. } => first = first.min(entry.at),
                What::Accepted { .. } => last = last.max(entry.at),
                _ => {}
            }
        }
    }
    found.played_s = last.saturating_sub(first) as f64 / 1e6;
    // What is handed over at the end is not under load.
    found.told = told::read(&field.whole_logs(), since);
    field.stop().await;
    if !found.sound() {
        say(&format!("the nodes' logs are kept in {}", field.keep_logs(seed)?.display()));
    }
    Ok(found)
}
