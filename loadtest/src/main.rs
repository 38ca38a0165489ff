//! Load tests of Switchboard, the external checker, and the comparison with bare yardsticks.
//!
//! | module | what it is |
//! |---|---|
//! | [`replay`], [`load`], [`baseline`], [`compare`], [`crash`], [`cluster`] | the commands, a file each |
//! | [`simulate`], [`whatif`], [`understand`], [`channels`] | the commands that need no server |
//! | [`dialogs`], [`roster`], [`stage`], [`playback`] | what is played, by whom, and the playing |
//! | [`client`], [`customer`], [`agent`], [`talk`], [`hear`] | the two kinds of clients |
//! | [`journal`], [`checker`], [`figures`] | what clients wrote down, and what follows from it |
//! | [`spawn`], [`redis`], [`api`], [`setting`] | the server under test, and a workspace in it |
//! | [`wire`], [`pairs`], [`stats`] | lean clients that measure, and what their figures come to |
//! | [`report`], [`fail`], [`rng`] | results, errors, random numbers |
//!
//! Standard output carries the result alone. Exit status: 0 measured and correct (even where a goal is missed), 1 a
//! correctness violation or an incomplete run, 2 usage, 69 a missing tool.

/// As the server has it, so that a yardstick and the store are measured under the same conditions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod agent;
mod api;
mod baseline;
mod channels;
mod checker;
mod client;
mod cluster;
mod compare;
mod crash;
mod customer;
mod dialogs;
mod fail;
mod figures;
mod hear;
mod journal;
mod load;
mod pairs;
mod playback;
mod proxy;
mod redis;
mod replay;
mod report;
mod rng;
mod roster;
mod sabotage;
mod setting;
mod simulate;
mod spawn;
mod stage;
mod stats;
mod talk;
mod understand;
mod whatif;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Load tests of Switchboard.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "Plays load through Switchboard and judges what the clients saw",
    after_help = "Exit status: 0 measured and correct, 1 a fault or an incomplete run, 2 usage, 69 a missing tool."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays recorded dialogues as real customers and agents, and checks every message
    Replay(replay::Arguments),
    /// Pairs who write at intended times, whether or not they were answered; the figures of `replay`
    Load(load::Arguments),
    /// Measures the yardsticks: a bare WebSocket relay, a raw append with fdatasync
    Baseline(baseline::Arguments),
    /// Measures server and yardsticks in turn, and tells ratios
    Compare(compare::Arguments),
    /// Kills servers in the middle of their work and looks for what was acknowledged
    Crash(crash::Arguments),
    /// Several nodes on one Redis, faults by name, and everything judged
    Cluster(cluster::Arguments),
    /// Plays scenarios on the simulator, which runs the server's own policy and engine, or the designs with known answers
    Simulate(simulate::Arguments),
    /// Replays recorded traffic under another policy or staffing, and tells who would wait longer and who shorter
    #[command(name = "whatif")]
    WhatIf(whatif::Arguments),
    /// Trains and judges language, intent and mood on labelled texts
    Understand(understand::Arguments),
    /// Runs samples of what channels receive through the connectors, and says how many are read as they should be
    Channels(channels::Arguments),
    /// The bare relay, as a child process
    #[command(hide = true)]
    YardstickRelay(baseline::RelayArgs),
    /// The raw append, as a child process
    #[command(hide = true)]
    YardstickAppend(baseline::AppendArgs),
    /// The server's log, as a child process
    #[command(hide = true)]
    YardstickLog(compare::log::LogArgs),
    /// Plain pipelines of what the server's log sends to Redis, as a child process
    #[command(hide = true)]
    YardstickPipeline(compare::pipeline::PipelineArgs),
}

/// A child process tells its figures in JSON, whoever asks.
fn told(figures: anyhow::Result<impl serde::Serialize>) -> anyhow::Result<bool> {
    serde_json::to_writer(std::io::stdout().lock(), &figures?)?;
    Ok(true)
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(arguments) => Box::pin(replay::run(arguments)).await,
        Command::Load(arguments) => Box::pin(load::run(arguments)).await,
        Command::Baseline(arguments) => Box::pin(baseline::run(arguments)).await,
        Command::Compare(arguments) => Box::pin(compare::run(arguments)).await,
        Command::Crash(arguments) => Box::pin(crash::run(arguments)).await,
        Command::Cluster(arguments) => Box::pin(cluster::run(arguments)).await,
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::WhatIf(arguments) => whatif::run(&arguments),
        Command::Understand(arguments) => understand::run(&arguments),
        Command::Channels(arguments) => channels::run(&arguments),
        Command::YardstickRelay(arguments) => baseline::relay(arguments).await.map(|()| true),
        Command::YardstickAppend(arguments) => told(baseline::append(&arguments)),
        Command::YardstickLog(arguments) => told(compare::log::append(&arguments).await),
        Command::YardstickPipeline(arguments) => told(compare::pipeline::write(&arguments).await),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            report::say(&format!("{error:#}"));
            ExitCode::from(fail::status(&error))
        }
    }
}
