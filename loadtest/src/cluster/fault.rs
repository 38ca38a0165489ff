//! The faults, by name, and how each is done and undone.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use rustix::process::Signal;

use super::field::{Field, Servers, Topology};
use super::pass::Gate;
use crate::rng::Rng;

/// What is done to nodes and Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Fault {
    /// A node is killed, and started again later.
    NodeKill,
    /// A node is stopped for longer than its leases last, and goes on.
    NodeFreeze,
    /// Every node in turn is asked to end, and started again.
    Rolling,
    /// Redis is killed and started again.
    RedisRestart,
    /// Redis stops for a while and goes on.
    RedisFreeze,
    /// The primary is killed while its replica is behind; the replica takes its place.
    RedisFailover,
    /// A node and Redis do not reach each other for longer than a lease; what was on its way arrives late.
    Partition,
    /// Nothing: for how fast it is.
    None,
}

/// A lease of the nodes under test.
pub(crate) const LEASE: Duration = Duration::from_millis(1_000);

impl Fault {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned())
    }

    /// Whether it can be done where Redis is run so.
    pub(super) fn fits(self, topology: Topology) -> bool {
        topology == Topology::Single
            || !matches!(self, Self::RedisRestart | Self::RedisFreeze | Self::Partition)
    }

    /// Whether Redis has a replica for it.
    pub(super) fn needs_replica(self) -> bool {
        self == Self::RedisFailover
    }

    /// Does it and undoes it. Where a node is gone meanwhile, says how long it took until the others had all shards.
    pub(super) async fn inject(self, field: &mut Field, rng: &mut Rng) -> Result<Option<Duration>> {
        let mut routing = None;
        let node = rng.below(field.nodes.len());
        let longer = LEASE.mul_f64(1.2 + 1.8 * rng.unit());
        match self {
            Self::NodeKill => {
                field.targets[node].set(Gate::Shut);
                field.nodes[node].kill().await?;
                routing = Some(field.covered(node).await?);
                tokio::time::sleep(longer.saturating_sub(routing.unwrap_or_default())).await;
                field.nodes[node].start_again().await.context("a killed node does not start again")?;
                field.targets[node].set(Gate::Open);
            }
            Self::NodeFreeze => {
                field.nodes[node].signal(Signal::STOP)?;
                // A balancer sees after a moment that it does not answer.
                tokio::time::sleep(LEASE / 2).await;
                field.targets[node].set(Gate::Shut);
                tokio::time::sleep(longer).await;
                field.nodes[node].signal(Signal::CONT)?;
                field.targets[node].set(Gate::Open);
            }
            Self::Rolling => {
                for node in 0..field.nodes.len() {
                    field.nodes[node].stop().await;
                    field.targets[node].set(Gate::Shut);
                    let program = field.program.clone();
                    field.nodes[node].becomes(&program);
                    field.nodes[node].start_again().await.context("a node does not start again")?;
                    field.targets[node].set(Gate::Open);
                    tokio::time::sleep(LEASE).await;
                }
            }
            Self::RedisRestart => {
                let redis = field.redis.single()?;
                redis.kill().await?;
                tokio::time::sleep(Duration::from_secs_f64(0.05 + rng.unit() * 0.5)).await;
                redis.start_again().await?;
            }
            Self::RedisFreeze => {
                let redis = field.redis.single()?;
                redis.signal(Signal::STOP)?;
                tokio::time::sleep(longer).await;
                redis.signal(Signal::CONT)?;
            }
            Self::RedisFailover => {
                let behind = Duration::from_secs_f64(0.1 + rng.unit() * 0.3);
                let redis = match &mut field.redis {
                    Servers::Cluster(cluster) => {
                        cluster.fail_over(rng.below(3), behind).await?;
                        return Ok(None);
                    }
                    Servers::Single(redis) => redis,
                };
                let replica = redis.replica().context("there is no replica to fail over to")?;
                replica.signal(Signal::STOP)?;
                tokio::time::sleep(behind).await;
                redis.kill().await?;
                let replica = redis.replica().context("there is no replica to fail over to")?;
                replica.signal(Signal::CONT)?;
                replica.promote().await?;
            }
            Self::None => {}
            Self::Partition => {
                field.ways[node].set(Gate::Held);
                tokio::time::sleep(longer).await;
                field.ways[node].set(Gate::Open);
            }
        }
        Ok(routing)
    }
}
