//! A simulated world as a server would have recorded it: the same file that `switchboard export events` writes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use policy::id::WorkspaceId;
use serde_json::json;
use simulation::setting::document;
use simulation::whatif::recording::Writer;
use simulation::{arrivals, world};

use super::{Arguments, scenarios, seed_of};
use crate::fail::Usage;
use crate::report::Report;

/// Plays one scenario under one rule and writes its events.
pub(super) fn run(arguments: &Arguments, path: &Path) -> Result<bool> {
    let chosen = scenarios::chosen(arguments, path, [])?;
    let ([scenario], [rule], Some(to)) = (&chosen[..], &arguments.rule[..], &arguments.record) else {
        return Err(
            Usage("--record takes one scenario and one rule: use --only and --rule".to_owned()).into()
        );
    };
    let mut report = Report::new("simulate", &arguments.common, "none", json!({}));
    let document = document(scenario, rule).map_err(|it| Usage(it.to_string()))?;
    let seed = seed_of(arguments.common.seed, 0);
    let fates = arrivals::draw(scenario, seed);
    let unwritten = || format!("the recording could not be written to {}", to.display());
    let mut out = BufWriter::new(File::create(to).with_context(unwritten)?);
    let mut writer = Writer::begin(&mut out, WorkspaceId::from_bits(1)).with_context(unwritten)?;
    let mut failed = None;
    world::record(scenario, &document, &fates, seed, &mut |event| {
        if failed.is_none() {
            failed = writer.event(event).err();
        }
    })?;
    if let Some(fault) = failed {
        return Err(fault).with_context(unwritten);
    }
    let events = writer.end().with_context(unwritten)?;
    out.flush().with_context(unwritten)?;
    report.set("scenario", scenario.name.as_str());
    report.set("rule", rule.as_str());
    report.set("conversations", fates.len());
    report.set("events", events);
    report.set("recording", to.display().to_string());
    report.print(arguments.common.json)
}
