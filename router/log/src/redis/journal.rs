//! The node's own journal beside Redis, for level `redis+disk`: every call is on this disk before it is acknowledged, so that
//! a Redis that lost its tail gets it back, from the living owner's memory or from here after a restart.
//!
//! Two files in `redis/`, written in turn, so that the newest 32 MiB at least are there; each begins with its number (u64).
//! A frame: length (u32), xxh3-64
//! of the rest, then the call: shard (u16), the head expected and the head made (three u64 each), and, each with its length
//! (u32), the entry and for each command its arguments; all little endian. A torn end was never acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::head::{Call, Head, Op};
use crate::ShardId;
use crate::file::sync_folder;

/// A file is left for the other one when it has so many bytes.
const FILE_BYTES: usize = 32 << 20;
const NAMES: [&str; 2] = ["a.tail", "b.tail"];
/// What a file begins with: its number.
const NUMBER: usize = size_of::<u64>();

/// The journal.
pub(super) struct Journal {
    files: Arc<Mutex<Files>>,
}

struct Files {
    folder: PathBuf,
    at: usize,
    /// Which file it is in all, so that the newer one is known.
    number: u64,
    file: File,
    bytes: usize,
}

impl Journal {
    /// Opens the journal of a data folder; says which calls are in it, oldest first.
    pub(super) fn open(data: &Path) -> io::Result<(Self, Vec<Arc<Call>>)> {
        let folder = data.join("redis");
        fs::create_dir_all(&folder)?;
        let mut found: Vec<(usize, Vec<u8>)> = Vec::new();
        for (at, name) in NAMES.into_iter().enumerate() {
            match fs::read(folder.join(name)) {
                Ok(bytes) => found.push((at, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|(_, bytes)| number(bytes));
        let mut calls = Vec::new();
        let mut whole = NUMBER;
        for (_, bytes) in &found {
            let mut reader = Reader(bytes.get(NUMBER..).unwrap_or_default());
            whole = bytes.len() - reader.0.len();
            while let Some(call) = frame(&mut reader) {
                calls.push(Arc::new(call));
                whole = bytes.len() - reader.0.len();
            }
        }
        let files = match found.last() {
            Some((at, bytes)) if bytes.len() >= NUMBER => Files::go_on(folder, *at, number(bytes), whole)?,
            _ => Files::begin(folder, 0, 1)?,
        };
        Ok((Self { files: Arc::new(Mutex::new(files)) }, calls))
    }

    /// Writes calls and syncs them, on a thread that may wait.
    pub(super) fn append(&self, calls: Vec<Arc<Call>>) -> impl Future<Output = Result<(), String>> + use<> {
        let files = Arc::clone(&self.files);
        let written = tokio::task::spawn_blocking(move || {
            files
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .append(&calls)
                .map_err(|error| error.to_string())
        });
        async move { written.await.unwrap_or_else(|error| Err(error.to_string())) }
    }
}

/// The turn of a file.
fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |it| u64::from_le_bytes(*it))
}

impl Files {
    fn begin(folder: PathBuf, at: usize, number: u64) -> io::Result<Self> {
        let path = folder.join(NAMES[at]);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        file.write_all(&number.to_le_bytes())?;
        file.sync_all()?;
        sync_folder(&folder)?;
        Ok(Self { folder, at, number, file, bytes: NUMBER })
    }

    /// Takes up a file behind its last whole frame.
    fn go_on(folder: PathBuf, at: usize, number: u64, whole: usize) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(folder.join(NAMES[at]))?;
        file.set_len(whole as u64)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Self { folder, at, number, file, bytes: whole })
    }

    fn append(&mut self, calls: &[Arc<Call>]) -> io::Result<()> {
        let mut out = Vec::new();
        for call in calls {
            let body = encode(call);
            let length = u32::try_from(body.len()).map_err(io::Error::other)?;
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&xxh3_64(&body).to_le_bytes());
            out.extend_from_slice(&body);
        }
        if self.bytes >= FILE_BYTES {
            *self = Self::begin(self.folder.clone(), 1 - self.at, self.number + 1)?;
        }
        self.bytes += out.len();
        self.file.write_all(&out)?;
        self.file.sync_data()
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // A batch has 16 MiB at most, so the length fits.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn encode(call: &Call) -> Vec<u8> {
    let mut out = call.shard.0.to_le_bytes().to_vec();
    for head in [call.expected, call.made] {
        for number in [head.epoch, head.position, head.turn] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    put(&mut out, &call.entry);
    for op in &call.ops {
        out.extend_from_slice(&u32::try_from(op.arguments.len()).unwrap_or(u32::MAX).to_le_bytes());
        put(&mut out, op.name.as_bytes());
        op.arguments.iter().for_each(|argument| put(&mut out, argument));
    }
    out
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    }

    fn long(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk::<8>().map(|it| u64::from_le_bytes(*it))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.length()?;
        self.take(length).map(<[u8]>::to_vec)
    }

    fn head(&mut self) -> Option<Head> {
        Some(Head { epoch: self.long()?, position: self.long()?, turn: self.long()? })
    }
}

fn decode(body: &[u8]) -> Option<Call> {
    let mut reader = Reader(body);
    let shard = ShardId(u16::from_le_bytes(*reader.take(2)?.first_chunk::<2>()?));
    let (expected, made, entry) = (reader.head()?, reader.head()?, reader.bytes()?);
    let mut ops = Vec::new();
    while !reader.0.is_empty() {
        let count = reader.length()?;
        let name = String::from_utf8(reader.bytes()?).ok()?;
        let arguments = (0..count).map(|_| reader.bytes()).collect::<Option<Vec<_>>>()?;
        ops.push(Op { name, arguments });
    }
    Some(Call { shard, expected, made, entry, ops })
}

/// The next frame, if it is whole.
fn frame(reader: &mut Reader<'_>) -> Option<Call> {
    let length = reader.length()?;
    let sum = reader.long()?;
    let body = reader.take(length)?;
    if xxh3_64(body) == sum { decode(body) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(turn: u64, bytes: usize) -> Arc<Call> {
        let head = |turn| Head { epoch: 1, position: turn, turn };
        let ops = vec![Op { name: "HSET".into(), arguments: vec![b"k".to_vec(), vec![], vec![9; bytes]] }];
        let (expected, made) = (head(turn), head(turn + 1));
        Arc::new(Call { shard: ShardId(7), expected, made, entry: vec![1, 2, 3], ops })
    }

    fn written(journal: &Journal, calls: &[Arc<Call>]) {
        journal.files.lock().unwrap().append(calls).unwrap();
    }

    #[test]
    fn what_was_written_is_read_again_and_a_torn_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, calls) = Journal::open(folder.path()).unwrap();
        assert!(calls.is_empty());
        written(&journal, &[call(0, 5), call(1, 6)]);
        written(&journal, &[call(2, 7)]);
        drop(journal);
        let file = folder.path().join("redis").join(NAMES[0]);
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        let (_, calls) = Journal::open(folder.path()).unwrap();
        assert_eq!(calls, [call(0, 5), call(1, 6)]);
    }

    #[test]
    fn files_are_written_in_turn_and_the_newest_calls_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(folder.path()).unwrap();
        for turn in 0..20 {
            written(&journal, &[call(turn, 4 << 20)]);
        }
        drop(journal);
        let (journal, calls) = Journal::open(folder.path()).unwrap();
        let turns: Vec<_> = calls.iter().map(|call| call.expected.turn).collect();
        let (first, last) = (turns[0], turns[turns.len() - 1]);
        assert_eq!(turns, (first..=last).collect::<Vec<_>>());
        assert!(last == 19 && first <= 12, "{first} to {last}");
        written(&journal, &[call(20, 5)]);
        drop(journal);
        let (_, calls) = Journal::open(folder.path()).unwrap();
        assert!(calls.len() > 1 && calls.last() == Some(&call(20, 5)));
    }
}
