//! Segments: what an ended conversation has in the store, as one file in the blob store. Who reads finds it there as if it had
//! never moved.
//!
//! A conversation that has moved leaves its header, and a row that says where the rest is: [`moved_to`]. Rows that are written
//! afterwards stand in the store, and count instead of those of the same key in the segment.
//!
//! A segment: a form byte, then for each row its table (u8), the lengths of key and value (u32, little endian) and both. Bodies
//! in it are sealed as they were in the store, so that an erasure reaches them; the file is known by the hash of its bytes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use policy::id::WorkspaceId;

use crate::blob::{BlobHash, BlobStore};
use crate::{
    AppendFuture, Batch, Conversations, EachCopied, EachRecord, Health, Level, Log, Position, ReadError,
    Rows, ShardId, Snapshot, Table, Write,
};

const FORM: u8 = 1;
/// Workspace and conversation, with which the keys of its rows begin.
pub const CONVERSATION: usize = 32;
/// What follows them in the key of the row that says where the rest is.
const MOVED: &[u8] = b"moved";
/// Segments kept in memory.
const RECENT: usize = 16;

/// The tables of which a conversation has rows of its own.
pub const TABLES: [Table; 3] = [Table::Transcripts, Table::Decisions, Table::Mails];

/// The key of the row that says where a conversation's segment is; its value is the hash.
#[must_use]
pub fn moved_to(conversation: &[u8]) -> Vec<u8> {
    [conversation, MOVED].concat()
}

/// The rows of a segment.
pub type Moved = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The bytes of a segment.
///
/// # Errors
/// If a row is too long to be one.
pub fn write(rows: &Moved) -> Result<Vec<u8>, ReadError> {
    let mut out = vec![FORM];
    for ((table, key), value) in rows {
        out.push(*table as u8);
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| ReadError::Io("a row is too long".into()))?;
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    Ok(out)
}

/// The rows of a segment; `None` if it is none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Moved> {
    let (&form, mut rest) = bytes.split_first()?;
    let mut rows = Moved::new();
    while form == FORM && !rest.is_empty() {
        let (&table, tail) = rest.split_first()?;
        let table = Table::ALL.into_iter().find(|it| *it as u8 == table)?;
        let (key, tail) = tail.split_first_chunk::<4>()?;
        let (value, tail) = tail.split_first_chunk::<4>()?;
        let length = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).ok();
        let (key, tail) = tail.split_at_checked(length(key)?)?;
        let (value, tail) = tail.split_at_checked(length(value)?)?;
        rest = tail;
        rows.insert((table, key.to_vec()), value.to_vec());
    }
    (form == FORM).then_some(rows)
}

/// A log with its segments.
pub struct WithSegments {
    log: Arc<dyn Log>,
    blobs: Arc<dyn BlobStore>,
    recent: Mutex<VecDeque<(BlobHash, Arc<Moved>)>>,
    /// One shard of the node at a time looks for what may leave, so that whoever reads never stands behind many of them.
    looking: Mutex<()>,
}

impl WithSegments {
    /// A log, and the blob store in which its segments are.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, blobs: Arc<dyn BlobStore>) -> Self {
        Self { log, blobs, recent: Mutex::default(), looking: Mutex::default() }
    }

    /// The turn to look for what may leave.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segment of the conversation that a key belongs to, if it has moved.
    fn segment(&self, shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Arc<Moved>>, ReadError> {
        let Some(conversation) = key.get(..CONVERSATION).filter(|_| TABLES.contains(&table)) else {
            return Ok(None);
        };
        let Some(hash) = self.log.get(shard, Table::Transcripts, &moved_to(conversation))? else {
            return Ok(None);
        };
        let trouble = |why: &str| ReadError::Io(format!("the segment of a conversation {why}"));
        let hash = BlobHash(hash.try_into().map_err(|_| trouble("has a foreign name"))?);
        let recent = |list: &VecDeque<(BlobHash, Arc<Moved>)>| {
            list.iter().find(|(of, _)| *of == hash).map(|(_, rows)| Arc::clone(rows))
        };
        if let Some(rows) = recent(&self.recent.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Some(rows));
        }
        let bytes = self.blobs.get(workspace_of(conversation), hash);
        let bytes = bytes.map_err(|error| trouble(&error.to_string()))?;
        let rows = bytes.as_deref().and_then(read).ok_or_else(|| trouble("is not in the blob store"))?;
        let rows = Arc::new(rows);
        let mut list = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() == RECENT {
            list.pop_front();
        }
        list.push_back((hash, Arc::clone(&rows)));
        Ok(Some(rows))
    }
}

/// A conversation on its way out of the store.
pub struct Leaving {
    /// Workspace and conversation.
    pub conversation: [u8; CONVERSATION],
    rows: Moved,
    hash: BlobHash,
    before: Option<BlobHash>,
}

/// What takes a conversation out of the store, and the segment that nobody needs once that is durable.
pub struct Leave {
    /// To be appended together.
    pub writes: Vec<Write>,
    /// To be given to [`WithSegments::forget`].
    pub before: Option<BlobHash>,
}

impl WithSegments {
    /// The rows of a conversation in the store that a segment takes: all but the header, and where the rest is.
    fn rows(&self, shard: ShardId, conversation: &[u8]) -> Result<Moved, ReadError> {
        let (from, to) = ([conversation, &[0]].concat(), [conversation, &[0xff; 64]].concat());
        let (header, moved) = ([conversation, &[0; 8]].concat(), moved_to(conversation));
        let mut rows = Moved::new();
        for table in TABLES {
            let found = self.log.scan(shard, table, &from, &to, usize::MAX, false)?;
            let found = found.into_iter().filter(|(key, _)| *key != header && *key != moved);
            rows.extend(found.map(|(key, value)| ((table, key), value)));
        }
        Ok(rows)
    }

    /// Writes the segment of an ended conversation, with what an earlier one has; `None` where there is nothing to move. The
    /// store is not changed by this.
    ///
    /// # Errors
    /// If the rows cannot be read, or the segment cannot be written.
    pub fn gather(
        &self,
        shard: ShardId,
        conversation: [u8; CONVERSATION],
    ) -> Result<Option<Leaving>, ReadError> {
        let rows = self.rows(shard, &conversation)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let before = self.log.get(shard, Table::Transcripts, &moved_to(&conversation))?;
        let before = before.and_then(|hash| hash.try_into().ok()).map(BlobHash);
        let mut whole = match self.segment(shard, Table::Transcripts, &conversation)? {
            Some(earlier) => Moved::clone(&earlier),
            None => Moved::new(),
        };
        whole.extend(rows.clone());
        let hash = self.blobs.put(workspace_of(&conversation), &write(&whole)?);
        let hash = hash.map_err(|error| ReadError::Io(error.to_string()))?;
        Ok(Some(Leaving { conversation, rows, hash, before: before.filter(|it| *it != hash) }))
    }

    /// What takes a conversation out of the store. `None` if a row of it has changed since its segment was written. Nothing may
    /// be on its way to the store that changes one.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub fn leave(&self, shard: ShardId, leaving: Leaving) -> Result<Option<Leave>, ReadError> {
        let Leaving { conversation, rows, hash, before } = leaving;
        if self.rows(shard, &conversation)? != rows {
            return Ok(None);
        }
        let (table, key, value) = (Table::Transcripts, moved_to(&conversation), hash.0.to_vec());
        let mut writes = vec![Write::Put { table, key, value }];
        writes.extend(rows.into_keys().map(|(table, key)| Write::Delete { table, key }));
        Ok(Some(Leave { writes, before }))
    }

    /// Removes a segment that a later one has taken the place of.
    pub fn forget(&self, conversation: &[u8; CONVERSATION], segment: BlobHash) {
        if let Err(error) = self.blobs.delete(workspace_of(conversation), segment) {
            tracing::warn!(%error, "a segment that nobody needs any more could not be removed");
        }
    }
}

fn workspace_of(conversation: &[u8]) -> WorkspaceId {
    WorkspaceId::from_bits(conversation.first_chunk::<16>().map_or(0, |it| u128::from_be_bytes(*it)))
}

impl Log for WithSegments {
    fn level(&self) -> Level {
        self.log.level()
    }

    fn last(&self, shard: ShardId) -> Result<Position, ReadError> {
        self.log.last(shard)
    }

    fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        self.log.shards()
    }

    fn begin_after(&self, shard: ShardId, after: Position) -> Result<(), ReadError> {
        self.log.begin_after(shard, after)
    }

    fn append(&self, batch: Batch) -> AppendFuture {
        self.log.append(batch)
    }

    fn replay(&self, shard: ShardId, after: Position, each: EachRecord<'_>) -> Result<(), ReadError> {
        self.log.replay(shard, after, each)
    }

    fn read(&self, shard: ShardId, after: Position, limit: usize) -> Result<Vec<crate::Entry>, ReadError> {
        self.log.read(shard, after, limit)
    }

    fn put_snapshot(&self, shard: ShardId, snapshot: &Snapshot) -> Result<(), ReadError> {
        self.log.put_snapshot(shard, snapshot)
    }

    fn snapshot(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        self.log.snapshot(shard)
    }

    fn snapshots(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        self.log.snapshots(shard)
    }

    fn trim(&self, shard: ShardId) -> Result<u64, ReadError> {
        self.log.trim(shard)
    }

    fn oldest(&self, shard: ShardId) -> Result<Option<Snapshot>, ReadError> {
        self.log.oldest(shard)
    }

    fn replay_archived(
        &self,
        shard: ShardId,
        after: Position,
        each: EachRecord<'_>,
    ) -> Result<(), ReadError> {
        self.log.replay_archived(shard, after, each)
    }

    fn homes(&self) -> Result<Vec<ShardId>, ReadError> {
        self.log.homes()
    }

    fn expires(&self, table: Table) -> Option<Duration> {
        self.log.expires(table)
    }

    fn recent_keys(&self, shard: ShardId, table: Table) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        self.log.recent_keys(shard, table)
    }

    fn conversations(&self, shard: ShardId, from: u64) -> Result<Option<Conversations>, ReadError> {
        self.log.conversations(shard, from)
    }

    fn get(&self, shard: ShardId, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(value) = self.log.get(shard, table, key)? {
            return Ok(Some(value));
        }
        let segment = self.segment(shard, table, key)?;
        Ok(segment.and_then(|rows| rows.get(&(table, key.to_vec())).cloned()))
    }

    fn scan(
        &self,
        shard: ShardId,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Rows, ReadError> {
        let one = from.get(..CONVERSATION).is_some_and(|it| to.get(..CONVERSATION) == Some(it));
        let segment = if one && from < to { self.segment(shard, table, from)? } else { None };
        let found = self.log.scan(shard, table, from, to, limit, reverse)?;
        let Some(segment) = segment else { return Ok(found) };
        let range = (table, from.to_vec())..(table, to.to_vec());
        let mut rows: BTreeMap<_, _> =
            segment.range(range).map(|((_, key), value)| (key.clone(), value.clone())).collect();
        rows.extend(found);
        Ok(if reverse {
            rows.into_iter().rev().take(limit).collect()
        } else {
            rows.into_iter().take(limit).collect()
        })
    }

    fn copy(&self, each: EachCopied<'_>) -> Result<(), ReadError> {
        self.log.copy(each)
    }

    fn health(&self) -> Health {
        self.log.health()
    }

    fn close(&self) {
        self.log.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::MemoryBlobs;
    use crate::memory::MemoryLog;

    const SHARD: ShardId = ShardId(3);

    fn key(conversation: &[u8], seq: u64) -> Vec<u8> {
        [conversation, &seq.to_be_bytes()].concat()
    }

    #[tokio::test]
    async fn a_conversation_that_has_moved_reads_as_before_and_what_is_written_later_counts() {
        let (log, blobs) = (Arc::new(MemoryLog::new()), Arc::new(MemoryBlobs::new(1 << 20)));
        let (conversation, other) = ([1; CONVERSATION], [2; CONVERSATION]);
        let both = WithSegments::new(log.clone(), blobs.clone());
        let put = |table, key: Vec<u8>, value: &[u8]| Write::Put { table, key, value: value.to_vec() };
        let append =
            |writes| both.append(Batch { shard: SHARD, expected: Position(0), records: Vec::new(), writes });
        let mut rows = Moved::new();
        for seq in 1..=5 {
            rows.insert((Table::Transcripts, key(&conversation, seq)), vec![u8::try_from(seq).unwrap()]);
            rows.insert((Table::Decisions, key(&conversation, seq)), vec![0]);
        }
        let bytes = write(&rows).unwrap();
        assert_eq!(read(&bytes).as_ref(), Some(&rows));
        for cut in 1..bytes.len() {
            assert_ne!(read(&bytes[..cut]).as_ref(), Some(&rows), "cut at {cut}");
        }
        let workspace = WorkspaceId::from_bits(u128::from_be_bytes([1; 16]));
        let hash = blobs.put(workspace, &bytes).unwrap();
        append(vec![
            put(Table::Transcripts, moved_to(&conversation), &hash.0),
            put(Table::Transcripts, key(&conversation, 0), b"header"),
            put(Table::Transcripts, key(&conversation, 3), b"changed"),
            put(Table::Transcripts, key(&conversation, 6), b"later"),
            put(Table::Transcripts, key(&other, 1), b"another"),
        ])
        .await
        .unwrap();
        let scan = |from, to, limit, reverse| {
            let (from, to) = (key(&conversation, from), key(&conversation, to));
            let rows = both.scan(SHARD, Table::Transcripts, &from, &to, limit, reverse).unwrap();
            rows.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        let all: [&[u8]; 6] = [&[1], &[2], b"changed", &[4], &[5], b"later"];
        assert_eq!(scan(1, 9, 9, false), all);
        assert_eq!(scan(1, 9, 3, false), all[..3]);
        assert_eq!(scan(1, 9, 2, true), [all[5], all[4]]);
        assert_eq!(scan(2, 4, 9, false), all[1..3]);
        let get = |table, seq| both.get(SHARD, table, &key(&conversation, seq)).unwrap();
        assert_eq!(get(Table::Transcripts, 0).as_deref(), Some(&b"header"[..]));
        assert_eq!((get(Table::Decisions, 4), get(Table::Mails, 4)), (Some(vec![0]), None));
        assert_eq!(both.get(SHARD, Table::Transcripts, &key(&other, 2)).unwrap(), None);
        blobs.delete(workspace, hash).unwrap();
        let again = WithSegments::new(log, blobs);
        let gone = again.get(SHARD, Table::Transcripts, &key(&conversation, 1)).unwrap_err();
        assert!(gone.to_string().contains("not in the blob store"), "{gone}");
    }

    #[tokio::test]
    async fn what_leaves_is_whole_and_what_has_changed_meanwhile_stays() {
        let (log, blobs) = (Arc::new(MemoryLog::new()), Arc::new(MemoryBlobs::new(1 << 20)));
        let both = WithSegments::new(log.clone(), blobs.clone());
        let conversation = [1; CONVERSATION];
        let put = |seq: u64, value: &[u8]| {
            let (table, key) = (Table::Transcripts, key(&conversation, seq));
            Write::Put { table, key, value: value.to_vec() }
        };
        let append = async |writes| {
            let batch = Batch { shard: SHARD, expected: Position(0), records: Vec::new(), writes };
            both.append(batch).await.unwrap();
        };
        let gather = || both.gather(SHARD, conversation).unwrap();
        let read = || -> Vec<Vec<u8>> {
            let (from, to) = (key(&conversation, 0), key(&conversation, 9));
            let rows = both.scan(SHARD, Table::Transcripts, &from, &to, 9, false).unwrap();
            rows.into_iter().map(|(_, value)| value).collect()
        };
        append(vec![put(0, b"header"), put(1, b"one"), put(2, b"two")]).await;
        let before = read();
        let leaving = gather().unwrap();
        append(vec![put(2, b"seen")]).await;
        assert!(both.leave(SHARD, leaving).unwrap().is_none(), "a row has changed");
        append(vec![put(2, b"two")]).await;
        let Leave { writes, before: none } = both.leave(SHARD, gather().unwrap()).unwrap().unwrap();
        append(writes).await;
        assert_eq!((read(), none), (before, None));
        let (from, to) = (key(&conversation, 1), key(&conversation, 9));
        assert_eq!(log.scan(SHARD, Table::Transcripts, &from, &to, 9, false).unwrap(), vec![]);
        assert!(gather().is_none(), "nothing is left to move");
        // It was opened again, and has ended again.
        append(vec![put(3, b"three"), put(1, b"one, read")]).await;
        let whole = read();
        assert_eq!(whole[1..], [b"one, read".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        let Leave { writes, before } = both.leave(SHARD, gather().unwrap()).unwrap().unwrap();
        append(writes).await;
        both.forget(&conversation, before.unwrap());
        assert_eq!(
            WithSegments::new(log.clone(), blobs.clone())
                .scan(SHARD, Table::Transcripts, &key(&conversation, 0), &to, 9, false)
                .unwrap()
                .len(),
            4
        );
        assert_eq!(read(), whole);
    }
}
