//! Names in Redis. All keys of a shard carry its hash tag, so that they lie in one slot and one script may write them all.
//!
//! `<prefix>:{<shard>}:` then `head` (where the log is), `log` (a stream), `lease`, `snapshots` (a hash by position), and the
//! rows: a hash for each table, `transcripts:`, `decisions:` and `mails:` with one for each conversation, and each `dedupe:` row a
//! string of its own that ends by itself, with a list of its keys for each day, `dedupe-of-day:`. `<prefix>:{node}:` has what is not of a shard.

use crate::{ShardId, Table};

/// Transcripts, decisions and mails of one conversation lie together: their keys begin with workspace and conversation.
const CONVERSATION: usize = 32;

/// The names below a prefix.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    prefix: String,
}

/// Where a row is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// A field of a hash.
    Field(Vec<u8>, &'a [u8]),
    /// A key of its own.
    Own(Vec<u8>),
}

impl Layout {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn of(&self, shard: ShardId, name: &str) -> Vec<u8> {
        format!("{}:{{{}}}:{name}", self.prefix, shard.0).into_bytes()
    }

    pub(super) fn head(&self, shard: ShardId) -> Vec<u8> {
        self.of(shard, "head")
    }

    pub(super) fn log(&self, shard: ShardId) -> Vec<u8> {
        self.of(shard, "log")
    }

    pub(super) fn lease(&self, shard: ShardId) -> Vec<u8> {
        self.of(shard, "lease")
    }

    pub(super) fn snapshots(&self, shard: ShardId) -> Vec<u8> {
        self.of(shard, "snapshots")
    }

    /// A key that is not of a shard.
    pub(super) fn common(&self, name: &str) -> Vec<u8> {
        format!("{}:{{node}}:{name}", self.prefix).into_bytes()
    }

    /// What all keys of a table begin with.
    pub(super) fn table(&self, shard: ShardId, table: Table) -> Vec<u8> {
        self.of(shard, &format!("{}:", table.name()))
    }

    /// The list of a table's keys that were written on a day since 1970.
    pub(super) fn days_keys(&self, shard: ShardId, table: Table, day: u64) -> Vec<u8> {
        self.of(shard, &format!("{}-of-day:{day}", table.name()))
    }

    /// How many bytes of a row's key are part of Redis's key.
    fn split(table: Table, key: &[u8]) -> usize {
        match table {
            Table::Dedupe => key.len(),
            Table::Transcripts | Table::Decisions | Table::Mails if key.len() > CONVERSATION => CONVERSATION,
            _ => 0,
        }
    }

    /// Where a row is.
    pub(super) fn row<'a>(&self, shard: ShardId, table: Table, key: &'a [u8]) -> Row<'a> {
        let (own, field) = key.split_at(Self::split(table, key));
        let mut name = self.table(shard, table);
        name.extend_from_slice(own);
        if table == Table::Dedupe { Row::Own(name) } else { Row::Field(name, field) }
    }

    /// The one hash in which all rows of a range are, if it is one.
    pub(super) fn one_hash(&self, shard: ShardId, table: Table, from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
        match table {
            Table::Dedupe => None,
            Table::Transcripts | Table::Decisions | Table::Mails => {
                let (a, b) = (from.get(..CONVERSATION)?, to.get(..CONVERSATION)?);
                let whole = from.len() > CONVERSATION && to.len() > CONVERSATION;
                (a == b && whole).then(|| [&self.table(shard, table)[..], a].concat())
            }
            _ => Some(self.table(shard, table)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_conversation_lie_together_and_all_of_a_shard_in_one_slot() {
        let layout = Layout::new("sb");
        let (shard, conversation) = (ShardId(5), [7; 32]);
        let message = [&conversation[..], &[0, 0, 0, 1]].concat();
        let Row::Field(hash, field) = layout.row(shard, Table::Transcripts, &message) else {
            panic!("a field")
        };
        assert_eq!((hash, field), ([b"sb:{5}:transcripts:", &conversation[..]].concat(), &message[32..]));
        let later = [&conversation[..], &[9, 0, 0, 1]].concat();
        assert!(layout.one_hash(shard, Table::Transcripts, &message, &later).is_some());
        assert_eq!(layout.one_hash(shard, Table::Transcripts, b"k", b"l"), None);
        assert_eq!(layout.row(shard, Table::Dedupe, b"k"), Row::Own(b"sb:{5}:dedupe:k".to_vec()));
        assert!(layout.lease(shard).starts_with(b"sb:{5}:"));
    }
}
