//! Where Redis is, and how nodes share it.

use std::path::PathBuf;
use std::time::Duration;

use log_store::redis::{Place, Topology};
use serde::{Deserialize, Serialize};

/// Redis. Without an address everything is in the data folder, and there is one node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://host:6379`, or `rediss://` for TLS; nodes of a Cluster or sentinels where it is one.
    pub urls: Vec<String>,
    /// `single`, `sentinel` or `cluster`.
    pub topology: String,
    /// The name by which sentinels know the primary.
    pub master: String,
    /// The ACL user; empty for the one in the address.
    pub user: String,
    /// The password; empty for the one in the address.
    pub password: String,
    /// The authority that signed its certificate (PEM); empty for those of the system.
    pub ca: PathBuf,
    /// Begins all keys, so that several installations may share a Redis.
    pub prefix: String,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u32,
    /// A node that does not renew its hold on a shard loses it after so many milliseconds.
    pub lease_ms: u32,
    /// This node's name among the others; empty for one made at each start.
    pub node: String,
    /// The folder of the key files, the same on all nodes; empty for `keys` in the data folder.
    pub keys: PathBuf,
    /// The folder of the blob store, the same on all nodes: attachments, and conversations that have left Redis. Empty for
    /// `blobs` in the data folder: then conversations do not leave it.
    pub blobs: PathBuf,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            topology: "single".into(),
            master: "switchboard".into(),
            user: String::new(),
            password: String::new(),
            ca: PathBuf::new(),
            prefix: "switchboard".into(),
            timeout_ms: 2_000,
            lease_ms: 3_000,
            node: String::new(),
            keys: PathBuf::new(),
            blobs: PathBuf::new(),
        }
    }
}

/// Without user and password.
impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("at", &self.place().shown())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.urls.is_empty()
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let topology = match self.topology.as_str() {
            "cluster" => Topology::Cluster,
            "sentinel" => Topology::Sentinel(self.master.clone()),
            _ => Topology::Single,
        };
        Place {
            urls: self.urls.clone(),
            topology,
            user: given(&self.user),
            password: given(&self.password),
            ca: (!self.ca.as_os_str().is_empty()).then(|| self.ca.clone()),
            prefix: self.prefix.clone(),
            timeout: Duration::from_millis(u64::from(self.timeout_ms)),
            ..Place::single("")
        }
    }

    /// How long a hold on a shard lasts.
    #[must_use]
    pub fn hold(&self) -> Duration {
        Duration::from_millis(u64::from(self.lease_ms))
    }

    /// What makes no sense: the key, and why.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if !self.urls.iter().all(|url| url.starts_with("redis://") || url.starts_with("rediss://")) {
            faults.push(("redis.urls", "must begin with `redis://` or `rediss://`".into()));
        }
        if !["single", "sentinel", "cluster"].contains(&self.topology.as_str()) {
            faults.push(("redis.topology", "must be `single`, `sentinel` or `cluster`".into()));
        }
        let named = |text: &str| {
            text.len() <= 64
                && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        };
        if self.prefix.is_empty() || !named(&self.prefix) {
            faults.push(("redis.prefix", "must have 1 to 64 characters of a-z, 0-9 and `-`".into()));
        }
        if !named(&self.node) {
            faults.push(("redis.node", "must have 64 characters of a-z, 0-9 and `-` at most".into()));
        }
        if !(50..=60_000).contains(&self.timeout_ms) {
            faults.push(("redis.timeout_ms", "must be 50 to 60,000".into()));
        }
        if !(500..=60_000).contains(&self.lease_ms) {
            faults.push(("redis.lease_ms", "must be 500 to 60,000".into()));
        }
        faults
    }
}
