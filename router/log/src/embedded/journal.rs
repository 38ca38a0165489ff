//! A look at fjall's journals before fjall opens them.
//!
//! fjall cuts a journal off at the first entry it cannot read, or does not open. Both are wrong for one case each: a torn
//! last batch must be dropped (it was never acknowledged), and damage *before* whole batches must be an error (they were).
//! At level `disk` only one batch is ever unsynced, so whatever follows a bad batch was acknowledged.
//!
//! A journal: batches of start (1, count u32, seqno u64), entries (2, kind u8, compression u8, keyspace u64, key length u16,
//! value length u32, stored length u32, key, value; or 4, keyspace u64), end (3, xxh3-64 of the entries, "FJL" 3), then
//! zeros up to its preallocated size. All little endian.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::{Level, OpenError};

const TRAILER: &[u8; 4] = b"FJL\x03";

/// What was found in a journal.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Whole batches, then nothing.
    Whole,
    /// Whole batches up to here, then a part of one.
    Torn(usize),
    /// Something bad here, and whole batches after it.
    Damaged(usize),
}

/// Looks at every journal of a store; cuts off a torn tail.
pub(super) fn check(store: &Path, level: Level) -> Result<(), OpenError> {
    let io = |error: io::Error| OpenError::Io { path: store.to_path_buf(), detail: error.to_string() };
    let mut journals = journals(store).map_err(io)?;
    let newest = journals.pop();
    for (journal, is_newest) in
        journals.iter().map(|it| (it, false)).chain(newest.iter().map(|it| (it, true)))
    {
        let bytes = fs::read(journal).map_err(io)?;
        let at = match look(&bytes) {
            Found::Whole => continue,
            // An older journal was synced whole before the next one began.
            Found::Torn(at) if is_newest || level != Level::Disk => at,
            // What was never synced may be missing anywhere; what is before it is good.
            Found::Damaged(at) if level != Level::Disk => at,
            Found::Torn(at) | Found::Damaged(at) => {
                return Err(OpenError::Damaged { journal: journal.clone(), at: at as u64 });
            }
        };
        tracing::warn!(
            cut = bytes.len() - at,
            "a batch that was not written to its end is dropped; it was not acknowledged"
        );
        let file = OpenOptions::new().write(true).open(journal).map_err(io)?;
        file.set_len(at as u64).and_then(|()| file.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// The journals of a store, oldest first.
fn journals(store: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(store) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|it| it == "jnl")) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn look(bytes: &[u8]) -> Found {
    let mut at = 0;
    while let Some(next) = batch(bytes, at) {
        at = next;
    }
    if bytes[at..].iter().all(|byte| *byte == 0) {
        return Found::Whole;
    }
    let follows = (at + 1..bytes.len()).any(|later| bytes[later] == 1 && batch(bytes, later).is_some());
    if follows { Found::Damaged(at) } else { Found::Torn(at) }
}

/// Where the whole batch that begins here ends.
fn batch(bytes: &[u8], at: usize) -> Option<usize> {
    let mut reader = Reader { bytes, at };
    if reader.byte()? != 1 {
        return None;
    }
    let count = reader.number(4)?;
    reader.number(8)?;
    let entries = reader.at;
    for _ in 0..count {
        match reader.byte()? {
            2 => {
                reader.take(2 + 8)?;
                let key = reader.number(2)?;
                reader.number(4)?;
                let value = reader.number(4)?;
                reader.take(usize::try_from(key + value).ok()?)?;
            }
            4 => drop(reader.take(8)?),
            _ => return None,
        }
    }
    let end = reader.at;
    if reader.byte()? != 3 {
        return None;
    }
    let sum = reader.number(8)?;
    let whole = reader.take(TRAILER.len())? == TRAILER;
    let mut hasher = Xxh3::new();
    hasher.update(&bytes[entries..end]);
    (whole && hasher.digest() == sum).then_some(reader.at)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|it| it[0])
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?;
        Some(bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(seqno: u64, value: &[u8]) -> Vec<u8> {
        let mut entry = vec![2, 0, 0];
        entry.extend_from_slice(&5u64.to_le_bytes());
        entry.extend_from_slice(&3u16.to_le_bytes());
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        entry.extend_from_slice(&length);
        entry.extend_from_slice(&length);
        entry.extend_from_slice(b"key");
        entry.extend_from_slice(value);
        let mut out = vec![1, 1, 0, 0, 0];
        out.extend_from_slice(&seqno.to_le_bytes());
        let mut hasher = Xxh3::new();
        hasher.update(&entry);
        out.extend_from_slice(&entry);
        out.push(3);
        out.extend_from_slice(&hasher.digest().to_le_bytes());
        out.extend_from_slice(TRAILER);
        out
    }

    #[test]
    fn a_torn_end_is_torn_and_a_bad_middle_is_damage() {
        let batches = [one(1, b"first"), one(2, b"second"), one(3, b"third")];
        let mut bytes = batches.concat();
        let last = bytes.len() - batches[2].len();
        assert_eq!(look(&bytes), Found::Whole);
        for cut in last + 1..bytes.len() {
            assert_eq!(look(&bytes[..cut]), Found::Torn(last), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            // A sequence number is not under the checksum; a flip there reads as another whole batch.
            if batches
                .iter()
                .scan(0, |start, it| Some(std::mem::replace(start, *start + it.len())))
                .any(|start| (start + 5..start + 13).contains(&at))
            {
                continue;
            }
            bytes[at] ^= 0x10;
            let found = look(&bytes);
            if at < last {
                assert!(matches!(found, Found::Damaged(_)), "{found:?} for a flip at {at}");
            } else {
                assert_eq!(found, Found::Torn(last), "flip at {at}");
            }
            bytes[at] ^= 0x10;
        }
        bytes.extend_from_slice(&[0; 100]);
        assert_eq!(look(&bytes), Found::Whole);
    }
}
