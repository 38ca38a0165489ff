//! Whose a row is, told by the row itself: for moving a workspace from one store to another, where rows lie otherwise.

use std::collections::BTreeSet;

use log_store::{ShardId, Table, seal};
use policy::id::WorkspaceId;

use super::dedupe::Done;
use super::outbox::OutboxRow;
use super::tails::Header;
use super::{aside, publications};
use crate::accounts::{self, ACCOUNTS};
use crate::trial;

/// Whose a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A workspace's; it lies with that one's shard.
    Of(WorkspaceId),
    /// A workspace's, or the whole server's; it lies in a place of its own.
    Beside(ShardId, Option<WorkspaceId>),
    /// One of these workspaces', or of any where there is none: its key is a keyed hash.
    Hashed(Vec<WorkspaceId>),
}

/// Which customers and conversations are of which workspace.
#[derive(Debug, Default)]
pub(crate) struct Known {
    customers: BTreeSet<(u128, WorkspaceId)>,
    conversations: BTreeSet<(u128, WorkspaceId)>,
}

/// 128 bits of a key, from a byte on.
fn bits(key: &[u8], from: usize) -> Option<u128> {
    key.get(from..)?.first_chunk::<16>().map(|it| u128::from_be_bytes(*it))
}

fn of(known: &BTreeSet<(u128, WorkspaceId)>, id: u128) -> Vec<WorkspaceId> {
    let (least, most) = (WorkspaceId::from_bits(0), WorkspaceId::from_bits(u128::MAX));
    known.range((id, least)..=(id, most)).map(|(_, workspace)| *workspace).collect()
}

impl Known {
    /// Takes note of what a row says. All rows are to be shown before one is asked for.
    pub(crate) fn see(&mut self, table: Table, key: &[u8], value: &[u8]) {
        let Some(workspace) = bits(key, 0).map(WorkspaceId::from_bits) else { return };
        let customer = match table {
            Table::Customers => bits(key, 16),
            Table::Outbox => OutboxRow::parse(value).map(|row| row.customer().bits()),
            Table::Mails => aside::customer_of(key, value).map(|customer| customer.bits()),
            Table::Transcripts if key.get(32..) == Some(&[0; 8][..]) => {
                self.conversations.extend(bits(key, 16).map(|id| (id, workspace)));
                postcard::from_bytes::<Header>(value).ok().map(|header| header.customer.bits())
            }
            _ => None,
        };
        self.customers.extend(customer.map(|customer| (customer, workspace)));
    }

    /// Whose a row is; `None` of a row that no version up to this one writes.
    pub(crate) fn whose(&self, table: Table, key: &[u8], value: &[u8]) -> Option<Whose> {
        let workspace = |from| bits(key, from).map(WorkspaceId::from_bits);
        match table {
            Table::Transcripts | Table::Customers | Table::Decisions | Table::Mails | Table::Outbox => {
                workspace(0).map(Whose::Of)
            }
            Table::Accounts => Some(Whose::Beside(ACCOUNTS, accounts::workspace_of_row(key, value))),
            Table::Keys => bits(key, 0).map(|customer| Whose::Hashed(of(&self.customers, customer))),
            Table::Dedupe => {
                let done: Option<Done> = postcard::from_bytes(value).ok();
                let conversation = done.and_then(|done| done.conversation);
                Some(Whose::Hashed(conversation.map_or(Vec::new(), |id| of(&self.conversations, id.bits()))))
            }
            Table::Cursors => {
                if key.first() == Some(&trial::KEY) {
                    return Some(Whose::Beside(trial::TRIALS, workspace(1)));
                }
                for name in [publications::KEY, b"imap", b"taken"] {
                    if key.starts_with(name) {
                        return workspace(name.len()).map(Whose::Of);
                    }
                }
                let hashed = [b"mail".as_slice(), b"address", b"pair"];
                hashed.iter().any(|name| key.starts_with(name)).then(|| Whose::Hashed(Vec::new()))
            }
        }
    }
}

/// Of two rows with one key, which two shards have: whether the second one is to stay. A customer's key is the one of the later
/// generation, and a key before the note that there was one; of anything else the first one stays.
pub(crate) fn prefer(table: Table, first: &[u8], second: &[u8]) -> bool {
    table == Table::Keys && seal::rank(second) > seal::rank(first)
}

#[cfg(test)]
mod tests {
    use policy::id::{ConversationId, CustomerId};
    use policy::time::Timestamp;

    use super::*;

    const HERE: WorkspaceId = WorkspaceId::from_bits(1);

    fn key(parts: &[u128]) -> Vec<u8> {
        parts.iter().flat_map(|part| part.to_be_bytes()).collect()
    }

    #[test]
    fn keys_and_requests_are_found_by_the_rows_that_name_their_customers_and_conversations() {
        let mut known = Known::default();
        let header = Header { customer: CustomerId::from_bits(7), closed: None };
        let first = [key(&[1, 9]), vec![0; 8]].concat();
        known.see(Table::Transcripts, &first, &postcard::to_allocvec(&header).unwrap());
        known.see(Table::Customers, &key(&[1, 8]), b"sealed");
        for customer in [7, 8] {
            let found = known.whose(Table::Keys, &key(&[customer]), b"wrapped");
            assert_eq!(found, Some(Whose::Hashed(vec![HERE])), "{customer}");
        }
        assert_eq!(known.whose(Table::Keys, &key(&[6]), b"wrapped"), Some(Whose::Hashed(vec![])));
        let done = |conversation: Option<u128>| {
            let conversation = conversation.map(ConversationId::from_bits);
            postcard::to_allocvec(&Done { at: Timestamp(0), conversation, message: None }).unwrap()
        };
        let found = |conversation| known.whose(Table::Dedupe, &[5; 16], &done(conversation));
        assert_eq!(found(Some(9)), Some(Whose::Hashed(vec![HERE])));
        assert_eq!(found(None), Some(Whose::Hashed(vec![])));
    }

    #[test]
    fn every_kind_of_cursor_is_known_and_nothing_else_passes_for_one() {
        let known = Known::default();
        let cursor = |name: &[u8], rest: Vec<u8>| known.whose(Table::Cursors, &[name, &rest].concat(), b"");
        for named in [publications::KEY, b"imap", b"taken"] {
            assert_eq!(cursor(named, key(&[1])), Some(Whose::Of(HERE)));
        }
        assert_eq!(cursor(&[0], key(&[1])), Some(Whose::Beside(trial::TRIALS, Some(HERE))));
        for hashed in [b"mail".as_slice(), b"address", b"pair"] {
            assert_eq!(cursor(hashed, vec![4; 16]), Some(Whose::Hashed(vec![])));
        }
        assert_eq!(cursor(b"something", key(&[1])), None);
    }

    #[test]
    fn of_two_keys_the_later_one_stays() {
        let (erased, new) = (1u32.to_le_bytes().to_vec(), [&1u32.to_le_bytes()[..], &[9; 60]].concat());
        assert!(prefer(Table::Keys, &erased, &new) && !prefer(Table::Keys, &new, &erased));
        assert!(prefer(Table::Keys, &[&0u32.to_le_bytes()[..], &[9; 60]].concat(), &erased));
        assert!(!prefer(Table::Cursors, &erased, &new));
    }
}
