//! The samples of a folder, in the three forms in which vectors come: files with an `expected.json` beside them, JSON files
//! whose items hold sample and expectation, and files in a folder with a `manifest.csv` above it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// A folder of samples.
pub(crate) struct Folder {
    /// Its path within the vectors.
    pub(crate) path: String,
    /// What is in it, in the order of its files.
    pub(crate) samples: Vec<Sample>,
}

/// A sample and what is expected of it.
pub(crate) struct Sample {
    /// The file that it stands in, or is.
    pub(crate) file: String,
    /// Its name or number within the file; null where the file is the sample.
    pub(crate) item: Value,
    /// The file's bytes, where the file is the sample.
    pub(crate) bytes: Vec<u8>,
    /// What is expected, and the sample itself where items hold it.
    pub(crate) expected: Value,
}

/// All folders under one that hold samples, in order of their paths.
pub(crate) fn folders(root: &Path) -> Result<Vec<Folder>> {
    if !root.is_dir() {
        bail!("{} is no folder: name the one that holds the vectors", root.display());
    }
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let samples = samples(&folder)?;
        if !samples.is_empty() {
            let path = folder.strip_prefix(root).unwrap_or(&folder).to_string_lossy().into_owned();
            found.push(Folder { path, samples });
        }
        for path in listed(&folder)? {
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|it| it.map(|it| it.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn samples(folder: &Path) -> Result<Vec<Sample>> {
    let expected = folder.join("expected.json");
    if expected.is_file() {
        return items(&expected)?.into_iter().filter_map(|it| by_file(folder, it).transpose()).collect();
    }
    let manifest = folder.with_file_name("manifest.csv");
    if manifest.is_file() {
        return by_manifest(folder, &text(&manifest)?);
    }
    let mut samples = Vec::new();
    for path in listed(folder)?.iter().filter(|it| it.extension().is_some_and(|it| it == "json")) {
        let file = name(path);
        for (number, item) in items(path)?.into_iter().enumerate() {
            let named = item.get("name").filter(|it| it.is_string()).cloned();
            let item_name = named.unwrap_or_else(|| number.into());
            samples.push(Sample { file: file.clone(), item: item_name, bytes: Vec::new(), expected: item });
        }
    }
    Ok(samples)
}

/// The file that an expectation names; nothing where it names none.
fn by_file(folder: &Path, expected: Value) -> Result<Option<Sample>> {
    let Some(file) = expected.get("file").and_then(Value::as_str).map(str::to_owned) else { return Ok(None) };
    let path = folder.join(&file);
    let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(Sample { file, item: Value::Null, bytes, expected }))
}

fn by_manifest(folder: &Path, manifest: &str) -> Result<Vec<Sample>> {
    let mut rows = rows(manifest).into_iter();
    let names = rows.next().unwrap_or_default();
    let fields = rows.map(|row| names.iter().cloned().zip(row).collect::<BTreeMap<String, String>>());
    let expected = fields.map(|it| serde_json::to_value(it).context("a row of the manifest"));
    expected.filter_map(|it| it.and_then(|it| by_file(folder, it)).transpose()).collect()
}

/// The items of a JSON file: those under `items`, or a list as such; nothing in files that are no vectors.
fn items(path: &Path) -> Result<Vec<Value>> {
    let value: Value =
        serde_json::from_str(&text(path)?).with_context(|| format!("{} is no JSON", path.display()))?;
    Ok(match value {
        Value::Array(items) => items,
        Value::Object(mut fields) => match fields.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    })
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The rows of a CSV file (RFC 4180).
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(it) = chars.next() {
        let row = rows.last_mut().map(|row| (row.len(), row));
        let Some((_, row)) = row else { break };
        match it {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                if let Some(field) = row.last_mut() {
                    field.push('"');
                }
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => rows.push(vec![String::new()]),
            other => {
                if let Some(field) = row.last_mut() {
                    field.push(other);
                }
            }
        }
    }
    rows.retain(|row| row.iter().any(|it| !it.is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_quotes() {
        assert_eq!(rows("a,b\r\n\"x, \"\"y\"\"\nz\",2\n"), [["a", "b"], ["x, \"y\"\nz", "2"]]);
    }

    #[test]
    fn all_three_forms_are_found() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("a/one.txt", "1");
        write("a/expected.json", r#"{"items": [{"file": "one.txt"}]}"#);
        write("b/c/many.json", r#"{"items": [{"name": "x"}, {}]}"#);
        write("d/manifest.csv", "file,n\none.eml,7\n");
        write("d/eml/one.eml", "hi");
        write("e/notes.json", r#"{"source": "none"}"#);
        let found = folders(root.path()).expect("read");
        let paths: Vec<_> = found.iter().map(|it| (it.path.as_str(), it.samples.len())).collect();
        assert_eq!(paths, [("a", 1), ("b/c", 2), ("d/eml", 1)]);
        assert_eq!(found[1].samples[1].item, 1);
        assert_eq!(found[2].samples[0].expected["n"], "7");
    }
}
