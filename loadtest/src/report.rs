//! What a command tells: one JSON object on standard output, or a table for people; progress on standard error.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Flags that every command has.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// What is drawn at random is drawn by this
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// A command's result.
pub(crate) struct Report {
    fields: Map<String, Value>,
    started: Instant,
    /// Goals that were missed or not resolved.
    pub(crate) misses: Vec<String>,
    /// Whether everything that was tested was correct, and the run complete.
    pub(crate) correct: bool,
}

impl Report {
    pub(crate) fn new(command: &str, common: &Common, level: &str, limits: Value) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut fields = Map::new();
        fields.insert("command".to_owned(), command.into());
        fields.insert("commit".to_owned(), commit().into());
        fields.insert("cores".to_owned(), cores.into());
        fields.insert("seed".to_owned(), common.seed.into());
        fields.insert("level".to_owned(), level.into());
        fields.insert("limits".to_owned(), limits);
        Self { fields, started: Instant::now(), misses: Vec::new(), correct: true }
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Sets a field for each of these.
    pub(crate) fn set_all(&mut self, fields: &impl Serialize) -> Result<()> {
        if let Value::Object(fields) = serde_json::to_value(fields)? {
            self.fields.extend(fields);
        }
        Ok(())
    }

    /// Prints it; says whether the run was correct.
    pub(crate) fn print(mut self, as_json: bool) -> Result<bool> {
        self.set("seconds", (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        self.set("pass", self.correct && self.misses.is_empty());
        self.set("misses", json!(self.misses));
        let mut out = std::io::stdout().lock();
        if as_json {
            writeln!(out, "{}", Value::Object(self.fields))?;
        } else {
            for (name, value) in &self.fields {
                match value {
                    Value::Array(rows) if rows.iter().any(Value::is_object) => {
                        writeln!(out, "{name}")?;
                        for row in rows {
                            writeln!(out, "    {}", plain(row))?;
                        }
                    }
                    _ => writeln!(out, "{name:>16}  {}", plain(value))?,
                }
            }
        }
        Ok(self.correct)
    }
}

/// A value without the marks of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect::<Vec<_>>()
            .join("  "),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.3}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// The commit of the sources that this program was built from, if it is run beside them.
fn commit() -> String {
    let asked = std::process::Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(std::process::Stdio::null())
        .output();
    let told = asked.ok().filter(|output| output.status.success());
    told.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// A line on standard error.
pub(crate) fn say(text: &str) {
    // Standard error may be closed; the result does not depend on it.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

/// A bar on standard error, where that is a terminal.
pub(crate) fn bar(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{msg:>14} [{bar:40}] {pos}/{len} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_plainly() {
        assert_eq!(plain(&json!({"p50": 1.25, "n": 3})), "n 3  p50 1.250");
        assert_eq!(plain(&json!([])), "none");
        assert_eq!(plain(&json!(["a", 1])), "a, 1");
    }

    #[test]
    fn a_miss_is_no_pass_but_correct() {
        let common = Common { json: true, seed: 1 };
        let mut report = Report::new("compare", &common, "disk", json!({}));
        report.misses.push("relay_p50".to_owned());
        assert!(report.print(true).expect("printed"));
    }
}
