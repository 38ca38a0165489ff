//! Snapshots beside the loop. One is made as a start makes its state: from the snapshot before it and the log, on a thread of
//! its own. So the shard's task copies nothing and waits for nothing, however large its state is, and every snapshot proves
//! on its way that a start would have come to this state.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use log_store::{Log, Position, ShardId};
use tokio::task::{JoinError, JoinHandle};
use tracing::warn;

use super::recovery;
use super::state::State;

/// Whose turn it is to make one: a single shard of the node, since it holds a second copy of that shard's state.
pub type Turn = Arc<Mutex<()>>;

type Written = Result<Position, String>;

/// What a shard knows of its snapshots.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The position of the last one.
    covered: Position,
    /// The position at which the last try began.
    tried: Position,
    /// The one under way.
    writing: Option<JoinHandle<Written>>,
}

impl Snapshots {
    /// After a start from a snapshot at this position. One that is under way goes on: it reads what is durable.
    pub(super) fn restart(&mut self, covered: Position) {
        self.covered = self.covered.max(covered);
        self.tried = self.covered;
    }

    fn done(&mut self, shard: ShardId, done: Result<Written, JoinError>) {
        self.writing = None;
        match done.map_err(|error| error.to_string()).flatten() {
            Ok(position) => self.covered = self.covered.max(position),
            // It costs nothing but a longer start, and is tried again when as much has happened once more.
            Err(error) => warn!(shard = shard.0, %error, "no snapshot was written"),
        }
    }
}

/// Makes one of all that is durable; says up to where. What lies below the one before it may then go to the archive.
///
/// # Errors
/// Why there is none.
pub fn write(shard: ShardId, log: &dyn Log, turn: &Mutex<()>) -> Result<Position, String> {
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let recovered = recovery::recover(shard, log).map_err(|error| error.to_string())?;
    let position = recovered.position;
    let snapshot = recovery::snapshot(&recovered.engine, position).map_err(|error| error.to_string())?;
    drop(recovered);
    let written = log.put_snapshot(shard, &snapshot).and_then(|()| log.trim(shard));
    written.map(|_| position).map_err(|error| error.to_string())
}

impl State {
    /// Begins one when enough has happened since the last, and hears of the one under way.
    pub(super) fn see_to_snapshot(&mut self) {
        if let Some(writing) = &mut self.snapshots.writing {
            let Some(done) = writing.now_or_never() else { return };
            self.snapshots.done(self.id, done);
        }
        let since = self.snapshots.covered.max(self.snapshots.tried);
        if self.position.0.saturating_sub(since.0) >= self.parts.config.snapshots.every_events {
            let (shard, log, turn) =
                (self.id, Arc::clone(&self.parts.log), Arc::clone(&self.parts.snapshots));
            self.snapshots.tried = self.position;
            self.snapshots.writing = Some(tokio::task::spawn_blocking(move || write(shard, &*log, &turn)));
        }
    }

    /// The last one, when nothing more will happen: of the state as it is, so that the next start has nothing to replay.
    pub(super) async fn last_snapshot(mut self) {
        if let Some(writing) = self.snapshots.writing.take() {
            let done = writing.await;
            self.snapshots.done(self.id, done);
        }
        let Ok(last) = self.parts.log.last(self.id) else { return };
        if last != self.position || last <= self.snapshots.covered {
            return;
        }
        let written =
            recovery::snapshot(&self.engine, last).map_err(|error| error.to_string()).and_then(|it| {
                let log = &self.parts.log;
                log.put_snapshot(self.id, &it)
                    .and_then(|()| log.trim(self.id))
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            warn!(shard = self.id.0, %error, "no snapshot was written");
        }
    }
}
