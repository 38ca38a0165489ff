//! Where Redis is, and how to speak with it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How Redis is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One primary, with or without replicas.
    Single,
    /// Sentinels, which know the primary of this name.
    Sentinel(String),
    /// A Cluster.
    Cluster,
}

/// Where Redis is.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// `redis://` or, with TLS, `rediss://`; sentinels or nodes of a Cluster where it is one. Any that answers will do.
    pub urls: Vec<String>,
    /// How it is run.
    pub topology: Topology,
    /// The ACL user; the one in the address if absent.
    pub user: Option<String>,
    /// The password; the one in the address if absent.
    pub password: Option<String>,
    /// The authority whose certificates are believed (PEM); those of the system if absent.
    pub ca: Option<PathBuf>,
    /// Begins all our keys: a-z, 0-9 and `-`.
    pub prefix: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long requests that were done are remembered.
    pub dedupe: Duration,
}

impl Place {
    /// One server, with what is usual for the rest.
    #[must_use]
    pub fn single(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            topology: Topology::Single,
            user: None,
            password: None,
            ca: None,
            prefix: "switchboard".to_owned(),
            timeout: Duration::from_secs(2),
            dedupe: Duration::from_secs(25 * 3_600),
        }
    }

    /// For people: hosts without user and password.
    #[must_use]
    pub fn shown(&self) -> String {
        let host = |url: &String| {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            rest.split('/').next().unwrap_or(rest).to_owned()
        };
        self.urls.iter().map(host).collect::<Vec<_>>().join(", ")
    }
}

/// Without user and password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("at", &self.shown())
            .field("topology", &self.topology)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        let mut place = Place::single("rediss://app:secret@redis.example:6390/2");
        place.password = Some("secret".into());
        assert_eq!(place.shown(), "redis.example:6390");
        assert!(!format!("{place:?}").contains("secret"));
    }
}
