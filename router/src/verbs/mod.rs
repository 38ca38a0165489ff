//! What each verb of the command line does.

mod check;
mod export;
mod migrate;
mod policy;
mod ready;
mod store;

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::{self, Cli, Demo, Serve, Verb};
use crate::config::{Config, ConfigErrors, Overrides};
use crate::server::Server;
use crate::{demo, telemetry};

/// The configuration is wrong (`EX_CONFIG` of sysexits).
const EXIT_CONFIG: u8 = 78;

/// Runs a verb; the exit code says how it went.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let done = runtime.block_on(async {
        match cli.verb {
            Verb::Demo(arguments) => run_demo(arguments).await,
            Verb::Serve(arguments) => run_serve(arguments).await,
            Verb::Check(arguments) => check::check(&arguments),
            Verb::Policy(verb) => policy::run(&verb).await,
            Verb::Token(token) => store::token(token).await,
            Verb::Workspace(workspace) => store::workspace(workspace).await,
            Verb::Ready { url } => ready::ready(&url),
            Verb::Backup(arguments) => store::backup(arguments).await,
            Verb::Restore(arguments) => store::restore(arguments).await,
            Verb::Migrate(arguments) => migrate::migrate(arguments).await,
            Verb::Export(cli::Export::Events(arguments)) => export::events(arguments).await,
            Verb::BenchLog(arguments) => store::bench_log(arguments).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ConfigErrors>() || error.is::<policy::PolicyFaults>() => {
            say_error(&error.to_string());
            ExitCode::from(EXIT_CONFIG)
        }
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn fail(detail: &str) -> ExitCode {
    say_error(&format!("switchboard: {detail}"));
    ExitCode::FAILURE
}

fn say_error(text: &str) {
    // With standard error gone there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Prints a line for people or programs.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

async fn run_demo(arguments: Demo) -> anyhow::Result<()> {
    let overrides =
        Overrides { listen: Some(arguments.listen), data: Some(arguments.data), level: arguments.level };
    let mut config = Config::load(None, crate::config::environment(), overrides)?;
    if !arguments.json && std::env::var_os("SWITCHBOARD__LOG__FILTER").is_none() {
        config.log.filter = "warn".into();
    }
    telemetry::init(&config.log);
    let server = Server::start(config).await?;
    let links = demo::start(&server, arguments.quiet_demo).await?;
    if arguments.json {
        say(&serde_json::to_string(&links)?)?;
    } else {
        say(&format!(
            "Switchboard is running, with a demo company.\n\n  \
               shop with the chat widget  {}\n  \
               agent console              {}\n  \
               operations dashboard       {}\n\n  \
             Sign in to console and dashboard as {} with password {}.\n  \
             Ctrl+C ends it; the data stays for the next time.",
            links.widget, links.console, links.dashboard, links.sign_in.name, links.sign_in.password
        ))?;
    }
    server.run().await
}

async fn run_serve(arguments: Serve) -> anyhow::Result<()> {
    let overrides = Overrides { listen: arguments.listen, data: arguments.data, level: arguments.level };
    let config = Config::load(arguments.config.as_deref(), crate::config::environment(), overrides)?;
    telemetry::init(&config.log);
    let server = Server::start(config).await?;
    say(&format!("Switchboard listens on {}", server.url()))?;
    if let Some(token) = server.app.accounts.setup_token() {
        say(&format!(
            "Nobody can sign in yet. Make the first admin here, once:\n  {}/setup/?token={token}",
            server.url()
        ))?;
    }
    tell_operator(&server.app.accounts)?;
    server.run().await
}

/// Prints the operator's token where this process has made it.
fn tell_operator(accounts: &crate::accounts::Accounts) -> anyhow::Result<()> {
    let Some(token) = accounts.operator_token_once() else { return Ok(()) };
    say(&format!("The operator's token, shown this once (it makes workspaces and backups):\n  {token}"))
}
