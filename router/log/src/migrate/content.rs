//! What a store holds, in so few numbers that two stores can be compared by them: the records of each shard in order, the rows
//! of each table in any order.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::backup::Chain;
use crate::{Copied, Log, Position, ReadError, ShardId, Table};

/// The records of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// The position before the first.
    pub after: Position,
    /// How many there are.
    pub count: u64,
    chain: Chain,
}

impl Run {
    /// None yet, after a position.
    #[must_use]
    pub fn after(after: Position) -> Self {
        Self { after, ..Self::default() }
    }

    /// The position of the last one.
    #[must_use]
    pub fn last(&self) -> Position {
        Position(self.after.0 + self.count)
    }

    /// Takes the next one in.
    pub fn add(&mut self, record: &[u8]) {
        self.count += 1;
        self.chain.add(self.last(), record);
    }
}

/// The rows of a table: how many, and the sum of their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many.
    pub count: u64,
    sum: u64,
}

impl Sum {
    /// Takes a row in.
    pub fn add(&mut self, home: ShardId, key: &[u8], value: &[u8]) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash(home, key, value));
    }

    /// Takes a row out again.
    pub fn take_out(&mut self, home: ShardId, key: &[u8], value: &[u8]) {
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(hash(home, key, value));
    }
}

fn hash(home: ShardId, key: &[u8], value: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&home.0.to_le_bytes());
    hash.update(&(key.len() as u64).to_le_bytes());
    hash.update(key);
    hash.update(value);
    hash.digest()
}

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The records of each shard that has any.
    pub records: BTreeMap<ShardId, Run>,
    /// The rows of each table that has any.
    pub rows: BTreeMap<Table, Sum>,
}

impl Content {
    /// Takes a record or row in.
    pub fn add(&mut self, copied: Copied<'_>) {
        match copied {
            Copied::Record(shard, position, record) => {
                let before = Position(position.0.saturating_sub(1));
                self.records.entry(shard).or_insert(Run::after(before)).add(record);
            }
            Copied::Row(home, table, key, value) => self.rows.entry(table).or_default().add(home, key, value),
        }
    }

    /// What a store holds.
    ///
    /// # Errors
    /// If it cannot be read, or is written to meanwhile.
    pub fn of(log: &dyn Log) -> Result<Self, ReadError> {
        let mut content = Self::default();
        log.copy(&mut |copied| {
            content.add(copied);
            Ok(())
        })?;
        Ok(content)
    }

    /// Whatever was taken out leaves nothing behind.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.records.retain(|_, run| run.count > 0);
        self.rows.retain(|_, sum| sum.count > 0);
        self
    }

    /// Where another store holds something else.
    #[must_use]
    pub fn differs(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let shards: std::collections::BTreeSet<_> = self.records.keys().chain(other.records.keys()).collect();
        for shard in shards {
            let (here, there) = (self.records.get(shard), other.records.get(shard));
            if here != there {
                let count = |run: Option<&Run>| run.map_or(0, |run| run.count);
                found.push(format!("shard {}: {} and {} records", shard.0, count(here), count(there)));
            }
        }
        for table in Table::ALL {
            let (here, there) = (self.rows.get(&table), other.rows.get(&table));
            if here != there {
                let count = |sum: Option<&Sum>| sum.map_or(0, |sum| sum.count);
                found.push(format!("{}: {} and {} rows", table.name(), count(here), count(there)));
            }
        }
        found
    }

    /// One number for all of it but for `leave_out`, whose rows go by themselves.
    #[must_use]
    pub fn fingerprint(&self, leave_out: Table) -> u64 {
        let rows: Vec<_> = self.rows.iter().filter(|(table, _)| **table != leave_out).collect();
        xxh3_64(format!("{:?} {rows:?}", self.records).as_bytes())
    }
}
