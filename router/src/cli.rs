//! The command line: verbs, their flags, and help that teaches.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Routes conversations from customers, on any channel, to the right agent or bot, in real time.
#[derive(Debug, Parser)]
#[command(
    name = "switchboard",
    version,
    after_help = "Examples:\n  \
        switchboard demo                          a small company to try, nothing to set up\n  \
        switchboard serve --data /var/lib/switchboard\n  \
                                                  prints a one-time link to make the first admin\n  \
        switchboard check --config switchboard.toml\n  \
        switchboard policy check policy.toml\n\n\
        Settings come from the file, then the environment (SWITCHBOARD__LIMITS__FRAMES_PER_S=50), then flags.\n\
        Exit codes: 0 done, 1 failed, 2 usage, 78 configuration."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Starts a demo company on loopback: shop page, console, dashboard, a bot and simulated customers
    Demo(Demo),
    /// Serves
    Serve(Serve),
    /// Checks configuration and, with --data, a stopped store
    Check(Check),
    /// Policies
    #[command(subcommand)]
    Policy(Policy),
    /// Tokens, on a stopped store
    #[command(subcommand)]
    Token(Token),
    /// Workspaces, on a stopped store
    #[command(subcommand)]
    Workspace(Workspace),
    /// Copies a store consistently; a running one through its server with --url and --token
    Backup(Backup),
    /// Fills a new data folder from a backup, and verifies it
    Restore(Restore),
    /// Fills a store with events, to measure a start with
    #[command(hide = true)]
    BenchLog(BenchLog),
}

/// `switchboard demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The data folder
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// What an acknowledgement survives: memory, os, disk
    #[arg(long)]
    pub level: Option<String>,
    /// Print one line of JSON when ready: widget, console, dashboard, api, `sign_in`
    #[arg(long)]
    pub json: bool,
    /// No bot, no simulated customers and colleagues
    #[arg(long)]
    pub quiet_demo: bool,
}

/// `switchboard serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file (TOML)
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Where to listen
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// The data folder
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// What an acknowledgement survives: memory, os, disk
    #[arg(long)]
    pub level: Option<String>,
}

/// `switchboard check`
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file (TOML)
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Also read this stopped store from end to end
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Time the replay of the store against a raw scan of it
    #[arg(long, requires = "data")]
    pub replay: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `switchboard policy`
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Checks a policy document; every fault is told in one run
    Check {
        /// The document (TOML)
        file: PathBuf,
    },
}

/// `switchboard token`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Makes a token for an agent
    Create {
        /// The data folder
        #[arg(long, default_value = "data")]
        data: PathBuf,
        /// The workspace by name
        #[arg(long)]
        workspace: String,
        /// The agent's sign-in name
        #[arg(long)]
        agent: String,
        /// How long it lasts
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Makes a new operator's token; the old one ends
    Operator {
        /// The data folder
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
}

/// `switchboard workspace`
#[derive(Debug, Subcommand)]
pub enum Workspace {
    /// Makes a workspace and prints its keys, once
    Create {
        /// Its name: a-z, 0-9 and -
        name: String,
        /// The data folder
        #[arg(long, default_value = "data")]
        data: PathBuf,
        /// Its policy document (TOML)
        #[arg(long)]
        policy: Option<PathBuf>,
    },
    /// Lists workspaces
    List {
        /// The data folder
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
}

/// `switchboard backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The data folder of a stopped store
    #[arg(long, default_value = "data", conflicts_with = "url")]
    pub data: PathBuf,
    /// The address of a running server, such as http://127.0.0.1:8080: it writes the backup itself
    #[arg(long, requires = "token")]
    pub url: Option<String>,
    /// The operator's token
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The new folder to write to
    #[arg(long)]
    pub to: PathBuf,
}

/// `switchboard restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(long)]
    pub from: PathBuf,
    /// The new data folder
    #[arg(long)]
    pub data: PathBuf,
}

/// `switchboard bench-log`
#[derive(Debug, Args)]
pub struct BenchLog {
    /// The new data folder
    #[arg(long)]
    pub data: PathBuf,
    /// How many events
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
}
