//! What was read of a sample, in one form for all channels, and what is wrong with it.

use serde_json::{Value, json};

use super::samples::Sample;

/// What was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// What it is: `mail`, `bounce`, ...
    pub(crate) kind: String,
    /// The provider's ids, its own first.
    pub(crate) ids: Vec<String>,
    /// Who wrote it.
    pub(crate) sender: Option<String>,
    /// When, in ms since 1970.
    pub(crate) at: Option<i64>,
    /// What it says.
    pub(crate) text: String,
    /// What it carries: name, type and size of each.
    pub(crate) media: Vec<Value>,
    /// What was judged: a signature, a sender, a report of delivery.
    pub(crate) verdict: Value,
}

impl Reading {
    /// A line of the dump.
    pub(crate) fn line(&self, folder: &str, sample: &Sample) -> Value {
        json!({
            "folder": folder, "file": sample.file, "item": sample.item, "kind": self.kind, "ids": self.ids,
            "sender": self.sender, "at": self.at, "text": self.text, "media": self.media, "verdict": self.verdict,
        })
    }
}

/// What was read and what is wrong with it; nothing is wrong with what is right.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judged {
    /// What was read.
    pub(crate) reading: Reading,
    /// What differs from what is expected.
    pub(crate) faults: Vec<String>,
}

impl Judged {
    /// A reading that nothing is wrong with so far.
    pub(crate) fn of(reading: Reading) -> Self {
        Self { reading, faults: Vec::new() }
    }

    /// Something that must be so.
    pub(crate) fn expect(&mut self, so: bool, fault: impl FnOnce() -> String) {
        if !so {
            self.faults.push(fault());
        }
    }
}

/// A text without white space, as texts are compared.
pub(crate) fn squeezed(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace() && !matches!(it, '\u{feff}' | '\0')).collect()
}

/// The beginning of a text, for a message.
pub(crate) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{:?}…", &line[..at]),
        None => format!("{line:?}"),
    }
}
