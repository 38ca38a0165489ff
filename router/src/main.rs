//! `switchboard`: parse, run the verb, exit with a code that says how it went.

use std::process::ExitCode;

use clap::Parser;
use router::cli::Cli;
use router::verbs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    verbs::run(Cli::parse())
}
