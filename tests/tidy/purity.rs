//! The pure crates stay pure: no standard library, a short fixed list of dependencies, and lints that ban the rest.

use std::collections::BTreeSet;

use toml::Table;

use crate::direction::{dependencies, manifests, read};
use crate::tree::{none, root};

struct Pure {
    package: &'static str,
    folder: &'static str,
    uses: &'static [&'static str],
}

const PURE: [Pure; 2] = [
    Pure { package: "policy", folder: "policy", uses: &["serde", "thiserror", "jiff"] },
    Pure { package: "engine", folder: "router/engine", uses: &["policy", "serde", "thiserror", "postcard"] },
];

/// What generates documents; only ever behind a feature.
const SCHEMA: [&str; 2] = ["schemars", "ts-rs"];

/// Lists of a clippy configuration that ban something.
const BANS: [&str; 3] = ["disallowed-methods", "disallowed-types", "disallowed-macros"];

fn dependency_faults(pure: &Pure, manifest: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for name in dependencies(manifest, &["dependencies", "build-dependencies"]) {
        let optional = manifest["dependencies"].get(&name).and_then(|dependency| dependency.get("optional"));
        let for_schemas =
            SCHEMA.contains(&name.as_str()) && optional.and_then(toml::Value::as_bool) == Some(true);
        if !pure.uses.contains(&name.as_str()) && !for_schemas {
            faults.push(format!("{} is pure and may not use {name}", pure.package));
        }
    }
    faults
}

/// Crates that the pure ones use are taken without their default features, which would bring the standard library.
fn default_feature_faults(pure: &Pure, workspace: &Table) -> Vec<String> {
    pure.uses
        .iter()
        .filter(|name| **name != "policy")
        .filter(|name| {
            let entry = workspace["workspace"]["dependencies"].get(**name);
            entry.and_then(|entry| entry.get("default-features")).and_then(toml::Value::as_bool)
                != Some(false)
        })
        .map(|name| format!("the workspace takes {name} with default features, but {} is pure", pure.package))
        .collect()
}

fn bans(configuration: &Table) -> BTreeSet<String> {
    BANS.iter()
        .filter_map(|list| configuration.get(*list)?.as_array())
        .flatten()
        .filter_map(|ban| ban.as_str().or_else(|| ban.get("path")?.as_str()).map(str::to_owned))
        .collect()
}

/// A `lib.rs` that takes the standard library for its tests at most. The schema derives of the document generators expand
/// to its paths, so a build with that feature may have it too.
fn library_faults(package: &str, text: &str) -> Vec<String> {
    let attributes = ["#![no_std]", "#![cfg_attr(not(feature = \"schema\"), no_std)]"];
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut faults = Vec::new();
    if !lines.iter().any(|line| attributes.contains(line)) {
        faults.push(format!("{package}: no #![no_std]"));
    }
    for (at, line) in lines.iter().enumerate() {
        let for_tests = at > 0 && lines[at - 1] == "#[cfg(test)]";
        if line.contains("extern crate std") && !for_tests {
            faults.push(format!("{package}: takes the standard library back in"));
        }
    }
    faults
}

#[test]
fn pure_crates_have_no_standard_library() {
    for pure in PURE {
        let path = root().join(pure.folder).join("src/lib.rs");
        none(&library_faults(
            pure.package,
            &std::fs::read_to_string(&path).expect("a pure crate has a lib.rs"),
        ));
    }
}

#[test]
fn a_standard_library_is_found() {
    assert!(
        library_faults("x", "#![no_std]\nextern crate alloc;\n#[cfg(test)]\nextern crate std;").is_empty()
    );
    assert_eq!(library_faults("x", "extern crate alloc;").len(), 1);
    assert_eq!(library_faults("x", "#![no_std]\nextern crate std;").len(), 1);
    assert_eq!(library_faults("x", "#![cfg_attr(not(test), no_std)]").len(), 1);
}

#[test]
fn pure_crates_use_what_is_on_their_list() {
    let manifests = manifests();
    let workspace = read("Cargo.toml");
    for pure in PURE {
        none(&dependency_faults(&pure, &manifests[pure.package]));
        none(&default_feature_faults(&pure, &workspace));
    }
}

#[test]
fn pure_crates_repeat_the_bans_of_the_root() {
    let of_all = bans(&read(".clippy.toml"));
    assert!(!of_all.is_empty(), "the root bans something");
    for pure in PURE {
        let own = bans(&read(&format!("{}/.clippy.toml", pure.folder)));
        let missing: Vec<_> = of_all.difference(&own).collect();
        assert!(
            missing.is_empty(),
            "{}/.clippy.toml does not repeat {missing:?}: files are not merged",
            pure.folder
        );
        for clock in [
            "std::time::Instant",
            "std::time::SystemTime",
            "std::collections::HashMap",
            "std::collections::HashSet",
        ] {
            assert!(own.contains(clock), "{}/.clippy.toml does not ban {clock}", pure.folder);
        }
    }
}

#[test]
fn another_dependency_is_found() {
    let judge = |text: &str| dependency_faults(&PURE[0], &text.parse().expect("a manifest"));
    assert!(judge("[dependencies]\nserde = '1'\nts-rs = { version = '1', optional = true }").is_empty());
    assert_eq!(judge("[dependencies]\ntokio = '1'"), ["policy is pure and may not use tokio"]);
    assert_eq!(judge("[dependencies]\nts-rs = { version = '1' }"), ["policy is pure and may not use ts-rs"]);
}

#[test]
fn default_features_are_found() {
    let judge = |text: &str| {
        let all = "thiserror = { version = '2', default-features = false }\njiff = { version = '1', default-features = false }";
        default_feature_faults(
            &PURE[0],
            &format!("[workspace.dependencies]\n{all}\n{text}").parse().expect("a manifest"),
        )
    };
    assert!(judge("serde = { version = '1', default-features = false }").is_empty());
    assert_eq!(judge("serde = '1'").len(), 1);
}

#[test]
fn bans_are_read_in_both_forms() {
    let configuration =
        "disallowed-types = ['a::B', { path = 'c::D', reason = 'e' }]".parse().expect("a configuration");
    assert_eq!(bans(&configuration), ["a::B".to_owned(), "c::D".to_owned()].into());
}
