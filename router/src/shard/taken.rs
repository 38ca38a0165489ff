//! Mails that were taken: by these rows a mail is known that comes again, by the same way or another one. Each stands in two
//! places, one that is looked up and one in the list of its day, by which it goes when no server repeats it any more.
//!
//! A mailbox that is numbered anew is not read again further back than this ([`connectors::email::imap::Cursor`]).

use log_store::{Log, ReadError, ShardId, Table, Write};
use policy::id::WorkspaceId;
use policy::time::{Span, Timestamp};

/// How many days a mail is known for; servers repeat for a few.
const KEPT_DAYS: u128 = 90;
/// Rows that are too old and go with each mail that comes, and days looked at for that.
const SWEPT: usize = 8;
const DAYS_SWEPT: u128 = 32;

/// What a mail is known by: a keyed hash.
pub(super) type Key = [u8; 16];

/// The list of a day stands where the mails of a conversation with such an id would; 0 and 1 are other lists.
const FIRST_LIST: u128 = 2;

fn row(key: Key) -> Vec<u8> {
    [b"mail".as_slice(), &key].concat()
}

fn listed(workspace: WorkspaceId, day: u128, key: u128) -> Vec<u8> {
    [workspace.bits(), FIRST_LIST + day, key].map(u128::to_be_bytes).concat()
}

/// Up to which day a workspace's lists were emptied.
fn swept_to(workspace: WorkspaceId) -> Vec<u8> {
    [b"taken".as_slice(), &workspace.bits().to_be_bytes()].concat()
}

fn day(at: Timestamp) -> u128 {
    u128::try_from(at.0.div_euclid(Span::seconds(86_400).0)).unwrap_or(0)
}

/// Whether a mail was taken before.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn was_taken(log: &dyn Log, shard: ShardId, key: Key) -> Result<bool, ReadError> {
    Ok(log.get(shard, Table::Cursors, &row(key))?.is_some())
}

/// Notes a mail that is taken, and forgets a few of long ago.
pub(super) fn remember(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    key: Key,
    now: Timestamp,
    writes: &mut Vec<Write>,
) {
    let today = day(now);
    writes.push(Write::Put { table: Table::Cursors, key: row(key), value: Vec::new() });
    let list = listed(workspace, today, u128::from_be_bytes(key));
    writes.push(Write::Put { table: Table::Mails, key: list, value: Vec::new() });
    // What cannot be read just now is forgotten later.
    if let Err(error) = sweep(log, shard, workspace, today.saturating_sub(KEPT_DAYS), writes) {
        tracing::warn!(%error, "mails that were taken long ago cannot be forgotten yet");
    }
}

/// Forgets a few of the days before this one.
fn sweep(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    before: u128,
    writes: &mut Vec<Write>,
) -> Result<(), ReadError> {
    let place = swept_to(workspace);
    let stored = log.get(shard, Table::Cursors, &place)?;
    let stored = stored.and_then(|it| Some(u128::from_be_bytes(it.try_into().ok()?)));
    let begun = stored.unwrap_or(before);
    let mut at = begun;
    while at < before && at - begun < DAYS_SWEPT {
        let (from, to) = (listed(workspace, at, 0), listed(workspace, at, u128::MAX));
        let rows = log.scan(shard, Table::Mails, &from, &to, SWEPT, false)?;
        let count = rows.len();
        for (list, _) in rows {
            if let Some(key) = list.last_chunk::<16>() {
                writes.push(Write::Delete { table: Table::Cursors, key: row(*key) });
            }
            writes.push(Write::Delete { table: Table::Mails, key: list });
        }
        // They are gone once this is durable: the next mail finds what is left of the day.
        if count > 0 {
            break;
        }
        at += 1;
    }
    if stored != Some(at) {
        writes.push(Write::Put { table: Table::Cursors, key: place, value: at.to_be_bytes().to_vec() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use log_store::memory::MemoryLog;
    use log_store::{Batch, Position};

    use super::*;

    const SHARD: ShardId = ShardId(3);
    const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(7);

    fn at(day: u128) -> Timestamp {
        Timestamp(i64::try_from(day).expect("a day") * 86_400_000 + 1)
    }

    fn key(day: u128, number: u128) -> Key {
        (day << 64 | number).to_be_bytes()
    }

    async fn take(log: &MemoryLog, day: u128, number: u128) {
        let mut writes = Vec::new();
        remember(log, SHARD, WORKSPACE, key(day, number), at(day), &mut writes);
        let batch = Batch { shard: SHARD, expected: Position(0), records: Vec::new(), writes };
        log.append(batch).await.expect("it is taken");
    }

    fn rows(log: &MemoryLog) -> usize {
        let all = |table| log.scan(SHARD, table, &[0], &[0xff; 49], usize::MAX, false).expect("rows").len();
        assert_eq!(all(Table::Cursors) - 1, all(Table::Mails), "each stands in both, beside the place");
        all(Table::Mails)
    }

    #[tokio::test]
    async fn a_mail_is_known_for_long_and_the_rows_do_not_grow_for_ever() {
        let log = MemoryLog::new();
        let mut most = 0;
        for day in 20_000..20_400 {
            for number in 0..5 {
                take(&log, day, number).await;
            }
            most = most.max(rows(&log));
            let oldest = (day - KEPT_DAYS).max(20_000);
            assert!(was_taken(&log, SHARD, key(oldest, 4)).expect("a row"), "{oldest} on {day}");
        }
        assert!(most <= 5 * (usize::try_from(KEPT_DAYS).expect("days") + 2), "{most} rows");
        assert!(!was_taken(&log, SHARD, key(20_300, 0)).expect("no row"), "90 days are over");
    }

    #[tokio::test]
    async fn what_a_long_pause_left_goes_too() {
        let log = MemoryLog::new();
        for number in 0..100 {
            take(&log, 20_000, number).await;
        }
        // One mail in a while, years later.
        for number in 0..60 {
            take(&log, 21_000 + number, 0).await;
        }
        assert_eq!(rows(&log), 60);
    }
}
