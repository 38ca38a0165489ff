//! A yardstick as a child process: this program again, with a hidden verb.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStdin, Command};

const READY_MAX: Duration = Duration::from_secs(10);

/// A child that serves until it is dropped.
pub(crate) struct Child {
    pub(crate) address: SocketAddr,
    process: tokio::process::Child,
    /// It ends when this closes, even if this program is killed.
    _lifeline: Option<ChildStdin>,
}

fn own(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("this program's own path")?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

impl Child {
    /// Starts the bare relay.
    pub(crate) async fn relay() -> Result<Self> {
        Self::start(&["yardstick-relay"]).await
    }

    /// Starts two bare relays that are joined by a Redis.
    pub(crate) async fn joined(redis: SocketAddr) -> Result<(Self, Self)> {
        let redis = redis.to_string();
        let one = ["yardstick-relay", "--redis", &redis, "--ours", "one", "--theirs", "other"];
        let other = ["yardstick-relay", "--redis", &redis, "--ours", "other", "--theirs", "one"];
        Ok((Self::start(&one).await?, Self::start(&other).await?))
    }

    async fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = own(arguments)?.spawn().context("the relay does not start")?;
        let lifeline = process.stdin.take();
        let out = process.stdout.take().context("the relay has no output")?;
        let mut lines = BufReader::new(out).lines();
        let line =
            tokio::time::timeout(READY_MAX, lines.next_line()).await.context("the relay is not ready")??;
        let address = line.context("the relay has ended")?.parse().context("the relay's address")?;
        Ok(Self { address, process, _lifeline: lifeline })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.process.kill().await.context("the relay does not end")
    }
}

/// Runs a yardstick to its end and reads its result.
pub(crate) async fn run_once<T: DeserializeOwned>(arguments: &[&str]) -> Result<T> {
    let done = own(arguments)?.output().await.context("a yardstick does not start")?;
    ensure!(
        done.status.success(),
        "{} failed: {}",
        arguments[0],
        String::from_utf8_lossy(&done.stderr).trim()
    );
    serde_json::from_slice(&done.stdout).with_context(|| format!("the result of {}", arguments[0]))
}
