//! Builds the models that ship with the program, from data whose licence permits it (`docs/understanding.md` names it).
//!
//! ```text
//! cargo run --release -p understanding --example build -- languages OUT WITHOUT.jsonl FOLDER...
//! cargo run --release -p understanding --example build -- mood OUT COMMENTS.jsonl
//! ```
//!
//! A folder is a checkout of an Android application (texts in `values-*/strings.xml`) or of the Home Assistant intents
//! (sentences in `tests/*/*.yaml`). Texts that also stand in WITHOUT, the data that the model is judged by, are left out.

#![expect(clippy::print_stderr, reason = "it tells what it did")]

mod android;
mod assistant;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use understanding::language::{Languages, Sample};
use understanding::mood::{Comment, Feelings, Moods};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The languages that are told apart within a script. Pairs that short messages do not tell apart are left out, since
/// each would take as much from its neighbour as it gives: Malay beside Indonesian, Bosnian beside Serbian, Afrikaans beside
/// Dutch, Marathi beside Hindi.
const LANGUAGES: [&str; 36] = [
    "ca", "cs", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "is", "it", "lt", "lv", "nb",
    "nl", "pl", "pt", "ro", "sk", "sl", "sr", "sv", "tr", "vi", // Latin
    "be", "bg", "kk", "mk", "ru", "uk", // Cyrillic, and "sr"
    "ar", "fa", "ur", // Arabic
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["languages", out, without, folders @ ..] if !folders.is_empty() => languages(out, without, folders),
        ["mood", out, comments] => mood(out, comments),
        _ => Err("usage: build languages OUT WITHOUT.jsonl FOLDER... | build mood OUT COMMENTS.jsonl".into()),
    }
}

fn languages(out: &str, without: &str, folders: &[&str]) -> Outcome<()> {
    let judged: BTreeSet<String> =
        lines::read(without)?.iter().filter_map(|line| line["text"].as_str().map(plain)).collect();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in folders {
        for path in files(Path::new(folder))? {
            let found = if path.extension().is_some_and(|is| is == "xml") {
                android::texts(&path)?
            } else {
                assistant::texts(&path)?
            };
            let Some((code, found)) = found else { continue };
            if LANGUAGES.contains(&code.as_str()) {
                let kept = found.into_iter().filter(|text| !judged.contains(&plain(text)));
                texts.entry(code).or_default().extend(kept);
            }
        }
    }
    let samples: Vec<Sample> = texts
        .into_iter()
        .flat_map(|(code, texts)| texts.into_iter().map(move |text| Sample { code: code.clone(), text }))
        .collect();
    eprintln!("{} texts", samples.len());
    let model = Languages::train(&samples);
    let bytes = model.to_bytes()?;
    eprintln!(
        "{}: {} bytes, version {}, trained on {} pieces",
        out,
        bytes.len(),
        model.version(),
        model.trained_on()
    );
    Ok(std::fs::write(out, bytes)?)
}

fn mood(out: &str, comments: &str) -> Outcome<()> {
    let lines = lines::read(comments)?;
    let of = |split: &str| -> Vec<Comment> {
        let of_split = lines.iter().filter(|line| line["split"] == split);
        of_split
            .filter_map(|line| {
                let emotions = line["labels"].as_array()?.iter().filter_map(|emotion| emotion.as_str());
                Some(Comment { text: line["text"].as_str()?.to_owned(), feelings: Feelings::of(emotions) })
            })
            .collect()
    };
    let model = Moods::train(&of("train"), &of("dev"));
    let bytes = model.to_bytes()?;
    eprintln!(
        "{}: {} bytes, version {}, trained on {} texts",
        out,
        bytes.len(),
        model.version(),
        model.trained_on()
    );
    Ok(std::fs::write(out, bytes)?)
}

/// All files below a folder, in the order of their paths, so that a build can be repeated.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        entries.push(entry?);
    }
    entries.sort_by_key(std::fs::DirEntry::path);
    let mut files = Vec::new();
    for entry in entries {
        if entry.file_type()?.is_dir() {
            files.extend(self::files(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Letters alone, in small: two texts that differ in spaces and marks are the same text.
fn plain(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
