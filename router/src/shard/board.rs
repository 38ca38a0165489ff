//! The figures of the operations board, learned from events alone, so that a restart rebuilds them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use engine::state::{Agent, BreakPhase};
use engine::{Engine, Event, EventKind};
use policy::id::{ConversationId, WorkspaceId};
use policy::matching::Standing;
use policy::time::{Span, Timestamp};
use policy::{Audience, Field, Grants, Purpose, disclose};
use protocol::{AgentRow, AgentState, AuthorKind, BoardView, BreakView, QueueRow, ServerFrame};

use super::state::State;
use super::views::{Viewer, state_of};
use crate::session::frame::Notice;
use crate::session::stream::{Owner, Slot};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Minutes that are kept.
const MINUTES: usize = 60;
/// Decision times that percentiles are taken over.
const TIMES: usize = 1_000;
/// Rows of each list on the board.
const AGENTS_MAX: usize = 500;
const CONVERSATIONS_MAX: usize = 100;
/// Queues that figures are kept for; a policy has fewer.
const QUEUES_MAX: usize = 1_000;

/// One minute's counts of one queue.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    arrived: u32,
    handled: u32,
    taken_up: u32,
    in_time: u32,
}

#[derive(Debug, Clone, Default)]
struct Minute {
    start: i64,
    queues: BTreeMap<Box<str>, Counts>,
    waiting: u32,
}

/// One workspace's figures.
#[derive(Debug, Default)]
pub struct Board {
    minutes: VecDeque<Minute>,
    /// Decision times in nanoseconds.
    times: VecDeque<u64>,
    /// The second that is being counted, and the one before: (start, messages, decisions).
    second: (i64, u32, u32),
    before: (i64, u32, u32),
    /// What was handed over last, until it is known where it waits.
    handed: Option<ConversationId>,
}

impl Board {
    /// Learns from an event that was applied.
    pub(super) fn observe(&mut self, engine: &Engine, event: &Event) {
        let at = event.at;
        let Some(workspace) = engine.workspace(event.workspace) else { return };
        match &event.kind {
            EventKind::ConversationOpened { needs, .. } => {
                self.arrived(at, &needs.queue);
            }
            EventKind::Reopened { closed } => self.arrived(at, &closed.needs.queue),
            EventKind::Rerouted { conversation, .. } => self.handed = Some(*conversation),
            // Step 0 is the beginning of another queue's steps.
            EventKind::StepTaken { needs, step: 0, .. } => self.arrived(at, &needs.queue),
            EventKind::OfferAccepted { conversation, .. } => {
                let Some(it) = workspace.conversations.get(conversation) else { return };
                if it.first_held == Some(at) {
                    let target =
                        workspace.policy.queue(&it.needs.queue).map_or(Span::seconds(60), |it| it.target);
                    let in_time = at.since(it.opened) <= target;
                    self.minute(at).count(it.needs.queue.clone(), |counts| {
                        counts.taken_up += 1;
                        counts.in_time += u32::from(in_time);
                    });
                }
            }
            EventKind::Closed { .. } => {
                // The conversation has gone; its queue is counted where the shell still has it.
                self.minute(at);
            }
            EventKind::MessageReceived { .. } | EventKind::MessageSent { .. } => self.second(at).1 += 1,
            EventKind::Queued { conversation, reserved, .. } => {
                // What is for one agent alone has not come to those of the queue.
                if self.handed.take() == Some(*conversation)
                    && reserved.is_none()
                    && let Some(it) = workspace.conversations.get(conversation)
                {
                    self.arrived(at, &it.needs.queue);
                }
                self.minute(at).waiting = workspace.pool.waiting_count();
            }
            EventKind::OfferMade { .. } => {
                self.minute(at).waiting = workspace.pool.waiting_count();
            }
            _ => {}
        }
    }

    /// Counts a conversation that came into a queue: new, again, handed over, or by a step.
    fn arrived(&mut self, at: Timestamp, queue: &str) {
        self.minute(at).count(queue.into(), |counts| counts.arrived += 1);
    }

    /// Counts a conversation that was closed.
    pub(super) fn handled(&mut self, at: Timestamp, queue: &str) {
        self.minute(at).count(queue.into(), |counts| counts.handled += 1);
    }

    /// Counts decisions and the time they took together.
    pub(super) fn decided(&mut self, at: Timestamp, decisions: u32, took: Duration) {
        self.second(at).2 += decisions;
        if self.times.len() == TIMES {
            self.times.pop_front();
        }
        self.times
            .push_back(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / u64::from(decisions.max(1)));
    }

    fn minute(&mut self, at: Timestamp) -> &mut Minute {
        let start = at.0 - at.0.rem_euclid(MINUTE);
        if self.minutes.back().is_none_or(|it| it.start < start) {
            let waiting = self.minutes.back().map_or(0, |it| it.waiting);
            if self.minutes.len() == MINUTES {
                self.minutes.pop_front();
            }
            self.minutes.push_back(Minute { start, queues: BTreeMap::new(), waiting });
        }
        let last = self.minutes.len() - 1;
        &mut self.minutes[last]
    }

    fn second(&mut self, at: Timestamp) -> &mut (i64, u32, u32) {
        let start = at.0 - at.0.rem_euclid(1_000);
        if self.second.0 != start {
            self.before = self.second;
            self.second = (start, 0, 0);
        }
        &mut self.second
    }

    fn hour(&self, now: Timestamp) -> impl Iterator<Item = &Minute> {
        self.minutes.iter().filter(move |it| it.start > now.0 - HOUR)
    }

    fn percentile(&self, per_cent: usize) -> f64 {
        let mut times: Vec<u64> = self.times.iter().copied().collect();
        times.sort_unstable();
        let index = (times.len() * per_cent / 100).min(times.len().saturating_sub(1));
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a decision")]
        times.get(index).map_or(0.0, |nanos| *nanos as f64 / 1_000.0)
    }
}

impl Minute {
    fn count(&mut self, queue: Box<str>, change: impl FnOnce(&mut Counts)) {
        if self.queues.len() < QUEUES_MAX || self.queues.contains_key(&queue) {
            change(self.queues.entry(queue).or_default());
        }
    }
}

fn share(in_time: u32, all: u32) -> Option<u32> {
    (all > 0).then(|| in_time.saturating_mul(100) / all)
}

impl State {
    /// Sends the board to those who watch it.
    pub(super) fn tell_boards(&mut self, now: Timestamp) {
        let workspaces: Vec<WorkspaceId> = self.engine.workspaces().map(|(id, _)| id).collect();
        for workspace in workspaces {
            let Some(it) = self.engine.workspace(workspace) else { continue };
            let watchers: Vec<Owner> = it
                .agents
                .keys()
                .map(|agent| Owner::Agent(workspace, *agent))
                .filter(|owner| {
                    let mut watches = false;
                    self.parts.registry.each_of(*owner, |session| watches |= session.watches_board());
                    watches
                })
                .collect();
            if watchers.is_empty() {
                continue;
            }
            let board = Box::new(self.board_view(workspace, now));
            let frame = ServerFrame::Board { board };
            let fields = [Field::Routing];
            let Ok(frame) =
                disclose(Audience::Operations, Purpose::Service, &Grants::default(), &fields, frame)
            else {
                continue;
            };
            let notice = Notice::disclosed(&frame);
            for owner in watchers {
                self.parts.registry.each_of(owner, |session| {
                    if session.watches_board() {
                        session.set_slot(Slot::Board, notice.clone());
                    }
                });
            }
        }
    }

    /// The board of a workspace. It carries states and numbers, and nobody's words or names but those of agents.
    pub fn board_view(&mut self, workspace: WorkspaceId, now: Timestamp) -> BoardView {
        let Some(it) = self.engine.workspace(workspace) else { return BoardView::default() };
        let alarms = self.alarms_of(workspace);
        let mut view = BoardView { at_ms: now.0, alarms, ..BoardView::default() };
        let mut oldest: BTreeMap<&str, (u32, i64, u32)> = BTreeMap::new();
        let mut newest: Vec<(bool, i64, ConversationId)> = Vec::new();
        for (id, conversation) in &it.conversations {
            let waits = matches!(
                conversation.phase,
                engine::state::Phase::Waiting { .. } | engine::state::Phase::Offered { .. }
            );
            let age = now.since(conversation.opened).0;
            if waits {
                let target =
                    it.policy.queue(&conversation.needs.queue).map_or(Span::seconds(60), |it| it.target);
                let entry = oldest.entry(&conversation.needs.queue).or_default();
                entry.0 += 1;
                entry.1 = entry.1.max(age);
                entry.2 += u32::from(age > target.0 && conversation.first_held.is_none());
                view.waiting += 1;
                view.oldest_wait_ms = view.oldest_wait_ms.max(age);
            } else if conversation.holder().is_some() {
                view.in_hand += 1;
            }
            newest.push((!waits, if waits { -age } else { age }, *id));
        }
        newest.sort_unstable();
        newest.truncate(CONVERSATIONS_MAX);
        let empty = Board::default();
        let board = self.boards.get(&workspace).unwrap_or(&empty);
        let mut totals = Counts::default();
        let mut late = 0;
        for (name, queue) in it.policy.queues() {
            let mut counts = Counts::default();
            for of in board.hour(now).filter_map(|minute| minute.queues.get(name)) {
                counts.arrived += of.arrived;
                counts.handled += of.handled;
                counts.taken_up += of.taken_up;
                counts.in_time += of.in_time;
            }
            let (waiting, oldest_wait_ms, late_here) = oldest.get(name).copied().unwrap_or_default();
            totals.handled += counts.handled;
            totals.taken_up += counts.taken_up;
            totals.in_time += counts.in_time;
            late += late_here;
            view.queues.push(QueueRow {
                name: name.to_owned(),
                waiting,
                oldest_wait_ms,
                target_s: u32::try_from(queue.target.0 / 1_000).unwrap_or(u32::MAX),
                open: it.policy.is_open(name, now),
                arrived_hour: counts.arrived,
                handled_hour: counts.handled,
                service_level: share(counts.in_time, counts.taken_up + late_here),
                promise_s: self.promise(workspace, name, waiting),
            });
        }
        view.promises = super::promises::kept_rows(it);
        view.handled_hour = totals.handled;
        view.service_level = share(totals.in_time, totals.taken_up + late);
        for (id, agent) in &it.agents {
            let (Some(room), Some(standing)) = (it.pool.room(*id), it.pool.standing(*id)) else { continue };
            let state = it.standing(*id).map_or(AgentState::Offline, state_of);
            if standing == Standing::Online {
                view.free_capacity += room.capacity.saturating_sub(room.load);
                view.total_capacity += room.capacity;
            }
            let kind = if agent.bot { AuthorKind::Bot } else { AuthorKind::Person };
            let name = agent.name.to_string();
            view.agents.push(AgentRow {
                id: *id,
                name,
                kind,
                state,
                load: room.load,
                interruptible_load: room.beside,
                capacity: room.capacity,
                on_break: break_view(agent),
            });
        }
        view.agents.sort_by_key(|row| (row.state as u8, row.name.clone()));
        view.agents.truncate(AGENTS_MAX);
        let second = now.0 - now.0.rem_euclid(1_000) - 1_000;
        let counted = [board.second, board.before].into_iter().find(|it| it.0 == second).unwrap_or_default();
        (view.messages_per_s, view.decisions_per_s) = (counted.1, counted.2);
        view.decision_us = (board.percentile(50), board.percentile(99));
        view.history = board
            .hour(now)
            .map(|minute| {
                let sum = |of: fn(&Counts) -> u32| minute.queues.values().map(of).sum::<u32>();
                (minute.waiting, share(sum(|it| it.in_time), sum(|it| it.taken_up)), sum(|it| it.handled))
            })
            .collect();
        let operations = Viewer::Customer;
        for (_, _, id) in newest {
            if let Some((mut row, _)) = self.conversation_view(workspace, id, operations, 0) {
                // Operations look at many customers at once: no names here.
                row.customer_name = None;
                view.conversations.push(row);
            }
        }
        view
    }
}

/// The planned break that an agent is near or in.
pub(super) fn break_view(agent: &Agent) -> Option<BreakView> {
    let now = agent.on_break.filter(|it| it.phase != BreakPhase::Skipped)?;
    Some(BreakView { from_ms: now.from.0, until_ms: now.until.0, begun: now.phase == BreakPhase::Begun })
}
