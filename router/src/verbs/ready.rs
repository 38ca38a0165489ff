//! `ready`: asks a running node whether it takes work, for health checks that have no other program at hand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;

use super::say;

const PATIENCE: Duration = Duration::from_secs(3);
/// What is read of an answer.
const ANSWER_MAX: u64 = 16 << 10;

/// `switchboard ready`
pub(super) fn ready(url: &str) -> anyhow::Result<()> {
    let host = url
        .strip_prefix("http://")
        .context("only plain http:// addresses can be asked: name the node's own")?;
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host).with_context(|| format!("nobody answers at {host}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200 "), "not ready: {body}");
    say(body)
}
