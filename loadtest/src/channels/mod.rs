//! `channels`: runs every sample of a folder of test vectors through the connectors' own reading code, and says how many are
//! read as they should be. What is expected stands beside the samples; a folder that no connector reads is skipped, never right.

mod email;
mod html;
mod reading;
mod samples;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::report::{Common, Report, bar, say};
use reading::{Judged, Reading};
use samples::{Folder, Sample};

/// Flags of `channels`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The folder with the samples; each folder in it has its expectations beside its samples
    #[arg(long, value_name = "DIR")]
    vectors: PathBuf,
    /// Also write what was read, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    dump: Option<PathBuf>,
}

/// Reads and judges one sample.
type Reader = fn(&Sample) -> Judged;

/// Who reads a folder, by its path within the vectors.
fn reader(folder: &str) -> Option<Reader> {
    email::reader(folder).or_else(|| html::reader(folder))
}

/// What came of a folder.
#[derive(Default)]
struct Counts {
    samples: usize,
    right: usize,
    wrong: usize,
    skipped: usize,
    failures: Vec<Value>,
}

/// Runs it; a sample that is read wrongly is a goal missed, a reader that panics a fault.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut report = Report::new("channels", &arguments.common, "none", json!({}));
    let folders = samples::folders(&arguments.vectors)?;
    let mut dump = match &arguments.dump {
        Some(path) => Some(std::io::BufWriter::new(
            std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?,
        )),
        None => None,
    };
    let progress = bar(folders.iter().map(|it| it.samples.len() as u64).sum(), "samples");
    let mut rows = Vec::new();
    let mut all = Counts::default();
    for folder in &folders {
        let (counts, panics) = judge(folder, dump.as_mut(), &progress)?;
        if panics > 0 {
            report.correct = false;
            say(&format!("{}: {panics} samples made the reader panic", folder.path));
        }
        all.samples += counts.samples;
        all.right += counts.right;
        all.wrong += counts.wrong;
        all.skipped += counts.skipped;
        if counts.wrong > 0 {
            report.misses.push(folder.path.clone());
        }
        rows.push(json!({
            "folder": folder.path, "samples": counts.samples, "right": counts.right, "wrong": counts.wrong,
            "skipped": counts.skipped, "failures": counts.failures,
        }));
    }
    progress.finish_and_clear();
    if all.samples == 0 {
        report.correct = false;
        say("no samples were found: each folder needs an expected.json, or JSON files with items");
    }
    if let Some(mut dump) = dump {
        dump.flush().context("the dump cannot be written to its end")?;
    }
    report.set("samples", all.samples);
    report.set("right", all.right);
    report.set("wrong", all.wrong);
    report.set("skipped", all.skipped);
    report.set("folders", rows);
    report.print(arguments.common.json)
}

fn judge(
    folder: &Folder,
    mut dump: Option<&mut impl std::io::Write>,
    progress: &indicatif::ProgressBar,
) -> Result<(Counts, usize)> {
    let mut counts = Counts { samples: folder.samples.len(), ..Counts::default() };
    let mut panics = 0;
    let Some(read) = reader(&folder.path) else {
        counts.skipped = counts.samples;
        progress.inc(counts.samples as u64);
        return Ok((counts, panics));
    };
    for sample in &folder.samples {
        progress.inc(1);
        let judged = catch_unwind(AssertUnwindSafe(|| read(sample))).unwrap_or_else(|_| {
            panics += 1;
            Judged { reading: Reading::default(), faults: vec!["the reader panicked".to_owned()] }
        });
        if judged.faults.is_empty() {
            counts.right += 1;
        } else {
            counts.wrong += 1;
            let why = judged.faults.join("; ");
            counts.failures.push(json!({ "file": sample.file, "item": sample.item, "why": why }));
        }
        if let Some(out) = dump.as_deref_mut() {
            writeln!(out, "{}", judged.reading.line(&folder.path, sample))
                .context("the dump cannot be written")?;
        }
    }
    Ok((counts, panics))
}
