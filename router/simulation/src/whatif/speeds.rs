//! How fast each agent works, as recorded: for each kind of conversation against the mean of all who did it, drawn towards
//! the agent's own mean, and that towards everybody's, where little was seen.

use std::collections::BTreeMap;

/// What was seen is weighed against what was expected as if that had been seen so many times.
const EXPECTED_TIMES: f64 = 6.0;
/// Nobody is taken to be further from the mean than this.
const SPEED: (f64, f64) = (0.25, 4.0);

/// One piece of work: agent, kind, milliseconds at full pace.
pub(super) type Piece = (u32, u32, f64);

/// Speeds by agent and kind; 1 is the mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speeds {
    of_kind: BTreeMap<(u32, u32), f64>,
    of_agent: BTreeMap<u32, f64>,
    /// The mean work of each kind, in milliseconds.
    mean: BTreeMap<u32, f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    expected: f64,
    seen: f64,
}

impl Sum {
    fn speed(self, towards: f64, weight: f64) -> f64 {
        let speed = (self.expected + weight) / (self.seen + weight / towards);
        if speed.is_finite() { speed.clamp(SPEED.0, SPEED.1) } else { towards }
    }
}

impl Speeds {
    /// From all work that was recorded.
    #[must_use]
    pub fn of(pieces: &[Piece]) -> Self {
        let mut kinds: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        for (_, kind, work) in pieces {
            let of = kinds.entry(*kind).or_default();
            *of = (of.0 + work, of.1 + 1.0);
        }
        let mean: BTreeMap<u32, f64> =
            kinds.iter().map(|(kind, (work, count))| (*kind, work / count)).collect();
        let mut agents: BTreeMap<u32, Sum> = BTreeMap::new();
        let mut pairs: BTreeMap<(u32, u32), Sum> = BTreeMap::new();
        for (agent, kind, work) in pieces {
            for sum in [agents.entry(*agent).or_default(), pairs.entry((*agent, *kind)).or_default()] {
                sum.expected += mean[kind];
                sum.seen += work;
            }
        }
        let usual = pieces.iter().map(|it| it.2).sum::<f64>() / (pieces.len().max(1)) as f64;
        let of_agent: BTreeMap<u32, f64> =
            agents.into_iter().map(|(agent, sum)| (agent, sum.speed(1.0, EXPECTED_TIMES * usual))).collect();
        let of_kind = pairs
            .into_iter()
            .map(|((agent, kind), sum)| {
                ((agent, kind), sum.speed(of_agent[&agent], EXPECTED_TIMES * mean[&kind]))
            })
            .collect();
        Self { of_kind, of_agent, mean }
    }

    /// The speed of an agent at a kind; who never did it works at the own mean, who did nothing at everybody's.
    #[must_use]
    pub fn speed(&self, agent: u32, kind: u32) -> f64 {
        let known = self.of_kind.get(&(agent, kind)).or_else(|| self.of_agent.get(&agent));
        known.copied().unwrap_or(1.0)
    }

    /// The mean work of a kind, in milliseconds at full pace; 0 where none was seen.
    #[must_use]
    pub fn mean(&self, kind: u32) -> f64 {
        self.mean.get(&kind).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_agent_is_known_as_such_and_little_work_tells_little() {
        let mut pieces = Vec::new();
        for _ in 0..200 {
            pieces.extend([(1, 0, 200_000.0), (2, 0, 400_000.0)]);
        }
        pieces.push((3, 0, 10.0));
        let speeds = Speeds::of(&pieces);
        let ratio = speeds.speed(1, 0) / speeds.speed(2, 0);
        assert!((1.8..2.1).contains(&ratio), "{ratio}");
        assert!(speeds.speed(3, 0) < 1.5, "{}", speeds.speed(3, 0));
        assert!((speeds.speed(1, 9) - speeds.speed(1, 0)).abs() < 0.1);
        assert_eq!(speeds.speed(8, 0), 1.0);
        assert_eq!((speeds.mean(9), Speeds::of(&[]).speed(1, 1)), (0.0, 1.0));
    }
}
