//! Heads and calls: where the log of a shard is, and one step from there to the next.
//!
//! A head is `<epoch>-<position>-<turn>`: who owns the shard (0 before anybody took a lease), the last record, and a count
//! of all calls, those without records too. A call names the head that it expects and the one that it makes. Redis takes it
//! only on the expected head, so sending it again can never write twice: whoever finds its own head there knows that it is
//! in.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;

use super::layout::{Layout, Row};
use crate::chunk::Chunk;
use crate::{Position, ShardId, Table, Write};

/// Where the log of a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Head {
    /// Grows with each owner.
    pub(super) epoch: u64,
    /// The last record.
    pub(super) position: u64,
    /// Grows with each call.
    pub(super) turn: u64,
}

impl Head {
    /// The turn after this head. In an epoch there is one writer, who counts. Where nobody holds leases there may be several,
    /// so the low half is the writer's own dice: a head that another one made is never taken for one's own.
    pub(super) fn next_turn(self, dice: Option<u32>) -> u64 {
        dice.map_or(self.turn + 1, |dice| ((self.turn >> 32) + 1) << 32 | u64::from(dice))
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.epoch, self.position, self.turn)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '-').map(str::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(epoch)), Some(Ok(position)), Some(Ok(turn))) => Ok(Self { epoch, position, turn }),
            _ => Err("a shard's head has a foreign form: another program may use these keys".to_owned()),
        }
    }
}

/// A command on a row of Redis, with all its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) name: String,
    pub(super) arguments: Vec<Vec<u8>>,
}

/// One step of a shard's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) shard: ShardId,
    pub(super) expected: Head,
    pub(super) made: Head,
    /// What stands in the log, if there are records: the position of the first (u64, big endian) and a row as in `chunk.rs`.
    pub(super) entry: Vec<u8>,
    pub(super) ops: Vec<Op>,
}

const DAY: Duration = Duration::from_secs(86_400);

/// The day since 1970.
pub(super) fn today() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / DAY.as_secs()
}

/// Fields of one command; Lua's stack takes 8,000 arguments.
const FIELDS: usize = 2_000;

impl Call {
    /// The script's arguments.
    pub(super) fn arguments(&self, command: &mut Cmd) {
        let id = if self.entry.is_empty() {
            String::new()
        } else {
            format!("{}-{}", self.made.epoch, self.made.position)
        };
        command.arg(self.expected.to_string()).arg(self.made.to_string()).arg(id).arg(&self.entry[..]);
        for op in &self.ops {
            command.arg(&op.name).arg(op.arguments.len());
            for argument in &op.arguments {
                command.arg(&argument[..]);
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let ops = self.ops.iter().flat_map(|op| &op.arguments).map(Vec::len).sum::<usize>();
        self.entry.len() + ops
    }
}

/// What rows will be; no value where one is gone.
type Values = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A call that is being put together from batches.
pub(super) struct Draft {
    shard: ShardId,
    expected: Head,
    chunk: Chunk,
    /// What each row will be: by Redis's key, then by field. The last write counts.
    hashes: BTreeMap<Vec<u8>, Values>,
    strings: Values,
    /// The keys of the rows that are strings, as they are without Redis's names.
    fresh: Vec<Vec<u8>>,
    /// Where they are listed.
    today: Vec<u8>,
}

impl Draft {
    pub(super) fn after(layout: &Layout, shard: ShardId, expected: Head) -> Self {
        let chunk = Chunk::after(shard, Position(expected.position));
        let today = layout.days_keys(shard, Table::Dedupe, today());
        let (hashes, strings) = (BTreeMap::new(), BTreeMap::new());
        Self { shard, expected, chunk, hashes, strings, fresh: Vec::new(), today }
    }

    pub(super) fn last(&self) -> Position {
        self.chunk.last()
    }

    pub(super) fn add(&mut self, layout: &Layout, records: &[Vec<u8>], writes: Vec<Write>) {
        records.iter().for_each(|record| self.chunk.push(record));
        for write in writes {
            let (table, key, value) = match write {
                Write::Put { table, key, value } => (table, key, Some(value)),
                Write::Delete { table, key } => (table, key, None),
            };
            match layout.row(self.shard, table, &key) {
                Row::Field(hash, field) => {
                    self.hashes.entry(hash).or_default().insert(field.to_vec(), value);
                }
                Row::Own(own) => {
                    if value.is_some() {
                        self.fresh.push(key);
                    }
                    self.strings.insert(own, value);
                }
            }
        }
    }

    /// The call; `dice` are those of a writer without a lease, `keep` is how long rows of their own are kept.
    pub(super) fn into_call(self, dice: Option<u32>, keep: Duration) -> Call {
        let position = self.chunk.last().0;
        let made = Head { position, turn: self.expected.next_turn(dice), ..self.expected };
        let first = self.chunk.first().0.to_be_bytes();
        let entry = self.chunk.into_row().map(|(_, row)| [&first[..], &row].concat()).unwrap_or_default();
        let mut ops = Vec::with_capacity(self.hashes.len() + self.strings.len());
        for (key, fields) in self.hashes {
            let (mut put, mut gone) = (Vec::new(), Vec::new());
            for (field, value) in fields {
                match value {
                    Some(value) => put.push([field, value]),
                    None => gone.push(field),
                }
            }
            for part in put.chunks(FIELDS) {
                let arguments = std::iter::once(key.clone()).chain(part.iter().flatten().cloned()).collect();
                ops.push(Op { name: "HSET".to_owned(), arguments });
            }
            for part in gone.chunks(FIELDS) {
                let arguments = std::iter::once(key.clone()).chain(part.iter().cloned()).collect();
                ops.push(Op { name: "HDEL".to_owned(), arguments });
            }
        }
        let keep = |more: Duration| (keep + more).as_millis().to_string().into_bytes();
        for part in self.fresh.chunks(FIELDS) {
            let arguments = std::iter::once(self.today.clone()).chain(part.iter().cloned()).collect();
            ops.push(Op { name: "RPUSH".to_owned(), arguments });
        }
        if !self.fresh.is_empty() {
            ops.push(Op { name: "PEXPIRE".to_owned(), arguments: vec![self.today, keep(DAY)] });
        }
        for (key, value) in self.strings {
            let op = match value {
                Some(value) => {
                    let keep = keep(Duration::ZERO);
                    Op { name: "SET".to_owned(), arguments: vec![key, value, b"PX".to_vec(), keep] }
                }
                // Not `DEL`, which our user may not.
                None => Op { name: "PEXPIRE".to_owned(), arguments: vec![key, b"1".to_vec()] },
            };
            ops.push(op);
        }
        Call { shard: self.shard, expected: self.expected, made, entry, ops }
    }
}

/// A shard's last calls, in case Redis forgets them: one that comes back without its tail gets it again.
#[derive(Debug, Default)]
pub(super) struct Ring {
    calls: VecDeque<Arc<Call>>,
    bytes: usize,
}

/// Bytes that a ring keeps at most; the last call is kept whatever it has.
const RING_BYTES: usize = 4 << 20;

impl Ring {
    /// Keeps a call; one that does not follow the last one begins anew.
    pub(super) fn push(&mut self, call: Arc<Call>) {
        if self.calls.back().is_some_and(|last| last.made != call.expected) {
            self.clear();
        }
        self.keep(call);
        while self.bytes > RING_BYTES && self.calls.len() > 1 {
            if let Some(old) = self.calls.pop_front() {
                self.bytes -= old.bytes();
            }
        }
    }

    /// Keeps a call from this node's journal, whose files are bounded.
    pub(super) fn load(&mut self, call: Arc<Call>) {
        if self.calls.back().is_some_and(|last| last.made != call.expected) {
            self.clear();
        }
        self.keep(call);
    }

    fn keep(&mut self, call: Arc<Call>) {
        self.bytes += call.bytes();
        self.calls.push_back(call);
    }

    fn clear(&mut self) {
        self.calls.clear();
        self.bytes = 0;
    }

    /// The calls that follow a head, if the ring reaches back to it.
    pub(super) fn after(&self, head: Head) -> Option<Vec<Arc<Call>>> {
        let at = self.calls.iter().position(|call| call.expected == head)?;
        Some(self.calls.iter().skip(at).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: u64, turn: u64) -> Head {
        Head { epoch: 3, position, turn }
    }

    #[test]
    fn a_head_is_read_as_it_is_written_and_nothing_else_is_one() {
        assert_eq!(head(7, 9).to_string().parse(), Ok(head(7, 9)));
        for wrong in ["", "1", "1-2", "1-2-x", "a-2-3", "1-2-3-4"] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_writers_without_leases_never_make_the_same_head() {
        let (one, other) = (head(0, 0).next_turn(Some(7)), head(0, 0).next_turn(Some(8)));
        assert_ne!(one, other);
        let next = Head { turn: other, ..head(0, 0) }.next_turn(Some(7));
        assert!(next > one && next > other);
    }

    #[test]
    fn of_several_writes_to_a_row_the_last_one_counts() {
        let layout = Layout::new("sb");
        let mut draft = Draft::after(&layout, ShardId(1), head(4, 6));
        let put =
            |value: &str| Write::Put { table: Table::Customers, key: b"c".to_vec(), value: value.into() };
        draft.add(&layout, &[b"one".to_vec()], vec![put("old"), put("new")]);
        draft.add(&layout, &[], vec![Write::Delete { table: Table::Customers, key: b"d".to_vec() }]);
        let call = draft.into_call(None, Duration::from_secs(1));
        assert_eq!((call.made, call.ops.len()), (head(5, 7), 2));
        assert_eq!(call.ops[0].arguments[1..], [b"c".to_vec(), b"new".to_vec()]);
        assert_eq!(call.ops[1].name, "HDEL");
    }

    #[test]
    fn a_ring_gives_what_follows_a_head_as_far_as_it_reaches() {
        let mut ring = Ring::default();
        let call = |turn: u64, bytes: usize| {
            let (expected, made) = (head(turn, turn), head(turn + 1, turn + 1));
            Arc::new(Call { shard: ShardId(0), expected, made, entry: vec![0; bytes], ops: Vec::new() })
        };
        (0..4).for_each(|turn| ring.push(call(turn, 10)));
        let turns = |ring: &Ring, from| {
            ring.after(head(from, from))
                .map(|it| it.iter().map(|call| call.expected.turn).collect::<Vec<_>>())
        };
        assert_eq!(turns(&ring, 2), Some(vec![2, 3]));
        assert_eq!(turns(&ring, 4), None, "that is the newest head");
        ring.push(call(4, RING_BYTES));
        assert_eq!(turns(&ring, 3), None, "bounded");
        assert_eq!(turns(&ring, 4), Some(vec![4]));
    }
}
