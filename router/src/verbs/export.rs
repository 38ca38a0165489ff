//! `switchboard export events`: what was recorded of a workspace as one file, without bodies and without names; of a stopped
//! store, or as a running server sends it.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context as _;
use simulation::whatif::Part;
use simulation::whatif::recording::{END_BYTES, Writer, ended};

use super::store::accounts;
use super::{say_error, store};
use crate::cli;
use crate::client::Remote;
use crate::recording::parts;

/// Writes the recording of one workspace, event by event.
pub(super) async fn events(arguments: cli::ExportEvents) -> anyhow::Result<()> {
    match &arguments.server.url {
        Some(url) => from_server(&arguments, url).await,
        None => from_store(&arguments).await,
    }
}

/// Where the recording goes.
fn opened(arguments: &cli::ExportEvents) -> anyhow::Result<Box<dyn Write>> {
    if arguments.out.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdout().lock()));
    }
    let file = File::create(&arguments.out);
    let file = file.with_context(|| format!("{} could not be written", arguments.out.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// As a running server sends it.
async fn from_server(arguments: &cli::ExportEvents, url: &str) -> anyhow::Result<()> {
    let remote = Remote::at(url, arguments.server.ca.as_deref())?;
    let answer = remote.get("/api/v1/export/events", arguments.server.token.as_deref()).await?;
    // Only now, so that a refusal leaves an older recording as it was.
    let mut out = opened(arguments)?;
    let last = answer.write_to(&mut out, END_BYTES).await?;
    let events = ended(&last).context("the recording broke off: export it again")?;
    told(events, &format!("of {url}"), &arguments.out.display().to_string());
    Ok(())
}

/// Of a stopped store.
async fn from_store(arguments: &cli::ExportEvents) -> anyhow::Result<()> {
    let (log, accounts) = accounts(&arguments.data).await?;
    let record = match &arguments.workspace {
        Some(name) => store::workspace_named(&accounts, name)?,
        None => {
            let mut all = accounts.workspaces();
            let names: Vec<_> = all.iter().map(|it| it.name.clone()).collect();
            anyhow::ensure!(all.len() == 1, "name one with --workspace; there are: {}", names.join(", "));
            all.remove(0)
        }
    };
    let unwritten = || format!("{} could not be written", arguments.out.display());
    let mut writer = Writer::begin(opened(arguments)?, record.id).with_context(unwritten)?;
    // The number of shards is not kept in the store; a workspace is in one of those that have records.
    for shard in log.shards()? {
        let mut here = false;
        let mut failed = None;
        let done = parts(&*log, shard, record.id, &mut |part| {
            here |= !matches!(part, Part::Erased(_));
            let written = match &part {
                Part::State(engine) => writer.state(engine),
                Part::Event(event) => writer.event(event),
                Part::Erased(customers) => writer.erased(customers),
            };
            written.map_err(|fault| {
                let told = fault.to_string();
                failed = Some(fault);
                told
            })
        });
        if let Some(fault) = failed {
            return Err(fault).with_context(unwritten);
        }
        done?;
        if here {
            break;
        }
    }
    let events = writer.end().with_context(unwritten)?;
    log.close();
    told(events, &format!("of {}", record.id), &arguments.out.display().to_string());
    Ok(())
}

/// On standard error, since the recording itself may go to standard output.
fn told(events: u64, of: &str, to: &str) {
    say_error(&format!("{events} events {of}, without bodies and names, are in {to}"));
}
