//! Load tests of Switchboard, the external checker, and the comparison with bare yardsticks.
//!
//! | module | what it is |
//! |---|---|
//! | [`replay`], [`load`], [`baseline`], [`compare`], [`crash`] | the commands, a file each |
//! | [`dialogs`], [`roster`], [`stage`] | what is played, by whom, and the playing |
//! | [`client`], [`customer`], [`agent`], [`talk`], [`hear`] | the two kinds of clients |
//! | [`journal`], [`checker`], [`figures`] | what clients wrote down, and what follows from it |
//! | [`spawn`], [`api`] | the server under test |
//! | [`report`], [`fail`], [`rng`] | results, errors, random numbers |
//!
//! Standard output carries the result alone. Exit status: 0 measured and correct (even where a goal is missed), 1 a
//! correctness violation or an incomplete run, 2 usage, 69 a missing tool.

mod agent;
mod api;
mod checker;
mod client;
mod customer;
mod dialogs;
mod fail;
mod figures;
mod hear;
mod journal;
mod replay;
mod report;
mod rng;
mod roster;
mod spawn;
mod stage;
mod talk;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Replay(arguments) => Box::pin(replay::run(arguments)).await,
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
