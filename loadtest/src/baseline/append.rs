//! Raw grouped append: write so many records at once, fdatasync, again. No log, no index, no checksum.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::journal::micros;

/// What to append.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppendArgs {
    /// The folder for the file
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// Records written at once
    #[arg(long, default_value_t = 1)]
    pub(crate) group: usize,
    /// Bytes of a record
    #[arg(long, default_value_t = 500)]
    pub(crate) bytes: usize,
    /// A pause after each sync, in microseconds
    #[arg(long, default_value_t = 0)]
    pub(crate) pause_us: u64,
    /// How long
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
}

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Appended {
    pub(crate) per_s: f64,
    /// The time of each write with its fdatasync, in microseconds.
    pub(crate) sync_us: Vec<u64>,
}

/// Appends for a while.
pub(crate) fn append(arguments: &AppendArgs) -> Result<Appended> {
    let path = arguments.folder.join("yardstick-append");
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let group = vec![b'x'; arguments.group * arguments.bytes];
    let until = Duration::try_from_secs_f64(arguments.seconds).context("--seconds")?;
    let pause = Duration::from_micros(arguments.pause_us);
    let mut sync_us = Vec::new();
    let started = Instant::now();
    while started.elapsed() < until {
        let before = Instant::now();
        file.write_all(&group)?;
        file.sync_data()?;
        sync_us.push(micros(before.elapsed()));
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
    let records = (sync_us.len() * arguments.group) as f64;
    std::fs::remove_file(&path)?;
    Ok(Appended { per_s: records / started.elapsed().as_secs_f64(), sync_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted_by_record() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = AppendArgs {
            folder: folder.path().to_path_buf(),
            group: 10,
            bytes: 50,
            pause_us: 0,
            seconds: 0.05,
        };
        let done = append(&arguments).unwrap();
        assert!(!done.sync_us.is_empty());
        assert!(done.per_s >= 10.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
