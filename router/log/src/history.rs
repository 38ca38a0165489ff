//! All that is kept of a shard, archive and log as one, also while the store is in use.

use crate::{Log, Position, ReadError, ShardId, Snapshot};

/// A trim may move records from the log to the archive between two looks; so often it is looked again.
const LOOKS_MAX: usize = 8;

/// A part of a shard's history.
#[derive(Debug)]
pub enum Past<'a> {
    /// The oldest state that is kept; none comes where the history begins with the first record.
    State(Snapshot),
    /// A record.
    Record(Position, &'a [u8]),
}

/// Calls `each` for the oldest state that is kept and every record after it, in order, until it says `false`. Memory is
/// bounded by that state and by one archive segment.
///
/// # Errors
/// If something cannot be read, or is not there any more.
pub fn history(
    log: &dyn Log,
    shard: ShardId,
    mut each: impl FnMut(Past<'_>) -> bool,
) -> Result<(), ReadError> {
    let mut seen = Position(0);
    let mut goes_on = true;
    if let Some(state) = log.oldest(shard)? {
        seen = state.position;
        goes_on = each(Past::State(state));
    }
    let mut looks = 0;
    while goes_on {
        log.replay_archived(shard, seen, &mut |position, record| {
            seen = position;
            goes_on = each(Past::Record(position, record));
            goes_on
        })?;
        if !goes_on {
            break;
        }
        match log.replay(shard, seen, &mut |position, record| {
            seen = position;
            goes_on = each(Past::Record(position, record));
            goes_on
        }) {
            Err(ReadError::Gap { .. }) if looks < LOOKS_MAX => looks += 1,
            done => return done,
        }
    }
    Ok(())
}
