//! How fast a server starts: an empty one, and one with a long log and no snapshot.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

/// A data folder with a long log.
pub(crate) struct LongLog {
    folder: TempDir,
    program: PathBuf,
}

/// What `switchboard check --replay --json` tells.
#[derive(Debug, Deserialize)]
pub(crate) struct Replayed {
    events: f64,
    open_s: f64,
    replay_s: f64,
    scan_s: f64,
}

impl Replayed {
    /// Events a second: opened and replayed, and opened and read only, since a start does both from files.
    pub(crate) fn per_s(&self) -> (f64, f64) {
        let per_s = |seconds: f64| self.events / (self.open_s + seconds).max(1e-9);
        (per_s(self.replay_s), per_s(self.scan_s))
    }
}

impl LongLog {
    /// Fills a data folder.
    pub(crate) async fn make(program: &Path, events: u64) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-log-").tempdir().context("no folder for the log")?;
        let log = Self { folder, program: program.to_owned() };
        let events = events.to_string();
        log.run(&["bench-log", "--events", &events]).await?;
        Ok(log)
    }

    /// Times replay and raw scan.
    pub(crate) async fn replay(&self) -> Result<Replayed> {
        let told = self.run(&["check", "--replay", "--json"]).await?;
        let replayed: Replayed =
            serde_json::from_slice(&told).context("the result of `switchboard check`")?;
        ensure!(replayed.events > 0.0, "the log has no events: there is nothing to replay");
        Ok(replayed)
    }

    async fn run(&self, words: &[&str]) -> Result<Vec<u8>> {
        let done = Command::new(&self.program)
            .args(words)
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("`switchboard {}` does not start", words[0]))?;
        let problem = String::from_utf8_lossy(&done.stderr);
        let last = problem.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        ensure!(done.status.success(), "`switchboard {}` failed: {last}", words[0]);
        Ok(done.stdout)
    }
}
