//! Rings of proficiency: the rules `bullseye` and `longest_idle` ask the best skilled agents first, and lesser ones as time
//! passes. What nobody stands in is skipped at once.

use super::pool::{Entry, Pool};
use crate::document::Rule;
use crate::time::{Span, Timestamp};

/// The least proficiency of each ring, the inmost first.
const RINGS: [i64; 3] = [90, 50, 0];
/// Each ring of `bullseye` opens so much later than the one before.
const RING: Span = Span::seconds(15);
/// Each step of `longest_idle` does.
const STEP: Span = Span::seconds(30);

/// How far the rings of one conversation are open. Found once for a decision: asking each profile whether an inner ring is
/// empty would look at all profiles for every one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rings {
    /// The outmost ring that is open.
    open: i64,
}

impl Rings {
    /// The ring of a proficiency, if it is open.
    pub(super) fn open_to(&self, proficiency: i64) -> Option<i64> {
        let ring = ring_of(proficiency);
        (ring <= self.open).then_some(ring)
    }
}

/// The number of the ring in which a proficiency stands.
fn ring_of(proficiency: i64) -> i64 {
    let ring = RINGS.iter().position(|least| proficiency >= *least).unwrap_or(RINGS.len() - 1);
    i64::try_from(ring).unwrap_or(0)
}

impl Pool {
    /// How far the rings are open for a conversation: by the time it has waited, and as far as the inner ones are empty.
    /// Only rules with rings look.
    pub(super) fn rings(&self, entry: &Entry, at: Timestamp) -> Rings {
        let step = match self.settings.rule {
            Rule::LongestIdle => STEP,
            Rule::Bullseye => RING,
            Rule::LeastCustomerTime
            | Rule::SpareCapacity
            | Rule::LeastActive
            | Rule::RoundRobin
            | Rule::PriorityDelay
            | Rule::QueueRatio
            | Rule::BestScore => return Rings { open: 0 },
        };
        let last = ring_of(0);
        let by_time = at.since(entry.waiting.since).0.div_euclid(step.0).clamp(0, last);
        if by_time == last {
            return Rings { open: last };
        }
        // The inmost ring with anybody online in it, with room or without.
        let mut first = last;
        for (&number, fit) in &self.classes[entry.class].fitting {
            if !self.profiles[number].groups.is_empty() {
                first = first.min(ring_of(fit.proficiency));
                if first <= by_time {
                    break;
                }
            }
        }
        Rings { open: by_time.max(first) }
    }
}
