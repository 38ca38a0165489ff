//! The command line: verbs, their flags, and help that teaches.

mod migrate;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::migrate::Migrate;

const HELP: &str = "\
Examples:
  switchboard demo                               a small company to try, nothing to set up
  switchboard serve --data /var/lib/switchboard  prints a one-time link to make the first admin
  switchboard check --config switchboard.toml    tells everything that is wrong, in one run
  switchboard policy check policy.toml

Settings come from the file, then the environment (SWITCHBOARD__LIMITS__FRAMES_PER_S=50), then flags.
Exit codes: 0 done, 1 failed, 2 usage, 78 configuration. `switchboard VERB --help` has more of each verb.";

const DEMO_HELP: &str = "\
Examples:
  switchboard demo                                   prints three links and how to sign in
  switchboard demo --listen 127.0.0.1:9000 --data demo-data
  switchboard demo --quiet-demo --json               for programs: one line of JSON, nobody simulated

The password of the demo is known to everyone: leave it on loopback. What was written stays in the data folder.";

const SERVE_HELP: &str = "\
Examples:
  switchboard serve --data /var/lib/switchboard      where nobody can sign in yet, prints a one-time link
  switchboard serve --config /etc/switchboard.toml
  SWITCHBOARD__TLS__CERT=c.pem SWITCHBOARD__TLS__KEY=k.pem switchboard serve --listen 0.0.0.0:443

SIGTERM or Ctrl+C closes in order: clients are told when to come back; a second one ends at once. With TLS, SIGHUP reads
the certificate again; so does a change of its files. A flag wins over the environment, which wins over the file.";

const CHECK_HELP: &str = "\
Examples:
  switchboard check --config switchboard.toml        every fault, with its line and the nearest name
  switchboard check --data /var/lib/switchboard      reads a stopped store from end to end

Exit code 78 if the configuration is wrong, 1 if the store is.";

const POLICY_HELP: &str = "\
Examples:
  switchboard policy check policy.toml               every fault in one run; exit code 78 if there is one
  SWITCHBOARD_TOKEN=swb_... switchboard policy check policy.toml --url https://chat.example.com
                                                     also what the agents there cannot give; exit code 1 if somebody
                                                     would never be served
  switchboard policy test policy.toml                runs the [[tests]] in it
  switchboard policy explain policy.toml --topic refunds --language de-AT
  switchboard policy diff old.toml new.toml

Nothing is changed. A running server takes a policy by PUT /api/v1/policy, in force at the next event; it holds back what its
guards speak against, unless ?reason= is given.";

const TOKEN_HELP: &str = "\
Examples:
  switchboard token create --workspace main --agent harbour-bot --days 90
  switchboard token operator --data /var/lib/switchboard

The token is printed once; the store keeps only its hash. On a running server use POST /api/v1/tokens.";

const WORKSPACE_HELP: &str = "\
Examples:
  switchboard workspace create shop --policy policy.toml   prints its keys and an admin's token, once
  switchboard workspace list

On a running server use /api/v1/workspaces with the operator's token.";

const BACKUP_HELP: &str = "\
Examples:
  switchboard backup --data /var/lib/switchboard --to /backup/monday          of a stopped store
  SWITCHBOARD_TOKEN=swb_... switchboard backup --url http://127.0.0.1:8080 --to /backup/monday

Keep the backup's folder keys/ in another place: without it nobody reads what customers wrote.";

const READY_HELP: &str = "\
Examples:
  switchboard ready                                  asks the node on http://127.0.0.1:8080
  switchboard ready http://127.0.0.1:9000

For health checks that have no other program at hand. What the node says of itself is printed.";

const RESTORE_HELP: &str = "\
Examples:
  switchboard restore --from /backup/monday --data /var/lib/switchboard-new

The new folder must not exist yet. Every shard is replayed, and its state compared with the backup's.";

const EXPORT_HELP: &str = "\
Examples:
  switchboard export events --out monday.rec                       of a stopped store with one workspace
  switchboard export events --data /var/lib/switchboard --workspace shop --out shop.rec
  SWITCHBOARD_TOKEN=swb_... switchboard export events --url https://chat.example.com --out shop.rec

In it: ids, times, sizes of messages, routing classes with their topics and languages, agents' skills, capacity and presence,
policies, and every decision. Not in it: message bodies, names, addresses, facts, labels, keys. It goes back as far as
`retention.events_days`; `loadtest whatif --log FILE --policy new.toml` replays it under another policy. A store is read when it
is stopped; a running server sends its own, of the workspace whose admin the token is of. It also tries policies itself, on
the dashboard or by POST /api/v1/policy/try.";

/// Routes conversations from customers, on any channel, to the right agent or bot, in real time.
#[derive(Debug, Parser)]
#[command(
    name = "switchboard",
    version,
    after_help = HELP
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
    /// Serves, as the configuration says
    Serve(Serve),
    /// Checks configuration and, with --data, a stopped store
    Check(Check),
    /// Policies
    #[command(subcommand, after_help = POLICY_HELP)]
    Policy(Policy),
    /// Tokens, on a stopped store
    #[command(subcommand, after_help = TOKEN_HELP)]
    Token(Token),
    /// Workspaces, on a stopped store
    #[command(subcommand, after_help = WORKSPACE_HELP)]
    Workspace(Workspace),
    /// Asks a running node whether it takes work: exit code 0 if it does, 1 if not
    #[command(after_help = READY_HELP)]
    Ready {
        /// Its address
        #[arg(default_value = "http://127.0.0.1:8080")]
        url: String,
    },
    /// Copies a store consistently; a running one through its server with --url and --token
    Backup(Backup),
    /// Fills a new data folder from a backup, and verifies it
    Restore(Restore),
    /// Moves workspaces from a data folder to Redis, or back
    Migrate(Migrate),
    /// What was recorded, without anybody's words
    #[command(subcommand, after_help = EXPORT_HELP)]
    Export(Export),
    /// Fills a store with events, to measure a start with
    #[command(hide = true)]
    BenchLog(BenchLog),
}

/// `switchboard demo`
#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
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
#[command(after_help = SERVE_HELP)]
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
#[command(after_help = CHECK_HELP)]
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
        /// The server that is asked what its agents cannot give
        #[command(flatten)]
        server: Asked,
    },
    /// Runs the tests that stand in a document
    Test {
        /// The document (TOML)
        file: PathBuf,
    },
    /// Says where a conversation would go, and why
    Explain {
        /// The document (TOML)
        file: PathBuf,
        /// The channel it comes on
        #[arg(long, default_value = "web_chat")]
        channel: String,
        /// Its language, such as `de-AT`
        #[arg(long)]
        language: Option<String>,
        /// What it is about; can be given several times
        #[arg(long = "topic")]
        topics: Vec<String>,
        /// The customer has been here before
        #[arg(long)]
        known: bool,
        /// The customer has proven who they are
        #[arg(long)]
        verified: bool,
        /// The hour of the day in UTC
        #[arg(long, default_value_t = 12)]
        hour: u8,
        /// The day of the week
        #[arg(long, default_value = "mon")]
        weekday: String,
    },
    /// Says what differs between two documents
    Diff {
        /// The old one
        old: PathBuf,
        /// The new one
        new: PathBuf,
    },
}

/// A running server that is asked.
#[derive(Debug, Args)]
pub struct Asked {
    /// The address of a running server, such as `https://chat.example.com`
    #[arg(long, requires = "token")]
    pub url: Option<String>,
    /// Authorities that the server's certificate may come from (PEM) [default: those that this machine trusts]
    #[arg(long, requires = "url")]
    pub ca: Option<PathBuf>,
    /// A token of the workspace
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
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
        /// The company's name as customers see it; else the workspace's
        #[arg(long)]
        company: Option<String>,
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
#[command(after_help = BACKUP_HELP)]
pub struct Backup {
    /// The data folder of a stopped store
    #[arg(long, default_value = "data", conflicts_with = "url")]
    pub data: PathBuf,
    /// The address of a running server, such as `https://chat.example.com`: it writes the backup itself
    #[arg(long, requires = "token")]
    pub url: Option<String>,
    /// Authorities that the server's certificate may come from (PEM) [default: those that this machine trusts]
    #[arg(long, requires = "url")]
    pub ca: Option<PathBuf>,
    /// The operator's token
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The new folder to write to
    #[arg(long)]
    pub to: PathBuf,
}

/// `switchboard restore`
#[derive(Debug, Args)]
#[command(after_help = RESTORE_HELP)]
pub struct Restore {
    /// The backup
    #[arg(long)]
    pub from: PathBuf,
    /// The new data folder
    #[arg(long)]
    pub data: PathBuf,
}

/// `switchboard export`
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Writes the events of one workspace to a file, without bodies and without names
    #[command(after_help = EXPORT_HELP)]
    Events(ExportEvents),
}

/// `switchboard export events`
#[derive(Debug, Args)]
pub struct ExportEvents {
    /// The data folder of a stopped store
    #[arg(long, default_value = "data", conflicts_with = "url")]
    pub data: PathBuf,
    /// The workspace by name; needed where there are several
    #[arg(long, conflicts_with = "url")]
    pub workspace: Option<String>,
    /// A running server, instead of a stopped store
    #[command(flatten)]
    pub server: Asked,
    /// The file to write; - is standard output
    #[arg(long, default_value = "-")]
    pub out: PathBuf,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_that_is_shown_has_examples() {
        for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:\n  "), "{}", verb.get_name());
        }
    }

    #[test]
    fn every_example_can_be_typed() {
        let helps = [
            HELP,
            DEMO_HELP,
            SERVE_HELP,
            CHECK_HELP,
            POLICY_HELP,
            TOKEN_HELP,
            WORKSPACE_HELP,
            BACKUP_HELP,
            READY_HELP,
            RESTORE_HELP,
            migrate::HELP,
            EXPORT_HELP,
        ];
        let mut typed = 0;
        for line in helps.iter().flat_map(|help| help.lines()).filter_map(|line| line.strip_prefix("  ")) {
            let Some(at) = line.find("switchboard ") else { continue };
            // What stands behind two spaces explains.
            let example = line[at..].split("  ").next().unwrap_or_default();
            let example = if line[..at].contains("SWITCHBOARD_TOKEN=") {
                format!("{example} --token x")
            } else {
                example.into()
            };
            assert!(parse(&example).is_ok(), "{example}");
            typed += 1;
        }
        assert!(typed >= 15, "{typed}");
    }

    #[test]
    fn verbs_and_flags_are_read() {
        let Ok(Cli { verb: Verb::Demo(demo) }) =
            parse("switchboard demo --listen 127.0.0.1:0 --json --quiet-demo")
        else {
            panic!("demo")
        };
        assert!(demo.json && demo.quiet_demo && demo.listen.port() == 0 && demo.level.is_none());
        let Ok(Cli { verb: Verb::Token(Token::Create { days, agent, .. }) }) =
            parse("switchboard token create --workspace main --agent bot")
        else {
            panic!("token")
        };
        assert_eq!((days, agent.as_str()), (365, "bot"));
        assert!(parse("switchboard bench-log --data d --events 5").is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, kind) in [
            ("switchboard fly", ErrorKind::InvalidSubcommand),
            ("switchboard serve --listen here", ErrorKind::ValueValidation),
            ("switchboard check --replay", ErrorKind::MissingRequiredArgument),
            ("switchboard restore --from a", ErrorKind::MissingRequiredArgument),
            ("switchboard migrate", ErrorKind::MissingRequiredArgument),
            ("switchboard migrate --from a --to b", ErrorKind::ArgumentConflict),
            ("switchboard backup --to a --data b --url http://c --token t", ErrorKind::ArgumentConflict),
            ("switchboard export events --workspace a --url http://c --token t", ErrorKind::ArgumentConflict),
            ("switchboard policy check a --url http://c", ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parse(line).err(), Some(kind), "{line}");
        }
    }
}
