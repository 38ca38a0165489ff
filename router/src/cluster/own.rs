//! Which node owns which shard. Each node renews its leases, sees who lives, and takes what nobody has; a shard that
//! belongs on another node (by rendezvous hashing, so that few move when nodes come and go) is handed over, one at a time,
//! and only once nothing has changed for a while. Nobody takes what another one holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use log_store::redis::Taken;
use log_store::{ReadError, ShardId};
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{Instrument as _, error, info, warn};

use super::Cluster;
use super::parcel::Parcel;
use crate::accounts::Accounts;
use crate::shard::{self, Handle, Parts, Shards, State, Stop, shard_of};

/// A lease is renewed so often while it lasts.
const RENEWALS: u32 = 3;
/// Nothing moves before the nodes have been the same for so many leases.
const SETTLED: u32 = 2;

/// A shard of this node.
struct Running {
    epoch: u64,
    task: JoinHandle<()>,
}

/// Keeps this node's share of the shards.
pub(crate) struct Keeper {
    cluster: Arc<Cluster>,
    accounts: Arc<Accounts>,
    parts: Parts,
    shards: Shards,
    stop: Arc<tokio::sync::watch::Sender<Stop>>,
    running: BTreeMap<u16, Running>,
    /// Since when a shard has had no owner.
    vacant: BTreeMap<u16, Instant>,
    nodes: Vec<String>,
    /// Since when the nodes are these.
    since: Instant,
    /// How far the accounts were read.
    accounts_at: u64,
}

/// The node that a shard belongs on: the one with the highest hash of both (Thaler and Ravishankar, 1998).
fn home(shard: u16, nodes: &[String]) -> Option<&String> {
    let weight = |node: &&String| xxhash_rust::xxh3::xxh3_64_with_seed(node.as_bytes(), u64::from(shard));
    nodes.iter().max_by_key(weight)
}

impl Keeper {
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        accounts: Arc<Accounts>,
        parts: Parts,
        shards: Shards,
        stop: Arc<tokio::sync::watch::Sender<Stop>>,
    ) -> Self {
        let (running, vacant, nodes) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let since = Instant::now();
        Self { cluster, accounts, parts, shards, stop, running, vacant, nodes, since, accounts_at: 0 }
    }

    /// Keeps leases until the node closes; then hands everything over.
    pub(crate) async fn run(mut self, mut closing: tokio::sync::watch::Receiver<Stop>) {
        let beat = self.cluster.hold / RENEWALS;
        loop {
            tokio::select! {
                () = tokio::time::sleep(beat) => {}
                () = self.cluster.wake.notified() => {}
                _ = closing.wait_for(|stop| *stop != Stop::Running) => break,
            }
            if let Err(error) = self.turn().await {
                self.cluster.shake();
                // What is ours stays ours until another one has it: the log decides.
                warn!(%error, "leases cannot be renewed just now");
            }
        }
        self.leave().await;
    }

    /// Waits until the shards of this node are open, or have failed.
    pub(crate) async fn opened(&self) {
        let open = |number: &u16| self.shards.is_here(*number) || self.running[number].task.is_finished();
        while !self.running.keys().all(open) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// One look at everything.
    ///
    /// # Errors
    /// If Redis cannot be asked: then nothing has changed.
    pub(crate) async fn turn(&mut self) -> Result<(), ReadError> {
        let hold = self.cluster.hold;
        self.cluster.post.say(&self.cluster.me, Parcel::Beat);
        let mut nodes = self.cluster.bus.beat(&self.cluster.me, hold).await?;
        nodes.sort();
        if nodes != self.nodes {
            for gone in self.nodes.iter().filter(|node| !nodes.contains(node)) {
                self.cluster.cut_off(gone);
                self.cluster.post.forget(gone);
            }
            info!(nodes = nodes.len(), "nodes that live");
            self.cluster.nodes.store(Arc::new(nodes.clone()));
            self.nodes = nodes;
            self.since = Instant::now();
        }
        self.renew().await?;
        let mut owners = self.cluster.log.owners(self.cluster.shards).await?;
        for owner in &mut owners {
            owner.take_if(|(_, node)| self.cluster.has_ended(node));
        }
        self.publish(&owners);
        let mut due = Vec::new();
        for (number, owner) in (0..self.cluster.shards).zip(&owners) {
            match owner {
                _ if self.running.contains_key(&number) => drop(self.vacant.remove(&number)),
                Some(_) => drop(self.vacant.remove(&number)),
                // A Redis that was away may have come back with less than it had: who owned the shard gives back what is
                // missing, and has a lease's time to come first.
                None if self.cluster.is_shaken() => drop(self.vacant.remove(&number)),
                None => {
                    let since = *self.vacant.entry(number).or_insert_with(Instant::now);
                    // Who should have it may be unable to take it.
                    if home(number, &self.nodes) == Some(&self.cluster.me) || since.elapsed() > hold {
                        due.push(number);
                    }
                }
            }
        }
        self.take(&due).await?;
        self.read_accounts().await?;
        let away = |number: &&u16| home(**number, &self.nodes).is_some_and(|node| *node != self.cluster.me);
        let moves = self.running.keys().find(away).copied();
        if let Some(number) = moves.filter(|_| self.since.elapsed() > hold * SETTLED) {
            self.hand_over(number).await;
            self.cluster.wake.notify_one();
        }
        Ok(())
    }

    /// Other nodes change accounts too; they tell, and what was not heard is read.
    async fn read_accounts(&mut self) -> Result<(), ReadError> {
        let at = self.cluster.log.turn(crate::accounts::ACCOUNTS).await?;
        if at != self.accounts_at {
            self.accounts_at = at;
            self.accounts.reload().map_err(|error| ReadError::Io(error.to_string()))?;
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), ReadError> {
        let held: Vec<_> = self.running.iter().map(|(number, it)| (ShardId(*number), it.epoch)).collect();
        let kept = self.cluster.log.renew(&held, &self.cluster.me, self.cluster.hold).await?;
        for ((ShardId(number), _), kept) in held.into_iter().zip(kept) {
            let ended = self.running.get(&number).is_some_and(|it| it.task.is_finished());
            if !kept || ended {
                warn!(shard = number, kept, "a shard is another node's now");
                self.drop_shard(number);
                self.cluster.log.lost(ShardId(number));
            }
        }
        Ok(())
    }

    /// Tells everybody here who owns what.
    fn publish(&self, owners: &[Option<(u64, String)>]) {
        let name = |(number, owner): (u16, &Option<(u64, String)>)| {
            if self.shards.is_here(number) {
                return Some(self.cluster.me.clone());
            }
            owner.as_ref().map(|(_, node)| node.clone()).filter(|node| *node != self.cluster.me)
        };
        self.cluster.owners.store(Arc::new((0..).zip(owners).map(name).collect()));
    }

    /// Takes shards that nobody has, all at once, so that one look at Redis and one sync of the journal serve many; starts
    /// those that are ours.
    async fn take(&mut self, numbers: &[u16]) -> Result<(), ReadError> {
        let (log, me, hold) = (Arc::clone(&self.cluster.log), &self.cluster.me, self.cluster.hold);
        let asked = numbers.iter().map(|number| log.acquire(ShardId(*number), me, hold));
        let answers = join_all(asked).await;
        let mut failed = None;
        for (number, answer) in numbers.iter().zip(answers) {
            match answer {
                Ok(Taken::Ours(epoch)) => self.start(*number, epoch),
                Ok(Taken::Others(..)) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Starts a shard that is ours.
    fn start(&mut self, number: u16, epoch: u64) {
        let shard = ShardId(number);
        self.vacant.remove(&number);
        let (parts, shards, stop) = (self.parts.clone(), self.shards.clone(), Arc::clone(&self.stop));
        let cluster = Arc::clone(&self.cluster);
        let span = tracing::debug_span!(crate::telemetry::span::SHARD, number);
        let task = tokio::spawn(
            async move {
                let log = Arc::clone(&parts.log);
                let recovered = tokio::task::spawn_blocking(move || shard::recover(shard, &*log)).await;
                let failure = match recovered {
                    Ok(Ok(recovered)) => {
                        info!(shard = number, epoch, replayed = recovered.replayed, "a shard is ours");
                        let (handle, asks) = Handle::new(parts.config.limits.shard_queue);
                        let state = State::new(shard, parts, recovered);
                        shards.put(number, handle);
                        cluster.now_here(number);
                        return shard::run(state, asks, stop).await;
                    }
                    Ok(Err(failure)) => failure.to_string(),
                    Err(failure) => failure.to_string(),
                };
                error!(shard = number, failure, "a shard cannot be recovered");
                stop.send_replace(Stop::Failed(failure));
            }
            .instrument(span),
        );
        self.running.insert(number, Running { epoch, task });
    }

    /// Nothing is asked of a shard here any more; who talks with it is sent to its next owner.
    fn drop_shard(&mut self, number: u16) -> Option<Running> {
        let opened = self.shards.is_here(number);
        self.shards.remove(number);
        let count = usize::from(self.cluster.shards);
        self.parts.registry.close_where(|owner| shard_of(owner.workspace(), count) == number);
        let running = self.running.remove(&number);
        if let Some(running) = running.as_ref().filter(|_| !opened) {
            running.task.abort();
        }
        running
    }

    /// Finishes what a shard has under way, and gives it back.
    async fn hand_over(&mut self, number: u16) {
        let begun = Instant::now();
        let Some(Running { epoch, task }) = self.drop_shard(number) else { return };
        let guard = Abort(task.abort_handle());
        if tokio::time::timeout(self.cluster.hold, task).await.is_err() {
            warn!(shard = number, "a shard did not finish in time: its next owner goes on from the log");
        }
        drop(guard);
        if let Err(error) = self.cluster.log.release(ShardId(number), epoch, &self.cluster.me).await {
            warn!(%error, shard = number, "a lease could not be given back: it runs out");
        }
        let others: Vec<_> = self.nodes.iter().filter(|node| **node != self.cluster.me).cloned().collect();
        if let Some(next) = home(number, &others) {
            let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            info!(shard = number, next, took_us, "a shard is handed over");
            self.cluster.post.say(next, Parcel::Free);
        }
    }

    /// Hands everything over and goes.
    async fn leave(mut self) {
        self.nodes.retain(|node| *node != self.cluster.me);
        if let Err(error) = self.cluster.bus.beat(&self.cluster.me, Duration::ZERO).await {
            warn!(%error, "the other nodes cannot be told that this one goes");
        }
        for number in self.running.keys().copied().collect::<Vec<_>>() {
            self.hand_over(number).await;
        }
    }
}

/// Ends a task that was waited for long enough.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Cluster {
    /// Whether each shard is on the node that it belongs on.
    pub(crate) fn settled(&self) -> bool {
        let nodes = self.nodes();
        (0..).zip(self.owners.load().iter()).all(|(number, owner)| owner.as_ref() == home(number, &nodes))
    }

    /// A shard is open here now.
    fn now_here(&self, number: u16) {
        self.owners.rcu(|owners| {
            let mut owners = Vec::clone(owners);
            if let Some(owner) = owners.get_mut(usize::from(number)) {
                *owner = Some(self.me.clone());
            }
            owners
        });
    }

    /// Tells the other nodes which rows of the accounts have changed, as long as this node runs.
    pub(crate) async fn tell_accounts(
        self: Arc<Self>,
        mut changed: tokio::sync::broadcast::Receiver<crate::accounts::Changed>,
    ) {
        loop {
            match changed.recv().await {
                Ok(rows) => self.tell_all(&Parcel::Accounts(rows)),
                // The other nodes read what they were not told.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_spread_and_few_move_when_a_node_comes() {
        let nodes: Vec<String> = ["a", "b", "c", "d"].into_iter().map(String::from).collect();
        let with =
            |count: usize| -> Vec<_> { (0..256).map(|it| home(it, &nodes[..count]).cloned()).collect() };
        let (three, four) = (with(3), with(4));
        for node in &nodes[..3] {
            let share = three.iter().flatten().filter(|it| *it == node).count();
            assert!((50..=120).contains(&share), "{node} has {share} of 256");
        }
        let moved = three.iter().zip(&four).filter(|(before, after)| before != after).count();
        let new = four.iter().flatten().filter(|it| *it == "d").count();
        assert_eq!(moved, new, "only to the new node");
        assert_eq!(home(1, &[]), None);
    }
}
