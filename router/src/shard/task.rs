//! THE loop of a shard: select, decide, append, release. See the module's page for the picture.

use std::sync::Arc;
use std::time::Duration;

use log_store::{AppendError, AppendFuture, ReadError};
use policy::time::{Span, Timestamp};
use protocol::Code;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, error, info, warn};

use super::state::{Effect, State};
use super::{Ask, RecoveryError, Refused, recover};
use crate::session::frame::Notice;
use crate::telemetry::span;

/// Asks taken in one turn.
const ASKS_MAX: usize = 256;
/// Effects that may wait for the log; beyond that no asks are taken, and the bounded queue pushes back.
const EFFECTS_MAX: usize = 16_384;
/// How often places, boards and leaving agents are looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How long a shard waits before it tries a store again that took nothing.
const RETRY: Duration = Duration::from_secs(1);

/// An append that takes longer than this is looked into.
const WAITS: Duration = Duration::from_millis(250);

/// What follows from an append that has failed.
enum After {
    /// Nothing of it is in the log; it is tried again in a while.
    Refused(String),
    /// Another node owns the shard now.
    Moved,
    /// The log has failed.
    Failed(String),
}

/// Why the shards of this node stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Nobody asked for it.
    Running,
    /// The node closes: finish what is there, write a snapshot, end.
    Closing,
    /// The log has failed: nothing may be acknowledged any more.
    Failed(String),
}

/// Runs one shard until it is told to stop and its work is done.
pub async fn run(mut state: State, mut asks: mpsc::Receiver<Ask>, stop: Arc<watch::Sender<Stop>>) {
    let mut stopped = stop.subscribe();
    let mut estimated = state.read_estimates();
    let mut turn = Vec::with_capacity(ASKS_MAX);
    let mut appending: Option<(Instrumented<AppendFuture>, Vec<Effect>, Instant)> = None;
    let mut beat = Instant::now() + BEAT;
    // While the store takes nothing, requests are refused rather than decided and thrown away.
    let mut paused: Option<(Instant, String)> = None;
    // An append that has failed, with the effects that it would have released.
    let mut refused: Option<(Vec<Effect>, AppendError)> = None;
    loop {
        if appending.is_none() {
            if paused.as_ref().is_some_and(|(until, _)| *until <= Instant::now()) {
                paused = None;
            }
            if paused.is_none() && refused.is_none() && state.has_records() {
                // Connections that are readable already come first, so that a burst is one append and not two.
                yield_now().await;
                while turn.len() < ASKS_MAX
                    && let Ok(ask) = asks.try_recv()
                {
                    turn.push(ask);
                }
                turn.drain(..).for_each(|ask| state.ask(ask));
            }
            if paused.is_none() && refused.is_none() {
                state.let_one_leave();
            }
            let after = match (refused.take(), state.take_unwritten()) {
                (Some((effects, failure)), _) => Some(after_failure(&mut state, effects, failure).await),
                (None, Some(detail)) => {
                    drop_effects(&mut state, Vec::new(), &detail);
                    Some(read_again(&mut state, detail).await)
                }
                (None, None) => None,
            };
            match after {
                Some(After::Refused(detail)) => paused = Some((Instant::now() + RETRY, detail)),
                Some(After::Moved) => return,
                Some(After::Failed(fatal)) => {
                    stop.send_replace(Stop::Failed(fatal));
                    return;
                }
                None => {}
            }
            match state.take_batch() {
                Some((batch, effects)) => {
                    state.parts.metrics.batch(batch.records.len());
                    let step = tracing::trace_span!(span::APPEND, records = batch.records.len());
                    let append = state.parts.log.append(batch).instrument(step);
                    appending = Some((append, effects, Instant::now()));
                }
                None => {
                    let free = state.take_free_effects();
                    state.release(free);
                    if asks.is_closed() && asks.is_empty() {
                        break;
                    }
                }
            }
        }
        let deadline = match &paused {
            // Nothing is decided meanwhile.
            Some((until, _)) => {
                if appending.is_none() {
                    beat.min(*until)
                } else {
                    beat
                }
            }
            None => state.engine.next_deadline().map_or(beat, |at| beat.min(instant(&state, at))),
        };
        let room = appending
            .as_ref()
            .is_none_or(|(_, effects, _)| effects.len() + state.pending.effects.len() < EFFECTS_MAX);
        tokio::select! {
            biased;
            appended = async { match appending.as_mut() { Some((append, ..)) => append.await, None => std::future::pending().await } } => {
                let Some((_, effects, begun)) = appending.take() else { continue };
                match appended {
                    Ok(_) => {
                        state.parts.metrics.appended(state.parts.log.level(), begun.elapsed());
                        state.release(effects);
                    }
                    Err(failure) => refused = Some((effects, failure)),
                }
            }
            taken = asks.recv_many(&mut turn, ASKS_MAX), if room => {
                if taken == 0 {
                    // All handles are gone.
                    asks.close();
                }
                // A store that waits for its disk or for Redis is not asked for more.
                if paused.is_none() && appending.as_ref().is_some_and(|(_, _, begun)| begun.elapsed() > WAITS)
                    && let Some(detail) = state.parts.log.health().detail
                {
                    paused = Some((Instant::now(), detail));
                }
                for ask in turn.drain(..) {
                    match &paused {
                        Some((_, detail)) => refuse(&mut state, ask, detail),
                        None => state.ask(ask),
                    }
                }
            }
            Some(done) = estimated.recv(), if room && paused.is_none() => state.estimated(done),
            () = sleep_until(deadline), if room => {
                if paused.is_none() {
                    state.tick();
                }
                if beat <= Instant::now() {
                    beat = Instant::now() + BEAT;
                    state.beat();
                }
            }
            _ = stopped.wait_for(|stop| *stop == Stop::Closing), if !asks.is_closed() => {
                // What is queued already is still done; new asks find a closed door.
                asks.close();
            }
        }
    }
    state.last_snapshot().await;
}

fn instant(state: &State, at: Timestamp) -> Instant {
    let wait = at.since(state.now());
    Instant::now() + Duration::from_millis(u64::try_from(wait.0).unwrap_or(0))
}

/// An append has failed: what it held has not happened. The state is read from the log again; whoever waits is told.
async fn after_failure(state: &mut State, effects: Vec<Effect>, failure: AppendError) -> After {
    let detail = failure.to_string();
    drop_effects(state, effects, &detail);
    match failure {
        AppendError::Fenced { .. } if state.parts.log.level().on_redis() => After::Moved,
        // Nothing of it is in the log: what the log holds is the truth.
        AppendError::Full | AppendError::Busy | AppendError::Fenced { .. } => read_again(state, detail).await,
        other => {
            error!(shard = state.id.0, error = %other, "the log has failed");
            After::Failed(other.to_string())
        }
    }
}

/// Takes up what the log holds. A Redis that cannot be asked is waited for: nothing is decided meanwhile.
async fn read_again(state: &mut State, detail: String) -> After {
    loop {
        match recover(state.id, &*state.parts.log) {
            Ok(recovered) => {
                state.restart(recovered);
                return After::Refused(detail);
            }
            Err(RecoveryError::Log(ReadError::Io(error))) if state.parts.log.level().on_redis() => {
                warn!(shard = state.id.0, %error, "a shard cannot be read again just now");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                return After::Failed(format!("shard {} cannot be read again: {error}", state.id.0));
            }
        }
    }
}

/// Tells whoever waits that nothing came of it.
fn drop_effects(state: &mut State, effects: Vec<Effect>, detail: &str) {
    warn!(shard = state.id.0, error = %detail, "append refused: its effects are dropped and the state is read again");
    state.parts.metrics.append_failed();
    let later = std::mem::take(&mut state.pending.effects);
    for effect in effects.into_iter().chain(later) {
        match effect {
            Effect::Accepted { session, request, .. } => session.reply(not_durable(&request, detail)),
            Effect::Answer(answer) => drop(answer.send(Err(Refused::NotDurable(detail.to_owned())))),
            // A session without its snapshot would wait for ever.
            Effect::Snapshot(session, _) => session.close(protocol::CloseCode::Overloaded),
            // A look that saw what has not happened is not told: who asked is told to try again.
            Effect::Push(..) | Effect::Reply(..) | Effect::Slot(..) | Effect::Tell(_) => {}
        }
    }
}

fn not_durable(request: &str, detail: &str) -> Notice {
    let detail = format!("nothing was accepted: {detail}");
    Notice::rejected(request.to_owned(), Code::NotDurable, detail, Some(1_000))
}

fn refuse(state: &mut State, ask: Ask, detail: &str) {
    match ask {
        Ask::Client { session, frame, .. } => {
            if let Some(id) = frame.request_id() {
                session.reply(not_durable(id, detail));
            }
        }
        Ask::Command { answer, .. } => drop(answer.send(Err(Refused::NotDurable(detail.to_owned())))),
        // Reading goes on.
        ask @ (Ask::Attached { .. } | Ask::Detached { .. } | Ask::Query(_)) => state.ask(ask),
        Ask::Arrived { .. } => {}
    }
}

impl State {
    /// Once a second: places, boards, agents who are gone, snapshots.
    fn beat(&mut self) {
        let now = self.now();
        let gone: Vec<_> = self.leaving.iter().filter(|(_, at)| **at <= now).map(|(who, _)| *who).collect();
        for (workspace, agent) in gone {
            self.leaving.remove(&(workspace, agent));
            let kind =
                engine::CommandKind::SetStanding { agent, standing: policy::matching::Standing::Offline };
            if let Err(rejection) = self.execute_plain(workspace, kind) {
                info!(%agent, %rejection, "an agent who is gone could not be set offline");
            }
        }
        self.estimate(now);
        self.tell_places(now);
        self.look_for_alarms(now);
        self.tell_boards(now);
        self.forget_old_requests();
        self.see_to_snapshot();
        self.see_to_cooling();
        self.parts
            .metrics
            .waiting(self.id.0, self.engine.workspaces().map(|(_, it)| it.pool.waiting_count()).sum());
    }

    /// Gives the engine its due deadlines.
    fn tick(&mut self) {
        let now = self.now();
        if self.engine.next_deadline().is_some_and(|at| at <= now) {
            // A tick is of no workspace; the engine finds whose deadlines are due.
            let nobody = policy::id::WorkspaceId::from_bits(0);
            if let Err(rejection) = self.execute_plain(nobody, engine::CommandKind::Tick) {
                error!(%rejection, "a tick was rejected");
            }
        }
    }

    /// How long agents may be without a connection.
    pub(super) fn grace(&self) -> Span {
        Span::seconds(i64::from(self.parts.config.sessions.agent_grace_s))
    }
}
