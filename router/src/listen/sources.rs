//! Sources: how many connections each has, and who asks behind a proxy. An IPv6 source is its /64, since one household or
//! machine has all of it; and because one site may have all of a /48, that has a limit of its own, some sources high.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::config::Cidr;

/// What all sources of one site together may have, as a multiple of what one may.
pub(crate) const SITE_TIMES: u32 = 4;

/// The source that an address belongs to: itself, or its /64.
pub(crate) fn source_of(ip: IpAddr) -> IpAddr {
    prefix(ip, 64).unwrap_or(ip.to_canonical())
}

/// The site that an IPv6 address belongs to: its /48 (RFC 6177 names it as the most that a site is given).
pub(crate) fn site_of(ip: IpAddr) -> Option<IpAddr> {
    prefix(ip, 48)
}

fn prefix(ip: IpAddr, bits: u32) -> Option<IpAddr> {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Some(IpAddr::V6((ip.to_bits() & (u128::MAX << (128 - bits))).into())),
        IpAddr::V4(_) => None,
    }
}

/// Connections by source and, under the length of their prefix, by site.
type Counts = HashMap<(IpAddr, u8), usize>;

/// How many connections each source and site has; at most two entries for each connection.
#[derive(Clone)]
pub(super) struct Sources {
    counts: Arc<Mutex<Counts>>,
    max: usize,
}

/// One connection of a source; counts it out when dropped.
pub(super) struct Place {
    counts: Arc<Mutex<Counts>>,
    of: [Option<(IpAddr, u8)>; 2],
}

impl Sources {
    pub(super) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    /// One more connection of a source; `None` if it has enough.
    pub(super) fn enter(&self, ip: IpAddr) -> Option<Place> {
        let of = [Some((source_of(ip), 64)), site_of(ip).map(|site| (site, 48))];
        let of_site = self.max.saturating_mul(usize::try_from(SITE_TIMES).unwrap_or(usize::MAX));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |key: &(IpAddr, u8), max| counts.get(key).is_some_and(|count| *count >= max);
        if of.iter().flatten().zip([self.max, of_site]).any(|(key, max)| full(key, max)) {
            return None;
        }
        for key in of.into_iter().flatten() {
            *counts.entry(key).or_default() += 1;
        }
        Some(Place { counts: Arc::clone(&self.counts), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in self.of.iter().flatten() {
            match counts.get_mut(key) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    counts.remove(key);
                }
            }
        }
    }
}

/// Proxies whose word about the client is believed.
pub struct Proxies(Vec<Cidr>);

impl Proxies {
    /// Those of these ranges.
    #[must_use]
    pub fn new(ranges: &[Cidr]) -> Self {
        Self(ranges.to_vec())
    }

    pub(super) fn trust(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(ip))
    }

    /// The client's address: the peer's, or behind trusted proxies the last that none of them has. Whoever writes the
    /// header first writes its left end, so it is read from the right, and no further than it makes sense.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let forwarded: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        // As bytes: one letter that is no header's would otherwise make the whole value unreadable.
        let hops = forwarded.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.trust(client) {
                break;
            }
            match std::str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) {
                Some(ip) => client = ip.to_canonical(),
                None => break,
            }
        }
        client
    }

    /// Whether a trusted proxy says that the client came by TLS.
    pub(super) fn say_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let proto = || headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        self.trust(peer) && proto().is_some_and(|it| it.trim().eq_ignore_ascii_case("https"))
    }
}

/// An address with or without a port, as proxies write them.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> IpAddr {
        let proxies = Proxies(proxies.iter().map(|it| it.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client(ip(peer), &headers)
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let header = "6.6.6.6, 203.0.113.9, 10.0.0.2";
        assert_eq!(client(&["10.0.0.0/8"], "198.51.100.1", &[header]), ip("198.51.100.1"));
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[header]), ip("203.0.113.9"));
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(client(&[], "10.0.0.1", &[header]), ip("10.0.0.1"));
    }

    #[test]
    fn what_a_client_writes_into_the_header_hides_nobody() {
        for noise in ["nonsense", "", "\u{e9}", "127.0.0.1, nonsense"] {
            let header = format!("{noise}, 203.0.113.9");
            assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[&header]), ip("203.0.113.9"), "{noise}");
            assert_eq!(
                client(&["10.0.0.0/8"], "10.0.0.1", &[noise, "203.0.113.9"]),
                ip("203.0.113.9"),
                "{noise}"
            );
        }
    }

    #[test]
    fn addresses_are_read_with_ports_and_brackets_and_in_either_form() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9:4711"]), ip("203.0.113.9"));
        assert_eq!(client(&["::1"], "::1", &["[2001:db8::7]:443"]), ip("2001:db8::7"));
        assert_eq!(client(&["::1"], "::1", &["[2001:db8::7]"]), ip("2001:db8::7"));
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"));
    }

    #[test]
    fn a_source_has_so_many_connections_and_gets_them_back() {
        let sources = Sources::new(2);
        let first = sources.enter(ip("2001:db8::1")).unwrap();
        let second = sources.enter(ip("2001:db8::2")).unwrap();
        assert!(sources.enter(ip("2001:db8::3")).is_none(), "the same /64");
        assert!(sources.enter(ip("2001:db8:0:1::1")).is_some(), "another one");
        drop(first);
        assert!(sources.enter(ip("2001:db8::3")).is_some());
        drop(second);
        assert!(sources.counts.lock().unwrap().is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn a_site_has_four_sources_worth_of_connections() {
        let sources = Sources::new(2);
        let of = |source: u16| sources.enter(ip(&format!("2001:db8:7:{source:x}::1")));
        let held: Vec<_> = (0..8).filter_map(of).collect();
        assert_eq!(held.len(), 8);
        assert!(of(9).is_none(), "all of a /48");
        assert!(sources.enter(ip("2001:db8:8::1")).is_some(), "another site");
        for number in 0..20 {
            let of_one = |_| sources.enter(ip(&format!("198.51.100.{number}")));
            assert_eq!((0..3).filter_map(of_one).collect::<Vec<_>>().len(), 2, "IPv4 has no sites");
        }
        drop(held);
        assert!(sources.counts.lock().unwrap().is_empty());
    }
}
