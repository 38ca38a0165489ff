//! Leases: which node owns a shard, by Redis's clock. A lease keeps two nodes from working at the same shard; that they
//! cannot both write is the fence's doing, not the lease's.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use futures_util::future::join_all;
use redis::{FromRedisValue as _, RedisError, RedisResult, cmd};

use super::RedisLog;
use super::committer::{give_back, head_of, list, parse};
use super::head::{Call, Head};
use super::held::Held;
use super::read::unreadable;
use super::scripts;
use crate::embedded::folder;
use crate::file::write_whole;
use crate::{OpenError, ReadError, ShardId};

/// What came of asking for a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is ours, in this epoch.
    Ours(u64),
    /// Another node has it, for so long yet unless it renews.
    Others(String, Duration),
}

impl RedisLog {
    /// Enters the data folder as this node, for this process alone: the one that was in it before has ended, so that what it
    /// held is free. Says which one that was.
    ///
    /// # Errors
    /// If another process is in the folder, or it cannot be written.
    pub fn enter(&self, node: &str) -> Result<Option<String>, OpenError> {
        let lock = folder::lock(&self.folder)?;
        let file = self.folder.join("node");
        let before = std::fs::read_to_string(&file).ok().filter(|before| !before.is_empty());
        write_whole(&file, node.as_bytes())
            .map_err(|error| OpenError::Io { path: self.folder.clone(), detail: error.to_string() })?;
        *self.inner.entered.lock().unwrap_or_else(PoisonError::into_inner) = Some((lock, before.clone()));
        Ok(before)
    }

    /// Takes a shard for a node, unless another one holds it: from then on nobody else can append to it. What this node
    /// wrote and Redis has forgotten is given back first, as long as nobody has gone on without it.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn acquire(&self, shard: ShardId, node: &str, hold: Duration) -> Result<Taken, ReadError> {
        let (inner, node) = (Arc::clone(&self.inner), node.to_owned());
        self.on_its_own(async move {
            let taken = inner.acquire(shard, &node, hold).await;
            taken.map_err(|error| unreadable(&error))
        })
        .await
    }

    /// Renews the leases of these shards and epochs; says of each whether it is still ours.
    ///
    /// # Errors
    /// If Redis cannot be asked: then nobody knows.
    pub async fn renew(
        &self,
        shards: &[(ShardId, u64)],
        node: &str,
        hold: Duration,
    ) -> Result<Vec<bool>, ReadError> {
        let (inner, shards, node) = (Arc::clone(&self.inner), shards.to_vec(), node.to_owned());
        self.on_its_own(async move {
            let asked = shards.iter().map(|(shard, epoch)| inner.renew(*shard, *epoch, &node, hold));
            let answers: RedisResult<Vec<bool>> = join_all(asked).await.into_iter().collect();
            inner.told(answers).await
        })
        .await
    }

    /// Gives a shard back, for whoever is next.
    ///
    /// # Errors
    /// If Redis cannot be asked: then the lease runs out by itself.
    pub async fn release(&self, shard: ShardId, epoch: u64, node: &str) -> Result<(), ReadError> {
        let (inner, node) = (Arc::clone(&self.inner), node.to_owned());
        self.on_its_own(async move {
            inner.shared.held().remove(&shard);
            let answer = inner.renew(shard, epoch, &node, Duration::ZERO).await;
            inner.told(answer).await.map(drop)
        })
        .await
    }

    /// Takes note that a shard is another node's now.
    pub fn lost(&self, shard: ShardId) {
        self.inner.shared.held().remove(&shard);
    }

    /// How many batches a shard has taken, those without records and those of other nodes included.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn turn(&self, shard: ShardId) -> Result<u64, ReadError> {
        let inner = Arc::clone(&self.inner);
        self.on_its_own(async move { inner.reader.head(shard).await.map(|head| head.turn) }).await
    }

    /// Who holds each of these shards, in which epoch.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn owners(&self, shards: u16) -> Result<Vec<Option<(u64, String)>>, ReadError> {
        let inner = Arc::clone(&self.inner);
        self.on_its_own(async move {
            let asked = (0..shards).map(|shard| inner.owner(ShardId(shard)));
            let answers: RedisResult<Vec<_>> = join_all(asked).await.into_iter().collect();
            inner.told(answers).await
        })
        .await
    }
}

impl super::Inner {
    async fn told<T>(&self, answer: RedisResult<T>) -> Result<T, ReadError> {
        if answer.is_err() {
            self.reader.forget_link().await;
        }
        answer.map_err(|error| unreadable(&error))
    }

    async fn acquire(&self, shard: ShardId, node: &str, hold: Duration) -> RedisResult<Taken> {
        let link = self.reader.link().await?;
        let layout = &self.reader.layout;
        list(&link, layout, shard).await?;
        let mut before = head_of(&link, layout, shard).await?;
        if let Some(lost) = self.shared.lost(shard, before) {
            before = give_back(&link, layout, &lost).await?;
        }
        let mut dice = [0; 2];
        rand::fill(&mut dice).map_err(|_| RedisError::from((redis::ErrorKind::Client, "no randomness")))?;
        let dice = u16::from_le_bytes(dice) % 1_024;
        let keys = [layout.head(shard), layout.log(shard), layout.lease(shard)];
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
        let answer = link
            .run(&scripts::ACQUIRE, &keys, &|command| {
                command.arg(node).arg(hold_ms).arg(dice).arg(self.before());
            })
            .await?;
        let (holder, head, left): (String, String, u64) = redis::FromRedisValue::from_redis_value(answer)?;
        if holder != node {
            return Ok(Taken::Others(holder, Duration::from_millis(left)));
        }
        let head: Head = parse(&head)?;
        // The way from the head before to this one, should Redis forget that as well.
        let opening =
            Arc::new(Call { shard, expected: before, made: head, entry: Vec::new(), ops: Vec::new() });
        if let Some(journal) = &self.journal {
            let written = journal.append(vec![Arc::clone(&opening)]).await;
            written.map_err(|error| RedisError::from(std::io::Error::other(error)))?;
        }
        self.shared.rings().entry(shard).or_default().push(opening);
        self.shared.held().insert(shard, Held { head, epoch: Some(head.epoch) });
        Ok(Taken::Ours(head.epoch))
    }

    /// The node that this one follows, if any.
    fn before(&self) -> String {
        let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        entered.as_ref().and_then(|(_, before)| before.clone()).unwrap_or_default()
    }

    async fn renew(&self, shard: ShardId, epoch: u64, node: &str, hold: Duration) -> RedisResult<bool> {
        let link = self.reader.link().await?;
        let keys = [self.reader.layout.head(shard), self.reader.layout.lease(shard)];
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
        let answer = link
            .run(&scripts::RENEW, &keys, &|command| {
                command.arg(node).arg(epoch).arg(hold_ms);
            })
            .await?;
        Ok(i64::from_redis_value(answer)? == 1)
    }

    async fn owner(&self, shard: ShardId) -> RedisResult<Option<(u64, String)>> {
        let link = self.reader.link().await?;
        let key = self.reader.layout.lease(shard);
        let answer = link.call(cmd("GET").arg(&key)).await?;
        let text: Option<String> = Option::from_redis_value(answer)?;
        let owner = text.as_deref().and_then(|it| it.split_once(' '));
        let owner = owner.filter(|(_, node)| !node.is_empty());
        Ok(owner.and_then(|(epoch, node)| Some((epoch.parse().ok()?, node.to_owned()))))
    }
}
