//! One round: each yardstick, then the server, with the same load generator.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::log::{APPEND_BYTES, Logged, SHARDS};
use super::nodes::{Group, Shares};
use super::row::{Goal, Row};
use super::start::LongLog;
use super::{idle, offers, ready, resume};
use crate::api::Api;
use crate::baseline::{self, Appended, Child, LIGHT, run_once};
use crate::pairs::{Measured, Pace, drive};
use crate::redis::Redis;
use crate::setting::Setting;
use crate::spawn::{Level, Server};
use crate::stats::times;

/// A server that starts empty shall be ready in this many seconds.
const START_S: f64 = 0.3;
/// The pause between single writes of the yardstick: light load.
const SYNC_PAUSE_US: u64 = 5_000;

/// Workspaces that share the messages of `nodes_32`.
const WORKSPACES: usize = 32;

/// The parts of a round, each of which can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// `relay_p50`, `relay_p99`, `relay_throughput`
    Relay,
    /// `ack_p50`, `ack_p99`, `offer_p99`, `start_empty`
    Disk,
    /// `append_rate`
    Append,
    /// `idle_memory`
    Idle,
    /// `start_1m`
    Start,
    /// `node_relay_p50`, `node_relay_p99`, `nodes_1`, `nodes_32`: needs Redis
    Nodes,
    /// `redis_append`: needs Redis
    Redis,
    /// `resume`: needs Redis
    Resume,
}

impl Part {
    /// What is measured where nothing is asked for: all that needs no Redis.
    const USUAL: [Self; 5] = [Self::Relay, Self::Disk, Self::Append, Self::Idle, Self::Start];
}

/// How long and how much.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// What is measured.
    pub(crate) parts: Vec<Part>,
    pub(crate) pairs: usize,
    full_s: f64,
    light_s: f64,
    offers_s: f64,
    offer_agents: usize,
    append_s: f64,
    idle_sockets: usize,
    pub(crate) log_events: u64,
    resumes: usize,
}

impl Course {
    pub(crate) fn full() -> Self {
        Self {
            parts: Part::USUAL.to_vec(),
            pairs: 100,
            full_s: 4.0,
            light_s: 8.0,
            offers_s: 15.0,
            offer_agents: 5,
            append_s: 4.0,
            idle_sockets: 4_000,
            log_events: 1_000_000,
            resumes: 5_000,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            pairs: 20,
            full_s: 1.0,
            light_s: 2.0,
            offers_s: 3.0,
            append_s: 1.0,
            idle_sockets: 1_500,
            log_events: 100_000,
            resumes: 1_000,
            ..Self::full()
        }
    }
}

/// All rows.
pub(crate) struct Rows {
    relay_p50: Row,
    relay_p99: Row,
    relay_throughput: Row,
    ack_p50: Row,
    ack_p99: Row,
    append_rate: Row,
    offer_p99: Row,
    idle_memory: Row,
    start_empty: Row,
    pub(crate) start_1m: Row,
    node_relay_p50: Row,
    node_relay_p99: Row,
    nodes_1: Row,
    nodes_32: Row,
    redis_append: Row,
    resume: Row,
    /// Who used how much where several nodes passed messages.
    pub(crate) shares: Vec<Shares>,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            relay_p50: Row::new("relay_p50", Goal::AtMost(1.25)),
            relay_p99: Row::new("relay_p99", Goal::AtMost(1.5)),
            relay_throughput: Row::new("relay_throughput", Goal::AtLeast(0.7)),
            ack_p50: Row::new("ack_p50", Goal::AtMost(1.4)),
            ack_p99: Row::new("ack_p99", Goal::AtMost(2.0)),
            append_rate: Row::new("append_rate", Goal::AtLeast(0.5)),
            offer_p99: Row::new("offer_p99", Goal::AtMost(3.0)),
            idle_memory: Row::new("idle_memory", Goal::AtMost(1.25)),
            start_empty: Row::new("start_empty", Goal::AtMost(1.0)),
            start_1m: Row::new("start_1m", Goal::AtLeast(0.5)),
            node_relay_p50: Row::new("node_relay_p50", Goal::AtMost(1.2)),
            node_relay_p99: Row::new("node_relay_p99", Goal::AtMost(1.5)),
            // One workspace is one shard, which one node owns: what it loses by several nodes is told, and no goal is set.
            nodes_1: Row::new("nodes_1", Goal::AtLeast(0.0)),
            nodes_32: Row::new("nodes_32", Goal::AtLeast(0.9)),
            redis_append: Row::new("redis_append", Goal::AtLeast(0.9)),
            resume: Row::new("resume", Goal::AtMost(2.0)),
            shares: Vec::new(),
        }
    }
}

impl Rows {
    pub(crate) fn all(&self) -> [&Row; 16] {
        [
            &self.relay_p50,
            &self.relay_p99,
            &self.relay_throughput,
            &self.ack_p50,
            &self.ack_p99,
            &self.append_rate,
            &self.offer_p99,
            &self.idle_memory,
            &self.start_empty,
            &self.start_1m,
            &self.node_relay_p50,
            &self.node_relay_p99,
            &self.nodes_1,
            &self.nodes_32,
            &self.redis_append,
            &self.resume,
        ]
    }
}

/// Median and 99th percentile in ms.
#[derive(Debug, Clone, Copy)]
struct Ends {
    p50: f64,
    p99: f64,
}

impl Ends {
    fn of(samples: &[u64]) -> Result<Self> {
        let times = times(samples)?;
        Ok(Self { p50: times.at(0.5), p99: times.at(0.99) })
    }
}

/// Measures everything once.
pub(crate) async fn round(
    program: &Path,
    course: &Course,
    long: Option<&LongLog>,
    seed: u64,
    number: usize,
    rows: &mut Rows,
) -> Result<()> {
    let wanted = |part: Part| course.parts.contains(&part);
    if wanted(Part::Relay) || wanted(Part::Disk) {
        let (bare_full, bare_light) = bare(course).await.context("the bare relay")?;
        let bare = Ends::of(&bare_light.relay_us)?;
        if wanted(Part::Relay) {
            let (full, light) = in_memory(program, course).await.context("the server at level memory")?;
            let relay = Ends::of(&light.relay_us)?;
            rows.relay_p50.add(relay.p50, bare.p50);
            rows.relay_p99.add(relay.p99, bare.p99);
            rows.relay_throughput.add(full.per_s(), bare_full.per_s());
        }
        if wanted(Part::Disk) {
            let folder = tempfile::tempdir().context("no folder to append in")?;
            let sync = baseline::raw(folder.path(), 1, SYNC_PAUSE_US, course.light_s).await?;
            let sync = Ends::of(&sync.sync_us)?;
            let durable = on_disk(program, course, seed.wrapping_add(number as u64)).await;
            let durable = durable.context("the server at level disk")?;
            let ack = Ends::of(&durable.light.ack_us)?;
            rows.ack_p50.add(ack.p50, bare.p50 + sync.p50);
            rows.ack_p99.add(ack.p99, bare.p99 + sync.p99);
            rows.offer_p99.add(Ends::of(&durable.offers_us)?.p99, bare.p99 + sync.p99);
            rows.start_empty.add(durable.ready_s, START_S);
        }
    }
    if wanted(Part::Append) {
        let (ours, raw) = appends(course).await.context("appends")?;
        rows.append_rate.add(ours.per_s, raw.per_s);
    }
    if wanted(Part::Idle) {
        let base = idle::of_relay(course.idle_sockets).await.context("idle sockets of the relay")?;
        let ours = idle_sessions(program, course).await.context("idle sessions")?;
        if ours > 0.0 && base > 0.0 {
            rows.idle_memory.add(ours, base);
        } else {
            rows.idle_memory.without("memory did not grow in a round: more sockets are needed".to_owned());
        }
    }
    if wanted(Part::Nodes) {
        on_nodes(program, course, rows).await.context("several nodes")?;
    }
    if wanted(Part::Redis) {
        let (ours, plain) = redis_appends(course).await.context("appends to Redis")?;
        rows.redis_append.add(ours.per_s, plain.per_s);
    }
    if wanted(Part::Resume) {
        let bare = resume::of_relay(course.resumes).await.context("the bare relay")?;
        let ours = resume::of_server(program, course.resumes).await.context("resuming")?;
        rows.resume.add(ours.as_secs_f64(), bare.as_secs_f64());
    }
    if let Some(long) = long {
        match long.replay().await {
            Ok(replayed) => {
                let (ours, base) = replayed.per_s();
                rows.start_1m.add(ours, base);
            }
            Err(error) => rows.start_1m.without(format!("{error:#}")),
        }
    }
    Ok(())
}

async fn bare(course: &Course) -> Result<(Measured, Measured)> {
    let relay = Child::relay().await?;
    let pairs = ready::over_relay(relay.address, course.pairs).await?;
    let (pairs, full) = drive(pairs, Pace::Full, course.full_s).await?;
    let (_, light) = drive(pairs, Pace::Open(full.per_s() * LIGHT), course.light_s).await?;
    relay.stop().await?;
    Ok((full, light))
}

async fn in_memory(program: &Path, course: &Course) -> Result<(Measured, Measured)> {
    let mut server = Server::start(program, Level::Memory, &[]).await?;
    let measured = messages(&server, course).await?;
    server.stop().await;
    Ok(measured)
}

async fn messages(server: &Server, course: &Course) -> Result<(Measured, Measured)> {
    let api = Api::new(server.address);
    let setting = Setting::make(&api, &server.operator, "pairs", ready::pairs_policy(course.pairs)).await?;
    let pairs = ready::over_server(&setting, course.pairs).await?;
    let (pairs, full) = drive(pairs, Pace::Full, course.full_s).await?;
    let (_, light) = drive(pairs, Pace::Open(full.per_s() * LIGHT), course.light_s).await?;
    Ok((full, light))
}

struct Durable {
    light: Measured,
    offers_us: Vec<u64>,
    ready_s: f64,
}

async fn on_disk(program: &Path, course: &Course, seed: u64) -> Result<Durable> {
    let mut server = Server::start(program, Level::Disk, &[]).await?;
    let ready_s = server.ready.as_secs_f64();
    let (_, light) = messages(&server, course).await?;
    let api = Api::new(server.address);
    let setting = Setting::make(&api, &server.operator, "offers", offers::offers_policy()).await?;
    let offers_us = offers::measure(&setting, course.offer_agents, course.offers_s, seed).await?;
    server.stop().await;
    Ok(Durable { light, offers_us, ready_s })
}

async fn appends(course: &Course) -> Result<(Logged, Appended)> {
    let folder = tempfile::tempdir().context("no folder for the log")?;
    let data = folder.path().join("data").display().to_string();
    let seconds = course.append_s.to_string();
    let ours: Logged = run_once(&["yardstick-log", "--folder", &data, "--seconds", &seconds]).await?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the producers"
    )]
    let group = ours.group.round().max(1.0) as usize;
    debug_assert_eq!(APPEND_BYTES, 500, "the yardstick's default");
    let raw = baseline::raw(folder.path(), group, 0, course.append_s).await?;
    Ok((ours, raw))
}

/// Messages from node to node and over several nodes, beside two joined relays and one node.
async fn on_nodes(program: &Path, course: &Course, rows: &mut Rows) -> Result<()> {
    let one = Group::start(program, 1, Level::RedisDisk).await?;
    let (base_1, shares_1) = one.carry(1, course.full_s).await?;
    let (base_32, shares_32) = one.carry(WORKSPACES, course.full_s).await?;
    one.stop().await;
    rows.shares.extend([shares_1, shares_32]);
    let three = Group::start(program, 3, Level::RedisDisk).await?;
    let (ours_1, shares_1) = three.carry(1, course.full_s).await?;
    let (ours_32, shares_32) = three.carry(WORKSPACES, course.full_s).await?;
    three.stop().await;
    rows.shares.extend([shares_1, shares_32]);
    rows.nodes_1.add(ours_1.per_s(), base_1.per_s());
    rows.nodes_32.add(ours_32.per_s(), base_32.per_s());
    // Both at the same light load, that of the dearer one.
    let two = Group::start(program, 2, Level::Redis).await?;
    let pairs = two.across(course.pairs).await?;
    let (pairs, full) = drive(pairs, Pace::Full, course.full_s).await?;
    let light = Pace::Open(full.per_s() * LIGHT);
    let (_, ours) = drive(pairs, light, course.light_s).await?;
    let (relay, other) = Child::joined(two.redis()).await?;
    let pairs = ready::over_joined(relay.address, other.address, course.pairs).await?;
    let (_, bare) = drive(pairs, light, course.light_s).await?;
    relay.stop().await?;
    other.stop().await?;
    two.stop().await;
    let (ours, bare) = (Ends::of(&ours.relay_us)?, Ends::of(&bare.relay_us)?);
    rows.node_relay_p50.add(ours.p50, bare.p50);
    rows.node_relay_p99.add(ours.p99, bare.p99);
    Ok(())
}

/// The server's log on Redis, then plain pipelines of the same on an empty one.
async fn redis_appends(course: &Course) -> Result<(Logged, Logged)> {
    let seconds = course.append_s.to_string();
    let folder = tempfile::tempdir().context("no folder for the log")?;
    let data = folder.path().join("data").display().to_string();
    let redis = Redis::start(false).await?;
    let address = redis.address().to_string();
    let ours: Logged =
        run_once(&["yardstick-log", "--folder", &data, "--redis", &address, "--seconds", &seconds]).await?;
    drop(redis);
    let redis = Redis::start(false).await?;
    let address = redis.address().to_string();
    // A commit has a call for each shard.
    let group = (ours.group / f64::from(SHARDS)).round().max(1.0).to_string();
    let plain: Logged =
        run_once(&["yardstick-pipeline", "--redis", &address, "--group", &group, "--seconds", &seconds])
            .await?;
    Ok((ours, plain))
}

async fn idle_sessions(program: &Path, course: &Course) -> Result<f64> {
    let mut server = Server::start(program, Level::Memory, &[]).await?;
    let pid = server.process().context("the server has ended")?;
    let api = Api::new(server.address);
    let setting = Setting::make(&api, &server.operator, "idle", crate::setting::policy(&[])).await?;
    let bytes = idle::of_server(&setting, pid, course.idle_sockets).await?;
    server.stop().await;
    Ok(bytes)
}
