//! Links between our documents lead somewhere: to a file that is there, and to a heading that it has.

use std::path::{Component, Path, PathBuf};

use crate::tree::{Source, none, root, sources};

/// Targets of `[text](target)` with their line numbers, code aside.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String =
            line.split('`').enumerate().map(|(at, piece)| if at % 2 == 0 { piece } else { "code" }).collect();
        for part in prose.split("](").skip(1) {
            if let Some((target, _)) = part.split_once(')') {
                let target = target.split_whitespace().next().unwrap_or_default();
                found.push((number + 1, target.to_owned()));
            }
        }
    }
    found
}

/// A heading's anchor, as the usual viewers make it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
            _ => None,
        })
        .collect()
}

fn anchors(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

fn faults(source: &Source, read: &impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, target) in links(&source.text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
        let path = if file.is_empty() {
            PathBuf::from(&source.path)
        } else {
            plain(&Path::new(&source.path).parent().unwrap_or(Path::new("")).join(file))
        };
        match read(&path) {
            None => faults.push(format!("{}:{line}: {target} leads nowhere", source.path)),
            Some(text) if !heading.is_empty() && !anchors(&text).iter().any(|found| found == heading) => {
                faults.push(format!("{}:{line}: {target}: no such heading", source.path));
            }
            Some(_) => {}
        }
    }
    faults
}

#[test]
fn links_lead_somewhere() {
    let read = |path: &Path| {
        let full = root().join(path);
        full.exists().then(|| std::fs::read_to_string(full).unwrap_or_default())
    };
    none(
        &sources()
            .iter()
            .filter(|source| source.is(&["md"]))
            .flat_map(|source| faults(source, &read))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_decision_is_in_the_index() {
    let sources = sources();
    let text =
        |path: &str| sources.iter().find(|source| source.path == path).map(|source| source.text.as_str());
    let index = text("docs/decisions/README.md").expect("the index of decisions");
    let records: Vec<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix("docs/decisions/"))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    assert!(records.len() >= 6, "{records:?}");
    for name in records {
        assert!(index.contains(&format!("({name})")), "docs/decisions/README.md does not name {name}");
    }
}

#[test]
fn a_broken_link_is_found() {
    let read =
        |path: &Path| (path == Path::new("docs/b.md")).then(|| "# One thing\n## Another, too\n".to_owned());
    let judge =
        |text: &str| faults(&Source { path: "docs/a.md".to_owned(), text: text.to_owned() }, &read).len();
    assert_eq!(judge("see [b](b.md), [b](../docs/b.md#one-thing), [b](./b.md#another-too)"), 0);
    assert_eq!(judge("see [c](c.md)"), 1);
    assert_eq!(judge("see [b](b.md#other)"), 1);
    assert_eq!(judge("see [out](https://example.org/c.md)"), 0);
    assert_eq!(judge("`[c](c.md)` and\n```\n[c](c.md)\n```\n"), 0);
}
