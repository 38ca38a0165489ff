//! Promises of the wait: estimated on a copy of the present, off the shard's task, and told to those who wait.
//!
//! ```text
//!   beat ── Present (a copy) ──> blocking thread: simulation::promise::forecast
//!                                        │ bounded channel
//!   task ◄── Estimated ──────────────────┘   kept here; places tell it, as an event and as a frame
//! ```
//!
//! One estimate of a shard is under way at a time. A workspace's is made anew when its lines have moved, every two seconds
//! at most, and at least every five while somebody waits. Where the workspace is too large for that, the lengths of its
//! lines have to do.

use std::collections::BTreeMap;

use engine::CommandKind;
use engine::state::{Group, Kept, Promise, Workspace};
use policy::id::{ConversationId, WorkspaceId};
use policy::time::{Span, Timestamp};
use protocol::PromiseRow;
use simulation::promise::telling::{Telling, telling};
use simulation::promise::{Forecast, Lengths, Present, Wait, forecast};
use tokio::sync::mpsc;
use tracing::warn;

use super::state::State;

/// Lines that moved are estimated anew after this long.
const SOON: Span = Span::seconds(2);
/// And those that did not, while somebody waits.
const LATE: Span = Span::seconds(5);
/// An estimate that is older says nothing any more.
const STALE: Span = Span::seconds(30);
/// Rows on the board.
const ROWS_MAX: usize = 60;

/// An estimate that is done.
pub(super) struct Estimated {
    workspace: WorkspaceId,
    at: Timestamp,
    forecast: Forecast,
}

/// What was estimated last of one workspace.
#[derive(Default)]
pub(super) struct Estimates {
    at: Timestamp,
    /// Lines have moved since.
    pub(super) moved: bool,
    forecast: Option<Forecast>,
    lengths: Option<Lengths>,
}

/// Where estimates are made.
#[derive(Default)]
pub(super) struct Estimator {
    /// None: nobody reads estimates, so none are made.
    pub(super) answers: Option<mpsc::Sender<Estimated>>,
    under_way: bool,
    count: u64,
    pub(super) of: BTreeMap<WorkspaceId, Estimates>,
}

impl State {
    /// Gives estimates a way back to the task that owns this state; room for one, since one is under way at a time.
    pub(super) fn read_estimates(&mut self) -> mpsc::Receiver<Estimated> {
        let (answers, estimated) = mpsc::channel(1);
        self.estimator.answers = Some(answers);
        estimated
    }

    /// Begins the estimate that is due for longest, if there is one and none is under way.
    pub(super) fn estimate(&mut self, now: Timestamp) {
        for (workspace, _) in &self.moved {
            self.estimator.of.entry(*workspace).or_default().moved = true;
        }
        let is_due = |id: WorkspaceId, it: &Workspace| {
            let before = self.estimator.of.get(&id);
            let age = before.map_or(LATE, |it| now.since(it.at));
            let moved = before.is_none_or(|it| it.moved);
            (age >= SOON && moved) || (age >= LATE && it.pool.waiting_count() > 0)
        };
        let due = self.engine.workspaces().filter(|(id, it)| is_due(*id, it));
        let oldest = due.min_by_key(|(id, _)| self.estimator.of.get(id).map(|it| it.at));
        let Some((id, workspace)) = oldest.filter(|_| !self.estimator.under_way) else { return };
        let Some(answers) = self.estimator.answers.clone() else { return };
        let of = self.estimator.of.entry(id).or_default();
        (of.at, of.moved) = (now, false);
        let Some(present) = Present::of(workspace, now) else {
            of.forecast = None;
            of.lengths = (workspace.pool.waiting_count() > 0).then(|| Lengths::of(workspace));
            return;
        };
        self.estimator.under_way = true;
        self.estimator.count += 1;
        let seed = self.estimator.count;
        tokio::task::spawn_blocking(move || {
            let forecast = forecast(&present, seed);
            // A shard that has stopped needs to know no more.
            drop(answers.blocking_send(Estimated { workspace: id, at: now, forecast }));
        });
    }

    /// Takes an estimate, and tells those whose promise it changes.
    pub(super) fn estimated(&mut self, done: Estimated) {
        self.estimator.under_way = false;
        let Some(it) = self.engine.workspace(done.workspace) else {
            self.estimator.of.remove(&done.workspace);
            return;
        };
        let queues: Vec<Box<str>> = it.policy.queues().map(|(name, _)| name.into()).collect();
        let of = self.estimator.of.entry(done.workspace).or_default();
        (of.at, of.forecast, of.lengths) = (done.at, Some(done.forecast), None);
        let moved = of.moved;
        self.moved.extend(queues.into_iter().map(|queue| (done.workspace, queue)));
        let now = self.now();
        self.tell_places(now);
        if let Some(of) = self.estimator.of.get_mut(&done.workspace) {
            // Those who are still to be told keep their queue among the moved: that alone asks for no new estimate.
            of.moved = moved;
        }
    }

    /// What a waiting conversation is to be told now, at this place in its queue.
    pub(super) fn promise_of(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
        position: u32,
        now: Timestamp,
    ) -> Option<Telling> {
        let it = self.engine.workspace(workspace)?;
        let conversation = it.conversations.get(&id)?;
        let of = self.estimator.of.get(&workspace).filter(|of| now.since(of.at) <= STALE)?;
        let wait = match (&of.forecast, &of.lengths) {
            (Some(forecast), _) => later(*forecast.waiting.get(&id)?, now.since(of.at)),
            (None, Some(lengths)) => lengths.wait(&conversation.needs, position)?,
            (None, None) => return None,
        };
        let promise = wait.promise(it.promises.offset(&Group::of(conversation)));
        Some(telling(it.promises.told(id), promise, now))
    }

    /// What a customer who came to this queue now would be told, in seconds.
    pub fn promise(&self, workspace: WorkspaceId, queue: &str, waiting: u32) -> Option<(u32, u32)> {
        let it = self.engine.workspace(workspace)?;
        let of = self.estimator.of.get(&workspace);
        let wait = match of.map(|of| (&of.forecast, &of.lengths)) {
            Some((Some(forecast), _)) => forecast.newcomer(queue)?,
            Some((None, Some(lengths))) => lengths.newcomer(queue, waiting + 1)?,
            Some((None, None)) | None => return None,
        };
        let priority = it.policy.queue(queue)?.priority;
        let promise =
            wait.promise(it.promises.offset(&Group { queue: queue.into(), language: None, priority }));
        Some((promise.median_s, promise.p90_s))
    }

    /// Records what customers are told; their frames leave once it is durable.
    pub(super) fn record_promises(&mut self, workspace: WorkspaceId, told: Vec<(ConversationId, Promise)>) {
        if told.is_empty() {
            return;
        }
        if let Err(rejection) = self.execute_plain(workspace, CommandKind::TellPromises { told }) {
            warn!(%workspace, %rejection, "promises were not recorded");
        }
    }
}

/// An estimate that is so old.
fn later(wait: Wait, age: Span) -> Wait {
    let mean_s = (wait.mean_s - age.0 as f64 / 1e3).max(0.0);
    // The spread of what is left shrinks with it.
    Wait { mean_s, variance: wait.variance * (mean_s / wait.mean_s.max(1e-9)), ..wait }
}

/// How promises were kept: all, then by queue, language and priority.
pub(super) fn kept_rows(workspace: &Workspace) -> Vec<PromiseRow> {
    let all = workspace.promises.all();
    if all.served + all.left == 0 {
        return Vec::new();
    }
    let mut sums: BTreeMap<(u8, String), Kept> = BTreeMap::new();
    for (group, kept) in workspace.promises.groups() {
        let names = [
            (1, group.queue.to_string()),
            (2, group.language.as_deref().unwrap_or_default().to_owned()),
            (3, group.priority.to_string()),
        ];
        for name in names {
            let sum = sums.entry(name).or_default();
            sum.served += kept.served;
            sum.kept += kept.kept;
            sum.told_s += kept.told_s;
            sum.waited_s += kept.waited_s;
            sum.left += kept.left;
        }
    }
    let by = |number: u8| ["all", "queue", "language", "priority"][usize::from(number.min(3))];
    let rows = std::iter::once(row("all", String::new(), all));
    rows.chain(sums.iter().map(|((number, name), kept)| row(by(*number), name.clone(), kept)))
        .take(ROWS_MAX)
        .collect()
}

fn row(by: &str, name: String, kept: &Kept) -> PromiseRow {
    let bias = (kept.told_s - kept.waited_s) * 100 / kept.waited_s.max(1);
    PromiseRow {
        by: by.to_owned(),
        name,
        served: kept.served,
        kept: u32::try_from(u64::from(kept.kept) * 100 / u64::from(kept.served.max(1))).unwrap_or(100),
        bias: i32::try_from(bias.clamp(-100, 999)).unwrap_or(0),
        left: kept.left,
    }
}
