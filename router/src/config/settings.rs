//! What can be set, with what holds if it is not.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{EmailAccount, MailListener, Redis};

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// What an acknowledgement survives: `memory`, `os`, `disk`; with Redis `redis`, `redis+replica`, `redis+disk`, which is
    /// what holds there if nothing is set.
    pub level: String,
    /// Shards; fixed at the first start.
    pub shards: u16,
    /// Redis, which several nodes share.
    pub redis: Redis,
    /// The address by which clients reach us, if it is another one than we listen on: `https://chat.example.com`.
    pub public_url: Option<String>,
    /// Certificate and key; both are read again when they change.
    pub tls: Option<Tls>,
    /// Proxies whose `X-Forwarded-For` is believed, as address or range; all others are ignored.
    pub trusted_proxies: Vec<Cidr>,
    /// Limits.
    pub limits: Limits,
    /// Sessions.
    pub sessions: Sessions,
    /// Logs.
    pub log: LogSettings,
    /// How long things are kept.
    pub retention: Retention,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// Channel accounts of email.
    pub email: Vec<EmailAccount>,
    /// Where mail servers hand mail over.
    pub mail_listener: MailListener,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: "data".into(),
            level: "disk".into(),
            shards: 16,
            redis: Redis::default(),
            public_url: None,
            tls: None,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            sessions: Sessions::default(),
            log: LogSettings::default(),
            retention: Retention::default(),
            snapshots: Snapshots::default(),
            email: Vec::new(),
            mail_listener: MailListener::default(),
        }
    }
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM).
    pub cert: PathBuf,
    /// The private key (PEM).
    pub key: PathBuf,
}

/// Limits against the many, the large and the fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_source: usize,
    /// TLS handshakes under way at once.
    pub handshakes: usize,
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Bytes of a message's text.
    pub text_bytes: usize,
    /// Frames of a connection a second.
    pub frames_per_s: u32,
    /// Frames of a connection at once.
    pub frames_burst: u32,
    /// Requests of an address a second.
    pub requests_per_s: u32,
    /// Requests of an address at once.
    pub requests_burst: u32,
    /// Sessions in all.
    pub sessions: usize,
    /// Time for the head of a request, in milliseconds.
    pub header_timeout_ms: u32,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Asks that may wait for a shard.
    pub shard_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_source: 256,
            handshakes: 64,
            frame_bytes: 65_536,
            text_bytes: connectors::web_chat::CAPABILITIES.text_max,
            frames_per_s: 20,
            frames_burst: 40,
            requests_per_s: 50,
            requests_burst: 100,
            sessions: 50_000,
            header_timeout_ms: 10_000,
            body_bytes: 1 << 20,
            shard_queue: 4_096,
        }
    }
}

impl Limits {
    /// For load runs, where one address plays everybody.
    pub(super) fn raise_for_load(&mut self) {
        for (limit, least) in [
            (&mut self.connections, 100_000),
            (&mut self.connections_per_source, 100_000),
            (&mut self.handshakes, 1_024),
            (&mut self.sessions, 200_000),
            (&mut self.shard_queue, 65_536),
        ] {
            *limit = (*limit).max(least);
        }
        for rate in [
            &mut self.frames_per_s,
            &mut self.frames_burst,
            &mut self.requests_per_s,
            &mut self.requests_burst,
        ] {
            *rate = (*rate).max(1_000_000);
        }
    }
}

/// Sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// The server pings this often, in milliseconds; after two without a sign the connection is closed.
    pub heartbeat_ms: u32,
    /// An agent without a connection for so many seconds counts as gone.
    pub agent_grace_s: u32,
    /// Events kept for resuming.
    pub ring_events: usize,
    /// Bytes kept for resuming.
    pub ring_bytes: usize,
    /// A client that takes longer to read is cut, in milliseconds.
    pub write_timeout_ms: u32,
    /// A ticket lasts so many milliseconds.
    pub ticket_ms: u32,
    /// A session without a connection lasts so many seconds.
    pub resume_s: u32,
    /// A sign-in by password lasts so many hours.
    pub sign_in_hours: u32,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            heartbeat_ms: 25_000,
            agent_grace_s: 30,
            ring_events: 256,
            ring_bytes: 256 * 1_024,
            write_timeout_ms: 10_000,
            ticket_ms: 30_000,
            resume_s: 120,
            sign_in_hours: 12,
        }
    }
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Text.
    Text,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The form.
    pub format: LogFormat,
    /// What is logged: `info`, `router=debug`, ...
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info,fjall=warn,lsm_tree=warn".into() }
    }
}

/// How long things are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Archived events, in days.
    pub events_days: u32,
    /// Ended conversations stay on Redis for so many days after their last message; older ones lie in the blob store.
    pub hot_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_days: 30, hot_days: 7 }
    }
}

/// Snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshots {
    /// A shard writes one after so many events.
    pub every_events: u64,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { every_events: 100_000 }
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address or range such as `10.0.0.0/8`");
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(max), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > max { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> Self {
        format!("{}/{}", range.address, range.bits)
    }
}

impl Cidr {
    /// Whether an address is in the range.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                a.to_bits() & mask == b.to_bits() & mask
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                a.to_bits() & mask == b.to_bits() & mask
            }
            _ => false,
        }
    }
}
