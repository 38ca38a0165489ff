//! Every source file opens by saying what it is for.

use crate::tree::{Source, none, sources};

fn fault(source: &Source) -> Option<String> {
    let mut lines = source.text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let header = if source.is(&["rs"]) {
        first.strip_prefix("//!")
    } else if source.is(&["ts", "tsx", "mjs"]) {
        first.strip_prefix("//").or_else(|| first.strip_prefix("/*"))
    } else {
        return None;
    };
    // A word or two would only repeat the file's name.
    let words = header.map_or(0, |text| text.split_whitespace().count());
    (words < 3).then(|| format!("{}: opens without a header that says what it is for", source.path))
}

#[test]
fn every_file_says_what_it_is_for() {
    none(&sources().iter().filter_map(fault).collect::<Vec<_>>());
}

#[test]
fn a_missing_or_empty_header_is_found() {
    let judge =
        |path: &str, text: &str| fault(&Source { path: path.to_owned(), text: text.to_owned() }).is_some();
    assert!(judge("a.rs", "use std::fmt;\n"));
    assert!(judge("a.rs", "//! Things.\n"));
    assert!(judge("a.rs", "// Not the header of a module.\n"));
    assert!(judge("a.ts", "import x from 'y';\n"));
    assert!(judge("a.rs", ""));
    assert!(!judge("a.rs", "\n//! What the customer is told.\n"));
    assert!(!judge("a.tsx", "/** The list of conversations. */\n"));
    assert!(!judge("a.toml", "[package]\n"));
}
