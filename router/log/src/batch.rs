//! The vocabulary of the log: shards and positions, tables and writes, what is appended and what is read.

/// A fixed share of workspaces: one engine, one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A record's place in its shard: 1, 2, 3, ... ; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// A side table. Keys and values are opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Messages, sealed.
    Transcripts,
    /// Customer records, sealed.
    Customers,
    /// Requests that were done.
    Dedupe,
    /// Where connectors go on reading.
    Cursors,
    /// Workspaces, sign-ins, tokens.
    Accounts,
    /// Customers' data keys, wrapped.
    Keys,
    /// Decision records.
    Decisions,
    /// Mails as they came, sealed.
    Mails,
    /// What waits to go out, or has failed to.
    Outbox,
}

impl Table {
    /// All tables, in the order of their names in the store.
    pub const ALL: [Self; 9] = [
        Self::Transcripts,
        Self::Customers,
        Self::Dedupe,
        Self::Cursors,
        Self::Accounts,
        Self::Keys,
        Self::Decisions,
        Self::Mails,
        Self::Outbox,
    ];

    /// The table's name in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transcripts => "transcripts",
            Self::Customers => "customers",
            Self::Dedupe => "dedupe",
            Self::Cursors => "cursors",
            Self::Accounts => "accounts",
            Self::Keys => "keys",
            Self::Decisions => "decisions",
            Self::Mails => "mails",
            Self::Outbox => "outbox",
        }
    }
}

/// A change of a side table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a row.
    Put {
        /// Where.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
        /// The row's value.
        value: Vec<u8>,
    },
    /// Removes a row.
    Delete {
        /// Where.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
    },
}

/// What is appended at once: all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// To which shard.
    pub shard: ShardId,
    /// The last position that the writer knows of; if it is stale the batch is refused.
    pub expected: Position,
    /// Records; there may be none.
    pub records: Vec<Vec<u8>>,
    /// Changes of side tables.
    pub writes: Vec<Write>,
}

/// A batch of more bytes is refused.
const MAX_BATCH_BYTES: usize = 16 << 20;

impl Batch {
    /// The bytes of its records and rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let records: usize = self.records.iter().map(Vec::len).sum();
        records + self.writes.iter().map(Write::bytes).sum::<usize>()
    }

    /// Whether a store can take it at all.
    pub(crate) fn fits(&self) -> bool {
        let keys = self.writes.iter().all(|write| (1..=usize::from(u16::MAX)).contains(&write.key().len()));
        keys && self.bytes() <= MAX_BATCH_BYTES
    }
}

impl Write {
    /// The table.
    #[must_use]
    pub fn table(&self) -> Table {
        match self {
            Self::Put { table, .. } | Self::Delete { table, .. } => *table,
        }
    }

    /// The row's key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Delete { key, .. } => key.len(),
        }
    }
}

/// A record with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// The record.
    pub record: Vec<u8>,
}

/// A state to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is in it.
    pub position: Position,
    /// The hash of the state, recorded so that a start can be compared with it.
    pub state_hash: u64,
    /// The state.
    pub bytes: Vec<u8>,
}

/// A row of a consistent copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied<'a> {
    /// A record.
    Record(ShardId, Position, &'a [u8]),
    /// A row of a side table, and the shard to name for it.
    Row(ShardId, Table, &'a [u8], &'a [u8]),
}
