//! The load tests of the gate, and how their one JSON object is judged.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::step::{Program, Step, Work};
use crate::tree;

/// What the checker may find; a sound run has none of it.
const FAULTS: [&str; 5] = ["lost", "duplicated", "out_of_order", "misrouted", "over_capacity"];

/// Small two-sided dialogues that come with the sources.
pub(crate) const DIALOGUES: &str = "tests/dialogues/sample.jsonl";

fn program(arguments: &[&str], minutes: u64) -> Program {
    Program::new(tree::release("loadtest"), arguments).minutes(minutes)
}

/// A run against the server that `build-release` has made. Left to itself, loadtest would build it again, alone: cargo then
/// gives the crates they share other features, and nearly all of them are compiled twice.
fn serving(arguments: &[&str], minutes: u64) -> Program {
    let mut program = program(arguments, minutes);
    program.arguments.extend(["--server-bin".into(), tree::release("switchboard").into_os_string()]);
    program
}

/// A run in which nothing may be wrong.
pub(crate) fn sound(name: &'static str, arguments: &[&str], minutes: u64) -> Step {
    Step { name, work: Work::Load(serving(arguments, minutes), judge_sound) }
}

/// A run whose figures are told, and which fails only if it is incomplete or wrong.
pub(crate) fn measured(name: &'static str, arguments: &[&str], minutes: u64) -> Step {
    Step { name, work: Work::Load(serving(arguments, minutes), judge_measured) }
}

/// The same without a server: the engine itself is simulated.
pub(crate) fn simulated(name: &'static str, arguments: &[&str], minutes: u64) -> Step {
    Step { name, work: Work::Load(program(arguments, minutes), judge_measured) }
}

/// The six runs in which one frame is corrupted: the checker must find exactly that.
pub(crate) fn sabotages() -> Vec<Step> {
    let run = |name, kind, judge| {
        let arguments =
            ["replay", DIALOGUES, "--speed", "100", "--spawn", "embedded", "--sabotage", kind, "--json"];
        Step { name, work: Work::Load(serving(&arguments, 5), judge) }
    };
    vec![
        run("sabotage-drop", "drop", |object, code| judge_sabotage(object, code, "lost")),
        run("sabotage-double", "double", |object, code| judge_sabotage(object, code, "duplicated")),
        run("sabotage-swap", "swap", |object, code| judge_sabotage(object, code, "out_of_order")),
        run("sabotage-misroute", "misroute", |object, code| judge_sabotage(object, code, "misrouted")),
        run("sabotage-overload", "overload", |object, code| judge_sabotage(object, code, "over_capacity")),
        run("sabotage-forget-ack", "forget-ack", |object, code| judge_sabotage(object, code, "lost")),
    ]
}

fn number(object: &Value, field: &str) -> Result<u64> {
    object.get(field).and_then(Value::as_u64).with_context(|| format!("the result has no number `{field}`"))
}

/// A correct run: status 0, no fault of any kind among those that this command reports, and something was done.
fn judge_sound(object: &Value, code: i32) -> Result<String> {
    ensure!(code == 0, "ended with {code}: {object}");
    let mut told = 0;
    for field in FAULTS.iter().chain(&["unfinished"]) {
        if object.get(field).is_some() {
            told += 1;
            let found = number(object, field)?;
            ensure!(found == 0, "{found} {field}");
        }
    }
    ensure!(told >= 3, "the result names no faults: {object}");
    let acked = number(object, "acked")?;
    ensure!(acked > 0, "no message was acknowledged: nothing was tested");
    Ok(format!("{acked} messages acknowledged, none lost, doubled or out of order"))
}

/// Exactly one fault, of the expected kind, and the status that says so.
fn judge_sabotage(object: &Value, code: i32, expected: &str) -> Result<String> {
    for field in FAULTS {
        let wanted = u64::from(field == expected);
        let found = number(object, field)?;
        ensure!(found == wanted, "{field} is {found}, not {wanted}");
    }
    ensure!(code == 1, "ended with {code}, not 1, though a fault was found");
    Ok(format!("found: 1 {expected}"))
}

/// A complete measurement; goals that were missed are told, and are no failure.
fn judge_measured(object: &Value, code: i32) -> Result<String> {
    ensure!(code == 0, "ended with {code}: {object}");
    let misses = object.get("misses").and_then(Value::as_array).context("the result has no list `misses`")?;
    if let Some(rows) = object.get("rows").and_then(Value::as_array)
        && rows.is_empty()
    {
        bail!("the result has no rows: nothing was measured");
    }
    if misses.is_empty() {
        return Ok("every goal met".to_owned());
    }
    Ok(format!("goals missed or unresolved: {}", Value::Array(misses.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn clean() -> Value {
        json!({"acked": 9, "lost": 0, "duplicated": 0, "out_of_order": 0, "misrouted": 0, "over_capacity": 0, "unfinished": 0})
    }

    #[test]
    fn a_sound_run_has_no_fault_and_did_something() {
        assert!(judge_sound(&clean(), 0).is_ok());
        assert!(judge_sound(&clean(), 1).is_err());
        for field in FAULTS.iter().chain(&["unfinished"]) {
            let mut object = clean();
            object[*field] = 1.into();
            assert!(judge_sound(&object, 0).is_err(), "{field}");
        }
        let mut idle = clean();
        idle["acked"] = 0.into();
        assert!(judge_sound(&idle, 0).is_err());
        assert!(judge_sound(&json!({"acked": 9}), 0).is_err());
    }

    #[test]
    fn a_sabotage_is_found_exactly_once() {
        let mut object = clean();
        assert!(judge_sabotage(&object, 1, "lost").is_err());
        object["lost"] = 1.into();
        assert!(judge_sabotage(&object, 1, "lost").is_ok());
        assert!(judge_sabotage(&object, 0, "lost").is_err());
        assert!(judge_sabotage(&object, 1, "duplicated").is_err());
        object["lost"] = 2.into();
        assert!(judge_sabotage(&object, 1, "lost").is_err());
    }

    #[test]
    fn a_measurement_needs_rows_and_tells_misses() {
        assert!(judge_measured(&json!({"rows": [], "misses": []}), 0).is_err());
        assert!(judge_measured(&json!({"rows": [1]}), 0).is_err());
        let told = judge_measured(&json!({"rows": [1], "misses": ["relay_p50"]}), 0).expect("measured");
        assert!(told.contains("relay_p50"), "{told}");
    }
}
