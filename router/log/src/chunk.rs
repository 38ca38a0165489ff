//! Records as they stand in the store: one row for all that a shard appended in one commit, so that a hundred events cost
//! one row and replay reads long runs.
//!
//! Key: shard (u16), position of the first record (u64), both big endian. Value: a checksum (xxh3-64, little endian, seeded
//! with the key, so that a row in the wrong place is found) of the rest: a form byte, then for each record its length (u32,
//! little endian) and its bytes. Rows of data format 1 had no form byte and no seed; they are still read.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{Position, ReadError, ShardId};

const FORM: u8 = 2;
const SUM: usize = size_of::<u64>();

/// The key of a row.
pub(crate) fn key(shard: ShardId, first: Position) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&shard.0.to_be_bytes());
    key[2..].copy_from_slice(&first.0.to_be_bytes());
    key
}

/// What a key says.
pub(crate) fn parse_key(key: &[u8]) -> Result<(ShardId, Position), ReadError> {
    match key.split_first_chunk::<2>() {
        Some((shard, first)) if first.len() == 8 => {
            let first = first.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            Ok((ShardId(u16::from_be_bytes(*shard)), Position(first)))
        }
        _ => Err(ReadError::Io("a row of the log has a foreign key".into())),
    }
}

fn seed(shard: ShardId, first: Position) -> u64 {
    xxh3_64(&key(shard, first))
}

/// A row that records are put into.
#[derive(Debug)]
pub(crate) struct Chunk {
    shard: ShardId,
    first: Position,
    count: u64,
    value: Vec<u8>,
}

impl Chunk {
    /// One for what follows a position.
    pub(crate) fn after(shard: ShardId, last: Position) -> Self {
        let mut value = vec![0; SUM];
        value.push(FORM);
        Self { shard, first: Position(last.0 + 1), count: 0, value }
    }

    /// The position of the last record in it, or the one before the first.
    pub(crate) fn last(&self) -> Position {
        Position(self.first.0 - 1 + self.count)
    }

    /// The position of the first record in it, if there is any.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// Puts a record at the end.
    pub(crate) fn push(&mut self, record: &[u8]) {
        // A batch has 16 MiB at most, so the length fits.
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.value.extend_from_slice(&length.to_le_bytes());
        self.value.extend_from_slice(record);
        self.count += 1;
    }

    /// The row, if there is any record in it.
    pub(crate) fn into_row(mut self) -> Option<([u8; 10], Vec<u8>)> {
        let sum = xxh3_64_with_seed(&self.value[SUM..], seed(self.shard, self.first));
        self.value[..SUM].copy_from_slice(&sum.to_le_bytes());
        (self.count > 0).then(|| (key(self.shard, self.first), self.value))
    }
}

/// The records of a row, one after another, after its checksum has been looked at.
pub(crate) struct Records<'a> {
    shard: ShardId,
    position: Position,
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// Those of a row.
    pub(crate) fn of(shard: ShardId, first: Position, value: &'a [u8]) -> Result<Self, ReadError> {
        let damaged = |detail: &str| ReadError::Damaged { shard, position: first, detail: detail.to_owned() };
        let (sum, body) = value.split_first_chunk::<SUM>().ok_or_else(|| damaged("cut short"))?;
        let sum = u64::from_le_bytes(*sum);
        let rest = if sum == xxh3_64_with_seed(body, seed(shard, first)) {
            match body.split_first() {
                Some((&FORM, rest)) => rest,
                Some((form, _)) => return Err(damaged(&format!("form {form} of a newer version"))),
                None => return Err(damaged("empty")),
            }
        } else if sum == xxh3_64(body) {
            body
        } else {
            return Err(damaged("its checksum does not match"));
        };
        Ok(Self { shard, position: first, rest })
    }

    /// How many there are, by their lengths alone.
    pub(crate) fn count(self) -> Result<u64, ReadError> {
        let mut count = 0;
        for record in self {
            record?;
            count += 1;
        }
        Ok(count)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Position, &'a [u8]), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let position = self.position;
        let split = self
            .rest
            .split_first_chunk::<4>()
            .and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let Some((record, rest)) = split else {
            self.rest = &[];
            let detail = "a length goes beyond the row".to_owned();
            return Some(Err(ReadError::Damaged { shard: self.shard, position, detail }));
        };
        self.rest = rest;
        self.position = Position(position.0 + 1);
        Some(Ok((position, record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: ShardId = ShardId(7);

    fn row(records: &[&[u8]]) -> Vec<u8> {
        let mut chunk = Chunk::after(SHARD, Position(4));
        records.iter().for_each(|record| chunk.push(record));
        chunk.into_row().unwrap().1
    }

    #[test]
    fn a_row_gives_back_its_records_and_no_flipped_bit_passes() {
        let value = row(&[b"one", b"", b"three"]);
        let read: Vec<_> = Records::of(SHARD, Position(5), &value).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [(Position(5), &b"one"[..]), (Position(6), b""), (Position(7), b"three")]);
        for at in 0..value.len() {
            for bit in 0..8 {
                let mut flipped = value.clone();
                flipped[at] ^= 1 << bit;
                assert!(Records::of(SHARD, Position(5), &flipped).is_err(), "byte {at} bit {bit}");
            }
        }
        assert!(Records::of(SHARD, Position(6), &value).is_err(), "a row in the wrong place");
    }

    #[test]
    fn rows_of_format_1_are_read() {
        let mut value = vec![0; SUM];
        value.extend_from_slice(&[3, 0, 0, 0]);
        value.extend_from_slice(b"old");
        let sum = xxh3_64(&value[SUM..]);
        value[..SUM].copy_from_slice(&sum.to_le_bytes());
        let read: Vec<_> = Records::of(SHARD, Position(5), &value).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [(Position(5), &b"old"[..])]);
    }
}
