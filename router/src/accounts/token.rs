//! Tokens: `swb_`, 256 random bits and a checksum as text. The store knows their SHA-256 only.

use std::sync::{Arc, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, rand};
use data_encoding::BASE32_NOPAD;
use policy::id::{AgentId, WorkspaceId};

use super::index::Index;
use super::{Accounts, AccountsError, Principal, TokenRecord, append, delete, put, row};

const PREFIX: &str = "swb_";
const DAY_MS: i64 = 86_400_000;
/// Tokens of all workspaces together; a store of more is a fault somewhere.
const MAX: usize = 1_000_000;
/// Tokens past their time that one sweep removes.
const SWEEP_MAX: usize = 1_000;

pub(super) fn new() -> Result<String, AccountsError> {
    let mut bits = [0; 36];
    rand::fill(&mut bits[..32]).map_err(|_| AccountsError::Store("no randomness".into()))?;
    let sum = digest::digest(&digest::SHA256, &bits[..32]);
    bits[32..].copy_from_slice(&sum.as_ref()[..4]);
    Ok(format!("{PREFIX}{}", BASE32_NOPAD.encode(&bits).to_ascii_lowercase()))
}

/// Whether a text can be a token at all: a mistyped or cut one is told apart without a look at the store.
pub(super) fn is_whole(token: &str) -> bool {
    let Some(text) = token.strip_prefix(PREFIX).filter(|text| text.len() == 58) else { return false };
    let Ok(bytes) = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()) else { return false };
    bytes.split_last_chunk::<4>().is_some_and(|(bits, sum)| {
        digest::digest(&digest::SHA256, bits).as_ref().first_chunk::<4>() == Some(sum)
    })
}

pub(super) fn hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

impl Accounts {
    /// A token for a user. It is told this once.
    ///
    /// # Errors
    /// If there are too many, or it cannot be stored.
    pub async fn issue_token(
        &self,
        workspace: WorkspaceId,
        agent: AgentId,
        days: u32,
        now_ms: i64,
    ) -> Result<(String, i64), AccountsError> {
        self.issue(workspace, agent, now_ms + i64::from(days) * DAY_MS).await
    }

    pub(super) async fn issue(
        &self,
        workspace: WorkspaceId,
        agent: AgentId,
        expires_ms: i64,
    ) -> Result<(String, i64), AccountsError> {
        {
            let index = self.index();
            if !index.users.contains_key(&(workspace, agent)) {
                return Err(AccountsError::NotFound("user"));
            }
            if index.tokens.len() >= MAX {
                return Err(AccountsError::Invalid("there are too many tokens: remove old ones".into()));
            }
        }
        let token = new()?;
        let hash = hash(&token);
        let record = TokenRecord { workspace, agent, expires_ms };
        let writes = vec![put(row(b't', &[&hash]), &record)?];
        let insert = move |index: &mut Index| {
            index.tokens.insert(hash, record);
        };
        self.write(None, writes, insert).await?;
        Ok((token, expires_ms))
    }

    /// Whose token it is, with the role of this moment.
    #[must_use]
    pub fn authenticate(&self, token: &str, now_ms: i64) -> Option<Principal> {
        if !is_whole(token) {
            return None;
        }
        let hash = hash(token);
        if equal(&hash, &self.secrets.read().unwrap_or_else(PoisonError::into_inner).operator) {
            return Some(Principal::Operator);
        }
        let index = self.index();
        let record = index.tokens.get(&hash).filter(|it| now_ms < it.expires_ms)?;
        let user = index.users.get(&(record.workspace, record.agent))?;
        Some(Principal::Agent {
            workspace: record.workspace,
            agent: record.agent,
            role: user.role,
            name: user.name.clone(),
        })
    }

    /// Ends a token.
    pub async fn sign_out(&self, token: &str) {
        let hash = hash(token);
        let known = self.index().tokens.contains_key(&hash);
        if !known {
            return;
        }
        let row = row(b't', &[&hash]);
        // It ends now, whatever the store says.
        self.change(|index| {
            index.tokens.remove(&hash);
        });
        if let Err(error) = self.write(None, vec![delete(row)], |_| {}).await {
            tracing::warn!(%error, "an ended token could not be removed from the store: it works again after a restart");
        }
    }

    /// Forgets tokens past their time, some at each call, here and in the store.
    pub fn sweep(&self, now_ms: i64) {
        self.passwords.sweep();
        let ended: Vec<Vec<u8>> = {
            let index = self.index();
            let ended = index.tokens.iter().filter(|(_, token)| token.expires_ms <= now_ms);
            ended.take(SWEEP_MAX).map(|(hash, _)| hash.clone()).collect()
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if ended.is_empty() {
            return;
        }
        let (log, index) = (Arc::clone(&self.log), Arc::clone(&self.index));
        runtime.spawn(async move {
            let rows = ended.iter().map(|hash| delete(row(b't', &[hash]))).collect();
            match append(&*log, rows).await {
                Ok(()) => {
                    let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
                    for hash in &ended {
                        index.tokens.remove(hash);
                    }
                }
                // They work no longer anyway; the next sweep tries again.
                Err(error) => tracing::debug!(%error, "tokens past their time stay in the store for now"),
            }
        });
    }
}
