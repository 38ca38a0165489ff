//! Limits on requests by source. Each node limits by itself (governor); where there are several, what a source takes is told to
//! Redis a few times a second, and one that takes more than its share of all nodes together is held off. No request waits for
//! Redis: what comes in between two words is let through by each node's own limit, and what was too much is held back afterwards.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use log_store::redis::{Bus, Spend};

use crate::listen;

/// How often Redis is told.
const BEAT: Duration = Duration::from_millis(100);
/// Sources of which Redis is told at once; of others only this node knows.
const TOLD_MAX: usize = 4_096;
/// Nobody is held off for longer without another look.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A steady flow, with some at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub count: u32,
    /// In this time.
    pub per: Duration,
    /// So many at once.
    pub burst: u32,
}

impl Rate {
    /// So many a second.
    #[must_use]
    pub fn per_second(count: u32, burst: u32) -> Self {
        Self { count, per: Duration::from_secs(1), burst }
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { count: self.count.saturating_mul(times), burst: self.burst.saturating_mul(times), ..self }
    }

    /// As this node's limiter has it.
    #[must_use]
    pub fn quota(self) -> Quota {
        let whole = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let each = self.per / whole(self.count).get();
        Quota::with_period(each)
            .unwrap_or(Quota::per_second(whole(self.count)))
            .allow_burst(whole(self.burst))
    }

    /// As Redis has it: some of a key's share.
    #[must_use]
    pub fn spend(self, key: String, count: u32, anyway: bool) -> Spend {
        let each = self.per.as_micros() / u128::from(self.count.max(1));
        Spend {
            key,
            each_us: u64::try_from(each).unwrap_or(u64::MAX).max(1),
            burst: self.burst.max(1),
            count,
            anyway,
        }
    }
}

/// Requests by source: IPv4 by address, IPv6 by /64, and all of a /48 together.
pub struct SourceLimit {
    sources: DefaultKeyedRateLimiter<IpAddr>,
    sites: DefaultKeyedRateLimiter<IpAddr>,
    rate: Rate,
    together: Option<Together>,
}

/// What this node knows of the others.
struct Together {
    bus: Bus,
    /// Names a source, so that no address stands in Redis.
    name: Box<dyn Fn(IpAddr) -> String + Send + Sync>,
    taken: Mutex<BTreeMap<IpAddr, u32>>,
    held_off: DashMap<IpAddr, Instant>,
}

impl Together {
    fn taken(&self) -> MutexGuard<'_, BTreeMap<IpAddr, u32>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, of: IpAddr) -> Result<(), u32> {
        let until = self.held_off.get(&of).map(|it| *it);
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        match u32::try_from(left.as_millis()) {
            Ok(0) => Ok(()),
            left => Err(left.unwrap_or(u32::MAX)),
        }
    }

    fn count(&self, of: IpAddr) {
        let mut taken = self.taken();
        if let Some(count) = taken.get_mut(&of) {
            *count = count.saturating_add(1);
        } else if taken.len() < TOLD_MAX {
            taken.insert(of, 1);
        }
    }
}

impl SourceLimit {
    /// So many a source; `bus` where there are several nodes, and what names a source among them.
    pub fn new(
        rate: Rate,
        bus: Option<Bus>,
        name: impl Fn(IpAddr) -> String + Send + Sync + 'static,
    ) -> Self {
        let sites = RateLimiter::keyed(rate.times(listen::SITE_TIMES).quota());
        let name = Box::new(name);
        let together =
            bus.map(|bus| Together { bus, name, taken: Mutex::default(), held_off: DashMap::new() });
        Self { sources: RateLimiter::keyed(rate.quota()), sites, rate, together }
    }

    /// One more request of a source.
    ///
    /// # Errors
    /// The wait in milliseconds, if it is one too many.
    pub fn check(&self, source: IpAddr) -> Result<(), u32> {
        let (site, source) = (listen::site_of(source), listen::source_of(source));
        if let Some(together) = &self.together {
            site.map_or(Ok(()), |site| together.wait(site))?;
            together.wait(source)?;
        }
        // The site first: a source beyond its share is not even remembered.
        let taken = site.map_or(Ok(()), |site| self.sites.check_key(&site));
        taken.and_then(|()| self.sources.check_key(&source)).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1)
        })?;
        if let Some(together) = &self.together {
            site.into_iter().chain([source]).for_each(|of| together.count(of));
        }
        Ok(())
    }

    /// Tells Redis what was taken here and hears who is to be held off, for as long as the node runs. While Redis is away each
    /// node goes by its own limit.
    pub async fn run(self: Arc<Self>) {
        let Some(together) = &self.together else { return };
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let taken = std::mem::take(&mut *together.taken());
            if taken.is_empty() {
                continue;
            }
            let spends = taken.iter().map(|(of, count)| {
                let is_site = listen::site_of(*of).is_some_and(|site| site == *of);
                let rate = if is_site { self.rate.times(listen::SITE_TIMES) } else { self.rate };
                rate.spend(format!("requests:{}", (together.name)(*of)), *count, true)
            });
            let Ok(waits) = together.bus.spend(spends.collect()).await else { continue };
            for (of, wait) in taken.into_keys().zip(waits) {
                if wait > 0 {
                    let wait = Duration::from_millis(wait).min(WAIT_MAX);
                    together.held_off.insert(of, Instant::now() + wait);
                }
            }
        }
    }

    /// Forgets sources that have been quiet.
    pub fn sweep(&self) {
        for limiter in [&self.sources, &self.sites] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if let Some(together) = &self.together {
            let now = Instant::now();
            together.held_off.retain(|_, until| *until > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_same_to_this_node_and_to_redis() {
        let rate = Rate { count: 30, per: Duration::from_secs(60), burst: 60 };
        let spend = rate.spend("k".to_owned(), 2, false);
        assert_eq!((spend.each_us, spend.burst, spend.count), (2_000_000, 60, 2));
        assert_eq!(rate.quota().replenish_interval(), Duration::from_secs(2));
        assert_eq!(rate.quota().burst_size().get(), 60);
        let site = rate.times(4).spend("k".to_owned(), 1, true);
        assert_eq!((site.each_us, site.burst), (500_000, 240));
    }

    #[test]
    fn a_node_alone_limits_by_itself() {
        let limit = SourceLimit::new(Rate::per_second(5, 10), None, |ip| ip.to_string());
        let from = |text: &str| limit.check(text.parse().unwrap());
        assert_eq!((0..50).filter(|_| from("192.0.2.1").is_ok()).count(), 10);
        assert!((1..=200).contains(&from("192.0.2.1").unwrap_err()));
        assert!(from("192.0.2.2").is_ok());
    }
}
