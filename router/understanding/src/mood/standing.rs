//! How a customer feels over time and channels: the newest message counts most, and all of it fades.
//!
//! One standing for each customer, whatever the channel. After [`HALF_LIFE_MS`] half of it is left: who was angry this
//! morning is not treated as angry tomorrow.

use serde::{Deserialize, Serialize};

use super::Mood;

/// After so long half of a mood is left: four hours.
pub const HALF_LIFE_MS: i64 = 4 * 60 * 60 * 1000;

/// How a customer stands at a time. All numbers fade towards zero, which is an even mood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The probability of being upset, in thousandths.
    pub upset: u16,
    /// From bad (-1000) to good (1000).
    pub valence: i16,
    /// From calm (0) to stirred up (1000).
    pub arousal: u16,
    /// When this was so, in milliseconds since 1970.
    pub at: i64,
}

impl Standing {
    /// What is left of it at a later time. A time before its own is taken as its own.
    #[must_use]
    pub fn faded(&self, now: i64, half_life_ms: i64) -> Self {
        let gone = now.saturating_sub(self.at).max(0);
        let left = (-(gone as f64) / half_life_ms.max(1) as f64).exp2();
        Self {
            upset: (f64::from(self.upset) * left).round() as u16,
            valence: (f64::from(self.valence) * left).round() as i16,
            arousal: (f64::from(self.arousal) * left).round() as u16,
            at: self.at.max(now),
        }
    }

    /// The standing after a new message. The message counts between a half and nine tenths, the more the surer it is; what
    /// is left of before counts the rest.
    #[must_use]
    pub fn with(&self, mood: &Mood, now: i64, half_life_ms: i64) -> Self {
        let before = self.faded(now, half_life_ms);
        let share = 500 + i64::from(mood.confidence.min(1000)) * 4 / 10;
        let mix = |old: i64, new: i64| (old * (1000 - share) + new * share) / 1000;
        Self {
            upset: mix(before.upset.into(), mood.upset.into()) as u16,
            valence: mix(before.valence.into(), mood.valence.into()) as i16,
            arousal: mix(before.arousal.into(), mood.arousal.into()) as u16,
            at: before.at,
        }
    }

    /// By how much more such a customer's time may weigh, in thousandths: from 1000 (an even mood) to `most`. Being upset
    /// counts from 300 thousandths on, so that a guess does not move anybody.
    #[must_use]
    pub fn weight(&self, most: u16) -> u16 {
        const FROM: u32 = 300;
        let beyond = u32::from(self.upset.min(1000)).saturating_sub(FROM);
        let room = u32::from(most.max(1000)) - 1000;
        u16::try_from(1000 + room * beyond / (1000 - FROM)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mood::Tone;

    fn mood(upset: u16, confidence: u16) -> Mood {
        Mood {
            tone: if upset >= 500 { Tone::Upset } else { Tone::Even },
            confidence,
            upset,
            worried: 0,
            pleased: 0,
            valence: -upset.cast_signed(),
            arousal: upset,
            because: Vec::new(),
            version: 1,
        }
    }

    #[test]
    fn half_is_left_after_the_half_life() {
        let standing = Standing { upset: 800, valence: -600, arousal: 400, at: 1_000 };
        let later = standing.faded(1_000 + HALF_LIFE_MS, HALF_LIFE_MS);
        assert_eq!((later.upset, later.valence, later.arousal), (400, -300, 200));
        let much_later = standing.faded(1_000 + 20 * HALF_LIFE_MS, HALF_LIFE_MS);
        assert_eq!((much_later.upset, much_later.valence, much_later.arousal), (0, 0, 0));
        assert_eq!(standing.faded(0, HALF_LIFE_MS), standing, "time does not run back");
    }

    #[test]
    fn what_is_recent_supersedes_what_is_old() {
        let angry = Standing::default().with(&mood(1000, 1000), 0, HALF_LIFE_MS);
        assert_eq!(angry.upset, 900);
        let calmed = angry.with(&mood(100, 900), 60_000, HALF_LIFE_MS);
        assert!(calmed.upset < 250, "{calmed:?}");
        let fading_in_steps = angry.faded(HALF_LIFE_MS / 2, HALF_LIFE_MS).faded(HALF_LIFE_MS, HALF_LIFE_MS);
        let at_once = angry.faded(HALF_LIFE_MS, HALF_LIFE_MS);
        assert!(fading_in_steps.upset.abs_diff(at_once.upset) <= 1);
    }

    #[test]
    fn weight_stays_within_its_bound() {
        for upset in 0..=1100 {
            for most in [0, 1000, 1250, 2000, u16::MAX] {
                let weight = Standing { upset, ..Standing::default() }.weight(most);
                assert!((1000..=most.max(1000)).contains(&weight), "{upset} {most}: {weight}");
            }
        }
        assert_eq!(Standing { upset: 299, ..Standing::default() }.weight(1250), 1000);
        assert_eq!(Standing { upset: 1000, ..Standing::default() }.weight(1250), 1250);
    }
}
