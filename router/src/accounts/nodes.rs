//! Accounts of several nodes: one changes them at a time, the others are told, and what a node was not told it reads.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use log_store::redis::Bus;
use log_store::{Table, Write};
use policy::id::WorkspaceId;
use tokio::sync::OwnedMutexGuard;

use super::{
    ACCOUNTS, Accounts, AccountsError, Principal, TokenRecord, read, row, token, unreadable, user_row,
};

/// Rows that have changed; no value where one is gone.
pub(crate) type Changed = Vec<(Bytes, Option<Bytes>)>;

/// Changes that may wait to be told; who misses one reads it.
pub(super) const TELL: usize = 256;
/// The turn to change something, and how long a node that has gone keeps it.
const TURN: &str = "accounts-turn";
const TURN_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

pub(super) fn rows(writes: &[Write]) -> Changed {
    let row = |write: &Write| match write {
        Write::Put { key, value, .. } => (Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value))),
        Write::Delete { key, .. } => (Bytes::copy_from_slice(key), None),
    };
    writes.iter().map(row).collect()
}

/// The turn among all nodes; given back when dropped.
pub(super) struct Alone(Bus);

/// Waits for the turn; none where Redis cannot be asked, since then nothing can be written either.
pub(super) async fn alone(bus: &Bus) -> Option<Alone> {
    loop {
        match bus.claim(TURN, b"taken".to_vec(), Some(TURN_MAX)).await {
            Ok(None) => return Some(Alone(bus.clone())),
            Ok(Some(_)) => tokio::time::sleep(PAUSE).await,
            Err(_) => return None,
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let bus = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It ends by itself too.
                drop(bus.take(TURN).await);
            });
        }
    }
}

/// The turn to change accounts, here and among all nodes.
pub(super) struct Turn {
    _here: OwnedMutexGuard<()>,
    _among_all: Option<Alone>,
}

impl Turn {
    /// Waits for it; then this node knows what the others have changed.
    pub(super) async fn take(accounts: &Accounts) -> Self {
        let here = Arc::clone(&accounts.changes).lock_owned().await;
        let among_all = match &accounts.bus {
            Some(bus) => {
                let alone = alone(bus).await;
                if let Err(error) = accounts.reload() {
                    tracing::warn!(%error, "the accounts cannot be read just now");
                }
                alone
            }
            None => None,
        };
        Self { _here: here, _among_all: among_all }
    }
}

impl Accounts {
    /// What changes here, for the other nodes.
    pub(crate) fn changes(&self) -> tokio::sync::broadcast::Receiver<Changed> {
        self.changed.subscribe()
    }

    /// Reads everything again. Nobody changes the index between the look at the store and what follows from it: else a change
    /// that came meanwhile would be forgotten.
    pub(crate) fn reload(&self) -> Result<(), AccountsError> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let (stored, secrets) = read(&*self.log)?;
        *index = stored;
        drop(index);
        if let Some(secrets) = secrets {
            *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        }
        Ok(())
    }

    /// Takes over what another node has changed; what cannot be read is read again with everything.
    pub(crate) fn take_over(&self, rows: &Changed) {
        for (key, value) in rows {
            let taken = match value {
                Some(value) if key.first() == Some(&b's') => postcard::from_bytes(value)
                    .map(|secrets| *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets)
                    .map_err(unreadable),
                Some(value) => {
                    let mut taken = Ok(());
                    self.change(|index| taken = index.put_row(key, value));
                    taken
                }
                None => {
                    self.change(|index| index.remove_row(key));
                    Ok(())
                }
            };
            if let Err(error) = taken {
                tracing::warn!(%error, "an account of another node cannot be read");
            }
        }
    }

    /// As [`Self::authenticate`]; a token that another node has just given out is looked up.
    pub(crate) async fn authenticate_anywhere(&self, token: &str, now_ms: i64) -> Option<Principal> {
        if let Some(principal) = self.authenticate(token, now_ms) {
            return Some(principal);
        }
        if self.bus.is_none() || !token::is_whole(token) {
            return None;
        }
        let get = |key: Vec<u8>| {
            let value = self.log.get(ACCOUNTS, Table::Accounts, &key).ok().flatten()?;
            Some((Bytes::from(key), Some(Bytes::from(value))))
        };
        let found = get(row(b't', &[&token::hash(token)]))?;
        let record: TokenRecord = postcard::from_bytes(found.1.as_deref()?).ok()?;
        let workspace = |id: WorkspaceId| get(super::workspace_row(id));
        let user = get(user_row(record.workspace, record.agent));
        let rows = [workspace(record.workspace), user, Some(found)];
        self.take_over(&rows.into_iter().flatten().collect());
        self.authenticate(token, now_ms)
    }
}
