//! The licence is there, in both of its texts, and every package names it.

use crate::direction::{manifests, read};
use crate::tree::root;

#[test]
fn both_licences_are_there() {
    for (file, words) in
        [("LICENSE-MIT", "Permission is hereby granted"), ("LICENSE-APACHE", "Version 2.0, January 2004")]
    {
        let text =
            std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(words), "{file} is not the text of that licence");
    }
    assert_eq!(read("Cargo.toml")["workspace"]["package"]["license"].as_str(), Some("MIT OR Apache-2.0"));
}

#[test]
fn every_package_takes_the_workspace_s_licence_and_lints() {
    for (name, manifest) in manifests() {
        let inherits =
            |table: &toml::Value| table.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        assert!(manifest["package"].get("license").is_some_and(inherits), "{name}: license.workspace = true");
        assert!(manifest.get("lints").is_some_and(inherits), "{name}: [lints] workspace = true");
    }
}
