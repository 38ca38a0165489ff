//! Who may use whom: nothing points up. The design's section on layout in the form of a table.

use std::collections::BTreeMap;

use toml::Table;

use crate::tree::{none, root};

/// A package of ours and those of ours that it may use.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("policy", &[]),
    ("policy-cel", &["policy"]),
    ("engine", &["policy"]),
    ("protocol", &["policy"]),
    ("connectors", &["policy"]),
    ("understanding", &["policy"]),
    ("log-store", &["policy", "engine"]),
    ("simulation", &["policy", "engine", "policy-cel"]),
    (
        "router",
        &[
            "policy",
            "policy-cel",
            "engine",
            "protocol",
            "connectors",
            "understanding",
            "log-store",
            "simulation",
        ],
    ),
    (
        "loadtest",
        &[
            "policy",
            "policy-cel",
            "engine",
            "protocol",
            "connectors",
            "understanding",
            "log-store",
            "simulation",
        ],
    ),
    ("tests", &["policy", "protocol"]),
    ("xtask", &["protocol"]),
    ("fuzz", &["connectors", "policy", "policy-cel", "protocol", "log-store", "router"]),
];

/// Manifests of the workspace's packages by package name.
pub(crate) fn manifests() -> BTreeMap<String, Table> {
    let workspace: Table = read("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("the workspace has members");
    members
        .iter()
        .map(|member| {
            let manifest = read(&format!("{}/Cargo.toml", member.as_str().expect("a member is a path")));
            (manifest["package"]["name"].as_str().expect("a package has a name").to_owned(), manifest)
        })
        .collect()
}

pub(crate) fn read(path: &str) -> Table {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names under `[dependencies]` and its siblings.
pub(crate) fn dependencies(manifest: &Table, tables: &[&str]) -> Vec<String> {
    tables
        .iter()
        .filter_map(|table| manifest.get(*table).and_then(toml::Value::as_table))
        .flat_map(|table| table.keys().cloned())
        .collect()
}

fn faults(manifests: &BTreeMap<String, Table>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, manifest) in manifests {
        let Some((_, allowed)) = MAY_USE.iter().find(|(package, _)| package == name) else {
            faults.push(format!("{name}: not in the table of who may use whom"));
            continue;
        };
        for used in dependencies(manifest, &["dependencies", "dev-dependencies", "build-dependencies"]) {
            if manifests.contains_key(&used) && !allowed.contains(&used.as_str()) {
                faults.push(format!("{name} may not use {used}"));
            }
        }
    }
    faults
}

#[test]
fn nothing_points_up() {
    none(&faults(&manifests()));
}

#[test]
fn the_table_itself_has_no_circle() {
    // A package stands below all that it may use, so whoever is used stands earlier or uses nothing that leads back.
    fn leads_to(from: &str, to: &str, depth: usize) -> bool {
        let used = MAY_USE.iter().find(|(name, _)| *name == from).map_or(&[] as &[&str], |(_, used)| used);
        depth < MAY_USE.len() && used.iter().any(|next| *next == to || leads_to(next, to, depth + 1))
    }
    for (name, _) in MAY_USE {
        assert!(!leads_to(name, name, 0), "{name} leads back to itself");
    }
}

#[test]
fn a_dependency_that_points_up_is_found() {
    let manifest = |text: &str| text.parse::<Table>().expect("a manifest");
    let with = |engine: &str, extra: Option<&str>| {
        let mut all: BTreeMap<String, Table> = [
            ("policy".to_owned(), manifest("[dependencies]\nserde = '1'")),
            ("engine".to_owned(), manifest(engine)),
            ("router".to_owned(), manifest("[dependencies]\nengine = '1'\npolicy = '1'")),
        ]
        .into();
        all.extend(extra.map(|name| (name.to_owned(), Table::new())));
        faults(&all)
    };
    assert!(with("[dependencies]\npolicy = '1'", None).is_empty());
    assert_eq!(with("[dependencies]\nrouter = '1'", None), ["engine may not use router"]);
    assert_eq!(with("[dev-dependencies]\nrouter = '1'", None), ["engine may not use router"]);
    assert!(with("", Some("shared"))[0].contains("not in the table"));
}
