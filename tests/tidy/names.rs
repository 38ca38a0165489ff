//! Files and folders are named after the domain: a drawer for everything hides what is in it.

use crate::tree::{none, paths};

const DRAWERS: [&str; 11] =
    ["util", "utils", "common", "helper", "helpers", "misc", "shared", "imp", "manager", "managers", "stuff"];

fn fault(path: &str) -> Option<String> {
    let part = path.split('/').find(|part| {
        let stem = part.split('.').find(|piece| !piece.is_empty()).unwrap_or_default().to_lowercase();
        let is_drawer = |word: &str| DRAWERS.contains(&word);
        is_drawer(&stem) || stem.split(['_', '-']).any(|word| is_drawer(word) && word != "shared")
    })?;
    Some(format!("{path}: `{part}` says nothing about what is inside"))
}

#[test]
fn names_come_from_the_domain() {
    none(&paths().iter().filter_map(|path| fault(path)).collect::<Vec<_>>());
}

#[test]
fn a_drawer_is_found() {
    for path in [
        "router/src/utils.rs",
        "web/src/common/list.tsx",
        "tests/helpers/mod.rs",
        "router/src/string_utils.rs",
        "Shared/a.ts",
    ] {
        assert!(fault(path).is_some(), "{path}");
    }
    for path in ["router/src/session/stream.rs", ".ci/run", "docs/community.md", "web/src/shared_line.ts"] {
        assert_eq!(fault(path), None);
    }
}
