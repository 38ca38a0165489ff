//! JSON, an object a line.

use serde_json::Value;

use crate::Outcome;

pub(crate) fn read(path: &str) -> Outcome<Vec<Value>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
