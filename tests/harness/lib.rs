//! The end-to-end harness: starts the real `switchboard` as a child process and talks to it as its clients do, over HTTP
//! and WebSocket. Nothing of the server is linked in.
//!
//! ```text
//! Server ── workspace() ──► Workspace ── agent() ───► Client   (an agent's console)
//!                                     ── visitor() ─► Client   (a customer's widget)
//! ```
//!
//! What goes wrong here is a failed test, so the harness panics and says what it was waiting for.

mod client;
mod http;
mod redis;
mod server;
mod workspace;

pub use client::{Client, Incoming, Refused};
pub use http::{Api, Response};
pub use redis::Redis;
pub use server::{LEASE_MS, Server};
pub use workspace::{Agent, Visitor, Workspace};

use std::time::Duration;

/// How long anything may take on a laden machine before a test calls it missing.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long to look on before saying that something does not happen.
pub const QUIET: Duration = Duration::from_millis(700);

/// Milliseconds since 1970.
///
/// # Panics
/// Where the machine's clock stands before 1970.
#[must_use]
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.expect("the clock stands after 1970");
    i64::try_from(since.as_millis()).expect("milliseconds fit for millions of years")
}
