//! `switchboard export events`: what was recorded of a workspace as one file, without bodies and without names.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context as _;
use policy::id::WorkspaceId;
use simulation::whatif::Part;
use simulation::whatif::recording::Writer;

use super::store::accounts;
use super::{say_error, store};
use crate::cli;
use crate::recording::parts;

/// Writes the recording of one workspace of a stopped store, event by event.
pub(super) async fn events(arguments: cli::ExportEvents) -> anyhow::Result<()> {
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
    let to_standard = arguments.out.as_os_str() == "-";
    let out: Box<dyn Write> = if to_standard {
        Box::new(std::io::stdout().lock())
    } else {
        Box::new(File::create(&arguments.out).with_context(unwritten)?)
    };
    let mut writer = Writer::begin(BufWriter::new(out), record.id).with_context(unwritten)?;
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
    told(record.id, events, &arguments.out.display().to_string());
    Ok(())
}

/// On standard error, since the recording itself may go to standard output.
fn told(workspace: WorkspaceId, events: u64, to: &str) {
    say_error(&format!("{events} events of {workspace}, without bodies and names, are in {to}"));
}
