//! What is known of addresses of email beside who they belong to: whether mail to them comes back, whether somebody there called
//! our mail unwanted, and how much went to and fro lately. Kept by a keyed hash, so that no address stands in the clear.

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

/// Pairs of our address and another one that are counted; beyond that the oldest is forgotten.
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
#[derive(Debug, Clone, Copy)]
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

    fn now(&self, key: [u8; 16], now: Timestamp) -> Pair {
        let fresh = Pair { since: now, came: 0, automatic: 0 };
        self.of.get(&key).copied().filter(|it| now.since(it.since) < WINDOW).unwrap_or(fresh)
    }

    /// Counts a mail that came.
    fn came(&mut self, key: [u8; 16], now: Timestamp) -> Traffic {
        let mut pair = self.now(key, now);
        pair.came = pair.came.saturating_add(1);
        self.of.insert(key, pair);
        match pair.came {
            0..=QUIET_AFTER => Traffic::Calm,
            it if it <= LOOP_AFTER => Traffic::Busy,
            _ => Traffic::Loop,
        }
    }

    /// Whether one more mail that no person wrote may go to an address; counts it then.
    fn may_answer(&mut self, key: [u8; 16], now: Timestamp) -> bool {
        let mut pair = self.now(key, now);
        if pair.came > QUIET_AFTER || pair.automatic >= AUTOMATIC_MAX {
            return false;
        }
        pair.automatic += 1;
        self.of.insert(key, pair);
        true
    }
}

impl State {
    fn address_key(&self, workspace: WorkspaceId, address: &str) -> [u8; 16] {
        let workspace = workspace.bits().to_be_bytes();
        self.parts.vault.dedupe_key(&[b"address", &workspace, comparable(address).as_bytes()])
    }

    /// Counts a mail that came from an address.
    pub(super) fn traffic(&mut self, workspace: WorkspaceId, address: &str) -> Traffic {
        let (key, now) = (self.address_key(workspace, address), self.now());
        self.pairs.came(key, now)
    }

    /// Whether a mail that no person wrote may go to an address; counts it then.
    pub(super) fn may_answer(&mut self, workspace: WorkspaceId, address: &str) -> bool {
        let (key, now) = (self.address_key(workspace, address), self.now());
        self.pairs.may_answer(key, now)
    }

    fn trouble_key(&self, workspace: WorkspaceId, address: &str) -> Vec<u8> {
        [b"address".as_slice(), &self.address_key(workspace, address)].concat()
    }

    /// What speaks against writing to an address.
    pub(super) fn trouble(&self, workspace: WorkspaceId, address: &str) -> Option<Trouble> {
        let key = self.trouble_key(workspace, address);
        let stored = self.parts.log.get(self.id, Table::Cursors, &key).ok().flatten()?;
        postcard::from_bytes(&stored).ok()
    }

    /// Marks an address. Nothing goes there until a person asks for it, or a mail comes from there.
    pub(super) fn mark_trouble(&mut self, workspace: WorkspaceId, address: &str, trouble: Trouble) {
        let key = self.trouble_key(workspace, address);
        if let Ok(value) = postcard::to_allocvec(&trouble) {
            self.pending.writes.push(Write::Put { table: Table::Cursors, key, value });
        }
    }

    /// Takes the mark off.
    pub(super) fn forget_trouble(&mut self, workspace: WorkspaceId, address: &str) {
        if self.trouble(workspace, address).is_some() {
            let key = self.trouble_key(workspace, address);
            self.pending.writes.push(Write::Delete { table: Table::Cursors, key });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_answer_each_other_come_to_an_end() {
        let mut pairs = Pairs::new();
        let (one, other) = ([1; 16], [2; 16]);
        let mut answers = 0;
        for step in 0..1_000_i64 {
            // Every second, as two programs do.
            let now = Timestamp(step * 1_000);
            pairs.came(one, now);
            answers += u16::from(pairs.may_answer(one, now));
        }
        assert_eq!(answers, AUTOMATIC_MAX, "the mails that went there by themselves");
        assert_eq!(pairs.came(one, Timestamp(1_000_000)), Traffic::Loop);
        assert_eq!(pairs.came(other, Timestamp(1_000_000)), Traffic::Calm);
        // A person who writes again an hour later is a person.
        let later = Timestamp(WINDOW.0 + 1);
        assert_eq!((pairs.came(one, later), pairs.may_answer(one, later)), (Traffic::Calm, true));
    }
}
