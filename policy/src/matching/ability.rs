//! What an agent was seen to do at a skill: how fast, and how often it solves the matter. Nobody types it in: the proficiency
//! that stands in the profile is where it begins, and outcomes move it.
//!
//! Both are posterior means of a conjugate prior with a stated strength k, which counts as so many conversations:
//!
//! ```text
//! speed  = (k + n) / (k / speed₀ + Σ r)      r = time in hand / work of the class (exponential work, gamma prior)
//! solves = (k · solves₀ + solved) / (k + n)                                        (outcomes, beta prior)
//! ```
//!
//! What was seen fades with a half-life. Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.

use serde::{Deserialize, Serialize};

use crate::fixed::{ONE, exp_neg, scale};
use crate::time::{Span, Timestamp};

/// Speed and solving of one agent at one skill, in per mille of the best speed and of all matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Ability {
    /// Speed; 1000 is that of full proficiency.
    pub speed_pm: u16,
    /// Matters that are solved, of a thousand.
    pub solves_pm: u16,
}

impl Ability {
    /// What is expected of a proficiency of 0 to 100 before anything was seen.
    #[must_use]
    pub fn of_proficiency(proficiency: u8) -> Self {
        let proficiency = u16::from(proficiency.min(100));
        Self { speed_pm: 600 + 4 * proficiency, solves_pm: 550 + 35 * proficiency / 10 }
    }

    /// The nearest multiple of a step to what is now believed; `self`, as long as that is less than three quarters of a
    /// step away, so that a belief at an edge does not jump to and fro.
    #[must_use]
    pub fn towards(self, believed: Self, step: u16) -> Self {
        let near = |old: u16, new: u16, most: u16| {
            let step = step.max(1);
            if old.abs_diff(new) * 4 < step * 3 {
                old
            } else {
                ((new + step / 2) / step * step).clamp(step, most)
            }
        };
        Self {
            speed_pm: near(self.speed_pm, believed.speed_pm, SPEED_MAX),
            solves_pm: near(self.solves_pm, believed.solves_pm, 1_000),
        }
    }
}

/// Nobody counts as faster than this.
const SPEED_MAX: u16 = 3_000;
/// One conversation counts at most as so many times the work of its class.
const RATIO_MAX: i64 = 20;
/// The natural logarithm of two, with 20 binary places.
const LN_2: i64 = 726_817;

/// What was seen of one agent at one skill; all with 20 binary places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Conversations, and the sum of their times in hand by the work of their class.
    works: i64,
    ratios: i64,
    /// Outcomes, and how many were solved.
    outcomes: i64,
    solved: i64,
    /// When it was last brought up to date.
    at: Timestamp,
}

impl Seen {
    /// Lets what was seen fade.
    fn fade(&mut self, at: Timestamp, half_life: Span) {
        let passed = at.since(self.at).0.max(0);
        self.at = self.at.max(at);
        if half_life.0 <= 0 || passed == 0 {
            return;
        }
        let x = i128::from(passed) * i128::from(LN_2) / i128::from(half_life.0);
        let kept = exp_neg(i64::try_from(x).unwrap_or(i64::MAX));
        for part in [&mut self.works, &mut self.ratios, &mut self.outcomes, &mut self.solved] {
            *part = scale(*part, kept);
        }
    }

    /// A conversation was in hand for so many per mille of the work of its class, slower for those beside it already
    /// taken out.
    pub fn worked(&mut self, at: Timestamp, half_life: Span, ratio_pm: i64) {
        self.fade(at, half_life);
        self.works += ONE;
        self.ratios += (ratio_pm.max(0) * ONE / 1_000).min(RATIO_MAX * ONE);
    }

    /// A matter ended, solved or not.
    pub fn ended(&mut self, at: Timestamp, half_life: Span, solved: bool) {
        self.fade(at, half_life);
        self.outcomes += ONE;
        self.solved += if solved { ONE } else { 0 };
    }

    /// What is believed, beginning with `prior` as if that had been seen `strength` times.
    #[must_use]
    pub fn ability(&self, prior: Ability, strength: u32) -> Ability {
        let strength = i64::from(strength.clamp(1, 10_000)) * ONE;
        let begun = strength * 1_000 / i64::from(prior.speed_pm.max(1));
        let speed = (strength + self.works) * 1_000 / (begun + self.ratios).max(1);
        let solves = (scale(strength, i64::from(prior.solves_pm) * ONE) + self.solved * 1_000)
            / (strength + self.outcomes);
        let bounded = |value: i64, most: u16| u16::try_from(value.clamp(1, i64::from(most))).unwrap_or(most);
        Ability { speed_pm: bounded(speed, SPEED_MAX), solves_pm: bounded(solves, 1_000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Span = Span::seconds(86_400);

    #[test]
    fn nothing_seen_is_the_prior_and_much_seen_is_what_was_seen() {
        let prior = Ability::of_proficiency(50);
        assert_eq!(prior, Ability { speed_pm: 800, solves_pm: 725 });
        let mut seen = Seen::default();
        assert_eq!(seen.ability(prior, 6), prior);
        for hour in 0..2_000 {
            let at = Timestamp(hour * 60_000);
            // Twice the work of the class: half the speed. Nine of ten are solved.
            seen.worked(at, Span::seconds(0), 2_000);
            seen.ended(at, Span::seconds(0), hour % 10 != 0);
        }
        let now = seen.ability(prior, 6);
        assert!(now.speed_pm.abs_diff(500) < 5 && now.solves_pm.abs_diff(900) < 5, "{now:?}");
    }

    #[test]
    fn six_of_a_kind_weigh_as_much_as_the_prior() {
        let mut seen = Seen::default();
        for _ in 0..6 {
            seen.ended(Timestamp(0), DAY, true);
            seen.worked(Timestamp(0), DAY, 1_000);
        }
        let now = seen.ability(Ability { speed_pm: 500, solves_pm: 500 }, 6);
        // (6 + 6) / (6 / 0.5 + 6) = 0.667, (3 + 6) / 12 = 0.75
        assert_eq!(now, Ability { speed_pm: 666, solves_pm: 750 });
    }

    #[test]
    fn what_was_seen_fades() {
        let prior = Ability::of_proficiency(50);
        let mut seen = Seen::default();
        for _ in 0..100 {
            seen.ended(Timestamp(0), DAY, false);
        }
        let then = seen.ability(prior, 6).solves_pm;
        // A hundred half-lives later, one good outcome stands alone.
        seen.ended(Timestamp(100 * DAY.0), DAY, true);
        let now = seen.ability(prior, 6).solves_pm;
        assert!(then < 50, "{then}");
        assert_eq!(now, (6 * 725 + 1_000) / 7);
    }

    #[test]
    fn a_belief_at_an_edge_does_not_jump() {
        let old = Ability { speed_pm: 800, solves_pm: 700 };
        assert_eq!(old.towards(Ability { speed_pm: 836, solves_pm: 664 }, 50), old);
        assert_eq!(
            old.towards(Ability { speed_pm: 838, solves_pm: 600 }, 50),
            Ability { speed_pm: 850, solves_pm: 600 }
        );
    }
}
