//! Nodes on one Redis: how long a message takes from one to another, and how many messages several carry beside one.
//!
//! Clients come through all nodes in turn, as a balancer sends them, so that most messages pass two nodes or three.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::ready::{pair, pairs_policy};
use crate::api::Api;
use crate::cluster::{LEASE, settled};
use crate::pairs::{Measured, Pace, Pair, drive};
use crate::redis::Redis;
use crate::setting::Setting;
use crate::spawn::{Level, Server};

/// At full speed so many pairs write, however many workspaces share them.
pub(crate) const PAIRS: usize = 96;

/// Nodes on a Redis of their own.
pub(crate) struct Group {
    redis: Redis,
    nodes: Vec<Server>,
}

/// Who used how much of one core while messages were passed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Shares {
    pub(crate) nodes: usize,
    pub(crate) workspaces: usize,
    pub(crate) per_s: f64,
    /// Redis.
    redis: f64,
    /// All nodes together.
    servers: f64,
    /// The load generator.
    clients: f64,
    /// Everything that runs on this machine, other programs included.
    machine: f64,
    /// What was used up: `redis` (its one thread), `cores` (those of the machine), or neither: `round_trips`.
    bottleneck: &'static str,
}

/// Above this share there is nothing left worth mentioning.
const USED_UP: f64 = 0.85;

impl Shares {
    fn new(nodes: usize, workspaces: usize, per_s: f64, shares: [f64; 4], cores: f64) -> Self {
        let [redis, servers, clients, machine] = shares.map(|share| (share * 100.0).round() / 100.0);
        let bottleneck = if redis >= USED_UP {
            "redis"
        } else if machine >= USED_UP * cores {
            "cores"
        } else {
            "round_trips"
        };
        Self { nodes, workspaces, per_s: per_s.round(), redis, servers, clients, machine, bottleneck }
    }
}

/// Ticks of the clock in which Linux tells processor time, a second (`proc_pid_stat(5)`: always 100 for programs).
const TICKS: f64 = 100.0;

/// The processor time that a process has used so far, in seconds.
fn used(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("a process has ended")?;
    // Behind the name, which may hold anything, the twelfth and thirteenth value are those of the program and the system.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>().context("the form of /proc")? / TICKS)
}

/// The processor time that all programs of this machine have used so far, in seconds.
fn used_by_all() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat").context("the machine's processor time")?;
    let first = stat.lines().next().unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq: idle and waiting are not used (`proc_stat(5)`).
    let ticks: Vec<f64> = first.split_whitespace().skip(1).take(7).filter_map(|it| it.parse().ok()).collect();
    let used = ticks.iter().enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, ticks)| ticks);
    Ok(used.sum::<f64>() / TICKS)
}

impl Group {
    /// Starts so many nodes, and waits until each shard is where it belongs.
    pub(crate) async fn start(program: &Path, count: usize, level: Level) -> Result<Self> {
        let redis = Redis::start(level == Level::RedisReplica).await?;
        let mut environment = redis.environment();
        environment.push(("SWITCHBOARD__REDIS__LEASE_MS".to_owned(), LEASE.as_millis().to_string()));
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Server::start_with(program, level, environment.clone()).await?);
        }
        settled(&nodes).await?;
        Ok(Self { redis, nodes })
    }

    /// A workspace that begins on this node.
    async fn workspace(&self, node: usize, name: &str, pairs: usize) -> Result<Setting> {
        // Each start makes a new operator's token; the last one holds.
        let operator = self.nodes.last().map_or("", |node| &node.operator);
        Setting::make(&Api::new(self.nodes[node].address), operator, name, pairs_policy(pairs)).await
    }

    /// The same workspace through another node.
    fn through(&self, node: usize, setting: &Setting) -> Setting {
        let node = &self.nodes[node % self.nodes.len()];
        Setting { api: Api::new(node.address), workspace: setting.workspace.clone() }
    }

    /// Pairs whose customers are where their workspace is, and whose agents are at another node.
    pub(crate) async fn across(&self, count: usize) -> Result<Vec<Pair>> {
        let here = self.workspace(0, "across", count).await?;
        let there = self.through(1, &here);
        let mut pairs = Vec::with_capacity(count);
        for index in 0..count {
            pairs.push(pair(&here, &there, index, index).await?);
        }
        Ok(pairs)
    }

    /// Pairs spread over workspaces, and all ends over the nodes.
    async fn spread(&self, workspaces: usize) -> Result<Vec<Pair>> {
        let each = PAIRS.div_ceil(workspaces);
        let mut pairs = Vec::with_capacity(PAIRS);
        for number in 0..workspaces {
            let name = format!("spread-{workspaces}-{number}");
            let setting = self.workspace(number % self.nodes.len(), &name, each).await?;
            for skill in 0..each.min(PAIRS - pairs.len()) {
                let (one, other) = (pairs.len(), pairs.len() + 1 + number);
                let (one, other) = (self.through(one, &setting), self.through(other, &setting));
                pairs.push(pair(&one, &other, pairs.len(), skill).await?);
            }
        }
        Ok(pairs)
    }

    /// Messages a second over so many workspaces, and what they cost.
    pub(crate) async fn carry(&self, workspaces: usize, seconds: f64) -> Result<(Measured, Shares)> {
        let pairs = self.spread(workspaces).await?;
        let mut processes = vec![self.redis.process().context("Redis has ended")?];
        for node in &self.nodes {
            processes.push(node.process().context("a node has ended")?);
        }
        processes.push(std::process::id());
        let before: Vec<f64> = processes.iter().map(|it| used(*it)).collect::<Result<_>>()?;
        let all_before = used_by_all()?;
        let begun = std::time::Instant::now();
        let (_, measured) = drive(pairs, Pace::Full, seconds).await?;
        let took = begun.elapsed().as_secs_f64();
        let machine = (used_by_all()? - all_before) / took;
        let mut shares = Vec::with_capacity(processes.len());
        for (process, before) in processes.iter().zip(before) {
            shares.push((used(*process)? - before) / took);
        }
        let (redis, clients) = (shares[0], shares[shares.len() - 1]);
        let servers = shares[1..shares.len() - 1].iter().sum();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        #[expect(clippy::cast_precision_loss, reason = "cores of a machine")]
        let cores = cores as f64;
        let shares = [redis, servers, clients, machine];
        let shares = Shares::new(self.nodes.len(), workspaces, measured.per_s(), shares, cores);
        Ok((measured, shares))
    }

    /// Where its Redis is.
    pub(crate) fn redis(&self) -> std::net::SocketAddr {
        self.redis.address()
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) {
        for node in &mut self.nodes {
            node.stop().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_this_process_is_read() {
        let before = used(std::process::id()).unwrap();
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_millis(200) {
            std::hint::black_box(std::time::SystemTime::now());
        }
        assert!(used(std::process::id()).unwrap() > before);
        assert!(used(u32::MAX).is_err());
        assert!(used_by_all().unwrap() > before);
    }

    #[test]
    fn what_is_used_up_is_named() {
        let named = |shares| Shares::new(3, 32, 1.0, shares, 2.0).bottleneck;
        assert_eq!(named([0.95, 0.5, 0.3, 1.9]), "redis");
        assert_eq!(named([0.4, 1.0, 0.5, 1.9]), "cores");
        assert_eq!(named([0.2, 0.5, 0.3, 1.1]), "round_trips");
    }
}
