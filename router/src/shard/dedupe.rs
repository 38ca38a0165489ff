//! Requests that were done already. A client may repeat a request with the same id for 24 hours; it is done once and
//! answered alike. Keys are keyed hashes, so the store does not tell who asked.

use engine::Rejection;
use log_store::{Log, ReadError, ShardId, Table, Vault, Write};
use policy::id::{ConversationId, MessageId, WorkspaceId};
use policy::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::recent::Recent;
use super::seen::Seen;
use super::state::State;
use crate::session::Owner;

/// How long a repeat is recognised.
pub(super) const WINDOW: Span = Span::seconds(24 * 3_600);
/// Keys kept in memory; older ones are looked up in the store.
const HOT: usize = 65_536;

/// Remembered requests looked at in one beat.
const FORGET: usize = 256;

/// What was answered takes so many bytes, at most.
const DONE_BYTES: usize = 64;

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) at: Timestamp,
    pub(super) conversation: Option<ConversationId>,
    pub(super) message: Option<(MessageId, u64)>,
}

/// The window of requests that were done.
#[derive(Debug)]
pub(super) struct Dedupe {
    hot: Recent<[u8; 16], Done>,
    seen: Seen,
}

impl Dedupe {
    pub(super) fn new() -> Self {
        Self { hot: Recent::new(HOT), seen: Seen::default() }
    }

    /// Begins again over a store, which may hold requests from before.
    pub(super) fn restart(&mut self, log: &dyn Log, shard: ShardId, now: Timestamp) {
        self.hot.clear();
        if let Ok(Some(keys)) = log.recent_keys(shard, Table::Dedupe) {
            self.seen.restart(None);
            for key in keys.iter().filter_map(|key| key.first_chunk::<16>()) {
                self.seen.put(key, now, WINDOW);
            }
            return;
        }
        let rows = || log.scan(shard, Table::Dedupe, &[], &[0xff; 17], 1, false);
        let nothing = log.expires(Table::Dedupe).is_none() && rows().is_ok_and(|rows| rows.is_empty());
        self.seen.restart((!nothing).then(|| now + WINDOW));
    }

    /// The key of a request.
    pub(super) fn key(vault: &Vault, owner: Owner, id: &str) -> [u8; 16] {
        let (kind, workspace, whose): (&[u8], WorkspaceId, u128) = match owner {
            Owner::Agent(workspace, agent) => (b"a", workspace, agent.bits()),
            Owner::Customer(workspace, customer) => (b"c", workspace, customer.bits()),
        };
        vault.dedupe_key(&[kind, &workspace.bits().to_be_bytes(), &whose.to_be_bytes(), id.as_bytes()])
    }

    /// The answer to an earlier request with this key.
    pub(super) fn find(
        &self,
        log: &dyn Log,
        shard: ShardId,
        key: &[u8; 16],
        now: Timestamp,
    ) -> Result<Option<Done>, ReadError> {
        let done = match self.hot.get(key) {
            Some(done) => Some(*done),
            None if !self.seen.perhaps(key, now) => None,
            None => log.get(shard, Table::Dedupe, key)?.and_then(|bytes| postcard::from_bytes(&bytes).ok()),
        };
        Ok(done.filter(|done: &Done| now.since(done.at) < WINDOW))
    }

    /// Remembers a request that is done.
    pub(super) fn remember(
        &mut self,
        key: [u8; 16],
        done: Done,
        writes: &mut Vec<Write>,
    ) -> Result<(), Rejection> {
        let value = postcard::to_extend(&done, Vec::with_capacity(DONE_BYTES))
            .map_err(|_| Rejection::Invalid("the request cannot be remembered"))?;
        writes.push(Write::Put { table: Table::Dedupe, key: key.to_vec(), value });
        self.seen.put(&key, done.at, WINDOW);
        self.hot.insert(key, done);
        Ok(())
    }
}

impl State {
    /// Removes a few requests of longer ago than the window, going round the whole table in time. A table of all
    /// shards is tidied by the one to name for it.
    pub(super) fn forget_old_requests(&mut self) {
        let log = &self.parts.log;
        if log.expires(Table::Dedupe).is_some() || !log.homes().is_ok_and(|homes| homes.contains(&self.id)) {
            return;
        }
        let from = std::mem::take(&mut self.forget_from);
        let Ok(rows) = self.parts.log.scan(self.id, Table::Dedupe, &from, &[0xff; 17], FORGET, false) else {
            return;
        };
        let now = self.now();
        if let (FORGET, Some((last, _))) = (rows.len(), rows.last()) {
            self.forget_from = [last.as_slice(), &[0]].concat();
        }
        for (key, value) in rows {
            let done: Option<Done> = postcard::from_bytes(&value).ok();
            if done.is_none_or(|done| now.since(done.at) >= WINDOW) {
                self.pending.writes.push(Write::Delete { table: Table::Dedupe, key });
            }
        }
    }
}
