//! Data in folders: `intents/`, `languages/` and `mood/`, each with files of one JSON object a line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A line of any of the sets; a set has some of these fields.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    pub(super) text: String,
    #[serde(default)]
    pub(super) split: Option<String>,
    #[serde(default)]
    pub(super) intent: String,
    #[serde(default)]
    pub(super) lang: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
}

/// A file of a set.
#[derive(Debug, Clone)]
pub(super) struct Set {
    /// The file's name without its ending.
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
}

impl Set {
    /// The lines of a split.
    pub(super) fn split<'a>(&'a self, split: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.split.as_deref() == Some(split))
    }

    /// What it is judged by: its split `test`, or all of it where it has none; never a text of `trained`.
    pub(super) fn test(&self, trained: &BTreeSet<String>) -> Vec<&Line> {
        let whole = self.split("test").next().is_none();
        let judged = self.lines.iter().filter(|line| whole || line.split.as_deref() == Some("test"));
        judged.filter(|line| !trained.contains(&plain(&line.text))).collect()
    }
}

/// A text as it is compared: letters and digits alone, in small.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The texts of lines as they are compared.
pub(super) fn plain_texts<'a>(lines: impl IntoIterator<Item = &'a Line>) -> BTreeSet<String> {
    lines.into_iter().map(|line| plain(&line.text)).collect()
}

/// The sets of a kind in a folder, by name; none where there is no such folder or nothing in it.
pub(super) fn read(folder: &Path, kind: &str) -> Result<Vec<Set>> {
    let folder = folder.join(kind);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|is| is == "jsonl"));
    paths.sort();
    paths.iter().map(|path| file(path)).collect()
}

fn file(path: &Path) -> Result<Set> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().enumerate().map(|(at, line)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), at + 1))
    });
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Set { name, lines: lines.collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, split: Option<&str>) -> Line {
        Line {
            text: text.to_owned(),
            split: split.map(str::to_owned),
            intent: String::new(),
            lang: String::new(),
            kind: String::new(),
            labels: Vec::new(),
        }
    }

    #[test]
    fn nothing_is_judged_by_what_it_was_trained_on() {
        let lines =
            vec![line("My card?", Some("train")), line("my CARD", Some("test")), line("New", Some("test"))];
        let set = Set { name: "x".into(), lines };
        let trained = plain_texts(set.split("train"));
        assert_eq!(set.test(&trained).iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["New"]);
    }

    #[test]
    fn without_splits_all_is_judged() {
        let set = Set { name: "x".into(), lines: vec![line("a", None), line("b", None)] };
        assert_eq!(set.test(&BTreeSet::new()).len(), 2);
    }
}
