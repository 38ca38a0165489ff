//! What is wrong in a configuration: every fault of one run, with place and nearest name.

use std::fmt;
use std::path::Path;

use toml::Value;

use super::settings::{Config, Tls};

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    place: String,
    detail: String,
}

impl Fault {
    pub(super) fn at(place: &str, detail: String) -> Self {
        Self { place: place.to_owned(), detail }
    }
}

/// All faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Fault>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(|fault| format!("{}: {}", fault.place, fault.detail)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// Reads a file; unknown keys are told by line and column, and taken out.
pub(super) fn read(path: &Path, text: &str, faults: &mut Vec<Fault>) -> toml::Table {
    let mut table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let error: toml::de::Error = error;
            let at = error.span().map_or(0, |span| span.start);
            faults.push(Fault::at(&place(path, text, at), error.message().to_owned()));
            return toml::Table::new();
        }
    };
    let known = known();
    let mut unknown = Vec::new();
    collect(&table, &known, "", &mut unknown);
    for key in &unknown {
        let at = find(text, key);
        faults.push(Fault::at(&place(path, text, at), told(key, &known)));
        remove(&mut table, key);
    }
    table
}

/// Unknown keys that came from the environment.
pub(super) fn check_names(table: &toml::Table, faults: &mut Vec<Fault>) {
    let known = known();
    let mut unknown = Vec::new();
    collect(table, &known, "", &mut unknown);
    faults.extend(unknown.iter().map(|key| Fault::at("environment", told(key, &known))));
}

fn told(key: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .min_by_key(|name| distance(name, key))
        .filter(|name| distance(name, key) <= 1 + key.len() / 4);
    match nearest {
        Some(name) => format!("unknown key `{key}`: did you mean `{name}`?"),
        None => format!("unknown key `{key}`"),
    }
}

/// Every key there is: of the defaults, and those that are absent in them.
fn known() -> Vec<String> {
    let mut config = Config { public_url: Some(String::new()), ..Config::default() };
    config.tls = Some(Tls { cert: "cert".into(), key: "key".into() });
    let mut names = Vec::new();
    if let Ok(Value::Table(table)) = Value::try_from(&config) {
        name_all(&table, "", &mut names);
    }
    names
}

fn name_all(table: &toml::Table, prefix: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        if let Value::Table(inner) = value {
            name_all(inner, &format!("{name}."), names);
        }
        names.push(name);
    }
}

fn collect(table: &toml::Table, known: &[String], prefix: &str, unknown: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        if !known.contains(&name) {
            unknown.push(name);
        } else if let Value::Table(inner) = value {
            collect(inner, known, &format!("{name}."), unknown);
        }
    }
}

fn remove(table: &mut toml::Table, key: &str) {
    match key.split_once('.') {
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                remove(inner, rest);
            }
        }
        None => drop(table.remove(key)),
    }
}

/// Where a key is written: in its section, at the begin of a line or in the section's own heading.
fn find(text: &str, key: &str) -> usize {
    let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut inside = section.is_empty();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if let Some(heading) = trimmed.strip_prefix('[') {
            let heading = heading.trim_end_matches(']');
            if heading == key {
                return at + line.find('[').unwrap_or(0) + 1;
            }
            inside = heading == section;
        } else if inside
            && trimmed.strip_prefix(last).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        {
            return at + (line.len() - line.trim_start().len());
        }
        at += line.len();
    }
    0
}

fn place(path: &Path, text: &str, at: usize) -> String {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |it| it.chars().count()) + 1;
    format!("{}:{line}:{column}", path.display())
}

/// How many letters must change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
