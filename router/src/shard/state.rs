//! One shard's state: the engine, what surrounds it, and what waits to become durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use engine::state::Conversation;
use engine::{Command, CommandKind, Engine, Event, EventKind, Rejection};
use log_store::segments::WithSegments;
use log_store::{Batch, Log, Position, ReadError, ShardId, Table, Vault, Write};
use policy::id::{AgentId, CommandId, ConversationId, WorkspaceId};
use policy::matching::Decision;
use policy::time::Timestamp;
use protocol::{Me, PlaceView};
use tokio::sync::oneshot;

use super::Refused;
use super::addresses::Pairs;
use super::board::Board;
use super::cards::Cards;
use super::cool::Cooling;
use super::dedupe::Dedupe;
use super::promises::Estimator;
use super::snapshots::Snapshots;
use super::tails::{Store, Tails};
use super::understand::Models;
use crate::clock::Clock;
use crate::conditions::Conditions;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::session::frame::Notice;
use crate::session::stream::Slot;
use crate::session::{Frame, Owner, Registry, Session};
use crate::telemetry::span;

/// What a shard is given.
#[derive(Clone)]
pub struct Parts {
    /// Settings.
    pub config: Arc<Config>,
    /// The log.
    pub log: Arc<dyn Log>,
    /// Seals bodies.
    pub vault: Arc<Vault>,
    /// Sessions to send to.
    pub registry: Arc<Registry>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Where ended conversations go from Redis, if they go anywhere.
    pub segments: Option<Arc<WithSegments>>,
    /// Whose turn it is to write a snapshot.
    pub snapshots: super::Turn,
    /// The time.
    pub clock: Clock,
    /// Channel accounts of email.
    pub email: Arc<crate::email::Accounts>,
}

/// One shard's state; owned by its task.
pub struct State {
    pub(super) id: ShardId,
    pub(super) parts: Parts,
    pub(super) engine: Engine,
    /// The position of the last record that was made, durable or not.
    pub(super) position: Position,
    pub(super) pending: Pending,
    /// Rows of customers and cursors in the append that is under way, or was the last one.
    appending: Vec<Write>,
    pub(super) tails: Tails,
    pub(super) cards: Cards,
    pub(super) dedupe: Dedupe,
    pub(super) boards: BTreeMap<WorkspaceId, Board>,
    pub(super) alarms: BTreeMap<WorkspaceId, super::alarms::Alarms>,
    /// The conditions of each policy in force, with its version.
    pub(super) conditions: BTreeMap<WorkspaceId, (u32, Conditions)>,
    /// The workspaces' models of intents.
    pub(super) models: Models,
    /// What each agent was last told of itself.
    pub(super) told: BTreeMap<(WorkspaceId, AgentId), Me>,
    /// What each waiting customer was last told, and when.
    pub(super) places: BTreeMap<ConversationId, (PlaceView, Timestamp)>,
    /// Queues whose line has changed since places were last told.
    pub(super) moved: BTreeSet<(WorkspaceId, Box<str>)>,
    /// Estimates of the waits, and what makes them.
    pub(super) estimator: Estimator,
    /// Agents without a connection, and when they count as gone.
    pub(super) leaving: BTreeMap<(WorkspaceId, AgentId), Timestamp>,
    /// Decisions of standing offers.
    pub(super) decisions: BTreeMap<ConversationId, Decision>,
    /// Conversations that ended in this turn, as they were.
    pub(super) ended: BTreeMap<ConversationId, Conversation>,
    pub(super) snapshots: Snapshots,
    /// Ended conversations that leave the store.
    pub(super) cooling: Cooling,
    /// Where forgetting old requests goes on.
    pub(super) forget_from: Vec<u8>,
    /// How much mail went to and fro with each address lately.
    pub(super) pairs: Pairs,
}

/// What waits to become durable. Nothing of it has been seen outside.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) writes: Vec<Write>,
    pub(super) effects: Vec<Effect>,
    /// Why something that belongs to it could not be written or read: then none of it may stand.
    unwritten: Option<String>,
}

/// What happens outside once its events are durable.
pub(super) enum Effect {
    /// An event for all sessions of an owner.
    Push(Owner, Frame),
    /// The snapshot that a session begins with.
    Snapshot(Arc<Session>, Frame),
    /// The answer to a request.
    Accepted { session: Arc<Session>, request: String, notice: Notice },
    /// Another notice to a session.
    Reply(Arc<Session>, Notice),
    /// The newest value of something.
    Slot(Owner, Slot, Notice),
    /// What a look at the state has seen.
    Tell(super::Tell),
    /// The answer to a command of the API.
    Answer(oneshot::Sender<Result<(), Refused>>),
}

impl State {
    /// The state after recovery.
    #[must_use]
    pub fn new(id: ShardId, parts: Parts, recovered: super::Recovered) -> Self {
        let mut state = Self {
            id,
            parts,
            engine: Engine::new(),
            position: Position(0),
            pending: Pending::default(),
            appending: Vec::new(),
            tails: Tails::default(),
            cards: Cards::new(),
            dedupe: Dedupe::new(),
            boards: BTreeMap::new(),
            alarms: BTreeMap::new(),
            conditions: BTreeMap::new(),
            models: Models::default(),
            told: BTreeMap::new(),
            places: BTreeMap::new(),
            moved: BTreeSet::new(),
            estimator: Estimator::default(),
            leaving: BTreeMap::new(),
            decisions: BTreeMap::new(),
            ended: BTreeMap::new(),
            snapshots: Snapshots::default(),
            cooling: Cooling::default(),
            forget_from: Vec::new(),
            pairs: Pairs::new(),
        };
        state.restart(recovered);
        state
    }

    /// Takes up what was recovered, and forgets everything that might be ahead of the log.
    pub(super) fn restart(&mut self, recovered: super::Recovered) {
        self.engine = recovered.engine;
        self.position = recovered.position;
        self.boards = recovered.boards;
        self.snapshots.restart(Position(recovered.position.0.saturating_sub(recovered.replayed)));
        self.pending = Pending::default();
        self.appending.clear();
        self.tails.clear();
        self.cards.clear();
        self.parts.vault.forget(self.id);
        self.dedupe.restart(&*self.parts.log, self.id, self.now());
        self.pairs.clear();
        self.told.clear();
        self.places.clear();
        self.moved.clear();
        self.estimator.of.clear();
        self.leaving.clear();
        self.ended.clear();
        self.decisions.clear();
        let gone =
            self.now() + policy::time::Span::seconds(i64::from(self.parts.config.sessions.agent_grace_s));
        for (workspace, it) in self.engine.workspaces() {
            for agent in it.agents.keys() {
                let here =
                    it.pool.standing(*agent).is_some_and(|it| it != policy::matching::Standing::Offline);
                if here && !self.parts.registry.attached(Owner::Agent(workspace, *agent)) {
                    self.leaving.insert((workspace, *agent), gone);
                }
            }
            for queue in it.policy.queues() {
                self.moved.insert((workspace, queue.0.into()));
            }
        }
        let workspaces: Vec<WorkspaceId> = self.engine.workspaces().map(|(workspace, _)| workspace).collect();
        for workspace in workspaces {
            self.prepare_models(workspace);
        }
    }

    /// The time, as commands and events have it.
    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The engine, for views.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn store(&self, workspace: WorkspaceId) -> Store<'_> {
        Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace }
    }

    /// Runs one command; its events become records and effects that wait for the log.
    ///
    /// # Errors
    /// The engine's rejection: nothing has changed.
    pub(super) fn execute(
        &mut self,
        workspace: WorkspaceId,
        kind: CommandKind,
    ) -> Result<Vec<Event>, Rejection> {
        let at = self.now();
        let id = CommandId::from_bits(uuid::Uuid::now_v7().as_u128());
        let command = Command { id, workspace, kind };
        let mut events = Vec::new();
        let started = Instant::now();
        tracing::trace_span!(span::ENGINE).in_scope(|| self.engine.handle(at, &command, &mut events))?;
        let took = started.elapsed();
        let mut workspaces: Vec<WorkspaceId> = events.iter().map(|event| event.workspace).collect();
        workspaces.dedup();
        for workspace in workspaces {
            let ended = self.engine.take_ended(workspace);
            self.ended.extend(ended.into_iter().map(|it| (it.id, it)));
        }
        let mut decisions = 0;
        for event in &events {
            match engine::record::write(event) {
                Ok(record) => self.pending.records.push(record),
                // An event that cannot be written must not be believed: the append is refused by its position.
                Err(error) => tracing::error!(%error, "an event cannot be encoded"),
            }
            self.position = Position(self.position.0 + 1);
            let board = self.boards.entry(event.workspace).or_default();
            board.observe(&self.engine, event);
            if matches!(event.kind, EventKind::OfferMade { .. }) {
                decisions += 1;
            }
        }
        if decisions > 0 {
            self.parts.metrics.decided(decisions, took);
            if let Some(board) = self.boards.get_mut(&workspace) {
                board.decided(at, decisions, took);
            }
        }
        Ok(events)
    }

    /// Runs one command whose events have no words beside them, and derives their effects.
    pub(super) fn execute_plain(
        &mut self,
        workspace: WorkspaceId,
        kind: CommandKind,
    ) -> Result<(), Rejection> {
        let events = self.execute(workspace, kind)?;
        self.derive(&events);
        Ok(())
    }

    /// A row of customers or cursors as it will stand once all that was decided is durable.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn newest(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let waiting = self.pending.writes.iter().rev().chain(self.appending.iter().rev());
        match waiting.into_iter().find(|it| it.table() == table && it.key() == key) {
            Some(Write::Put { value, .. }) => Ok(Some(value.clone())),
            Some(Write::Delete { .. }) => Ok(None),
            None => self.parts.log.get(self.id, table, key),
        }
    }

    /// Something that belongs to what was decided cannot be written: what waits is refused as a whole.
    pub(super) fn unwritten(&mut self, what: &'static str, error: &dyn std::fmt::Display) {
        tracing::error!(%error, what, "something cannot be written: what it belongs to is refused");
        self.pending.unwritten.get_or_insert_with(|| error.to_string());
    }

    /// Why what waits may not stand, if so.
    pub(super) fn take_unwritten(&mut self) -> Option<String> {
        let unread = self.tails.take_unread();
        self.pending.unwritten.take().or(unread)
    }

    /// Whether events wait for the log.
    pub(super) fn has_records(&self) -> bool {
        !self.pending.records.is_empty()
    }

    /// Takes what waits as one batch, with the effects that it will release.
    pub(super) fn take_batch(&mut self) -> Option<(Batch, Vec<Effect>)> {
        if self.pending.records.is_empty() && self.pending.writes.is_empty() {
            return None;
        }
        // The next batch will be about as large.
        let next = Pending {
            records: Vec::with_capacity(self.pending.records.len()),
            writes: Vec::with_capacity(self.pending.writes.len()),
            effects: Vec::with_capacity(self.pending.effects.len()),
            unwritten: None,
        };
        let pending = std::mem::replace(&mut self.pending, next);
        let read_again = |it: &&Write| matches!(it.table(), Table::Customers | Table::Cursors);
        self.appending.clear();
        self.appending.extend(pending.writes.iter().filter(read_again).cloned());
        let records = pending.records.len() as u64;
        let expected = Position(self.position.0 - records);
        let batch = Batch { shard: self.id, expected, records: pending.records, writes: pending.writes };
        Some((batch, pending.effects))
    }

    /// Effects that wait for nothing: no event is ahead of them.
    pub(super) fn take_free_effects(&mut self) -> Vec<Effect> {
        if self.pending.records.is_empty() && self.pending.writes.is_empty() {
            std::mem::take(&mut self.pending.effects)
        } else {
            Vec::new()
        }
    }

    /// Lets effects out.
    pub(super) fn release(&self, effects: Vec<Effect>) {
        let _step = tracing::trace_span!(span::RELEASE, effects = effects.len()).entered();
        for effect in effects {
            match effect {
                Effect::Push(owner, frame) => self.parts.registry.push(owner, &frame),
                Effect::Snapshot(session, frame) => session.push_snapshot(&frame),
                Effect::Accepted { session, notice, .. } | Effect::Reply(session, notice) => {
                    session.reply(notice);
                }
                Effect::Slot(owner, slot, notice) => self.parts.registry.set_slot(owner, slot, &notice),
                Effect::Tell(tell) => tell(),
                // Who asked may have gone; it is done all the same.
                Effect::Answer(answer) => drop(answer.send(Ok(()))),
            }
        }
    }
}
