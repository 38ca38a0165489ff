//! Records as they stand in the store: one row a batch, so that a batch of a hundred events costs one row and replay reads
//! long runs.
//!
//! Key: shard (u16), position of the first record (u64), both big endian. Value: xxh3-64 of the rest (little endian), then
//! for each record its length (u32, little endian) and its bytes.

use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::Keyspace;
use xxhash_rust::xxh3::xxh3_64;

use super::unreadable;
use crate::{EachRecord, Position, ReadError, ShardId};

pub(super) fn key(shard: ShardId, first: Position) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&shard.0.to_be_bytes());
    key[2..].copy_from_slice(&first.0.to_be_bytes());
    key
}

pub(super) fn parse_key(key: &[u8]) -> Result<(ShardId, Position), ReadError> {
    let shard = key.get(..2).and_then(|it| it.try_into().ok()).map(u16::from_be_bytes);
    let first = key.get(2..10).and_then(|it| it.try_into().ok()).map(u64::from_be_bytes);
    match (shard, first) {
        (Some(shard), Some(first)) => Ok((ShardId(shard), Position(first))),
        _ => Err(ReadError::Io("a row of the log has a foreign key".into())),
    }
}

pub(super) fn encode(records: &[Vec<u8>]) -> Vec<u8> {
    let size = records.iter().map(|record| record.len() + 4).sum::<usize>() + 8;
    let mut value = Vec::with_capacity(size);
    value.extend_from_slice(&[0; 8]);
    for record in records {
        // A batch is capped far below 4 GiB.
        value.extend_from_slice(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes());
        value.extend_from_slice(record);
    }
    let sum = xxh3_64(&value[8..]);
    value[..8].copy_from_slice(&sum.to_le_bytes());
    value
}

/// The records of a row, checked.
pub(super) fn records(shard: ShardId, first: Position, value: &[u8]) -> Result<Vec<&[u8]>, ReadError> {
    let damaged = |detail: &str| ReadError::Damaged { shard, position: first, detail: detail.to_owned() };
    let (sum, mut rest) = value.split_first_chunk::<8>().ok_or_else(|| damaged("cut short"))?;
    if xxh3_64(rest) != u64::from_le_bytes(*sum) {
        return Err(damaged("checksum"));
    }
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("length"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (record, tail) = tail.split_at_checked(length).ok_or_else(|| damaged("length"))?;
        records.push(record);
        rest = tail;
    }
    Ok(records)
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
        let (key_bytes, value) = guard.into_inner().map_err(unreadable)?;
        let (shard, first) = parse_key(&key_bytes)?;
        let count = records(shard, first, &value)?.len() as u64;
        heads.insert(shard, Position(first.0 + count - 1));
        below = Some(key(shard, Position(0)));
    }
}

/// Calls `each` for records after a position; says whether the shard has any row.
pub(super) fn replay(
    rows: &Keyspace,
    shard: ShardId,
    after: Position,
    each: EachRecord<'_>,
) -> Result<bool, ReadError> {
    // The row that holds `after` or the next one begins at or before it.
    let start = key(shard, Position(0));
    let here = key(shard, Position(after.0.saturating_add(1)));
    let before = rows.range::<[u8; 10], _>((Bound::Included(start), Bound::Included(here))).next_back();
    let from = match before {
        Some(guard) => guard.key().map_err(unreadable)?.to_vec(),
        None => start.to_vec(),
    };
    let end = key(shard, Position(u64::MAX)).to_vec();
    let mut expected = None;
    for guard in rows.range::<Vec<u8>, _>((Bound::Included(from), Bound::Included(end))) {
        let (key_bytes, value) = guard.into_inner().map_err(unreadable)?;
        let (_, first) = parse_key(&key_bytes)?;
        if first.0 > expected.unwrap_or(after.0 + 1) {
            return Err(ReadError::Gap {
                shard,
                after: Position(expected.map_or(after.0, |it| it - 1)),
                first,
            });
        }
        let mut position = first.0;
        for record in records(shard, first, &value)? {
            if position > after.0 && !each(Position(position), record) {
                return Ok(true);
            }
            position += 1;
        }
        expected = Some(position);
    }
    Ok(expected.is_some())
}

/// A row: the position of its first record, and the records.
pub(super) type Row = (Position, Vec<Vec<u8>>);

/// Rows all of whose records are at or below a position.
pub(super) fn below(rows: &Keyspace, shard: ShardId, upto: Position) -> Result<Vec<Row>, ReadError> {
    let (start, end) = (key(shard, Position(0)), key(shard, upto));
    let mut moved = Vec::new();
    for guard in rows.range::<[u8; 10], _>((Bound::Included(start), Bound::Included(end))) {
        let (key_bytes, value) = guard.into_inner().map_err(unreadable)?;
        let (_, first) = parse_key(&key_bytes)?;
        let found: Vec<Vec<u8>> = records(shard, first, &value)?.into_iter().map(<[u8]>::to_vec).collect();
        if first.0 + found.len() as u64 - 1 > upto.0 {
            break;
        }
        moved.push((first, found));
    }
    Ok(moved)
}
