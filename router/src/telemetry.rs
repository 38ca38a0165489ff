//! Logs: facts with fields, to standard error. Ids only: never a body, a name, an address or a secret.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// The names of spans, in one place, so that logs can be searched by them.
pub mod span {
    /// One connection, from accept to its end or its upgrade.
    pub const CONNECTION: &str = "connection";
    /// One HTTP request.
    pub const REQUEST: &str = "request";
    /// One shard's task.
    pub const SHARD: &str = "shard";
    // The steps of a message, as docs/life-of-a-message.md tells them; at level `trace`, so that they cost nothing else.
    /// A frame that came in: limits, form, role.
    pub const RECEIVE: &str = "receive";
    /// What is asked becomes a command.
    pub const ASK: &str = "ask";
    /// The engine judges a command, applies its events and looks for a match.
    pub const ENGINE: &str = "engine";
    /// Events become effects.
    pub const EFFECTS: &str = "effects";
    /// A batch is under way to the log.
    pub const APPEND: &str = "append";
    /// Durable effects are let out, into the streams.
    pub const RELEASE: &str = "release";
    /// Frames go out over a connection.
    pub const WRITE: &str = "write";
}

/// Starts logging. A filter that cannot be read is told and replaced by `info`.
pub fn init(settings: &LogSettings) {
    let (filter, fault) = filter(&settings.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let started = if is_json(settings.format, std::io::stderr().is_terminal()) {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    if let (Ok(()), Some(fault)) = (started, fault) {
        tracing::warn!(%fault, "the log filter cannot be read: info is used");
    }
}

fn filter(text: &str) -> (EnvFilter, Option<String>) {
    match text.parse() {
        Ok(filter) => (filter, None),
        Err(error) => {
            let error: tracing_subscriber::filter::ParseError = error;
            (EnvFilter::new("info"), Some(error.to_string()))
        }
    }
}

/// People read text, programs read JSON.
fn is_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_told_and_replaced() {
        assert_eq!(filter(&LogSettings::default().filter).1, None, "the default is one");
        let (replaced, fault) = filter("router=loud");
        assert_eq!(replaced.to_string(), "info");
        assert!(fault.is_some());
    }

    #[test]
    fn the_form_follows_who_reads_unless_it_is_set() {
        assert!(is_json(LogFormat::Auto, false) && !is_json(LogFormat::Auto, true));
        assert!(is_json(LogFormat::Json, true) && !is_json(LogFormat::Text, false));
    }
}
