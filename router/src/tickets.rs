//! One-time tickets for WebSocket upgrades: browsers cannot send headers there, and a token has no place in an address.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::BASE32_NOPAD;
use log_store::redis::Bus;
use serde::{Deserialize, Serialize};

use crate::accounts::Principal;

/// Tickets that wait to be used, at most.
const MAX: usize = 100_000;

/// There are too many unused tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many unused tickets: try again in a moment")]
pub struct Full;

/// Tickets that were given out and not used yet.
pub struct Tickets {
    open: Mutex<HashMap<String, Ticket>>,
    ticket_ms: i64,
    max: usize,
    /// Where several nodes are, a ticket of one is good at each.
    bus: Option<Bus>,
}

/// Their number only: each is a secret.
impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").field("open", &self.open().len()).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    principal: Principal,
    origin: Option<String>,
    until: i64,
}

/// What Redis knows a ticket by: not by itself, which is a secret.
fn name(ticket: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ticket.as_bytes());
    format!("ticket:{}", data_encoding::HEXLOWER.encode(hash.as_ref()))
}

impl Tickets {
    /// Tickets that end after so many milliseconds.
    #[must_use]
    pub fn new(ticket_ms: i64, bus: Option<Bus>) -> Self {
        Self { open: Mutex::default(), ticket_ms, max: MAX, bus }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Ticket>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket for one upgrade, bound to the page that asked for it.
    ///
    /// # Errors
    /// [`Full`].
    pub async fn issue(
        &self,
        principal: Principal,
        origin: Option<String>,
        now_ms: i64,
    ) -> Result<String, Full> {
        let mut bits = [0; 20];
        rand::fill(&mut bits).map_err(|_| Full)?;
        let text = BASE32_NOPAD.encode(&bits).to_ascii_lowercase();
        let until = now_ms.saturating_add(self.ticket_ms);
        let ticket = Ticket { principal, origin, until };
        if let Some(bus) = &self.bus {
            let keep = Duration::from_millis(u64::try_from(self.ticket_ms).unwrap_or(0));
            let value = postcard::to_allocvec(&ticket).map_err(|_| Full)?;
            bus.put(&name(&text), value, keep).await.map_err(|_| Full)?;
            return Ok(text);
        }
        let mut open = self.open();
        if open.len() >= self.max {
            return Err(Full);
        }
        open.insert(text.clone(), ticket);
        Ok(text)
    }

    /// Uses a ticket up: whose it is, and from which page.
    pub async fn redeem(&self, ticket: &str, now_ms: i64) -> Option<(Principal, Option<String>)> {
        let ticket = match &self.bus {
            Some(bus) => postcard::from_bytes(&bus.take(&name(ticket)).await.ok()??).ok()?,
            None => self.open().remove(ticket)?,
        };
        (now_ms <= ticket.until).then_some((ticket.principal, ticket.origin))
    }

    /// Forgets tickets past their time.
    pub fn sweep(&self, now_ms: i64) {
        self.open().retain(|_, ticket| now_ms <= ticket.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ticket_works_once_and_in_time() {
        let tickets = Tickets::new(1_000, None);
        let ticket =
            tickets.issue(Principal::Operator, Some("https://shop.example".into()), 0).await.unwrap();
        assert_eq!(tickets.redeem(&ticket, 1).await.unwrap().1.as_deref(), Some("https://shop.example"));
        assert!(tickets.redeem(&ticket, 1).await.is_none(), "used");
        let late = tickets.issue(Principal::Operator, None, 0).await.unwrap();
        assert!(tickets.redeem(&late, 1_001).await.is_none(), "expired");
        assert!(tickets.redeem("", 0).await.is_none());
    }

    #[tokio::test]
    async fn there_are_only_so_many_and_old_ones_make_room() {
        let tickets = Tickets { max: 2, ..Tickets::new(1_000, None) };
        let issue = async |now| tickets.issue(Principal::Operator, None, now).await;
        let kept = issue(0).await.unwrap();
        issue(500).await.unwrap();
        assert_eq!(issue(900).await, Err(Full));
        tickets.sweep(1_000);
        assert_eq!(issue(1_000).await, Err(Full), "both still in time");
        tickets.sweep(1_001);
        let new = issue(1_001).await.unwrap();
        assert!(tickets.redeem(&kept, 0).await.is_none(), "swept");
        assert!(!format!("{tickets:?}").contains(&new), "a ticket is a secret");
    }
}
