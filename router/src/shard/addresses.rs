//! What is known of addresses of email beside who they belong to: whether mail to them comes back, whether somebody there called
//! our mail unwanted, and how much went to and fro lately. Kept by a keyed hash, so that no address stands in the clear.
//!
//! The traffic of a pair stands in memory and in a row, so that programs which answer each other do not begin anew with each
//! start. Rows have places, one for each value of two bytes of the hash: a pair takes the place of another one with the same,
//! and so there are never more of them, without anything being swept.

use connectors::email::mail::comparable;
use log_store::{Table, Write};
use policy::id::WorkspaceId;
use policy::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::recent::Recent;
use super::state::State;

/// What speaks against writing to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trouble {
    /// There is no such mailbox, as a server said.
    Unreachable,
    /// Somebody called our mail unwanted.
    Complained,
}

impl Trouble {
    /// Its word in views.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Complained => "complained",
        }
    }

    /// What an agent is told.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "mail to this address comes back, there is no such mailbox: nothing was sent; write to another address"
            }
            Self::Complained => {
                "this address has called our mail unwanted: nothing was sent; write to another address, or on another channel"
            }
        }
    }
}

/// Pairs of our address and another one that are counted in memory; beyond that the oldest is read from its row.
const PAIRS: usize = 50_000;
/// Over so long they are counted.
const WINDOW: Span = Span::seconds(3_600);
/// So many mails that no person wrote go to one address in that time.
const AUTOMATIC_MAX: u16 = 3;
/// Beyond so many mails from one address in that time nothing goes there by itself ...
const QUIET_AFTER: u16 = 10;
/// ... and beyond so many it is taken for a program: they are set aside.
const LOOP_AFTER: u16 = 60;

/// The traffic of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    since: Timestamp,
    came: u16,
    automatic: u16,
}

/// The traffic of all pairs, as far as it matters: programs that answer each other are told by it.
#[derive(Debug)]
pub(super) struct Pairs {
    of: Recent<[u8; 16], Pair>,
}

/// What the traffic from an address looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// As of a person.
    Calm,
    /// So much that nothing answers by itself.
    Busy,
    /// As of a program that answers everything.
    Loop,
}

impl Pairs {
    pub(super) fn new() -> Self {
        Self { of: Recent::new(PAIRS) }
    }

    /// Forgets what may be ahead of the rows.
    pub(super) fn clear(&mut self) {
        self.of.clear();
    }

    /// The traffic of a pair up to now; `stored` reads its row.
    fn now(&self, key: [u8; 16], now: Timestamp, stored: impl FnOnce() -> Option<PairRow>) -> Pair {
        let of_row = || stored().filter(|it| it.of == key).map(|it| it.pair);
        let known = self.of.get(&key).copied().or_else(of_row);
        known.filter(|it| now.since(it.since) < WINDOW).unwrap_or(Pair { since: now, came: 0, automatic: 0 })
    }

    fn put(&mut self, key: [u8; 16], pair: Pair) -> PairRow {
        self.of.insert(key, pair);
        PairRow { of: key, pair }
    }
}

/// A pair as it stands in its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PairRow {
    /// The hash of the pair that has the place now.
    of: [u8; 16],
    pair: Pair,
}

impl PairRow {
    /// The key of the row in which a pair has its place.
    fn key([one, other, ..]: [u8; 16]) -> Vec<u8> {
        [b"pair".as_slice(), &[one, other]].concat()
    }
}

impl Pair {
    /// One more mail came.
    fn came(&mut self) -> Traffic {
        self.came = self.came.saturating_add(1);
        match self.came {
            0..=QUIET_AFTER => Traffic::Calm,
            it if it <= LOOP_AFTER => Traffic::Busy,
            _ => Traffic::Loop,
        }
    }

    /// Whether one more mail that no person wrote may go there; counts it then.
    fn may_answer(&mut self) -> bool {
        let may = self.came <= QUIET_AFTER && self.automatic < AUTOMATIC_MAX;
        self.automatic += u16::from(may);
        may
    }
}

impl State {
    fn address_key(&self, workspace: WorkspaceId, address: &str) -> [u8; 16] {
        let workspace = workspace.bits().to_be_bytes();
        self.parts.vault.dedupe_key(&[b"address", &workspace, comparable(address).as_bytes()])
    }

    /// Counts a mail that came from an address.
    pub(super) fn traffic(&mut self, workspace: WorkspaceId, address: &str) -> Traffic {
        self.count(workspace, address, Pair::came)
    }

    /// Whether a mail that no person wrote may go to an address; counts it then.
    pub(super) fn may_answer(&mut self, workspace: WorkspaceId, address: &str) -> bool {
        self.count(workspace, address, Pair::may_answer)
    }

    /// Counts, and keeps the count with what it is counted for.
    fn count<T>(
        &mut self,
        workspace: WorkspaceId,
        address: &str,
        one_more: impl FnOnce(&mut Pair) -> T,
    ) -> T {
        let (key, now) = (self.address_key(workspace, address), self.now());
        let row = PairRow::key(key);
        let (log, shard) = (&self.parts.log, self.id);
        // A row that cannot be read just now counts as none: mail is taken all the same.
        let stored = || postcard::from_bytes(&log.get(shard, Table::Cursors, &row).ok().flatten()?).ok();
        let mut pair = self.pairs.now(key, now, stored);
        let told = one_more(&mut pair);
        if let Ok(value) = postcard::to_allocvec(&self.pairs.put(key, pair)) {
            self.pending.writes.push(Write::Put { table: Table::Cursors, key: row, value });
        }
        told
    }

    fn trouble_key(&self, workspace: WorkspaceId, address: &str) -> Vec<u8> {
        [b"address".as_slice(), &self.address_key(workspace, address)].concat()
    }

    /// What speaks against writing to an address.
    pub(super) fn trouble(&self, workspace: WorkspaceId, address: &str) -> Option<Trouble> {
        let key = self.trouble_key(workspace, address);
        let stored = self.newest(Table::Cursors, &key).ok().flatten()?;
        postcard::from_bytes(&stored).ok()
    }

    /// Marks an address. Nothing goes there until a person asks for it, or a mail comes from there.
    pub(super) fn mark_trouble(&mut self, workspace: WorkspaceId, address: &str, trouble: Trouble) {
        let key = self.trouble_key(workspace, address);
        if let Ok(value) = postcard::to_allocvec(&trouble) {
            self.pending.writes.push(Write::Put { table: Table::Cursors, key, value });
        }
    }

    /// Takes the mark off; says whether there was one.
    pub(super) fn forget_trouble(&mut self, workspace: WorkspaceId, address: &str) -> bool {
        let marked = self.trouble(workspace, address).is_some();
        if marked {
            let key = self.trouble_key(workspace, address);
            self.pending.writes.push(Write::Delete { table: Table::Cursors, key });
        }
        marked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs of a shard with their rows, as the shard has them.
    struct Shard {
        pairs: Pairs,
        rows: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
    }

    impl Shard {
        fn count<T>(&mut self, key: [u8; 16], now: Timestamp, one_more: impl FnOnce(&mut Pair) -> T) -> T {
            let row = PairRow::key(key);
            let stored = || postcard::from_bytes(self.rows.get(&row)?).ok();
            let mut pair = self.pairs.now(key, now, stored);
            let told = one_more(&mut pair);
            let value = postcard::to_allocvec(&self.pairs.put(key, pair)).expect("a row");
            self.rows.insert(row, value);
            told
        }
    }

    #[test]
    fn programs_that_answer_each_other_come_to_an_end_also_across_restarts() {
        let mut shard = Shard { pairs: Pairs::new(), rows: std::collections::BTreeMap::new() };
        let (one, other) = ([1; 16], [2; 16]);
        let mut answers = 0;
        for step in 0..1_000_i64 {
            if step % 2 == 0 {
                shard.pairs.clear();
            }
            // Every second, as two programs do.
            let now = Timestamp(step * 1_000);
            shard.count(one, now, Pair::came);
            answers += u16::from(shard.count(one, now, Pair::may_answer));
        }
        assert_eq!(answers, AUTOMATIC_MAX, "the mails that went there by themselves");
        assert_eq!(shard.count(one, Timestamp(1_000_000), Pair::came), Traffic::Loop);
        assert_eq!(shard.count(other, Timestamp(1_000_000), Pair::came), Traffic::Calm);
        // A person who writes again an hour later is a person.
        let later = Timestamp(WINDOW.0 + 1);
        let calm = shard.count(one, later, Pair::came) == Traffic::Calm;
        assert!(calm && shard.count(one, later, Pair::may_answer));
    }

    #[test]
    fn rows_are_bounded_and_one_that_took_a_place_is_no_other_pair() {
        let mut shard = Shard { pairs: Pairs::new(), rows: std::collections::BTreeMap::new() };
        let pair = |number: u32| {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&number.to_be_bytes());
            key
        };
        // These two have one place.
        for (number, came) in [(7, 1), (7, 2), (8, 1), (7, 1)] {
            shard.pairs.clear();
            let mut counted = 0;
            shard.count(pair(number), Timestamp(0), |it| {
                it.came();
                counted = it.came;
            });
            assert_eq!(counted, came, "{number}");
        }
        assert_eq!(shard.rows.len(), 1);
    }
}
