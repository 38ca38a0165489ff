//! The field of a round: Redis, nodes on it, a way to Redis for each, and a balancer before them all.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::fault::LEASE;
use super::pass::{Pass, Target};
use crate::api::Api;
use crate::redis::{Redis, RedisCluster};
use crate::spawn::{Level, Server};

/// How long the nodes may take to agree.
const SETTLED_MAX: Duration = Duration::from_secs(20);
/// Shards that a cluster has by default.
const SHARDS: u64 = 16;

/// How Redis is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Topology {
    /// One primary
    #[default]
    #[value(alias = "alone")]
    Single,
    /// Three primaries, each with a replica
    Cluster,
}

/// Redis, as it is run.
pub(super) enum Servers {
    Single(Box<Redis>),
    Cluster(RedisCluster),
}

impl Servers {
    /// The one primary.
    pub(super) fn single(&mut self) -> Result<&mut Redis> {
        match self {
            Self::Single(redis) => Ok(redis),
            Self::Cluster(_) => bail!("this fault is one of a Redis that is alone"),
        }
    }
}

/// Waits until every node sees all others and every shard is where it belongs; says how long it took.
pub(crate) async fn settled(nodes: &[Server]) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        let mut settled = 0;
        for node in nodes {
            let ready = Api::new(node.address).ready().await.unwrap_or_default();
            settled += usize::from(ready["settled"] == true && ready["nodes"] == nodes.len());
        }
        if settled == nodes.len() {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > SETTLED_MAX {
            bail!("{settled} of {} nodes are at rest after {SETTLED_MAX:?}", nodes.len());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) struct Field {
    /// The program under test.
    pub(super) program: PathBuf,
    pub(super) redis: Servers,
    pub(super) nodes: Vec<Server>,
    /// From the balancer to each node.
    pub(super) targets: Vec<Target>,
    /// From each node to Redis's primary of the beginning.
    pub(super) ways: Vec<Target>,
    balancer: Pass,
    _passes: Vec<Pass>,
}

impl Field {
    /// Starts a node of each of these programs, and waits until each shard is where it belongs.
    pub(super) async fn start(
        programs: &[&Path],
        level: Level,
        topology: Topology,
        with_replica: bool,
    ) -> Result<Self> {
        let redis = match topology {
            Topology::Cluster => Servers::Cluster(RedisCluster::start().await?),
            Topology::Single => {
                Servers::Single(Box::new(Redis::start(with_replica || level == Level::RedisReplica).await?))
            }
        };
        let leases = [
            ("SWITCHBOARD__REDIS__LEASE_MS".to_owned(), LEASE.as_millis().to_string()),
            ("SWITCHBOARD__REDIS__TIMEOUT_MS".to_owned(), (LEASE / 2).as_millis().to_string()),
        ];
        let (mut nodes, mut ways, mut passes) = (Vec::new(), Vec::new(), Vec::new());
        for program in programs {
            let mut environment = match &redis {
                // It names its own servers, so that nothing can stand between.
                Servers::Cluster(cluster) => cluster.environment(),
                Servers::Single(redis) => {
                    let way = Target::new(redis.address());
                    let pass = Pass::start(vec![way.clone()]).await?;
                    let mut urls = vec![format!("redis://{}", pass.address)];
                    urls.extend(redis.replica().map(|replica| format!("redis://{}", replica.address())));
                    ways.push(way);
                    passes.push(pass);
                    vec![
                        ("SWITCHBOARD__REDIS__URLS".to_owned(), urls.join(",")),
                        ("SWITCHBOARD__REDIS__KEYS".to_owned(), redis.keys()),
                    ]
                }
            };
            environment.extend(leases.clone());
            nodes.push(Server::start_with(program, level, environment).await?);
        }
        let targets: Vec<_> = nodes.iter().map(|node| Target::new(node.address)).collect();
        let balancer = Pass::start(targets.clone()).await?;
        let program = programs.first().map_or_else(PathBuf::new, |program| program.to_path_buf());
        let field = Self { program, redis, nodes, targets, ways, balancer, _passes: passes };
        field.settled().await?;
        Ok(field)
    }

    /// Where clients go.
    pub(super) fn address(&self) -> SocketAddr {
        self.balancer.address
    }

    /// The operator's token: each start makes a new one, the last one holds.
    pub(super) fn operator(&self) -> &str {
        self.nodes.last().map_or("", |node| &node.operator)
    }

    /// Waits until every node sees all others and every shard is where it belongs; says how long it took.
    pub(super) async fn settled(&self) -> Result<Duration> {
        settled(&self.nodes).await
    }

    /// Ends everything.
    pub(super) async fn stop(&mut self) {
        for node in &mut self.nodes {
            node.stop().await;
        }
    }

    /// Waits until the nodes other than this one have all shards open between them; says how long it took.
    pub(super) async fn covered(&self, without: usize) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let mut shards = 0;
            for (_, node) in self.nodes.iter().enumerate().filter(|(at, _)| *at != without) {
                let ready = Api::new(node.address).ready().await.unwrap_or_default();
                shards += ready["shards"].as_u64().unwrap_or(0);
            }
            if shards >= SHARDS {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > SETTLED_MAX {
                bail!("the other nodes have {shards} of {SHARDS} shards after {SETTLED_MAX:?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What each node has logged.
    pub(super) fn whole_logs(&self) -> Vec<String> {
        self.nodes.iter().map(|node| std::fs::read_to_string(node.log()).unwrap_or_default()).collect()
    }

    /// Keeps what each node has logged, for people; says where.
    pub(super) fn keep_logs(&self, seed: u64) -> Result<PathBuf> {
        let folder = std::env::temp_dir().join(format!("loadtest-cluster-{seed}"));
        std::fs::create_dir_all(&folder)?;
        for (number, log) in self.whole_logs().into_iter().enumerate() {
            std::fs::write(folder.join(format!("node-{number}.log")), log)?;
        }
        Ok(folder)
    }

    /// The end of each node's log, for people.
    pub(super) fn logs(&self) -> String {
        let last = |node: &Server| {
            let text = std::fs::read_to_string(node.log()).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(8).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        self.nodes.iter().map(last).collect::<Vec<_>>().join("\n--\n")
    }
}
