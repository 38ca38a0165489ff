//! A Redis without nodes: as long as it is held nobody serves from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use log_store::redis::{Bus, RedisLog, Taken};
use log_store::{Log as _, ShardId};
use tokio::task::JoinHandle;

use crate::cluster::{KEYS, MOVING, SHARDS};
use crate::config::Config;

/// Leases last so long, and are renewed three times as often.
const HOLD: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

type Leases = Arc<Mutex<Vec<(ShardId, u64)>>>;

/// A Redis that is held.
pub(super) struct Alone {
    pub(super) log: Arc<RedisLog>,
    bus: Bus,
    me: String,
    leases: Leases,
    renewing: Option<JoinHandle<()>>,
    shards: u16,
    patience: Duration,
    /// Whether the note that a move is under way goes with this process.
    passing: bool,
}

impl Alone {
    /// Takes a Redis that is moved from.
    ///
    /// # Errors
    /// If a node serves from it, or another move is under way.
    pub(super) async fn source(config: &Config, log: Arc<RedisLog>) -> anyhow::Result<Self> {
        let mut alone = Self::enter(config, log, true)?;
        let claimed = alone.bus.claim(MOVING, alone.me.clone().into_bytes(), Some(HOLD)).await?;
        ensure!(
            claimed.is_none(),
            "another move from or to this Redis is under way: it is free {HOLD:?} after its end"
        );
        let held = async {
            alone.nobody_serves().await?;
            alone.number_of_shards().await?;
            alone.renew();
            alone.lease().await
        };
        match held.await {
            Ok(()) => Ok(alone),
            Err(error) => {
                alone.leave(false).await?;
                Err(error)
            }
        }
    }

    /// Takes an empty Redis that is moved to, or one in which the same move broke off. From now on no node starts on it
    /// before [`Self::leave`] has heard that the move is done. Leases are taken by [`Self::lease`].
    ///
    /// # Errors
    /// If it is not empty, a node serves from it, or another move is under way.
    pub(super) async fn target(config: &Config, log: Arc<RedisLog>, which: &str) -> anyhow::Result<Self> {
        let mut alone = Self::enter(config, log, false)?;
        match alone.claim(which).await {
            Ok(()) => {
                alone.renew();
                Ok(alone)
            }
            Err(error) => {
                alone.leave(false).await?;
                Err(error)
            }
        }
    }

    async fn claim(&self, which: &str) -> anyhow::Result<()> {
        match self.bus.look(MOVING).await? {
            Some(found) if found == which.as_bytes() => {}
            Some(_) => bail!(
                "Redis holds an unfinished move of something else: what is to be moved has changed since, or other workspaces \
                 were named. Empty it, or choose another `redis.prefix`"
            ),
            None => {
                self.nobody_serves().await?;
                let taken = self.bus.look(KEYS).await?.is_some() || !self.log.homes()?.is_empty();
                ensure!(
                    !taken,
                    "Redis is not empty: a store is moved into an empty one only. Choose another `redis.prefix`, or empty it"
                );
                ensure!(
                    self.bus.claim(MOVING, which.as_bytes().to_vec(), None).await?.is_none(),
                    "another move to this Redis has just begun"
                );
            }
        }
        self.nobody_serves().await?;
        self.number_of_shards().await
    }

    fn enter(config: &Config, log: Arc<RedisLog>, passing: bool) -> anyhow::Result<Self> {
        let me = format!("move-{}", uuid::Uuid::now_v7().simple());
        log.enter(&me)?;
        let bus = log.bus();
        let patience = config.redis.hold() * 2 + Duration::from_secs(1);
        let (leases, shards) = (Leases::default(), config.shards);
        Ok(Self { log, bus, me, leases, renewing: None, shards, patience, passing })
    }

    /// Nodes that were killed are forgotten by themselves, soon.
    async fn nobody_serves(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let mut nodes = self.bus.beat(&self.me, HOLD).await?;
            nodes.retain(|node| *node != self.me);
            if nodes.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > self.patience {
                bail!("these nodes serve from Redis: {}. Stop all of them first", nodes.join(", "));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn number_of_shards(&self) -> anyhow::Result<()> {
        let Some(fixed) = self.bus.look(SHARDS).await? else { return Ok(()) };
        let fixed = String::from_utf8_lossy(&fixed).into_owned();
        ensure!(fixed == self.shards.to_string(), "Redis holds {fixed} shards: set `shards = {fixed}`");
        Ok(())
    }

    /// Takes the leases of all shards.
    ///
    /// # Errors
    /// If somebody holds one.
    pub(super) async fn lease(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for shard in (0..self.shards).map(ShardId) {
            loop {
                match self.log.acquire(shard, &self.me, HOLD).await? {
                    Taken::Ours(epoch) => {
                        self.leases.lock().unwrap_or_else(PoisonError::into_inner).push((shard, epoch));
                        break;
                    }
                    Taken::Others(node, _) if begun.elapsed() > self.patience => {
                        bail!("{node} holds shard {}: stop it first", shard.0)
                    }
                    Taken::Others(..) => tokio::time::sleep(PAUSE).await,
                }
            }
        }
        Ok(())
    }

    /// Keeps everything that ends by itself.
    fn renew(&mut self) {
        let (log, bus, me, passing) =
            (Arc::clone(&self.log), self.bus.clone(), self.me.clone(), self.passing);
        let leases = Arc::clone(&self.leases);
        self.renewing = Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(HOLD / 3).await;
                let held = leases.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // What cannot be renewed runs out; then nothing that is appended is taken any more.
                drop(bus.beat(&me, HOLD).await);
                drop(log.renew(&held, &me, HOLD).await);
                if passing {
                    drop(bus.put(MOVING, me.clone().into_bytes(), HOLD).await);
                }
            }
        }));
    }

    /// Whether nobody came meanwhile.
    ///
    /// # Errors
    /// If somebody did.
    pub(super) async fn still(&self) -> anyhow::Result<()> {
        let held = self.leases.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let kept = self.log.renew(&held, &self.me, HOLD).await?;
        ensure!(
            kept.iter().all(|kept| *kept),
            "a node has taken a shard meanwhile: stop it, then run this again"
        );
        Ok(())
    }

    /// Lets go of it; if the move is `done`, nodes may start.
    ///
    /// # Errors
    /// If Redis cannot be told that it is done.
    pub(super) async fn leave(&mut self, done: bool) -> anyhow::Result<()> {
        if let Some(renewing) = self.renewing.take() {
            renewing.abort();
        }
        let held = std::mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner));
        for (shard, epoch) in held {
            // What is not given back runs out.
            drop(self.log.release(shard, epoch, &self.me).await);
        }
        drop(self.bus.beat(&self.me, Duration::ZERO).await);
        if done || self.passing {
            self.bus.take(MOVING).await?;
        }
        Ok(())
    }
}
