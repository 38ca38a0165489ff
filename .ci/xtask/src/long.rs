//! The long runs: what the stated figures need, and the screenshots of the pages.

use crate::fuzz;
use crate::loadtest::{measured, simulated, sound};
use crate::step::{Program, Step, Work, cargo, npm};

/// The full set of two-sided dialogues: `SWITCHBOARD_DIALOGUES`, else where it lies beside the checkout.
fn dialogues() -> String {
    std::env::var("SWITCHBOARD_DIALOGUES").unwrap_or_else(|_| "../shared/data/dialogs/star.jsonl".to_owned())
}

/// The suite of routing scenarios: `SWITCHBOARD_SCENARIOS`, else where it lies beside the checkout.
fn scenarios() -> String {
    let beside = "../shared/data/scenarios/suite.jsonl".to_owned();
    std::env::var("SWITCHBOARD_SCENARIOS").unwrap_or(beside)
}

/// Labelled texts, by which language, intent and mood are judged: `SWITCHBOARD_LABELLED`, else where they lie beside the
/// checkout.
fn labelled() -> String {
    std::env::var("SWITCHBOARD_LABELLED").unwrap_or_else(|_| "../shared/data".to_owned())
}

/// All rules of the simulation, and the bound.
const RULES: &str = "least_customer_time,longest_idle,spare_capacity,least_active,round_robin,priority_delay,bullseye,queue_ratio,pooled";

/// Every figure in full.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![
        npm("web-packages", "web", &["ci", "--no-audit", "--no-fund"], 10),
        npm("web-build", "web", &["run", "build"], 5),
        cargo("build-release", &["build", "--release", "--package", "router", "--package", "loadtest"], 40),
        cargo("bench-policy", &["bench", "--package", "policy", "--package", "engine"], 60),
        cargo("bench-understanding", &["bench", "--package", "understanding"], 20),
        cargo("bench-log", &["bench", "--package", "log-store"], 60),
        cargo(
            "decision-cost",
            &["run", "--release", "--package", "policy", "--example", "decision_cost", "least_customer_time"],
            15,
        ),
        cargo("lua-match", &["run", "--release", "--package", "loadtest", "--example", "lua_match"], 30),
        cargo(
            "snapshot-pause",
            &["run", "--release", "--package", "router", "--example", "snapshot_pause"],
            30,
        ),
        simulated("promise", &["simulate", "--promise", "--scenarios", &scenarios(), "--json"], 60),
        simulated("anchors", &["simulate", "--anchors", "--json"], 30),
        simulated(
            "simulate",
            &["simulate", "--scenarios", &scenarios(), "--rule", RULES, "--reps", "16", "--json"],
            60,
        ),
        measured("understand", &["understand", "--data", &labelled(), "--json"], 15),
        measured("compare", &["compare", "--rounds", "5", "--json"], 120),
        sound("crash-os", &["crash", "--rounds", "100", "--level", "os", "--json"], 90),
        sound("crash-disk", &["crash", "--rounds", "100", "--level", "disk", "--json"], 90),
        sound("cluster", &["cluster", "--rounds", "200", "--json"], 120),
        sound("replay", &["replay", &dialogues(), "--speed", "100", "--spawn", "embedded", "--json"], 120),
    ];
    steps.push(real_mail());
    steps.extend(fuzz::steps());
    steps
}

/// Two thousand mails by a real Postfix and Dovecot while something is killed every five seconds, and how soon each is on the
/// agent's screen.
fn real_mail() -> Step {
    let arguments =
        ["--package", "tests", "--test", "e2e", "email::real", "--", "--nocapture", "--test-threads=1"];
    let mut step = cargo("mail-real", &[&["test", "--release"], &arguments[..]].concat(), 40);
    if let Work::Program(program) = &mut step.work {
        program.variables.push(("SWITCHBOARD_MAILS", "2000".to_owned()));
    }
    step
}

/// The pages in all states, from the demo workspace.
pub(crate) fn screenshots() -> Vec<Step> {
    let shots = Program::new("node", ["screenshots.mjs"]).within("tests/browser").minutes(15);
    vec![
        npm("web-packages", "web", &["ci", "--no-audit", "--no-fund"], 10),
        npm("web-build", "web", &["run", "build"], 5),
        cargo("build-release", &["build", "--release", "--package", "router"], 40),
        npm("browser-packages", "tests/browser", &["ci", "--no-audit", "--no-fund"], 10),
        Step { name: "screenshots", work: Work::WithDemo(shots) },
    ]
}
