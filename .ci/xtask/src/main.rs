//! `cargo xtask <verb>`: everything the gate does, in Rust, so that it runs the same by hand and in the pipeline.
//!
//! `verify` and `check` never write to the tree; `fix` and `types` do. Each verb is a list of named steps; all of them
//! run even if one fails, each in a process group of its own with a time limit, and the last line says how many tests
//! and checks passed and failed. The exit status is 0 or 1, 2 for usage, 69 for a missing program.

mod asyncapi;
mod browser;
mod budgets;
mod count;
mod dependencies;
mod fix;
mod fuzz;
mod licence;
mod loadtest;
mod long;
mod openapi;
mod process;
mod report;
mod step;
mod tree;
mod types;
mod verify;

use std::process::ExitCode;

use crate::report::say;

const HELP: &str = "\
usage: cargo xtask VERB

  verify         every check and test; never writes to the tree    (make test)
  check          the fast part of it, for every day                (make check)
  long           what the figures need: takes an hour and more     (make long)
  fuzz           the readers of outside input, ten minutes each; also a part of long
  screenshots    the pages in all states, into docs/screenshots    (make screenshots)
  fix            formats, applies what clippy can, writes what is generated
  types          writes what is generated: web/src/protocol.ts, docs/asyncapi.json, docs/openapi.json
  dependencies   licences, bans, sources and duplicates, by .ci/deny.toml

  verify, check, fuzz and long take the names of steps to run only those; --list names them.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = match arguments.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("", &[] as &[String]),
    };
    match verb {
        "verify" => report::run(verify::steps(), rest).await,
        "check" => report::run(verify::everyday(), rest).await,
        "long" => report::run(long::steps(), rest).await,
        "fuzz" => report::run(fuzz::steps(), rest).await,
        "screenshots" => report::run(long::screenshots(), rest).await,
        "dependencies" => report::run(verify::dependency_steps(), rest).await,
        "fix" => report::run(fix::steps(), rest).await,
        "types" => report::run(fix::generate(), rest).await,
        "--help" | "-h" | "help" => {
            say(HELP);
            ExitCode::SUCCESS
        }
        _ => {
            say(HELP);
            ExitCode::from(2)
        }
    }
}
