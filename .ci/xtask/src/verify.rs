//! What `verify` and `check` do, step by step. Neither writes to the tree: what is built goes to `target`, `web/dist` and
//! `node_modules`, which git ignores, and the last step of `verify` says so if it did not.

use std::sync::OnceLock;

use anyhow::{Result, ensure};

use crate::loadtest::{DIALOGUES, measured, sabotages, sound};
use crate::step::{Program, Step, Work, cargo, npm};
use crate::{budgets, dependencies, fix, report, tree};

const fn look(name: &'static str, look: fn() -> Result<String>) -> Step {
    Step { name, work: Work::Look(look) }
}

/// Everything.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![
        look("tree-before", before),
        fmt(),
        npm("web-packages", "web", &["ci", "--no-audit", "--no-fund"], 10),
        npm("web-check", "web", &["run", "check"], 5),
        npm("web-test", "web", &["test"], 5),
        npm("web-build", "web", &["run", "build"], 5),
        look("web-budgets", budgets::check),
        clippy(),
        cargo("test", &["test", "--workspace", "--exclude", "tests", "--no-fail-fast"], 40),
        documentation(),
        tidy(),
        look("generated", fix::fresh),
    ];
    steps.extend(dependency_steps());
    steps.push(cargo(
        "build-release",
        &["build", "--release", "--package", "router", "--package", "loadtest"],
        40,
    ));
    steps.push(cargo("e2e", &["test", "--package", "tests", "--test", "e2e", "--no-fail-fast"], 20));
    steps.push(e2e_on_redis());
    steps.push(sound("replay", &["replay", DIALOGUES, "--speed", "100", "--spawn", "embedded", "--json"], 5));
    steps.extend(sabotages());
    steps.push(sound("crash-os", &["crash", "--rounds", "3", "--level", "os", "--json"], 5));
    steps.push(sound("crash-disk", &["crash", "--rounds", "3", "--level", "disk", "--json"], 5));
    steps.push(sound("cluster", &["cluster", "--json"], 10));
    let sharded = ["cluster", "--redis", "cluster", "--fault", "node-kill,redis-failover", "--json"];
    steps.push(sound("cluster-of-redis", &sharded, 5));
    steps.push(measured("compare", &["compare", "--quick", "--json"], 10));
    steps.push(npm("browser-packages", "tests/browser", &["ci", "--no-audit", "--no-fund"], 10));
    let mail_servers = ["build", "--release", "--package", "connectors", "--example", "mail_servers"];
    steps.push(cargo("build-mail-servers", &mail_servers, 10));
    steps.push(browser());
    steps.push(look("tree-after", after));
    steps
}

/// The fast part, for every day: no release build, no server, no browser.
pub(crate) fn everyday() -> Vec<Step> {
    vec![
        fmt(),
        clippy(),
        cargo(
            "test",
            &["test", "--workspace", "--exclude", "tests", "--lib", "--bins", "--no-fail-fast"],
            20,
        ),
        tidy(),
    ]
}

/// What we depend on.
pub(crate) fn dependency_steps() -> Vec<Step> {
    vec![look("dependencies", dependencies::check), look("advisories", dependencies::advisories)]
}

fn fmt() -> Step {
    cargo("fmt", &["fmt", "--all", "--check"], 2)
}

fn clippy() -> Step {
    cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], 30)
}

fn tidy() -> Step {
    cargo("tidy", &["test", "--package", "tests", "--test", "tidy", "--lib"], 20)
}

fn documentation() -> Step {
    let mut step =
        cargo("documentation", &["doc", "--no-deps", "--workspace", "--color", report::colours()], 20);
    if let Work::Program(program) = &mut step.work {
        program.variables.push(("RUSTDOCFLAGS", "-D warnings".to_owned()));
    }
    step
}

/// The same tests once more, with every server on a Redis.
fn e2e_on_redis() -> Step {
    let tests = ["test", "--package", "tests", "--test", "e2e", "--no-fail-fast"];
    let mut step = cargo("e2e-redis", &tests, 30);
    if let Work::Program(program) = &mut step.work {
        program.variables.push(("SWITCHBOARD_TEST_STORE", "redis".to_owned()));
    }
    step
}

fn browser() -> Step {
    Step {
        name: "browser",
        work: Work::WithDemo(Program::new("node", ["run.mjs"]).within("tests/browser").minutes(10)),
    }
}

static BEFORE: OnceLock<String> = OnceLock::new();

fn before() -> Result<String> {
    let changes = tree::changes()?;
    let told = if changes.is_empty() {
        "clean".to_owned()
    } else {
        format!("{} uncommitted change(s)", changes.lines().count())
    };
    BEFORE.set(changes).ok();
    Ok(told)
}

fn after() -> Result<String> {
    let Some(before) = BEFORE.get() else { return Ok("not compared: tree-before was not run".to_owned()) };
    let now = tree::changes()?;
    let new: Vec<&str> = now.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    ensure!(new.is_empty(), "the tree was written to while it was checked:\n  {}", new.join("\n  "));
    Ok("unchanged".to_owned())
}
