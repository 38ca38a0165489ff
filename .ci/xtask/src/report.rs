//! Runs steps one after another, times and names each, and closes with one line: `N passed, N failed`.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::browser;
use crate::count::Count;
use crate::process::{self, Stream};
use crate::step::{Program, Step, Work};

/// Prints a line. Standard output may be closed: then nobody reads, and that is no failure of the gate.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

struct Outcome {
    name: &'static str,
    took: Duration,
    count: Count,
    result: Result<String>,
}

/// Runs the steps, or those named in `wanted`; `--list` names them.
pub(crate) async fn run(steps: Vec<Step>, wanted: &[String]) -> ExitCode {
    if wanted.iter().any(|word| word == "--list") {
        for step in &steps {
            say(step.name);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = wanted.iter().find(|word| !steps.iter().any(|step| step.name == **word)) {
        say(&format!("no step is called {unknown}; --list names them"));
        return ExitCode::from(2);
    }
    let mut outcomes = Vec::new();
    for step in
        steps.into_iter().filter(|step| wanted.is_empty() || wanted.iter().any(|word| word == step.name))
    {
        outcomes.push(take(step).await);
    }
    close(&outcomes)
}

async fn take(step: Step) -> Outcome {
    say(&format!("\n=== {}", step.name));
    let started = Instant::now();
    let mut count = Count::default();
    let result = match &step.work {
        Work::Look(look) => look(),
        Work::Program(program) => shown(program, &mut count).await,
        Work::Load(program, judge) => load(program, *judge).await,
        Work::WithDemo(program) => browser::run(program, &mut count).await,
    };
    let outcome = Outcome { name: step.name, took: started.elapsed(), count, result };
    say(&line(&outcome));
    outcome
}

/// Runs a program, shows its lines and counts the tests in them.
pub(crate) async fn shown(program: &Program, count: &mut Count) -> Result<String> {
    let status = process::run(program, |_, text| {
        count.read(text);
        say(text);
    })
    .await?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(String::new())
}

async fn load(program: &Program, judge: fn(&serde_json::Value, i32) -> Result<String>) -> Result<String> {
    let mut printed = String::new();
    let status = process::run(program, |stream, text| {
        say(text);
        if stream == Stream::Out {
            printed.push_str(text);
            printed.push('\n');
        }
    })
    .await?;
    let code = status.code().context("was ended by a signal")?;
    let object = serde_json::from_str(printed.trim())
        .with_context(|| format!("ended with {code} and printed no JSON object on standard output"))?;
    judge(&object, code)
}

fn line(outcome: &Outcome) -> String {
    let seconds = outcome.took.as_secs_f64();
    let (word, note) = match &outcome.result {
        Ok(note) => ("ok", note.clone()),
        Err(error) => ("FAILED", format!("{error:#}")),
    };
    let dash = if note.is_empty() { "" } else { " - " };
    format!("--- {word:6} {:<18} {seconds:7.1} s{dash}{note}", outcome.name)
}

/// What a step adds to the closing line: its tests, or itself where it has none; a failed one at least one failure.
fn weight(count: Count, ok: bool) -> Count {
    match (ok, count) {
        (true, Count { passed: 0, failed: 0 }) => Count { passed: 1, failed: 0 },
        (false, count) => Count { failed: count.failed.max(1), ..count },
        (true, count) => count,
    }
}

fn close(outcomes: &[Outcome]) -> ExitCode {
    say("\n=== summary");
    let mut sum = Count::default();
    for outcome in outcomes {
        say(&line(outcome));
        let count = weight(outcome.count, outcome.result.is_ok());
        sum.passed += count.passed;
        sum.failed += count.failed;
    }
    let took: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    say(&format!("--- in all {took:.0} s"));
    say(&format!("{} passed, {} failed", sum.passed, sum.failed));
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether programs may colour what they print.
pub(crate) fn colours() -> &'static str {
    if std::io::stdout().is_terminal() { "always" } else { "never" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_tests_counts_once() {
        assert_eq!(weight(Count::default(), true), Count { passed: 1, failed: 0 });
        assert_eq!(weight(Count::default(), false), Count { passed: 0, failed: 1 });
    }

    #[test]
    fn a_failed_step_counts_even_where_its_tests_passed() {
        assert_eq!(weight(Count { passed: 5, failed: 0 }, false), Count { passed: 5, failed: 1 });
        assert_eq!(weight(Count { passed: 5, failed: 2 }, false), Count { passed: 5, failed: 2 });
    }
}
