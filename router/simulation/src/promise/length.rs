//! The estimate by the length of the line, for workspaces too large to be played forward. With abandonment (Ibrahim and
//! Whitt, 2009, "Real-time delay estimation in overloaded multiserver queues with abandonments"): behind `Q` others, where
//! the line is worked off at rate `a` and each who waits leaves at rate `θ`, the wait is a sum of `Q + 1` exponential times
//! of mean `1 / (a + i θ)`, `i` from 0 to `Q`. So its mean is `Σ 1/(a + iθ)` and its variance `Σ 1/(a + iθ)²`.
//!
//! Several lines share agents: each agent splits the time over them by their length ([`policy::Pool::drains`]).

use std::collections::BTreeMap;

use engine::state::{Basis, Workspace};
use policy::matching::Needs;

use super::Wait;

/// Sums of so many terms are added up; longer ones follow by integrals.
const TERMS: u32 = 64;

/// How fast the lines of a workspace move.
#[derive(Debug, Clone, Default)]
pub struct Lengths(BTreeMap<Needs, Moves>);

#[derive(Debug, Clone, Copy)]
struct Moves {
    /// Taken up a second.
    drained: f64,
    /// Of each who waits, the chance to leave in a second.
    leaving: f64,
    /// Of the whole queue.
    share: f64,
}

impl Lengths {
    /// Of a workspace at present.
    #[must_use]
    pub fn of(workspace: &Workspace) -> Self {
        let mut queues: BTreeMap<&str, u32> = BTreeMap::new();
        for class in workspace.pool.ahead() {
            *queues.entry(&class.needs.queue).or_default() += class.waiting;
        }
        let of = |drain: policy::matching::Drain<'_>| {
            let leaving = workspace.promises.leaving(&drain.needs.queue) as f64 / 1e6;
            let all = queues.get(&*drain.needs.queue).copied().unwrap_or(0).max(1);
            let share = f64::from(drain.waiting) / f64::from(all);
            (drain.needs.clone(), Moves { drained: drain.rate as f64 / 1e6, leaving, share })
        };
        Self(workspace.pool.drains().into_iter().map(of).collect())
    }

    /// The wait at a place in a queue, of its longest line.
    #[must_use]
    pub fn newcomer(&self, queue: &str, position: u32) -> Option<Wait> {
        let of = self.0.iter().filter(|(needs, _)| &*needs.queue == queue);
        let (needs, _) = of.max_by(|a, b| a.1.share.total_cmp(&b.1.share))?;
        self.wait(needs, position)
    }

    /// The wait at a place in its queue, from 1; none where nobody works its line off.
    #[must_use]
    pub fn wait(&self, needs: &Needs, position: u32) -> Option<Wait> {
        let moves = self.0.get(needs).filter(|moves| moves.drained > 0.0)?;
        // The others of the queue may need something else: those ahead in the line of one's own count.
        let ahead = (f64::from(position) * moves.share).ceil().max(1.0) as u32;
        let (mean_s, variance) = sums(moves.drained, moves.leaving, ahead);
        Some(Wait { mean_s, variance, basis: Basis::Length })
    }
}

/// Sum of `1/(a + iθ)` and of its squares, over `count` terms from `i = 0`.
fn sums(a: f64, leaving: f64, count: u32) -> (f64, f64) {
    let first = count.min(TERMS);
    let term = |i: u32| 1.0 / (a + f64::from(i) * leaving);
    let mean: f64 = (0..first).map(term).sum();
    let variance: f64 = (0..first).map(|i| term(i).powi(2)).sum();
    if count == first {
        return (mean, variance);
    }
    if leaving < a * 1e-9 {
        let rest = f64::from(count - first);
        return (mean + rest / a, variance + rest / (a * a));
    }
    // Euler and Maclaurin, to the first term of the ends.
    let (low, high) = (term(first), term(count));
    let ends = (low - high) / 2.0;
    let squares = (low * low - high * high) / 2.0;
    (mean + (low / high).ln() / leaving + ends, variance + (low - high) / leaving + squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_go_on_where_the_sum_ends() {
        for (a, leaving) in [(0.4, 0.003), (0.4, 0.0), (0.05, 1e-12), (0.01, 0.02)] {
            for count in [1, 64, 65, 300, 5_000] {
                let term = |i: u32| 1.0 / (a + f64::from(i) * leaving);
                let mean: f64 = (0..count).map(term).sum();
                let variance: f64 = (0..count).map(|i| term(i).powi(2)).sum();
                let found = sums(a, leaving, count);
                assert!((found.0 / mean - 1.0).abs() < 1e-3, "{a} {leaving} {count}: {} {mean}", found.0);
                assert!(
                    (found.1 / variance - 1.0).abs() < 1e-2,
                    "{a} {leaving} {count}: {} {variance}",
                    found.1
                );
            }
        }
    }
}
