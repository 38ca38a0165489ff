//! Settings: built-in, then one TOML file, then the environment (`SWITCHBOARD__SECTION__KEY`), then flags. Everything that
//! is wrong is told in one run, with its place and the nearest name.

mod check;
mod email;
mod faults;
mod read;
mod redis;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use log_store::redis::RedisLog;
use log_store::{Level, Log};

pub use check::{is_origin, origin};
pub use email::{Dkim, EmailAccount, MailListener, MailServer, Mailbox};
pub use faults::{ConfigErrors, Fault};
pub use redis::Redis;
pub use settings::{Cidr, Config, Limits, LogFormat, LogSettings, Retention, Sessions, Snapshots, Tls};

/// The process's environment. A name or value that is not text is none of ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A store; on Redis, what only Redis can do as well.
pub type Store = (Arc<dyn Log>, Option<Arc<RedisLog>>);

/// What flags say; they win.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<std::net::SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--level`
    pub level: Option<String>,
}

impl Config {
    /// Reads settings from all places.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = read::Reader::new();
        if let Some(path) = file {
            reader.file(path);
        }
        Self::with(reader, environment, overrides)
    }

    /// The same from the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = read::Reader::new();
        reader.text(Path::new("switchboard.toml"), text);
        Self::with(reader, environment, overrides)
    }

    fn with(
        mut reader: read::Reader,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigErrors> {
        let mut load_limits = false;
        for (name, value) in environment {
            if name == "SWITCHBOARD_LIMITS" {
                load_limits = value == "load";
                if !load_limits && !value.is_empty() {
                    reader.faults.push(Fault::at(&name, format!("there is only `load`, not `{value}`")));
                }
            } else if let Some(path) = name.strip_prefix("SWITCHBOARD__") {
                reader.variable(&name, path, &value);
            }
        }
        let mut config = reader.finish();
        if load_limits {
            config.limits.raise_for_load();
        }
        if let Some(listen) = overrides.listen {
            config.listen = listen;
        }
        if let Some(data) = overrides.data {
            config.data = data;
        }
        if let Some(level) = overrides.level {
            config.level = level;
            reader.flag("level", "--level");
        } else if config.redis.is_set() && !reader.is_set("level") {
            config.level = Level::RedisDisk.name().to_owned();
        }
        for (key, detail) in config.check() {
            let place = reader.place(key);
            reader.faults.push(Fault::at(&place, format!("`{key}` {detail}")));
        }
        // As browsers write it, since origins are compared with it.
        config.public_url = config.public_url.as_deref().map(check::origin);
        if reader.faults.is_empty() { Ok(config) } else { Err(ConfigErrors(reader.faults)) }
    }

    /// Opens the store; on Redis, with what only Redis can do.
    ///
    /// # Errors
    /// What is in the way, and what to do about it.
    pub fn open_store(&self) -> anyhow::Result<Store> {
        let options = self.store_options()?;
        if options.level.on_redis() {
            let log = Arc::new(RedisLog::open(&options, &self.redis.place())?);
            return Ok((Arc::clone(&log) as Arc<dyn Log>, Some(log)));
        }
        Ok((log_store::open(&options)?, None))
    }

    /// Where the key files are: in `keys` below this.
    #[must_use]
    pub fn keys(&self) -> &Path {
        if self.redis.is_set() && !self.redis.keys.as_os_str().is_empty() {
            &self.redis.keys
        } else {
            &self.data
        }
    }

    /// Where the blob store is: in `blobs` below this.
    #[must_use]
    pub fn blobs(&self) -> &Path {
        if self.shares_blobs() { &self.redis.blobs } else { &self.data }
    }

    /// Whether all nodes have one blob store.
    #[must_use]
    pub fn shares_blobs(&self) -> bool {
        self.redis.is_set() && !self.redis.blobs.as_os_str().is_empty()
    }

    /// How to open the store.
    ///
    /// # Errors
    /// If the level is not one.
    pub fn store_options(&self) -> anyhow::Result<log_store::Options> {
        Ok(log_store::Options {
            path: self.data.clone(),
            level: self.level.parse::<Level>()?,
            archive_days: self.retention.events_days,
        })
    }
}

#[cfg(test)]
mod tests;
