//! What lies in `deploy/` speaks of things that there are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use router::config::{Config, Overrides};
use serde::Deserialize as _;
use serde_json::Value;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn read(file: &str) -> String {
    let path = deploy().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file, with its merged keys in place.
fn documents(file: &str) -> Vec<Value> {
    let parse = |document| -> Result<Value, serde_norway::Error> {
        let mut value = serde_norway::Value::deserialize(document)?;
        value.apply_merge()?;
        serde_norway::from_value(value)
    };
    let text = read(file);
    let parsed: Result<Vec<_>, _> = serde_norway::Deserializer::from_str(&text).map(parse).collect();
    parsed.unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// All files below a folder of `deploy/` with this ending.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(deploy().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        let name = name.trim_start_matches("./").to_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&name, ending));
        } else if name.ends_with(ending) {
            found.insert(name);
        }
    }
    found
}

/// The names of our metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let letter = |it: char| it.is_ascii_lowercase() || it == '_';
    text.split(|it: char| !letter(it)).filter(|word| word.starts_with("switchboard_")).collect()
}

#[test]
fn every_metric_on_a_board_or_in_an_alert_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // As they are registered: one that has nothing to say yet is not shown.
    let registered = std::fs::read_to_string(root.join("src/metrics.rs")).unwrap();
    for file in ["prometheus/alerts.yml", "grafana/switchboard.json"] {
        let text = std::fs::read_to_string(root.join("../deploy").join(file)).unwrap();
        let names = named(&text);
        assert!(names.len() >= 5, "{file} names {names:?}");
        for name in names {
            let own = name.trim_start_matches("switchboard_");
            let family = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| own.strip_suffix(end));
            let there =
                [Some(own), family].into_iter().flatten().any(|it| registered.contains(&format!("\"{it}\"")));
            assert!(there, "{file} names {name}, which there is not");
        }
    }
}

#[test]
fn the_board_is_json_with_panels() {
    let board: Value = serde_json::from_str(&read("grafana/switchboard.json")).unwrap();
    assert_eq!(board["panels"].as_array().unwrap().len(), 8);
}

#[test]
fn every_yaml_file_can_be_read() {
    let all: Vec<String> = [".yaml", ".yml"].iter().flat_map(|ending| files(".", ending)).collect();
    assert!(all.len() >= 11, "{all:?}");
    for file in &all {
        assert!(documents(file).iter().all(Value::is_object), "{file} holds something else than maps");
    }
}

#[test]
fn every_alert_says_when_and_what_to_do() {
    let alerts = &documents("prometheus/alerts.yml")[0];
    let groups = alerts["groups"].as_array().unwrap().iter();
    let rules: Vec<&Value> = groups.flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() >= 5);
    for rule in rules {
        for field in ["/alert", "/expr", "/labels/severity", "/annotations/summary", "/annotations/action"] {
            assert!(rule.pointer(field).is_some_and(Value::is_string), "{field} is missing in {rule}");
        }
    }
}

/// The settings that a file gives the program by its environment.
fn settings(file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for document in documents(file) {
        for service in document["services"].as_object().into_iter().flat_map(|it| it.values()) {
            for (name, value) in service["environment"].as_object().into_iter().flatten() {
                found.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
            }
        }
        for generator in document["configMapGenerator"].as_array().into_iter().flatten() {
            for literal in generator["literals"].as_array().unwrap() {
                let (name, value) = literal.as_str().unwrap().split_once('=').unwrap();
                found.insert(name.to_owned(), value.to_owned());
            }
        }
        let variables = document.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
        for variable in variables.into_iter().flatten() {
            found.insert(variable["name"].as_str().unwrap().to_owned(), "switchboard-0".to_owned());
        }
    }
    found.retain(|name, _| name.starts_with("SWITCHBOARD__"));
    found
}

#[test]
fn the_program_takes_every_setting_that_it_is_given() {
    for file in ["compose/compose.yaml", "kubernetes/kustomization.yaml", "kubernetes/nodes.yaml"] {
        let settings = settings(file);
        assert!(settings.len() >= 2, "{file} gives {settings:?}");
        if let Err(errors) = Config::load(None, settings.into_iter(), Overrides::default()) {
            panic!("{file}: {errors}");
        }
    }
}

#[test]
fn kubernetes_runs_what_the_image_holds_and_asks_what_the_server_answers() {
    let kustomization = &documents("kubernetes/kustomization.yaml")[0];
    let named: BTreeSet<String> = kustomization["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("kubernetes/{}", it.as_str().unwrap()))
        .collect();
    let mut there = files("kubernetes", ".yaml");
    there.remove("kubernetes/kustomization.yaml");
    assert_eq!(named, there);

    let nodes = &documents("kubernetes/nodes.yaml")[0]["spec"];
    let pod = &nodes["template"]["spec"];
    let image = read("Containerfile");
    let user = pod["securityContext"]["runAsUser"].as_u64().unwrap();
    assert!(image.contains(&format!("USER {user}:{user}")), "the image runs as another user");
    let routes =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/mod.rs")).unwrap();
    let node = &pod["containers"][0];
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let path = node[probe]["httpGet"]["path"].as_str().unwrap();
        assert!(routes.contains(&format!(".route(\"{path}\"")), "{probe} asks {path}");
    }
    let wait = node["lifecycle"]["preStop"]["exec"]["command"][1].as_str().unwrap().parse::<u64>().unwrap();
    let ends = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(ends >= wait + 60, "a node has too little time to drain");

    // All speak of the same pods.
    let labels = &nodes["template"]["metadata"]["labels"];
    assert_eq!(&nodes["selector"]["matchLabels"], labels);
    for service in documents("kubernetes/service.yaml") {
        assert_eq!(&service["spec"]["selector"], labels);
    }
    assert_eq!(&documents("kubernetes/disruption.yaml")[0]["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&documents("kubernetes/network.yaml")[0]["spec"]["podSelector"]["matchLabels"], labels);
}

#[test]
fn the_unit_is_made_of_settings_and_says_what_the_program_does() {
    let unit = read("switchboard.service");
    let sections: Vec<&str> = unit.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(sections, ["[Unit]", "[Service]", "[Install]"]);
    for line in unit.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty()) {
        let (name, _) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        assert!(name.bytes().all(|it| it.is_ascii_alphabetic()), "no setting: {line}");
    }
    // What the program does for it: it tells when it is ready, answers the watchdog, and ends with 78 where it is set up wrong.
    for says in ["Type=notify", "WatchdogSec=", "RestartPreventExitStatus=78", "DynamicUser=yes"] {
        assert!(unit.contains(says), "{says} is missing");
    }
}
