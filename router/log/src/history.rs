//! All that is kept of a shard, archive and log as one, also while the store is in use.

use crate::{EachRecord, Log, Position, ReadError, ShardId, Snapshot};

/// A trim may move records from the log to the archive between two looks; so often it is looked again.
const LOOKS_MAX: usize = 8;

/// The oldest state that is kept (none: the beginning), given to `begin`, and then every record after it to `each`, in order.
/// Memory is bounded by that state and by one archive segment.
///
/// # Errors
/// If something cannot be read, or is not there any more.
pub fn history(
    log: &dyn Log,
    shard: ShardId,
    begin: &mut dyn FnMut(Option<Snapshot>),
    each: EachRecord<'_>,
) -> Result<(), ReadError> {
    let state = log.oldest(shard)?;
    let mut seen = state.as_ref().map_or(Position(0), |it| it.position);
    begin(state);
    let mut goes_on = true;
    let mut looks = 0;
    loop {
        log.replay_archived(shard, seen, &mut |position, record| {
            seen = position;
            goes_on = each(position, record);
            goes_on
        })?;
        if !goes_on {
            return Ok(());
        }
        match log.replay(shard, seen, &mut |position, record| {
            seen = position;
            goes_on = each(position, record);
            goes_on
        }) {
            Err(ReadError::Gap { .. }) if looks < LOOKS_MAX => looks += 1,
            done => return done,
        }
    }
}
