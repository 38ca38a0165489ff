//! Two-sided dialogues from a file, one JSON object a line: `flow` (the skills it needs) and `turns` as
//! `[seconds since the first turn, "customer" or "agent", text]`.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::journal::{Digest, digest};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Customer,
    Agent,
}

/// One turn.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) side: Side,
    /// How long after the turn before was received it is sent.
    pub(crate) gap: Duration,
    pub(crate) text: String,
    pub(crate) digest: Digest,
}

/// One dialogue.
#[derive(Debug, Clone)]
pub(crate) struct Dialogue {
    pub(crate) needs: BTreeSet<String>,
    pub(crate) turns: Vec<Turn>,
}

impl Dialogue {
    /// How long it takes at least.
    pub(crate) fn span(&self) -> Duration {
        self.turns.iter().map(|turn| turn.gap).sum()
    }
}

#[derive(Deserialize)]
struct Line {
    flow: Vec<String>,
    turns: Vec<(f64, Side, String)>,
}

/// Reads a file; recorded gaps are divided by `speed`.
pub(crate) fn read(path: &Path, speed: f64, limit: Option<usize>) -> Result<Vec<Dialogue>> {
    let file = std::fs::File::open(path)
        .with_context(|| format!("the dialogues in {} cannot be read", path.display()))?;
    let mut dialogues = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        if limit.is_some_and(|limit| dialogues.len() >= limit) {
            break;
        }
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("line {} of {}", number + 1, path.display());
        let line: Line = serde_json::from_str(&line).with_context(place)?;
        dialogues.push(dialogue(line, speed).with_context(place)?);
    }
    ensure!(!dialogues.is_empty(), "{} holds no dialogue", path.display());
    Ok(dialogues)
}

fn dialogue(line: Line, speed: f64) -> Result<Dialogue> {
    ensure!(
        line.turns.first().is_some_and(|turn| turn.1 == Side::Customer),
        "a dialogue begins with a turn of the customer"
    );
    let mut before = 0.0;
    let mut turns = Vec::new();
    for (at, side, text) in line.turns {
        // The server takes a message without the blanks around it.
        let text = text.trim().to_owned();
        ensure!(!text.is_empty(), "a turn has no text");
        ensure!(at.is_finite(), "a turn has no time");
        let gap = Duration::try_from_secs_f64(((at - before) / speed).max(0.0))?;
        before = at;
        let digest = digest(&text);
        turns.push(Turn { side, gap, text, digest });
    }
    Ok(Dialogue { needs: line.flow.into_iter().collect(), turns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Dialogue> {
        dialogue(serde_json::from_str(text)?, 10.0)
    }

    #[test]
    fn gaps_are_divided_by_the_speed() {
        let text =
            r#"{"flow":["a","b"],"turns":[[0,"customer"," hi "],[20,"agent","yes"],[25,"customer","ok"]]}"#;
        let dialogue = parse(text).expect("a dialogue");
        assert_eq!(dialogue.needs.len(), 2);
        assert_eq!(dialogue.turns[0].text, "hi");
        assert_eq!(dialogue.turns[1].gap, Duration::from_secs(2));
        assert_eq!(dialogue.turns[2].gap, Duration::from_millis(500));
        assert_eq!(dialogue.span(), Duration::from_millis(2500));
    }

    #[test]
    fn what_is_no_dialogue_is_refused() {
        for wrong in [
            r#"{"flow":[],"turns":[]}"#,
            r#"{"flow":[],"turns":[[0,"agent","hi"]]}"#,
            r#"{"flow":[],"turns":[[0,"customer","  "]]}"#,
            r#"{"flow":[],"turns":[[0,"robot","hi"]]}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
