//! Tokens: `swb_`, 256 random bits and a checksum as text. The store knows their SHA-256 only.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, rand};
use data_encoding::BASE32_NOPAD;
use log_store::{Table, Write};
use policy::id::{AgentId, WorkspaceId};

use super::{Accounts, AccountsError, Principal, TokenRecord, append, put, row};

const PREFIX: &str = "swb_";
const DAY_MS: i64 = 86_400_000;
/// Tokens of all workspaces together; a store of more is a fault somewhere.
const MAX: usize = 1_000_000;

pub(super) fn new() -> Result<String, AccountsError> {
    let mut bits = [0; 36];
    rand::fill(&mut bits[..32]).map_err(|_| AccountsError::Store("no randomness".into()))?;
    let sum = digest::digest(&digest::SHA256, &bits[..32]);
    bits[32..].copy_from_slice(&sum.as_ref()[..4]);
    Ok(format!("{PREFIX}{}", BASE32_NOPAD.encode(&bits).to_ascii_lowercase()))
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
        if self.index().tokens.len() >= MAX {
            return Err(AccountsError::Invalid("there are too many tokens: remove old ones".into()));
        }
        let token = new()?;
        let hash = hash(&token);
        let record = TokenRecord { workspace, agent, expires_ms };
        append(&*self.log, vec![put(row(b't', &[&hash]), &record)?]).await?;
        self.change(|index| {
            index.tokens.insert(hash, record);
        });
        Ok((token, expires_ms))
    }

    /// Whose token it is, with the role of this moment.
    #[must_use]
    pub fn authenticate(&self, token: &str, now_ms: i64) -> Option<Principal> {
        if !token.starts_with(PREFIX) || token.len() > 128 {
            return None;
        }
        let hash = hash(token);
        let operator =
            &self.secrets.read().unwrap_or_else(std::sync::PoisonError::into_inner).operator.clone();
        if equal(&hash, operator) {
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
        let delete = Write::Delete { table: Table::Accounts, key: row(b't', &[&hash]) };
        if let Err(error) = append(&*self.log, vec![delete]).await {
            tracing::warn!(%error, "an ended token could not be removed from the store");
        }
        self.change(|index| {
            index.tokens.remove(&hash);
        });
    }

    /// Forgets tokens past their time; the store forgets them with the next start's sweep.
    pub fn sweep(&self, now_ms: i64) {
        self.change(|index| index.tokens.retain(|_, it| now_ms < it.expires_ms));
        self.passwords.sweep();
    }
}
