//! Reading: records, rows, snapshots. Whoever asks waits for Redis, as it would for a disk.

use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, RedisError, RedisResult, Value, cmd};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::check::explain;
use super::head::{Head, today};
use super::layout::Layout;
use super::link::Link;
use super::place::Place;
use crate::chunk::Records;
use crate::{Position, ReadError, Rows, ShardId, Snapshot, Table, snapshots};

/// An unanswered question is asked again for so long.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(50);
/// Entries of the log read at once.
const PAGE: usize = 256;

/// An entry of a stream.
type Fields = Vec<(String, Vec<u8>)>;

/// Asks Redis, over a connection of its own.
pub(super) struct Reader {
    pub(super) place: Place,
    pub(super) layout: Layout,
    link: Mutex<Option<Link>>,
}

/// An entry of a shard's log.
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) first: Position,
    pub(super) row: Vec<u8>,
}

impl Stored {
    /// Its records.
    pub(super) fn records(&self, shard: ShardId) -> Result<Records<'_>, ReadError> {
        Records::of(shard, self.first, &self.row)
    }

    /// The position of its last record, which its id says.
    pub(super) fn last(&self) -> Result<Position, ReadError> {
        let last = self.id.split_once('-').and_then(|(_, last)| last.parse().ok());
        last.map(Position).ok_or_else(|| foreign("an entry of the log"))
    }

    /// The smallest id above it.
    pub(super) fn next_id(&self) -> Result<String, ReadError> {
        let epoch =
            self.id.split_once('-').map(|(epoch, _)| epoch).ok_or_else(|| foreign("an entry of the log"))?;
        Ok(format!("{epoch}-{}", self.last()?.0 + 1))
    }
}

/// Asks for some keys that begin so.
fn scan_from(base: &[u8], cursor: u64) -> Cmd {
    let mut scan = cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg([base, b"*"].concat()).arg("COUNT").arg(1_000);
    scan
}

fn foreign(what: &str) -> ReadError {
    ReadError::Io(format!("{what} has a foreign form: another program may use these keys"))
}

pub(super) fn unreadable(error: &RedisError) -> ReadError {
    ReadError::Io(format!("Redis: {}", explain(error)))
}

impl Reader {
    pub(super) fn new(place: Place, layout: Layout, link: Link) -> Self {
        Self { place, layout, link: Mutex::new(Some(link)) }
    }

    /// One that connects when it is first needed.
    pub(super) fn lazy(place: Place, layout: Layout) -> Self {
        Self { place, layout, link: Mutex::new(None) }
    }

    /// The connection, a new one if the last one broke.
    pub(super) async fn link(&self) -> RedisResult<Link> {
        let mut link = self.link.lock().await;
        match &*link {
            Some(link) => Ok(link.clone()),
            None => Ok(link.insert(Link::dial(&self.place).await?).clone()),
        }
    }

    pub(super) async fn forget_link(&self) {
        *self.link.lock().await = None;
    }

    /// Asks until there is an answer, or for too long.
    pub(super) async fn ask<T: FromRedisValue>(&self, at: &[u8], command: &Cmd) -> Result<T, ReadError> {
        let begun = Instant::now();
        loop {
            let asked = async { self.link().await?.call_at(at, command).await };
            match asked.await {
                Ok(answer) => return T::from_redis_value(answer).map_err(|_| foreign("an answer of Redis")),
                Err(error) if begun.elapsed() >= PATIENCE || error.code() == Some("WRONGTYPE") => {
                    return Err(unreadable(&error));
                }
                Err(_) => {
                    self.forget_link().await;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    pub(super) async fn head(&self, shard: ShardId) -> Result<Head, ReadError> {
        let key = self.layout.head(shard);
        let text: Option<String> = self.ask(&key, cmd("GET").arg(&key)).await?;
        text.map_or(Ok(Head::default()), |text| text.parse().map_err(ReadError::Io))
    }

    /// The shards that anything was written to.
    pub(super) async fn shards(&self) -> Result<Vec<ShardId>, ReadError> {
        let key = self.layout.common("shards");
        let mut numbers: Vec<u16> = self.ask(&key, cmd("SMEMBERS").arg(&key)).await?;
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(ShardId).collect())
    }

    /// Entries from an id on, a page; and where the next page begins, if there may be one. What only opens an epoch is
    /// left out.
    pub(super) async fn page(
        &self,
        shard: ShardId,
        from: &str,
    ) -> Result<(Vec<Stored>, Option<String>), ReadError> {
        let key = self.layout.log(shard);
        let mut range = cmd("XRANGE");
        range.arg(&key).arg(from).arg("+").arg("COUNT").arg(PAGE);
        let found: Vec<(String, Fields)> = self.ask(&key, &range).await?;
        let next = match found.last() {
            Some((id, _)) if found.len() == PAGE => Some(format!("({id}")),
            _ => None,
        };
        let mut stored = Vec::with_capacity(found.len());
        for (id, fields) in found {
            for (_, bytes) in fields.into_iter().filter(|(name, _)| name == "r") {
                let (first, row) =
                    bytes.split_first_chunk::<8>().ok_or_else(|| foreign("an entry of the log"))?;
                stored.push(Stored {
                    id: id.clone(),
                    first: Position(u64::from_be_bytes(*first)),
                    row: row.to_vec(),
                });
            }
        }
        Ok((stored, next))
    }

    /// The rows of a hash whose whole keys lie in a range.
    async fn hash(&self, key: &[u8], own: &[u8], from: &[u8], to: &[u8]) -> Result<Rows, ReadError> {
        let found: Vec<(Vec<u8>, Vec<u8>)> = self.ask(key, cmd("HGETALL").arg(key)).await?;
        let whole = found.into_iter().map(|(field, value)| ([own, &field].concat(), value));
        Ok(whole.filter(|(key, _)| (from..to).contains(&&key[..])).collect())
    }

    pub(super) async fn scan(
        &self,
        shard: ShardId,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Rows, ReadError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let base = self.layout.table(shard, table);
        let mut rows = match self.layout.one_hash(shard, table, from, to) {
            Some(key) => self.hash(&key, &key[base.len()..], from, to).await?,
            None => {
                let mut rows = Vec::new();
                for key in self.keys(&base).await? {
                    let own = key[base.len()..].to_vec();
                    if table != Table::Dedupe {
                        rows.extend(self.hash(&key, &own, from, to).await?);
                    } else if (from..to).contains(&&own[..]) {
                        let value: Option<Vec<u8>> = self.ask(&key, cmd("GET").arg(&key)).await?;
                        rows.extend(value.map(|value| (own, value)));
                    }
                }
                rows
            }
        };
        rows.sort_unstable();
        if reverse {
            rows.reverse();
        }
        rows.truncate(limit);
        Ok(rows)
    }

    /// All keys that begin so; slow, and only for copies.
    async fn keys(&self, base: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut keys = Vec::new();
        let mut cursor = 0u64;
        loop {
            let (found, next) = self.page_of_keys(base, cursor).await?;
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                // A scan may tell a key twice.
                keys.sort_unstable();
                keys.dedup();
                return Ok(keys);
            }
        }
    }

    /// Some keys that begin so, and where the next ones are; 0 after the last.
    pub(super) async fn page_of_keys(
        &self,
        base: &[u8],
        cursor: u64,
    ) -> Result<(Vec<Vec<u8>>, u64), ReadError> {
        let (next, found): (u64, Vec<Vec<u8>>) = self.ask(base, &scan_from(base, cursor)).await?;
        Ok((found, next))
    }

    /// The same, without a second try.
    pub(super) async fn page_of_keys_once(
        &self,
        base: &[u8],
        cursor: u64,
    ) -> Result<(Vec<Vec<u8>>, u64), ReadError> {
        let asked = async { self.link().await?.call_at(base, &scan_from(base, cursor)).await };
        match asked.await {
            Ok(answer) => {
                let page: Result<(u64, Vec<Vec<u8>>), _> = FromRedisValue::from_redis_value(answer);
                page.map(|(next, found)| (found, next)).map_err(|_| foreign("an answer of Redis"))
            }
            Err(error) => {
                self.forget_link().await;
                Err(unreadable(&error))
            }
        }
    }

    /// The keys of a table that were written yesterday and today; a clock that differs by minutes costs nothing.
    pub(super) async fn recent_keys(&self, shard: ShardId, table: Table) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut keys = Vec::new();
        let today = today();
        for day in today.saturating_sub(2)..=today + 1 {
            let list = self.layout.days_keys(shard, table, day);
            let found: Vec<Vec<u8>> = self.ask(&list, cmd("LRANGE").arg(&list).arg(0).arg(-1)).await?;
            keys.extend(found);
        }
        Ok(keys)
    }

    /// The positions of a shard's snapshots, newest first.
    pub(super) async fn snapshots(&self, shard: ShardId) -> Result<Vec<u64>, ReadError> {
        let key = self.layout.snapshots(shard);
        let mut positions: Vec<u64> = self.ask(&key, cmd("HKEYS").arg(&key)).await?;
        positions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(positions)
    }

    /// A snapshot, if it verifies.
    pub(super) async fn snapshot_at(&self, shard: ShardId, at: u64) -> Result<Option<Snapshot>, ReadError> {
        let key = self.layout.snapshots(shard);
        let stored: Option<Vec<u8>> = self.ask(&key, cmd("HGET").arg(&key).arg(at)).await?;
        let good = stored.as_deref().and_then(snapshots::decode);
        if good.is_none() {
            tracing::warn!(shard = shard.0, "a snapshot is damaged: the one before it is used");
        }
        Ok(good)
    }

    /// The snapshots that verify, newest first.
    pub(super) async fn verified(&self, shard: ShardId) -> Result<Vec<Snapshot>, ReadError> {
        let mut good = Vec::new();
        for at in self.snapshots(shard).await? {
            good.extend(self.snapshot_at(shard, at).await?);
        }
        Ok(good)
    }

    pub(super) async fn call(&self, at: &[u8], command: &Cmd) -> Result<Value, ReadError> {
        self.ask(at, command).await
    }
}
