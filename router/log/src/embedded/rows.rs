//! Walking over the rows of the log: heads at the start, replay, what may be trimmed.

use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::{Keyspace, Slice};

use super::unreadable;
use crate::chunk::{Records, key, parse_key};
use crate::{EachRecord, Position, ReadError, ShardId};

fn parts(guard: fjall::Guard) -> Result<(ShardId, Position, Slice), ReadError> {
    let (key, value) = guard.into_inner().map_err(unreadable)?;
    let (shard, first) = parse_key(&key)?;
    Ok((shard, first, value))
}

/// The last position of every shard.
pub(super) fn heads(rows: &Keyspace) -> Result<BTreeMap<ShardId, Position>, ReadError> {
    let mut heads = BTreeMap::new();
    // From the end to each shard's last row, skipping what is before it.
    let mut below: Option<[u8; 10]> = None;
    loop {
        let end = below.map_or(Bound::Unbounded, Bound::Excluded);
        let Some(guard) = rows.range::<[u8; 10], _>((Bound::Unbounded, end)).next_back() else {
            return Ok(heads);
        };
        let (shard, first, value) = parts(guard)?;
        let count = Records::of(shard, first, &value)?.count()?;
        heads.insert(shard, Position(first.0 + count - 1));
        below = Some(key(shard, Position(0)));
    }
}

/// The position of a shard's first record.
pub(super) fn first(rows: &Keyspace, shard: ShardId) -> Result<Option<Position>, ReadError> {
    let (start, end) = (key(shard, Position(0)), key(shard, Position(u64::MAX)));
    match rows.range::<[u8; 10], _>((Bound::Included(start), Bound::Included(end))).next() {
        Some(guard) => parse_key(&guard.key().map_err(unreadable)?).map(|(_, first)| Some(first)),
        None => Ok(None),
    }
}

/// Calls `each` for records after a position.
pub(super) fn replay(
    rows: &Keyspace,
    shard: ShardId,
    after: Position,
    each: EachRecord<'_>,
) -> Result<(), ReadError> {
    // The row that holds the next record begins at or before it.
    let start = key(shard, Position(0));
    let here = key(shard, Position(after.0.saturating_add(1)));
    let before = rows.range::<[u8; 10], _>((Bound::Included(start), Bound::Included(here))).next_back();
    let from = match before {
        Some(guard) => key(shard, parse_key(&guard.key().map_err(unreadable)?)?.1),
        None => start,
    };
    let end = key(shard, Position(u64::MAX));
    let mut next: Option<u64> = None;
    for guard in rows.range::<[u8; 10], _>((Bound::Included(from), Bound::Included(end))) {
        let (_, first, value) = parts(guard)?;
        // Before the first row only that much may be missing which was trimmed; between rows nothing may.
        if next.map_or(first.0 > after.0 + 1, |next| first.0 != next) {
            let last_good = next.map_or(after, |next| Position(next - 1));
            return Err(ReadError::Gap { shard, after: last_good, first });
        }
        let mut last = first.0;
        for record in Records::of(shard, first, &value)? {
            let (position, record) = record?;
            last = position.0 + 1;
            if position > after && !each(position, record) {
                return Ok(());
            }
        }
        next = Some(last);
    }
    Ok(())
}

/// Rows to move into one archive segment.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// The positions of the rows' first records.
    pub(super) rows: Vec<Position>,
    /// All their records.
    pub(super) records: Vec<Vec<u8>>,
}

/// The first rows of a shard that lie at or below a position, of about so many bytes together.
pub(super) fn below(
    rows: &Keyspace,
    shard: ShardId,
    upto: Position,
    most: usize,
) -> Result<Segment, ReadError> {
    let (start, end) = (key(shard, Position(0)), key(shard, upto));
    let (mut segment, mut bytes) = (Segment::default(), 0);
    for guard in rows.range::<[u8; 10], _>((Bound::Included(start), Bound::Included(end))) {
        let (_, first, value) = parts(guard)?;
        let found = Records::of(shard, first, &value)?;
        let found = found.map(|it| it.map(|(_, record)| record.to_vec())).collect::<Result<Vec<_>, _>>()?;
        if first.0 + found.len() as u64 - 1 > upto.0 || bytes >= most {
            break;
        }
        bytes += value.len();
        segment.rows.push(first);
        segment.records.extend(found);
    }
    Ok(segment)
}
