//! Sentences to an assistant: `tests/da/light.yaml` has lists under `sentences:`.

use std::path::Path;

use crate::Outcome;

/// The language of a file and its sentences; none where it is no file of sentences.
pub(crate) fn texts(path: &Path) -> Outcome<Option<(String, Vec<String>)>> {
    let parts: Vec<_> = path.iter().rev().take(3).map(|part| part.to_string_lossy().into_owned()).collect();
    let [file, code, tests] = parts.as_slice() else { return Ok(None) };
    if tests != "tests" || !file.ends_with(".yaml") || file.starts_with('_') {
        return Ok(None);
    }
    let code = match code.as_str() {
        "pt-br" => "pt",
        "sr-Latn" => "sr",
        "de-CH" => "de",
        code => code,
    };
    let mut sentences = Vec::new();
    let mut inside = false;
    for line in std::fs::read_to_string(path)?.lines() {
        let line = line.trim();
        if line.trim_start_matches("- ").starts_with("sentences:") {
            inside = true;
        } else if let Some(sentence) = line.strip_prefix("- ").filter(|_| inside) {
            let sentence = sentence.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if sentence.chars().count() >= 2 {
                sentences.push(sentence.to_owned());
            }
        } else if !line.starts_with('#') {
            inside = false;
        }
    }
    Ok(Some((code.to_owned(), sentences)))
}
