//! The flags of `switchboard migrate`, and help that teaches.

use std::path::PathBuf;

use clap::Args;

pub(super) const HELP: &str = "\
Examples:
  switchboard migrate --config switchboard.toml --from /var/lib/switchboard    into the Redis that the file names
  switchboard migrate --config switchboard.toml --from /var/lib/switchboard --workspace shop --workspace bikes
  switchboard migrate --config switchboard.toml --to /var/lib/switchboard-alone    from that Redis into a new data folder

Stop all servers first. What it is moved into must be empty. Events, transcripts, customers, accounts, keys, policies and what
waits to go out are moved; key files, archive and attachments go to or come from the folders that the file names. In the end
both are compared, record by record, row by row and state by state. The source is left as it is. If it breaks off, run it
again: until it has come to its end nothing serves from what is half filled.";

/// `switchboard migrate`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("direction").required(true).args(["from", "to"]))]
pub struct Migrate {
    /// The configuration of the nodes on Redis (TOML)
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The data folder of a stopped store: it is moved to Redis
    #[arg(long)]
    pub from: Option<PathBuf>,
    /// A new data folder: what is on Redis is moved to it
    #[arg(long)]
    pub to: Option<PathBuf>,
    /// A workspace by name; can be given several times [default: all]
    #[arg(long = "workspace")]
    pub workspaces: Vec<String>,
}
