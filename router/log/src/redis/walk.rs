//! Walking over the entries of a shard's log: the first, all, and those that move into the archive.

use redis::cmd;

use super::{RedisLog, read};
use crate::{Position, ReadError, ShardId};

/// A segment of the archive has about so many bytes.
const SEGMENT_BYTES: usize = 4 << 20;

impl RedisLog {
    /// Calls `each` for the entries of a shard, a page at a time; `false` stops it.
    pub(super) fn entries(
        &self,
        shard: ShardId,
        mut each: impl FnMut(read::Stored) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let mut from = "-".to_owned();
        loop {
            let (page, next) = self.ask(|inner| async move { inner.reader.page(shard, &from).await })?;
            for entry in page {
                if !each(entry)? {
                    return Ok(());
                }
            }
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// The first record that is there.
    pub(super) fn first(&self, shard: ShardId) -> Result<Option<Position>, ReadError> {
        let mut first = None;
        self.entries(shard, |entry| {
            first = Some(entry.first);
            Ok(false)
        })?;
        Ok(first)
    }

    /// Moves entries that end at or below a position into the archive, a segment at a time.
    pub(super) fn archive_below(&self, shard: ShardId, upto: Position) -> Result<u64, ReadError> {
        let mut moved = 0;
        loop {
            let (mut records, mut bytes, mut last) = (Vec::new(), 0, None);
            let mut first = Position(0);
            self.entries(shard, |entry| {
                if entry.last()? > upto || bytes >= SEGMENT_BYTES {
                    return Ok(false);
                }
                if records.is_empty() {
                    first = entry.first;
                }
                bytes += entry.row.len();
                for record in entry.records(shard)? {
                    records.push(record?.1.to_vec());
                }
                last = Some(entry.next_id()?);
                Ok(true)
            })?;
            let Some(keep_from) = last else { return Ok(moved) };
            self.archive.put(shard, first, &records)?;
            self.ask(|inner| async move {
                let key = inner.reader.layout.log(shard);
                let mut trim = cmd("XTRIM");
                trim.arg(&key).arg("MINID").arg("=").arg(keep_from);
                inner.reader.call(&key, &trim).await.map(drop)
            })?;
            moved += records.len() as u64;
        }
    }
}
