//! No note of unfinished work is left in the source: what is missing is an issue.

use crate::tree::{Source, none, sources};

/// In two halves, so that this file does not find itself.
const NOTES: [(&str, &str); 7] = [
    ("FIX", "ME"),
    ("XX", "X:"),
    ("TO", "DO"),
    ("HA", "CK:"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
];

fn faults(source: &Source) -> Vec<String> {
    if !source.is(&["rs", "ts", "tsx", "mjs", "css", "toml", "md", "sh", "html", "yml", "yaml"]) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for (one, two) in NOTES {
            let note = format!("{one}{two}");
            if line.contains(&note) {
                faults.push(format!("{}:{}: {note}", source.path, number + 1));
            }
        }
    }
    faults
}

#[test]
fn no_unfinished_work_is_left() {
    none(&sources().iter().flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn each_note_is_found() {
    for (one, two) in NOTES {
        let text = format!("fine\n// {one}{two} later\n");
        let found = faults(&Source { path: "a.rs".to_owned(), text });
        assert_eq!(found.len(), 1, "{one}{two}");
        assert!(found[0].starts_with("a.rs:2: "), "{found:?}");
    }
    assert!(faults(&Source { path: "a.rs".to_owned(), text: "a todo list".to_owned() }).is_empty());
}
