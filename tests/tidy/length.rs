//! No file is longer than one can read at a sitting. Those that are, are named with a reason, and may only get shorter.

use crate::tree::{Source, none, sources};

const LINES_MAX: usize = 500;

/// Path, most lines, why.
type Exception = (&'static str, usize, &'static str);

const LONGER: [Exception; 1] =
    [("web/src/protocol.ts", 1_200, "generated: one file for all types of the wire")];

fn faults(sources: &[Source], longer: &[Exception]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.is(&["rs", "ts", "tsx", "mjs", "css", "md"])) {
        let lines = source.text.lines().count();
        let exception = longer.iter().find(|(path, ..)| *path == source.path);
        let most = exception.map_or(LINES_MAX, |(_, most, _)| *most);
        if lines > most {
            faults
                .push(format!("{}: {lines} lines, more than {most}: split it along the domain", source.path));
        }
        if exception.is_some() && lines <= LINES_MAX {
            faults.push(format!("{}: {lines} lines: take it off the list of longer files", source.path));
        }
    }
    for (path, _, why) in longer {
        if !sources.iter().any(|source| source.path == *path) {
            faults.push(format!("{path}: on the list of longer files ({why}), but not there"));
        }
    }
    faults
}

#[test]
fn files_can_be_read_at_a_sitting() {
    none(&faults(&sources(), &LONGER));
}

#[test]
fn a_long_file_and_a_stale_exception_are_found() {
    let file = |path: &str, lines: usize| Source { path: path.to_owned(), text: "x\n".repeat(lines) };
    assert!(faults(&[file("a.rs", 500)], &[]).is_empty());
    assert_eq!(faults(&[file("a.rs", 501)], &[]).len(), 1);
    assert!(faults(&[file("a.rs", 600)], &[("a.rs", 600, "a table")]).is_empty());
    assert_eq!(faults(&[file("a.rs", 601)], &[("a.rs", 600, "a table")]).len(), 1);
    assert_eq!(faults(&[file("a.rs", 400)], &[("a.rs", 600, "a table")]).len(), 1);
    assert_eq!(faults(&[], &[("a.rs", 600, "a table")]).len(), 1);
}
