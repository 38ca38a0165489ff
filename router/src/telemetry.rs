//! Logs: facts with fields, to standard error. Ids only: never a body, a name, an address or a secret.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Starts logging. A filter that cannot be read is told and replaced by `info`.
pub fn init(settings: &LogSettings) {
    let (filter, fault) = match settings.filter.parse::<EnvFilter>() {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error.to_string())),
    };
    let json = match settings.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    if let (Ok(()), Some(fault)) = (started, fault) {
        tracing::warn!(%fault, "the log filter cannot be read: info is used");
    }
}
