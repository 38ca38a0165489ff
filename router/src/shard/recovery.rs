//! From the log back to the state: the newest snapshot that verifies, then every record after it.

use std::collections::BTreeMap;

use engine::{Engine, Event, EventKind};
use log_store::{Log, Position, ReadError, ShardId, Snapshot};
use policy::id::WorkspaceId;

use super::board::Board;

/// What was recovered.
pub struct Recovered {
    /// The state.
    pub engine: Engine,
    /// The position of the last record.
    pub position: Position,
    /// Figures since the snapshot.
    pub boards: BTreeMap<WorkspaceId, Board>,
    /// How many records were replayed.
    pub replayed: u64,
}

/// Why a shard cannot be recovered. It must not start then: an empty state would look like a loss.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] engine::SnapshotError),
    /// The snapshot does not hash to what was recorded with it.
    #[error(
        "the snapshot at position {0} does not match its state hash: restore a backup or remove this snapshot"
    )]
    Hash(u64),
    /// A record of a kind that this program does not know.
    #[error(
        "record {position} cannot be read ({detail}): it was written by a newer program or is damaged; start the newer program, or restore a backup"
    )]
    Record {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        detail: String,
    },
}

/// Reads one record.
///
/// # Errors
/// If it is of a version or kind that is not known.
pub(super) fn read_record(position: Position, record: &[u8]) -> Result<Event, RecoveryError> {
    engine::record::read(record)
        .map_err(|error| RecoveryError::Record { position: position.0, detail: error.to_string() })
}

/// Recovers one shard.
///
/// # Errors
/// [`RecoveryError`] says what to do.
pub fn recover(shard: ShardId, log: &dyn Log) -> Result<Recovered, RecoveryError> {
    let (mut engine, mut position) = match log.snapshot(shard)? {
        Some(snapshot) => {
            if state_hash(&snapshot.bytes) != snapshot.state_hash {
                return Err(RecoveryError::Hash(snapshot.position.0));
            }
            (Engine::from_snapshot(&snapshot.bytes)?, snapshot.position)
        }
        None => (Engine::new(), Position(0)),
    };
    let mut boards: BTreeMap<WorkspaceId, Board> = BTreeMap::new();
    let mut replayed = 0;
    let mut failed = None;
    log.replay(shard, position, &mut |at, record| {
        match read_record(at, record) {
            Ok(event) => {
                engine.apply(&event);
                if matches!(event.kind, EventKind::Closed { .. }) {
                    // In the store since it happened; only the figures want to know.
                    for ended in engine.take_ended(event.workspace) {
                        boards.entry(event.workspace).or_default().handled(event.at, &ended.needs.queue);
                    }
                }
                boards.entry(event.workspace).or_default().observe(&engine, &event);
                position = at;
                replayed += 1;
                true
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Recovered { engine, position, boards, replayed }),
    }
}

/// A snapshot of an engine at a position.
///
/// # Errors
/// If the state cannot be encoded.
pub(crate) fn snapshot(engine: &Engine, position: Position) -> Result<Snapshot, engine::SnapshotError> {
    let bytes = engine.to_snapshot()?;
    Ok(Snapshot { position, state_hash: state_hash(&bytes), bytes })
}

/// The hash of a state's snapshot bytes; equal states have equal hashes.
#[must_use]
pub fn state_hash(snapshot: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(snapshot)
}
