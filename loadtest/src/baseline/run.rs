//! `loadtest baseline`: measures the yardsticks alone.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Appended, Child, run_once};
use crate::compare::ready;
use crate::pairs::{Pace, drive};
use crate::report::{Common, Report, bar};
use crate::stats::times;

/// Flags of `baseline`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many pairs
    #[arg(long, default_value_t = 100)]
    pairs: usize,
    /// How long each part is measured, in seconds
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Records written at once by the raw append
    #[arg(long, default_value_t = 64)]
    group: usize,
    #[command(flatten)]
    common: Common,
}

/// Light load, as a share of the measured peak.
pub(crate) const LIGHT: f64 = 0.1;

/// Runs it.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    let mut report = Report::new("baseline", &arguments.common, "memory, disk", json!({}));
    let progress = bar(4, "yardsticks");
    let relay = Child::relay().await?;
    let pairs = ready::over_relay(relay.address, arguments.pairs.max(1)).await?;
    let (pairs, full) = drive(pairs, Pace::Full, arguments.seconds).await?;
    progress.inc(1);
    let (_, light) = drive(pairs, Pace::Open(full.per_s() * LIGHT), arguments.seconds).await?;
    relay.stop().await?;
    progress.inc(1);
    let folder = tempfile::tempdir().context("no folder to append in")?;
    let single = raw(folder.path(), 1, 5_000, arguments.seconds).await?;
    progress.inc(1);
    let grouped = raw(folder.path(), arguments.group.max(1), 0, arguments.seconds).await?;
    progress.finish_and_clear();
    report.set("relay_ms", times(&light.relay_us)?.json());
    report.set("relay_per_s", full.per_s().round());
    report.set("fdatasync_ms", times(&single.sync_us)?.json());
    report.set("append_per_s", grouped.per_s.round());
    report.print(arguments.common.json)
}

/// The raw append as a child process.
pub(crate) async fn raw(
    folder: &std::path::Path,
    group: usize,
    pause_us: u64,
    seconds: f64,
) -> Result<Appended> {
    let (group, pause) = (group.to_string(), pause_us.to_string());
    let (folder, seconds) = (folder.display().to_string(), seconds.to_string());
    run_once(&[
        "yardstick-append",
        "--folder",
        &folder,
        "--group",
        &group,
        "--pause-us",
        &pause,
        "--seconds",
        &seconds,
    ])
    .await
}
