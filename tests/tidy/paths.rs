//! No path of one machine stands in a tracked file: the checkout may lie anywhere.

use crate::tree::{Source, none, sources};

/// In two halves, so that this file does not find itself.
const ROOTS: [(&str, &str); 5] =
    [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/"), ("/tm", "p/")];

/// Where such a path is meant: what is inside a container, or an example for those who run it.
const ALLOWED: [(&str, &str); 0] = [];

fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for (one, two) in ROOTS {
            let path = format!("{one}{two}");
            let begins = |at: usize| {
                !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}'))
            };
            if line.match_indices(&path).any(|(at, _)| begins(at))
                && !ALLOWED.contains(&(source.path.as_str(), path.as_str()))
            {
                faults.push(format!("{}:{}: {path}", source.path, number + 1));
            }
        }
    }
    faults
}

#[test]
fn no_path_of_one_machine() {
    none(&sources().iter().flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn such_a_path_is_found() {
    for (one, two) in ROOTS {
        let found = faults(&Source { path: "a.md".to_owned(), text: format!("see {one}{two}x") });
        assert_eq!(found, [format!("a.md:1: {one}{two}")]);
    }
    let relative =
        Source { path: "a.md".to_owned(), text: "../net/desk/x and api/home/x".replace("net", "..") };
    assert!(faults(&relative).iter().all(|fault| !fault.contains("home")));
    let (one, two) = ROOTS[2];
    assert!(
        faults(&Source { path: "a.ts".to_owned(), text: format!("`${{base}}{one}{two}x`, api{one}{two}") })
            .is_empty()
    );
}
