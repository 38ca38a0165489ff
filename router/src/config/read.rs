//! Reads single settings, from the file and from the environment, into one table. Each is tried alone against the form
//! of the configuration, so that one fault never hides another, and keeps the place where it was written.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeTable;
use toml::{Spanned, Table, Value};

use super::faults::unknown;
use super::{Config, Fault, MailListener, Tls};

/// Settings as far as they are read.
pub(super) struct Reader {
    /// A good configuration in which every key is set: what a setting is tried in.
    sample: Table,
    names: Vec<String>,
    table: Table,
    places: BTreeMap<String, String>,
    pub(super) faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new() -> Self {
        let tls = Some(Tls { cert: "cert".into(), key: "key".into() });
        let mail_listener =
            MailListener { listen: Some(Config::default().listen), ..MailListener::default() };
        let config = Config { public_url: Some(String::new()), tls, mail_listener, ..Config::default() };
        let sample = Table::try_from(&config).unwrap_or_default();
        let mut names = Vec::new();
        name_all(&sample, "", &mut names);
        Self { sample, names, table: Table::new(), places: BTreeMap::new(), faults: Vec::new() }
    }

    /// Reads a file.
    pub(super) fn file(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.text(path, &text),
            Err(error) => {
                let detail = format!("the configuration cannot be read: {error}");
                self.faults.push(Fault::at(&path.display().to_string(), detail));
            }
        }
    }

    /// Reads what stands in a file.
    pub(super) fn text(&mut self, path: &Path, text: &str) {
        let (document, errors) = DeTable::parse_recoverable(text);
        let values = text.parse::<Table>();
        // What stands behind a fault of form is a guess: it is read when the form is good.
        let (Ok(values), true) = (&values, errors.is_empty()) else {
            for error in errors.iter().chain(values.as_ref().err().filter(|_| errors.is_empty())) {
                let at = error.span().map_or(0, |span| span.start);
                self.faults.push(Fault::at(&place(path, text, at), error.message().to_owned()));
            }
            return;
        };
        let mut found = Vec::new();
        self.walk(document.get_ref(), values, "", &mut found);
        found.sort_by_key(|setting| setting.at);
        for Found { name, at, value_at, value } in found {
            let place = place(path, text, at);
            match (self.known(&name), value) {
                (None, _) => self.faults.push(Fault::at(&place, unknown(&name, &self.names))),
                (Some(Value::Table(_)), Value::Table(_)) => self.open(&name, &place),
                (Some(Value::Table(_)), _) => {
                    let detail = format!("`{name}` is a section: write `[{name}]`");
                    self.faults.push(Fault::at(&place, detail));
                }
                (Some(_), value) => self.set(&name, vec![value], &self::place(path, text, value_at)),
            }
        }
    }

    /// Reads a variable of the environment; `path` is its name behind the prefix.
    pub(super) fn variable(&mut self, name: &str, path: &str, value: &str) {
        let key = path.to_ascii_lowercase().replace("__", ".");
        let text = Value::String(value.to_owned());
        let candidates = match self.known(&key) {
            None => return self.faults.push(Fault::at(name, unknown(&key, &self.names))),
            Some(Value::Table(_)) => {
                let detail = format!("`{key}` is a section: set its keys, as in {name}__KEY");
                return self.faults.push(Fault::at(name, detail));
            }
            Some(Value::Array(_)) if !value.trim_start().starts_with('[') => {
                let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
                vec![Value::Array(items.map(|item| Value::String(item.to_owned())).collect())]
            }
            // A number, a truth value or a list is written as in TOML; everything else is text.
            Some(_) => {
                let parsed = format!("value = {value}").parse::<Table>().ok();
                let parsed = parsed.filter(|table| table.len() == 1).and_then(|mut it| it.remove("value"));
                parsed.into_iter().chain([text]).collect()
            }
        };
        self.set(&key, candidates, name);
    }

    /// A flag has set this key.
    pub(super) fn flag(&mut self, key: &str, flag: &str) {
        self.places.insert(key.to_owned(), flag.to_owned());
    }

    /// Whether a key was set anywhere.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// The configuration, of all settings that were good, and where each was written.
    pub(super) fn finish(&mut self) -> Config {
        if let Some(Value::Table(tls)) = self.table.get("tls")
            && !(tls.contains_key("cert") && tls.contains_key("key"))
        {
            let place = self.place("tls");
            // A half that was tried and found wrong is told already.
            if !self.faults.iter().any(|fault| fault.to_string().contains("`tls.")) {
                self.faults.push(Fault::at(&place, "`tls` needs both `cert` and `key`".into()));
            }
            self.table.remove("tls");
        }
        match Value::Table(std::mem::take(&mut self.table)).try_into() {
            Ok(config) => config,
            Err(error) => {
                self.faults.push(Fault::at("settings", error.message().to_owned()));
                Config::default()
            }
        }
    }

    /// Where a key was written.
    pub(super) fn place(&self, key: &str) -> String {
        let written = self.places.get(key).or_else(|| {
            let section = format!("{key}.");
            self.places.iter().find(|(name, _)| name.starts_with(&section)).map(|(_, place)| place)
        });
        written.cloned().unwrap_or_else(|| "settings".into())
    }

    fn known(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut here = self.sample.get(parts.next()?)?;
        for part in parts {
            here = here.as_table()?.get(part)?;
        }
        Some(here)
    }

    fn walk(&self, document: &DeTable<'_>, values: &Table, prefix: &str, found: &mut Vec<Found>) {
        for (key, value) in document {
            let name = format!("{prefix}{}", key.get_ref());
            let Some(plain) = values.get(key.get_ref().as_ref()) else { continue };
            // A quoted key with a dot in it is one key, and none of ours.
            let section = !key.get_ref().contains('.') && matches!(self.known(&name), Some(Value::Table(_)));
            let name =
                if key.get_ref().contains('.') { format!("{prefix}\"{}\"", key.get_ref()) } else { name };
            if section && let (Some(inner), Value::Table(inner_values)) = (value.get_ref().as_table(), plain)
            {
                self.walk(inner, inner_values, &format!("{name}."), found);
            }
            found.push(Found { name, at: start(key), value_at: start(value), value: plain.clone() });
        }
    }

    /// A section is there, if only by its heading.
    fn open(&mut self, name: &str, place: &str) {
        self.table.entry(name).or_insert_with(|| Value::Table(Table::new()));
        self.places.insert(name.to_owned(), place.to_owned());
    }

    /// Takes the first of these values that the key can have.
    fn set(&mut self, key: &str, candidates: Vec<Value>, place: &str) {
        let mut why = None;
        for value in candidates {
            let mut trial = self.sample.clone();
            put(&mut trial, key, value.clone());
            match Value::Table(trial).try_into::<Config>() {
                Ok(_) => {
                    put(&mut self.table, key, value);
                    self.places.insert(key.to_owned(), place.to_owned());
                    return;
                }
                Err(error) => why = why.or_else(|| Some(error.message().to_owned())),
            }
        }
        let why = why.unwrap_or_else(|| "has no value".into());
        self.faults.push(Fault::at(place, format!("`{key}`: {why}")));
    }
}

struct Found {
    name: String,
    at: usize,
    value_at: usize,
    value: Value,
}

fn start<T>(of: &Spanned<T>) -> usize {
    of.span().start
}

fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
        None => {
            table.insert(key.to_owned(), value);
        }
    }
}

fn name_all(table: &Table, prefix: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        if let Value::Table(inner) = value {
            name_all(inner, &format!("{name}."), names);
        }
        names.push(name);
    }
}

fn place(path: &Path, text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |it| it.chars().count()) + 1;
    format!("{}:{line}:{column}", path.display())
}
