//! A policy document as a person would write it: what is as it would be anyhow is left out.

use policy::Document;
use policy::document::{HoursDoc, IntakeDoc, QueueDoc, StepDoc, TestDoc};
use serde::Serialize;
use toml::{Table, Value};

/// The document as TOML, which reads back as the same document.
///
/// # Errors
/// If it cannot be said in TOML.
pub(super) fn written(document: &Document) -> Result<String, toml::ser::Error> {
    let mut table = Table::try_from(document)?;
    each(&mut table, "hours", &HoursDoc::default())?;
    each(&mut table, "intake", &IntakeDoc::default())?;
    each(&mut table, "tests", &TestDoc::default())?;
    if let Some(Value::Table(queues)) = table.get_mut("queues") {
        for (_, queue) in queues.iter_mut() {
            if let Value::Table(queue) = queue {
                each(queue, "steps", &StepDoc::default())?;
            }
        }
    }
    each(&mut table, "queues", &QueueDoc::default())?;
    // Entries by name stay, also one that is all default: that it is there says something.
    leave_out(&mut table, &Table::try_from(Document::default())?);
    toml::to_string_pretty(&table)
}

/// Leaves out of each entry under a key, by name or in a list, what stands in the default.
fn each(table: &mut Table, key: &str, default: &impl Serialize) -> Result<(), toml::ser::Error> {
    let default = Table::try_from(default)?;
    let entries: Vec<&mut Value> = match table.get_mut(key) {
        Some(Value::Table(named)) => named.iter_mut().map(|(_, entry)| entry).collect(),
        Some(Value::Array(list)) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    for entry in entries {
        if let Value::Table(entry) = entry {
            leave_out(entry, &default);
        }
    }
    Ok(())
}

fn leave_out(table: &mut Table, default: &Table) {
    table.retain(|key, value| match (value, default.get(key)) {
        // What a default table does not have stays; a table of which nothing is left goes.
        (Value::Table(inner), Some(Value::Table(default))) => {
            leave_out(inner, default);
            !inner.is_empty()
        }
        (value, default) => default != Some(value),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Document {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_document() {
        let steps = "[queues.a]\ntarget_s = 9\n[[queues.a.steps]]\nafter_s = 30\ndrop = [\"x\"]\n[queues.b]\n[skills]\nx = \"X\"\n";
        let rest = "rule = \"longest_idle\"\n[hours.h]\nweek = { mon = [\"09:00-12:00\"] }\n[[intake]]\nwhen = { channel = \"email\" }\nqueue = \"a\"\n[[intake]]\nqueue = \"b\"\nneeds = { x = 5 }\n[queues.a]\nany_of = [{ x = 3 }]\n[queues.b]\n[skills]\nx = \"\"\n[[tests]]\nname = \"t\"\n[costs]\nagain_s = 0\n";
        for text in [crate::demo::POLICY, "", "[queues.support]\n", steps, rest] {
            let document = read(text);
            let told = written(&document).unwrap();
            assert_eq!(read(&told), document, "{told}");
        }
    }

    #[test]
    fn nothing_that_is_as_it_would_be_anyhow_is_told() {
        assert_eq!(written(&Document::default()).unwrap(), "");
        let told = written(&read("[queues.billing]\ntarget_s = 77\n")).unwrap();
        assert_eq!(told.trim(), "[queues.billing]\ntarget_s = 77");
    }
}
