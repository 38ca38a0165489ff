//! Passwords: Argon2id, two at a time, the same work for unknown names, and slowed down by name and by source.

use std::num::NonZeroU32;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::{Accounts, AccountsError, Principal, SignedIn, unreadable};

/// Hashes under way at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Tries of one name or source: ten at once, then one every six seconds.
const BURST: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// A sign-in lasts this long.
const LASTS_MS: i64 = 12 * 3_600_000;

/// Why a sign-in did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Name or password is wrong; which of them is not told.
    #[error("name or password is wrong")]
    Wrong,
    /// Too many tries.
    #[error("too many tries")]
    TooMany {
        /// When the next one is taken, in milliseconds.
        retry_ms: u32,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// Hashing and its limits.
pub(super) struct Passwords {
    places: Arc<Semaphore>,
    tries: DefaultKeyedRateLimiter<String>,
    /// What unknown names are checked against, so that they take as long.
    nobody: String,
}

impl Passwords {
    pub(super) fn new() -> Result<Self, AccountsError> {
        let quota = Quota::per_minute(PER_MINUTE).allow_burst(BURST);
        let nobody = hash("nobody has this password")?;
        Ok(Self { places: Arc::new(Semaphore::new(AT_ONCE)), tries: RateLimiter::keyed(quota), nobody })
    }

    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountsError> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await?
    }

    async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool, AccountsError> {
        let known = stored.is_some();
        let (password, stored) = (password.to_owned(), stored.unwrap_or_else(|| self.nobody.clone()));
        let matches = self
            .work(move || {
                PasswordHash::new(&stored).is_ok_and(|stored| {
                    Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
                })
            })
            .await?;
        Ok(matches && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountsError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(unreadable)?;
        let done = tokio::task::spawn_blocking(work).await.map_err(unreadable);
        drop(place);
        done
    }

    fn may_try(&self, key: String) -> Result<(), SignInError> {
        self.tries.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            SignInError::TooMany { retry_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1) }
        })
    }

    pub(super) fn sweep(&self) {
        self.tries.retain_recent();
        self.tries.shrink_to_fit();
    }
}

fn hash(password: &str) -> Result<String, AccountsError> {
    let hashed: argon2::password_hash::phc::PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(unreadable)?;
    Ok(hashed.to_string())
}

impl Accounts {
    /// Signs a user in by name and password; without a workspace, in the only one that has such a name.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        workspace: Option<&str>,
        name: &str,
        password: &str,
        source: &str,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        // Long names and passwords are no names and passwords of anybody here.
        if name.len() > 256 || password.len() > 1_024 {
            return Err(SignInError::Wrong);
        }
        self.passwords.may_try(format!("name {name}"))?;
        if !source.is_empty() {
            self.passwords.may_try(format!("source {source}"))?;
        }
        let found = {
            let index = self.index();
            let mut named = index.users.iter().filter(|((of, _), user)| {
                user.sign_in == name
                    && workspace
                        .is_none_or(|asked| index.workspaces.get(of).is_some_and(|it| it.name == asked))
            });
            match (named.next(), named.next()) {
                (Some((key, user)), None) => Some((key.0, user.clone())),
                _ => None,
            }
        };
        let stored = found.as_ref().and_then(|(_, user)| user.password.clone());
        let matches = self.passwords.verify(password, stored).await?;
        let Some((workspace, user)) = found.filter(|_| matches) else { return Err(SignInError::Wrong) };
        let (token, expires_ms) = self.issue(workspace, user.agent, now_ms + LASTS_MS).await?;
        let principal = Principal::Agent { workspace, agent: user.agent, role: user.role, name: user.name };
        Ok(SignedIn { token, expires_ms, principal })
    }
}
