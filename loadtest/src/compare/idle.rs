//! What an idle socket costs: how resident memory grows over many sockets that do nothing.
//!
//! The first thousands are not counted: they fill what the process holds and does not use, such as what signing in needed.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::baseline::{Child, IDLE};
use crate::setting::Setting;
use crate::wire::{Socket, open};

/// Sockets opened before the first look.
const FIRST: usize = 3_000;
/// The process may settle.
const SETTLE: Duration = Duration::from_millis(1_500);
/// Sockets of one local address.
const PER_ADDRESS: usize = 10_000;

/// Resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process's memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS is not told")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("VmRSS")?;
    Ok(kib * 1_024)
}

/// The local address of a socket: several, since one address has only so many ports.
pub(super) fn address(index: usize) -> SocketAddr {
    let last = u8::try_from(index / PER_ADDRESS + 1).unwrap_or(254);
    SocketAddr::from(([127, 0, 0, last], 0))
}

fn per_socket(before: u64, after: u64, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "bytes of a process")]
    {
        after.saturating_sub(before) as f64 / count as f64
    }
}

/// Bytes an idle socket of the bare relay.
pub(crate) async fn of_relay(count: usize) -> Result<f64> {
    let child = Child::relay().await?;
    let pid = child.pid().context("the relay has ended")?;
    let mut sockets: Vec<Socket> = Vec::with_capacity(FIRST + count);
    let mut before = 0;
    for index in 0..FIRST + count {
        if index == FIRST {
            tokio::time::sleep(SETTLE).await;
            before = resident(pid)?;
        }
        let mut socket = open(child.address, Some(address(index)), None).await?;
        socket.send(Message::text(IDLE)).await?;
        sockets.push(socket);
    }
    tokio::time::sleep(SETTLE).await;
    let after = resident(pid)?;
    drop(sockets);
    child.stop().await?;
    Ok(per_socket(before, after, count))
}

/// Bytes an idle session of the server, with its resume state.
pub(crate) async fn of_server(setting: &Setting, pid: u32, count: usize) -> Result<f64> {
    let mut sockets: Vec<Socket> = Vec::with_capacity(FIRST + count);
    let mut before = 0;
    for index in 0..FIRST + count {
        if index == FIRST {
            tokio::time::sleep(SETTLE).await;
            before = resident(pid)?;
        }
        sockets.push(setting.customer(&[], Some(address(index))).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let after = resident(pid)?;
    drop(sockets);
    Ok(per_socket(before, after, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_of_this_process_is_read() {
        assert!(resident(std::process::id()).unwrap() > 1 << 20);
        assert!(resident(u32::MAX).is_err());
    }

    #[test]
    fn addresses_change_before_ports_run_out() {
        assert_eq!(address(0).ip(), address(PER_ADDRESS - 1).ip());
        assert_ne!(address(0).ip(), address(PER_ADDRESS).ip());
    }
}
