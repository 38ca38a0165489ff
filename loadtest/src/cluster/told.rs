//! What the nodes tell in their logs: how long no node had a shard that was handed over, and what Redis had forgotten.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// What was told in a round.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// From the moment that a node stopped taking requests for a shard until the next one had it open, in microseconds.
    pub(super) gaps_us: Vec<u64>,
    /// Calls that an owner gave back to a Redis that had forgotten them.
    pub(super) given_back: u64,
}

/// Reads the logs of all nodes of a round, whose clocks are one, from a moment of this day on.
pub(super) fn read(logs: &[String], since_us: u64) -> Told {
    let mut told = Told::default();
    // By shard: when one stopped, and when one began.
    let (mut stopped, mut began) = (Vec::new(), BTreeMap::<u64, Vec<u64>>::new());
    for line in logs.iter().flat_map(|log| log.lines()) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let (fields, Some(at)) = (&line["fields"], line["timestamp"].as_str().and_then(micros)) else {
            continue;
        };
        if at < since_us {
            continue;
        }
        let shard = fields["shard"].as_u64().unwrap_or(u64::MAX);
        match fields["message"].as_str().unwrap_or_default() {
            "a shard is handed over" => {
                let took = fields["took_us"].as_u64().unwrap_or(0);
                stopped.push((shard, at.saturating_sub(took), at));
            }
            "a shard is ours" => began.entry(shard).or_default().push(at),
            "Redis has forgotten the end of a log: it is given back" => {
                told.given_back += fields["calls"].as_u64().unwrap_or(0);
            }
            _ => {}
        }
    }
    began.values_mut().for_each(|times| times.sort_unstable());
    for (shard, from, released) in stopped {
        // The log line may come a moment later than the other node has the shard.
        let next = began.get(&shard).into_iter().flatten().find(|at| **at >= from);
        if let Some(next) = next.filter(|next| **next < released + NEXT_MAX_US) {
            told.gaps_us.push(next - from);
        }
    }
    told
}

/// Whoever has it later than this did not have it handed over: nobody was there.
const NEXT_MAX_US: u64 = 10_000_000;

/// This moment, in microseconds of its day.
pub(super) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() % 86_400) * 1_000_000 + u64::from(since.subsec_micros())
}

/// Microseconds within a day: `2026-01-31T12:34:56.123456Z`.
fn micros(time: &str) -> Option<u64> {
    let (_, time) = time.strip_suffix('Z')?.split_once('T')?;
    let (clock, part) = time.split_once('.')?;
    let mut seconds = 0;
    for number in clock.split(':') {
        seconds = seconds * 60 + number.parse::<u64>().ok()?;
    }
    let part = part.get(..6)?.parse::<u64>().ok()?;
    Some(seconds * 1_000_000 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(time: &str, rest: &str) -> String {
        format!(r#"{{"timestamp":"2026-01-31T{time}Z","level":"INFO","fields":{{"message":{rest}}}}}"#)
    }

    #[test]
    fn a_gap_is_from_the_one_node_to_the_next_and_what_was_forgotten_is_counted() {
        let one = [
            line("12:00:01.000000", r#""a shard is ours","shard":3"#),
            line("12:00:05.000200", r#""a shard is handed over","shard":3,"next":"b","took_us":200"#),
            line(
                "12:00:06.000000",
                r#""Redis has forgotten the end of a log: it is given back","shard":4,"calls":7"#,
            ),
            line("12:00:07.000000", r#""a shard is handed over","shard":9,"next":"nobody","took_us":5"#),
        ];
        let other = ["not a line".to_owned(), line("12:00:05.004000", r#""a shard is ours","shard":3"#)];
        let logs = [one.join("\n"), other.join("\n")];
        let told = read(&logs, 0);
        assert_eq!(told, Told { gaps_us: vec![4_000], given_back: 7 });
        assert_eq!(read(&logs, micros("2026-01-31T12:00:05.500000Z").unwrap()).gaps_us, [0; 0]);
    }
}
