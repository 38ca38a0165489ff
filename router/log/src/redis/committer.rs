//! The committer: one task that takes everything that has gathered, sends one call a shard, all of them together, and
//! answers everybody.
//!
//! No delay is added: while calls are under way, the next group gathers by itself. A call whose outcome is not known is sent
//! again, as it was, until Redis says that it is in or that another owner is ahead: see `head.rs`. Meanwhile nothing is
//! acknowledged, and nothing is given up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::{FromRedisValue as _, RedisError, RedisResult, cmd};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::check::explain;
use super::head::{Call, Draft, Head};
use super::held::{Held, Shared};
use super::journal::Journal;
use super::layout::Layout;
use super::link::Link;
use super::place::Place;
use super::scripts;
use crate::{AppendError, Batch, Level, Position, ShardId};

/// One round takes so many batches, or so many bytes, at most.
const GROUP_BATCHES: usize = 4_096;
const GROUP_BYTES: usize = 1 << 20;
/// How often all heads are looked at, so that a tail that Redis lost is given back soon, of idle shards too.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries, at first and at most.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What a replica has to confirm, in one try.
const CONFIRM_MS: u64 = 500;

type Answer = oneshot::Sender<Result<Position, AppendError>>;
pub(super) type Waiting = (Batch, Answer);

/// What is sent for one shard, and who waits for it.
struct Step {
    call: Arc<Call>,
    answers: Vec<(Answer, Position, Position)>,
    records: u64,
    /// Whether this node holds the shard's lease.
    leased: bool,
}

/// What became of a step.
enum Outcome {
    /// It is in.
    In,
    /// Another owner is ahead.
    Fenced(Head),
}

pub(super) struct Worker {
    pub(super) place: Place,
    pub(super) level: Level,
    pub(super) layout: Layout,
    pub(super) shared: Arc<Shared>,
    pub(super) link: Option<Link>,
    pub(super) journal: Option<Arc<Journal>>,
    /// Tells this writer's heads from those of others where nobody holds leases.
    pub(super) dice: u32,
    /// When all heads were looked at last.
    pub(super) looked: Instant,
}

impl Worker {
    pub(super) async fn run(mut self, mut batches: mpsc::Receiver<Waiting>) {
        let mut group = Vec::new();
        loop {
            match timeout(LOOK, batches.recv()).await {
                Ok(Some(first)) => {
                    let mut bytes = first.0.bytes();
                    group.push(first);
                    while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
                        let Ok(next) = batches.try_recv() else { break };
                        bytes += next.0.bytes();
                        group.push(next);
                    }
                    self.commit(&mut group).await;
                    if self.looked.elapsed() >= LOOK {
                        self.look().await;
                    }
                }
                Ok(None) => return,
                Err(_) => self.look().await,
            }
        }
    }

    async fn commit(&mut self, group: &mut Vec<Waiting>) {
        if let Some(detail) = self.shared.failure() {
            return refuse(group, &AppendError::Failed { detail });
        }
        let started = Instant::now();
        self.refresh(group).await;
        let mut steps = self.draft(group);
        // What the disk takes is known while Redis is asked, so that the slower one alone is waited for.
        let calls = || steps.iter().map(|step| Arc::clone(&step.call)).collect();
        let synced = self.journal.as_ref().map(|journal| journal.append(calls()));
        let outcomes = self.send(&mut steps).await;
        if let Some(synced) = synced
            && let Err(detail) = synced.await
        {
            self.shared.fail(&format!("the journal beside Redis cannot be written: {detail}"));
        }
        let (mut appends, mut records) = (0, 0);
        for (step, outcome) in steps.into_iter().zip(outcomes) {
            let failure = self.shared.failure();
            match outcome {
                Some(Outcome::In) if failure.is_none() => {
                    self.shared.advance(step.call.shard, step.call.made);
                    self.shared.rings().entry(step.call.shard).or_default().push(Arc::clone(&step.call));
                    appends += step.answers.len() as u64;
                    records += step.records;
                    // Who asked may have gone.
                    step.answers.into_iter().for_each(|(answer, _, last)| drop(answer.send(Ok(last))));
                }
                Some(Outcome::Fenced(head)) => {
                    if !step.leased {
                        self.shared.advance(step.call.shard, head);
                    }
                    let last = Position(head.position);
                    for (answer, expected, _) in step.answers {
                        drop(answer.send(Err(AppendError::Fenced { expected, last })));
                    }
                }
                Some(Outcome::In) | None => {
                    let detail =
                        failure.unwrap_or_else(|| "the store was closed before Redis answered".to_owned());
                    for (answer, ..) in step.answers {
                        drop(answer.send(Err(AppendError::Failed { detail: detail.clone() })));
                    }
                }
            }
        }
        self.shared.figures.committed(appends, records, started.elapsed());
    }

    /// Asks for heads that are not known, or that the first batch of a shard does not fit: another node may have written.
    async fn refresh(&mut self, group: &[Waiting]) {
        let mut asked = BTreeMap::new();
        for (batch, _) in group {
            let known = self.shared.of(batch.shard);
            let stale =
                known.is_none_or(|held| held.epoch.is_none() && held.head.position != batch.expected.0);
            asked.entry(batch.shard).or_insert(stale);
        }
        let shards: Vec<_> = asked.into_iter().filter(|(_, stale)| *stale).map(|(shard, _)| shard).collect();
        if shards.is_empty() {
            return;
        }
        let mut pause = PAUSE;
        while !self.shared.is_closing() {
            match self.heads(&shards).await {
                Ok(heads) => {
                    for (shard, head) in shards.iter().zip(heads) {
                        self.shared.advance(*shard, head);
                    }
                    return;
                }
                Err(error) => self.trouble(&error, &mut pause).await,
            }
        }
    }

    async fn heads(&mut self, shards: &[ShardId]) -> RedisResult<Vec<Head>> {
        let link = self.link().await?;
        let asked = shards.iter().map(|shard| head_of(&link, &self.layout, *shard));
        let heads: Vec<Head> = join_all(asked).await.into_iter().collect::<RedisResult<_>>()?;
        for (shard, head) in shards.iter().zip(&heads) {
            if *head == Head::default() {
                list(&link, &self.layout, *shard).await?;
            }
        }
        Ok(heads)
    }

    /// Puts batches together, a call a shard; those that do not fit are refused here.
    fn draft(&self, group: &mut Vec<Waiting>) -> Vec<Step> {
        struct Growing {
            draft: Draft,
            answers: Vec<(Answer, Position, Position)>,
            records: u64,
            leased: bool,
        }
        let mut growing: BTreeMap<ShardId, Growing> = BTreeMap::new();
        for (batch, answer) in group.drain(..) {
            let Some(held) = self.shared.of(batch.shard) else {
                drop(answer.send(Err(AppendError::Closed)));
                continue;
            };
            let Held { head, epoch } = held;
            let step = growing.entry(batch.shard).or_insert_with(|| Growing {
                draft: Draft::after(&self.layout, batch.shard, head),
                answers: Vec::new(),
                records: 0,
                leased: epoch.is_some(),
            });
            let last = step.draft.last();
            // Once a shard has owners, only its owner writes.
            if last != batch.expected || epoch.unwrap_or(0) != head.epoch {
                drop(answer.send(Err(AppendError::Fenced { expected: batch.expected, last })));
                continue;
            }
            step.records += batch.records.len() as u64;
            step.draft.add(&self.layout, &batch.records, batch.writes);
            step.answers.push((answer, batch.expected, step.draft.last()));
        }
        let steps = growing.into_values().filter(|step| !step.answers.is_empty());
        let whole = |step: Growing| Step {
            call: Arc::new(step.draft.into_call((!step.leased).then_some(self.dice), self.place.dedupe)),
            answers: step.answers,
            records: step.records,
            leased: step.leased,
        };
        steps.map(whole).collect()
    }

    /// Sends all steps until each has its outcome; `None` where the store was closed before.
    async fn send(&mut self, steps: &mut [Step]) -> Vec<Option<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = steps.iter().map(|_| None).collect();
        let mut pause = PAUSE;
        while outcomes.iter().any(Option::is_none) && !self.shared.is_closing() {
            match self.try_all(steps, &mut outcomes).await {
                Ok(()) => {
                    pause = PAUSE;
                    self.shared.set_trouble(None);
                }
                Err(error) => self.trouble(&error, &mut pause).await,
            }
        }
        outcomes
    }

    async fn try_all(&mut self, steps: &mut [Step], outcomes: &mut [Option<Outcome>]) -> RedisResult<()> {
        let link = self.link().await?;
        let open: Vec<usize> = (0..steps.len()).filter(|at| outcomes[*at].is_none()).collect();
        let sent = open.iter().map(|at| run(&link, &self.layout, &steps[*at].call));
        let answers = join_all(sent).await;
        let mut failure = None;
        for (at, answer) in open.into_iter().zip(answers) {
            let judged = match answer {
                Ok(head) => self.judge(&link, &mut steps[at], head).await,
                Err(error) => Err(error),
            };
            match judged {
                Ok(outcome) => outcomes[at] = outcome,
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => self.confirm(&link, steps, outcomes).await,
        }
    }

    /// What a head says that Redis has after a call. `None`: the call was made anew, and is to be sent.
    async fn judge(&mut self, link: &Link, step: &mut Step, head: Head) -> RedisResult<Option<Outcome>> {
        let call = &step.call;
        if head == call.made {
            return Ok(Some(Outcome::In));
        }
        if let Some(lost) = self.shared.lost(call.shard, head) {
            let whole = give_back(link, &self.layout, &lost).await? == call.expected;
            return Ok(if whole { None } else { Some(Outcome::Fenced(head)) });
        }
        let rows_alone = call.entry.is_empty() && !step.leased;
        if rows_alone && (head.epoch, head.position) == (call.expected.epoch, call.expected.position) {
            let made = Head { turn: head.next_turn(Some(self.dice)), ..head };
            step.call = Arc::new(Call { expected: head, made, ..Call::clone(call) });
            return Ok(None);
        }
        if head < call.expected && step.leased {
            let detail = format!(
                "Redis has lost what was acknowledged of shard {}: it is at {head}, this node at {}, and no copy reaches \
                 back so far. Restore Redis from its own backup, or accept the loss: docs/operations.md says how",
                call.shard.0, call.expected
            );
            self.shared.fail(&detail);
        }
        Ok(Some(Outcome::Fenced(head)))
    }

    /// At level `redis+replica`: waits until a replica has what was sent.
    async fn confirm(
        &self,
        link: &Link,
        steps: &[Step],
        outcomes: &mut [Option<Outcome>],
    ) -> RedisResult<()> {
        if self.level != Level::RedisReplica {
            return Ok(());
        }
        let mut wait = cmd("WAIT");
        wait.arg(1).arg(CONFIRM_MS);
        for (step, outcome) in steps.iter().zip(outcomes.iter_mut()) {
            if matches!(outcome, Some(Outcome::In)) {
                let confirmed = link.call_at(&self.layout.head(step.call.shard), &wait).await?;
                if i64::from_redis_value(confirmed)? < 1 {
                    *outcome = None;
                    return Err(RedisError::from((
                        redis::ErrorKind::Client,
                        "no replica has confirmed, which level redis+replica needs",
                    )));
                }
            }
        }
        Ok(())
    }

    /// Looks at the heads of everything that was written here; a tail that is missing is given back.
    async fn look(&mut self) {
        self.looked = Instant::now();
        let shards: Vec<_> = self.shared.rings().keys().copied().collect();
        if shards.is_empty() || self.shared.failure().is_some() {
            return;
        }
        let looked = async {
            let heads = self.heads(&shards).await?;
            let link = self.link().await?;
            for (shard, head) in shards.iter().zip(heads) {
                if let Some(lost) = self.shared.lost(*shard, head) {
                    give_back(&link, &self.layout, &lost).await?;
                }
            }
            RedisResult::Ok(())
        };
        match looked.await {
            Ok(()) => self.shared.set_trouble(None),
            Err(error) => self.trouble(&error, &mut PAUSE.clone()).await,
        }
    }

    /// The connection, a new one if the last one broke.
    async fn link(&mut self) -> RedisResult<Link> {
        if let Some(link) = &self.link {
            return Ok(link.clone());
        }
        let link = Link::dial(&self.place).await?;
        self.link = Some(link.clone());
        Ok(link)
    }

    /// Something is in the way: it is told, and after a pause tried again over a new connection.
    async fn trouble(&mut self, error: &RedisError, pause: &mut Duration) {
        self.shared.set_trouble(Some(explain(error)));
        self.link = None;
        sleep(*pause).await;
        *pause = (*pause * 2).min(PAUSE_MAX);
    }
}

/// Runs a call; the answer is the head afterwards.
pub(super) async fn run(link: &Link, layout: &Layout, call: &Call) -> RedisResult<Head> {
    let (head, log) = (layout.head(call.shard), layout.log(call.shard));
    let answer = link.run(&scripts::APPEND, &[&head, &log], &|command| call.arguments(command)).await?;
    parse(&String::from_redis_value(answer)?)
}

/// Gives Redis back calls that it has forgotten; the answer is the head afterwards.
pub(super) async fn give_back(link: &Link, layout: &Layout, lost: &[Arc<Call>]) -> RedisResult<Head> {
    let shard = lost.first().map_or(0, |call| call.shard.0);
    tracing::warn!(shard, calls = lost.len(), "Redis has forgotten the end of a log: it is given back");
    let mut now = Head::default();
    for call in lost {
        now = run(link, layout, call).await?;
        if now != call.made {
            break;
        }
    }
    Ok(now)
}

/// The head of a shard.
pub(super) async fn head_of(link: &Link, layout: &Layout, shard: ShardId) -> RedisResult<Head> {
    let answer = link.call(cmd("GET").arg(layout.head(shard))).await?;
    match Option::<String>::from_redis_value(answer)? {
        Some(text) => parse(&text),
        None => Ok(Head::default()),
    }
}

/// Lists a shard among those that there are.
pub(super) async fn list(link: &Link, layout: &Layout, shard: ShardId) -> RedisResult<()> {
    link.call(cmd("SADD").arg(layout.common("shards")).arg(shard.0)).await.map(drop)
}

pub(super) fn parse(text: &str) -> RedisResult<Head> {
    text.parse().map_err(|detail| RedisError::from((redis::ErrorKind::Parse, "unexpected head", detail)))
}

fn refuse(group: &mut Vec<Waiting>, error: &AppendError) {
    group.drain(..).for_each(|(_, answer)| drop(answer.send(Err(error.clone()))));
}
