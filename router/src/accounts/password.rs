//! Passwords: Argon2id, two at a time, the same work for unknown names, and slowed down by name and by source.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use log_store::redis::Spend;
use tokio::sync::Semaphore;

use crate::rates::Rate;

use crate::listen::{SITE_TIMES, site_of, source_of};

use super::users::{NAME_MAX, PASSWORD_MAX};
use super::{Accounts, AccountsError, Principal, SignedIn, unreadable};

/// Hashes under way at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Sign-ins that may wait for a hash, some seconds in all; the next one is told to come back.
const WAITING_MAX: usize = 128;
const BUSY_MS: u32 = 2_000;
const MINUTE: Duration = Duration::from_secs(60);
/// Tries of one user: ten at once, then one every six seconds.
const BY_NAME: Rate = Rate { count: 10, per: MINUTE, burst: 10 };
/// Tries of one source, which may be an office in the morning: sixty at once, then one every two seconds. A site has as many as
/// four sources have.
const BY_SOURCE: Rate = Rate { count: 30, per: MINUTE, burst: 60 };
/// Names and sources that are remembered; beyond, nobody new is let try until some are forgotten.
const REMEMBERED_MAX: usize = 100_000;

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
    waiting: AtomicUsize,
    by_name: Tries,
    by_source: Tries,
    by_site: Tries,
    /// What unknown names are checked against, so that they take as long.
    nobody: String,
}

/// How often a password may be tried, by a hash of who or where: no name or address is kept.
struct Tries {
    limiter: DefaultKeyedRateLimiter<[u8; 16]>,
    rate: Rate,
    max: usize,
}

impl Tries {
    fn new(rate: Rate, max: usize) -> Self {
        Self { limiter: RateLimiter::keyed(rate.quota()), rate, max }
    }

    /// One more; what this means to all nodes together.
    fn one_more(&self, of: &[u8]) -> Result<Spend, SignInError> {
        if self.limiter.len() >= self.max {
            return Err(SignInError::TooMany { retry_ms: 10_000 });
        }
        let mut key = [0; 16];
        key.copy_from_slice(&digest::digest(&digest::SHA256, of).as_ref()[..16]);
        self.limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            SignInError::TooMany { retry_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1) }
        })?;
        Ok(self.rate.spend(HEXLOWER.encode(&key), 1, false))
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// Who waits for a hash; counted out when dropped, also if the client goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Passwords {
    pub(super) fn new() -> Result<Self, AccountsError> {
        Ok(Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
            by_name: Tries::new(BY_NAME, REMEMBERED_MAX),
            by_source: Tries::new(BY_SOURCE, REMEMBERED_MAX),
            by_site: Tries::new(BY_SOURCE.times(SITE_TIMES), REMEMBERED_MAX),
            nobody: hash("nobody has this password")?,
        })
    }

    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountsError> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await?
    }

    async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool, SignInError> {
        let turn = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(SignInError::TooMany { retry_ms: BUSY_MS });
        }
        let known = stored.is_some();
        let (password, stored) = (password.to_owned(), stored.unwrap_or_else(|| self.nobody.clone()));
        let matches = self
            .work(move || {
                PasswordHash::new(&stored).is_ok_and(|stored| {
                    Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
                })
            })
            .await?;
        drop(turn);
        Ok(matches && known)
    }

    /// One more try from an address. The site goes first: what is beyond its share takes no place among the sources.
    fn one_more_from(&self, ip: IpAddr) -> Result<Vec<Spend>, SignInError> {
        let key = |ip: IpAddr| ip.to_string().into_bytes();
        let mut spends = Vec::new();
        if let Some(site) = site_of(ip) {
            spends.push(self.by_site.one_more(&key(site))?);
        }
        spends.push(self.by_source.one_more(&key(source_of(ip)))?);
        Ok(spends)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountsError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(unreadable)?;
        // The place goes with the work: a client that goes away does not make room while its hash is still under way.
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(unreadable)
    }

    pub(super) fn sweep(&self) {
        self.by_name.sweep();
        self.by_source.sweep();
        self.by_site.sweep();
    }
}

fn hash(password: &str) -> Result<String, AccountsError> {
    let hashed: argon2::password_hash::phc::PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(unreadable)?;
    Ok(hashed.to_string())
}

impl Accounts {
    /// Counts tries among all nodes. Their names are keyed anew, so that no hash of an address stands in Redis which anybody
    /// could make. While Redis is away each node goes by its own limits.
    async fn together(&self, mut spends: Vec<Spend>) -> Result<(), SignInError> {
        let Some(bus) = &self.bus else { return Ok(()) };
        for spend in &mut spends {
            let tag = hmac::sign(&self.visitors, format!("try {} {}", spend.each_us, spend.key).as_bytes());
            spend.key = format!("tries:{}", HEXLOWER.encode(&tag.as_ref()[..16]));
        }
        let Ok(waits) = bus.spend(spends).await else { return Ok(()) };
        match waits.into_iter().max().unwrap_or(0) {
            0 => Ok(()),
            wait => Err(SignInError::TooMany { retry_ms: u32::try_from(wait).unwrap_or(u32::MAX) }),
        }
    }

    /// Signs a user in by name and password; without a workspace, in the only one that has such a name. Without a source
    /// (our own calls) only the tries of the name are counted.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        workspace: Option<&str>,
        name: &str,
        password: &str,
        source: Option<IpAddr>,
        now_ms: i64,
    ) -> Result<SignedIn, SignInError> {
        if let Some(ip) = source {
            self.together(self.passwords.one_more_from(ip)?).await?;
        }
        // Long names and passwords are no names and passwords of anybody here.
        if name.len() > NAME_MAX || password.len() > PASSWORD_MAX {
            return Err(SignInError::Wrong);
        }
        let found = {
            let index = self.index();
            let asked = workspace.map(|name| index.named(name).map(|record| record.id));
            let mut named = match asked {
                // There is no such workspace, so nobody in it.
                Some(None) => None,
                Some(Some(id)) => Some(index.signing_in(name, Some(id))),
                None => Some(index.signing_in(name, None)),
            };
            let mut next = || named.as_mut().and_then(Iterator::next);
            match (next(), next()) {
                (Some((of, user)), None) => Some((of, user.clone())),
                _ => None,
            }
        };
        // Counted by who it is, so that one workspace's trouble is not another's.
        let who = match &found {
            Some((of, user)) => [of.bits().to_be_bytes(), user.agent.bits().to_be_bytes()].concat(),
            None => name.as_bytes().to_vec(),
        };
        self.together(vec![self.passwords.by_name.one_more(&who)?]).await?;
        let stored = found.as_ref().and_then(|(_, user)| user.password.clone());
        let matches = self.passwords.verify(password, stored).await?;
        let Some((workspace, user)) = found.filter(|_| matches) else { return Err(SignInError::Wrong) };
        let (token, expires_ms) =
            self.issue(workspace, user.agent, now_ms.saturating_add(self.sign_in_ms)).await?;
        let principal = Principal::Agent { workspace, agent: user.agent, role: user.role, name: user.name };
        Ok(SignedIn { token, expires_ms, principal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_bounded_in_number_and_in_memory() {
        let tries = Tries::new(Rate { count: 1, per: MINUTE, burst: 2 }, 3);
        assert!(tries.one_more(b"a").is_ok() && tries.one_more(b"a").is_ok());
        let Err(SignInError::TooMany { retry_ms }) = tries.one_more(b"a") else { panic!("a third try") };
        assert!((1..=60_000).contains(&retry_ms), "{retry_ms}");
        assert!(tries.one_more(b"b").is_ok() && tries.one_more(b"c").is_ok());
        assert_eq!(tries.one_more(b"d").err(), Some(SignInError::TooMany { retry_ms: 10_000 }), "full");
    }

    #[test]
    fn one_site_takes_few_places_among_the_sources() {
        let passwords = Passwords::new().unwrap();
        let from = |text: &str| passwords.one_more_from(text.parse().unwrap());
        let taken = (0..1_000).filter(|source| from(&format!("2001:db8:7:{source:x}::1")).is_ok()).count();
        assert_eq!(taken, 240, "one try from each /64 of one /48");
        assert_eq!(passwords.by_source.limiter.len(), 240, "who was refused takes no place");
        assert!(from("2001:db8:8::1").is_ok() && from("192.0.2.1").is_ok(), "others are not held up");
        let same = (0..100).filter(|host| from(&format!("2001:db8:9::{host:x}")).is_ok()).count();
        assert_eq!(same, 60, "one /64 is one source");
    }

    #[tokio::test]
    async fn who_waits_is_counted_out_again() {
        let passwords = Passwords::new().unwrap();
        passwords.waiting.store(WAITING_MAX, Ordering::Relaxed);
        let full = passwords.verify("x", None).await;
        assert_eq!(full, Err(SignInError::TooMany { retry_ms: BUSY_MS }));
        passwords.waiting.store(0, Ordering::Relaxed);
        let stored = passwords.hash("correct horse").await.unwrap();
        assert_eq!(passwords.verify("correct horse", Some(stored.clone())).await, Ok(true));
        assert_eq!(passwords.verify("wrong", Some(stored)).await, Ok(false));
        assert_eq!(passwords.verify("nobody has this password", None).await, Ok(false));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }
}
