//! The commands as somebody runs them: exit status and the one JSON object. What needs a server uses the one that is built
//! beside this program, and says so where there is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Fields that every result has.
const EVERYWHERE: [&str; 9] =
    ["command", "commit", "cores", "seed", "level", "limits", "seconds", "pass", "misses"];
/// Fields of `replay` and `load`.
const PLAYED: [&str; 12] = [
    "conversations",
    "messages",
    "acked",
    "lost",
    "duplicated",
    "out_of_order",
    "misrouted",
    "over_capacity",
    "unfinished",
    "match_ms",
    "relay_ms",
    "ack_ms",
];

fn loadtest(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadtest")).args(arguments).output().expect("loadtest starts")
}

/// Runs a command; its exit status, and its result.
fn result(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = loadtest(arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?} printed no JSON object ({error}): {told}"));
    (output.status.code(), value)
}

fn has_fields(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "`{field}` is missing in {value}");
    }
}

/// The server's program, if it is built.
#[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
fn server() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("switchboard");
    if !program.exists() {
        println!("skipped: switchboard is not built");
        return None;
    }
    Some(program)
}

/// Dialogues that come with the sources.
fn dialogues() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/dialogues/sample.jsonl");
    path.display().to_string()
}

/// Fields of `whatif`.
const TRIED: [&str; 8] =
    ["conversations", "decisions", "identical", "changed", "erased", "groups", "worse_off", "blocked_by"];

/// A simulated hour of the day that comes with the sources, recorded; and the policy that was in force.
fn recorded(folder: &Path) -> String {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/day.jsonl");
    let day = std::fs::read_to_string(scenarios).expect("the day's scenario");
    let mut hour: Value = serde_json::from_str(&day).expect("a scenario");
    hour["horizon_s"] = 3_600.0.into();
    let scenario = folder.join("hour.jsonl");
    std::fs::write(&scenario, hour.to_string()).expect("written");
    let file = folder.join("hour.rec").display().to_string();
    let scenario = scenario.display().to_string();
    let (code, value) = result(&["simulate", "--scenarios", &scenario, "--record", &file, "--json"]);
    assert!(code == Some(0) && value["events"].as_u64() > Some(5_000), "{value}");
    file
}

#[test]
fn the_unchanged_policy_decides_as_it_was_recorded_and_another_one_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = recorded(folder.path());
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let nobody = written("staffing.toml", "");
    let (code, value) = result(&["whatif", "--log", &file, "--staffing", &nobody, "--draws", "3", "--json"]);
    has_fields(&value, &EVERYWHERE);
    has_fields(&value, &TRIED);
    assert_eq!(code, Some(0), "{value}");
    assert!(value["decisions"].as_u64() > Some(1_000), "{value}");
    assert_eq!(value["identical"], value["decisions"], "{value}");
    assert_eq!((&value["changed"], &value["worse_off"]), (&0.into(), &0.into()), "{value}");
    assert_eq!(value["blocked_by"], serde_json::json!([]), "{value}");
    for row in value["groups"].as_array().expect("groups") {
        has_fields(row, &["by", "name", "wait_before_s", "wait_after_s", "low", "high"]);
        assert_eq!(row["wait_before_s"], row["wait_after_s"], "{row}");
    }

    // One queue for everything, in turn, and half of the staff gone: that cannot be published.
    let policy = written("policy.toml", "rule = \"round_robin\"\n[queues.support]\n");
    let gone: Vec<String> = value["loads"]
        .as_array()
        .expect("loads")
        .iter()
        .take(150)
        .map(|row| format!("\"{}\"", row["agent"].as_str().expect("an id")))
        .collect();
    let staffing = written("fewer.toml", &format!("remove = [{}]\n", gone.join(", ")));
    let (code, value) = result(&[
        "whatif",
        "--log",
        &file,
        "--policy",
        &policy,
        "--staffing",
        &staffing,
        "--draws",
        "3",
        "--json",
    ]);
    assert_eq!(code, Some(0), "{value}");
    assert!(value["changed"].as_u64() > Some(100), "{value}");
    assert!(value["worse_off"].as_u64() > Some(0), "{value}");
    assert!(value["groups"][0]["low"].as_f64() > Some(0.0), "who is worse off comes first: {value}");
    assert!(!value["blocked_by"].as_array().expect("guards").is_empty(), "{value}");
}

#[test]
fn what_is_no_recording_is_told_with_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("words.txt");
    std::fs::write(&file, "not a recording\n").expect("written");
    let file = file.display().to_string();
    let folder = folder.path().display().to_string();
    for log in [file.as_str(), folder.as_str(), "/nowhere/at.all"] {
        let output = loadtest(&["whatif", "--log", log, "--staffing", "/dev/null", "--json"]);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{log}");
    }
}

#[test]
fn wrong_usage_is_told_with_status_2() {
    for arguments in [
        &["nonsense"] as &[&str],
        &["replay"],
        &["crash", "--level", "memory"],
        &["compare", "--url", "http://127.0.0.1:1", "--token", "x"],
        &["crash", "--url", "http://127.0.0.1:1", "--token", "x"],
    ] {
        let output = loadtest(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn without_redis_the_package_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["replay", &dialogues(), "--spawn", "redis", "--server-bin", "/bin/true"])
        .env("PATH", "/nowhere")
        .output()
        .expect("loadtest runs");
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("redis-server"));
}

#[test]
fn the_yardsticks_are_measured_without_a_server() {
    let (code, value) = result(&["baseline", "--pairs", "2", "--seconds", "0.3", "--json"]);
    assert_eq!(code, Some(0));
    has_fields(&value, &EVERYWHERE);
    has_fields(&value, &["relay_ms", "relay_per_s", "fdatasync_ms", "append_per_s"]);
    assert!(
        value["relay_per_s"].as_f64() > Some(0.0) && value["append_per_s"].as_f64() > Some(0.0),
        "{value}"
    );
    assert!(value["relay_ms"]["n"].as_u64() > Some(0), "{value}");
}

#[test]
fn a_replay_is_sound() {
    let Some(program) = server() else { return };
    let program = program.display().to_string();
    let file = dialogues();
    let (code, value) =
        result(&["replay", &file, "--limit", "6", "--speed", "400", "--server-bin", &program, "--json"]);
    has_fields(&value, &EVERYWHERE);
    has_fields(&value, &PLAYED);
    for field in ["lost", "duplicated", "out_of_order", "misrouted", "over_capacity", "unfinished"] {
        assert_eq!(value[field], 0, "{field} in {value}");
    }
    assert_eq!(value["conversations"], 6);
    assert_eq!(value["messages"], value["acked"]);
    assert_eq!(code, Some(0), "{value}");
}

#[test]
fn a_corrupted_frame_is_found_and_fails() {
    let Some(program) = server() else { return };
    let program = program.display().to_string();
    let file = dialogues();
    let (code, value) = result(&[
        "replay",
        &file,
        "--speed",
        "400",
        "--sabotage",
        "double",
        "--server-bin",
        &program,
        "--json",
    ]);
    assert_eq!(value["duplicated"], 1, "{value}");
    assert_eq!(value["lost"], 0, "{value}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_killed_server_has_lost_nothing() {
    let Some(program) = server() else { return };
    let program = program.display().to_string();
    let (code, value) =
        result(&["crash", "--rounds", "1", "--level", "os", "--server-bin", &program, "--json"]);
    has_fields(&value, &EVERYWHERE);
    has_fields(&value, &["rounds", "kills", "messages", "acked", "lost", "duplicated", "out_of_order"]);
    assert_eq!(value["kills"], 1, "{value}");
    assert_eq!(value["failed_rounds"], serde_json::json!([]), "{value}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_server_that_does_not_sync_is_found_out() {
    let Some(program) = server() else { return };
    if cfg!(not(debug_assertions)) {
        println!("skipped: only a debug build of the server can leave syncs out");
        return;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["crash", "--rounds", "1", "--level", "disk", "--json", "--server-bin"])
        .arg(program)
        .env("SWITCHBOARD_FAULT", "skip-fdatasync")
        .output()
        .expect("loadtest starts");
    let value: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(value["lost"].as_u64() > Some(0), "{value}");
    assert_eq!(value["failed_rounds"], serde_json::json!([1]), "{value}");
    assert_eq!(output.status.code(), Some(1));
}

/// A folder with small sets: two intents, two languages, two feelings.
fn small_sets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, lines: Vec<Value>| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(path, lines.join("\n")).expect("written");
    };
    let of_split = |at: usize| if at < 8 { "train" } else { "test" };
    let intents = (0..10).flat_map(|at| {
        [("parcel", "where is parcel number"), ("refund", "give me the money back for"), ("oos", "sing a tune")].map(
            |(intent, text)| json!({"split": of_split(at), "intent": intent, "text": format!("{text} {}", "x".repeat(at))}),
        )
    });
    write("intents/small.jsonl", intents.collect());
    let languages =
        [("de", "Wo ist meine Bestellung?"), ("fr", "Où est ma commande ?"), ("el", "Πού είναι;")];
    let line = |(lang, text): (&str, &str)| json!({"lang": lang, "kind": "utterance", "text": text});
    write("languages/small.jsonl", languages.map(line).into());
    let moods = (0..20).map(|at| {
        let (label, text) = if at % 2 == 0 { ("anger", "vexing, bad") } else { ("joy", "lovely, good") };
        json!({"split": of_split(at / 2), "labels": [label], "text": format!("{text} day {}", "y".repeat(at))})
    });
    write("mood/small.jsonl", moods.collect());
    folder
}

#[test]
fn understand_judges_each_set_and_misses_none_quietly() {
    let folder = small_sets();
    let data = folder.path().to_str().expect("a path");
    let (status, value) = result(&["understand", "--data", data, "--json"]);
    assert_eq!(status, Some(0), "{value}");
    has_fields(&value, &EVERYWHERE);
    let rows = value["rows"].as_array().expect("rows");
    for row in rows {
        has_fields(
            row,
            &[
                "set",
                "kind",
                "n_train",
                "n_test",
                "accuracy",
                "macro_f1",
                "ece",
                "us_per_message",
                "oos_recall",
                "auc",
            ],
        );
    }
    let row =
        |kind: &str| rows.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {value}"));
    assert_eq!((&row("intent")["n_train"], &row("intent")["n_test"]), (&json!(24), &json!(6)));
    assert_eq!(row("intent")["accuracy"], json!(1.0), "{value}");
    assert_eq!(row("utterance")["accuracy"], json!(1.0), "{value}");
    assert_eq!(row("upset")["auc"], json!(1.0), "{value}");
    assert_eq!(rows.iter().filter(|row| row["allow_list"] == json!(5)).count(), 1);

    std::fs::remove_dir_all(folder.path().join("mood")).expect("removed");
    let (status, value) = result(&["understand", "--data", data, "--json"]);
    assert_eq!((status, &value["pass"]), (Some(1), &json!(false)));
    assert!(value["misses"].to_string().contains("mood: not found"), "{value}");
}
