//! When enough was drawn: the figures are looked at after fixed numbers of draws, and drawing ends where no guard's answer, and
//! nothing that matters, could still change.
//!
//! Looking several times and stopping where it suits would make a plain 95 % interval miss more often than that. So the error is
//! split over all looks beforehand (Bonferroni): each interval is one of 1 - 0.05 / 4, whichever of the four it is told at, and
//! the chance that any of a figure's four intervals misses is 5 % at most. The price is an interval that is a third wider after 20
//! draws than one that was to be looked at once.

use super::compare::{Change, Comparison, Guards};

/// One look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// After so many draws.
    pub draws: usize,
    /// Student's point for 1 - 0.05 / 8 with one degree of freedom less than draws.
    pub(super) point: f64,
}

/// All looks.
pub const LOOKS: [Look; 4] = [
    Look { draws: 4, point: 5.392 },
    Look { draws: 8, point: 3.336 },
    Look { draws: 14, point: 2.897 },
    Look { draws: 20, point: 2.759 },
];

/// A count of customers that is no one.
const NOBODY: f64 = 0.5;

/// Whether an interval lies on one side of a bound, and is short against it or against the difference itself.
fn is_settled(low: f64, high: f64, bound: f64) -> bool {
    let (half, middle) = ((high - low) / 2.0, f64::midpoint(high, low));
    (low > bound || high <= bound) && half <= (bound / 2.0).max(middle.abs() / 4.0)
}

impl Comparison {
    /// Whether more draws could change no guard's answer.
    #[must_use]
    pub fn is_settled(&self, guards: &Guards) -> bool {
        let judged = self.groups.iter().filter(|it| it.conversations >= guards.least);
        let waits =
            judged.map(|it| (it.low, it.high, guards.wait_s.max(guards.wait_share * it.wait_before_s)));
        let Change { low, high, .. } = self.abandonment;
        let mut all = waits.chain([(low, high, guards.abandonment)]);
        let loads = self.loads.iter().filter(|it| it.load.before <= guards.load).all(|it| {
            let load = it.load;
            load.before + load.low > guards.load || load.before + load.high <= guards.load
        });
        let Change { low, high, .. } = self.unserved;
        all.all(|(low, high, bound)| is_settled(low, high, bound)) && loads && (low > 0.0 || high <= NOBODY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_settled_where_it_is_short_and_on_one_side() {
        for (low, high, settled) in [
            (-1.0, 1.0, true),
            (-6.0, 6.0, false),
            (9.0, 11.0, false),
            (11.0, 14.0, true),
            (20.0, 60.0, false),
            (40.0, 60.0, true),
        ] {
            assert_eq!(is_settled(low, high, 10.0), settled, "{low} to {high}");
        }
    }

    #[test]
    fn looks_come_in_order_and_their_points_fall() {
        assert!(LOOKS.windows(2).all(|pair| pair[0].draws < pair[1].draws && pair[0].point > pair[1].point));
        // The points of the tables: t(3) and t(19) at 0.99375.
        assert!((LOOKS[0].point - 5.3919).abs() < 1e-3 && (LOOKS[3].point - 2.7586).abs() < 1e-3);
    }

    #[test]
    fn whichever_look_it_stops_at_the_interval_misses_seldom_enough() {
        // Draws around zero by Box and Muller; the search stops at the first interval that looks good, which is the worst case:
        // it stops at the first one that is sure of a difference.
        let mut dice = crate::random::Stream::new(11, crate::random::Purpose::Fate, 0);
        let mut normal = || {
            let (one, other) = (dice.unit().max(1e-12), dice.unit());
            (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
        };
        let (runs, mut missed) = (4_000, 0);
        for _ in 0..runs {
            let values: Vec<f64> = (0..20).map(|_| normal()).collect();
            missed += usize::from(LOOKS.iter().any(|look| {
                let found = super::super::compare::estimate_by(&values[..look.draws], Some(look.point));
                found.mean.abs() > found.half_width
            }));
        }
        let share = f64::from(u32::try_from(missed).unwrap()) / f64::from(runs);
        assert!((0.015..0.05).contains(&share), "{share}: five in a hundred are allowed");
    }
}
