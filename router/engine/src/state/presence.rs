//! At which hours of the week an agent is online, as the last weeks have shown: for looking at a policy with the people in
//! mind who are really there.

use policy::time::Timestamp;
use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600_000;
/// Hours of a week.
pub(crate) const WEEK: i64 = 168;
/// Marks are kept for this period and the one before it: four to eight weeks.
const PERIOD: i64 = 4 * WEEK * HOUR;

/// Hours of the week, UTC, counted from the beginning of time (a Thursday).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Presence {
    since: Option<Timestamp>,
    period: i64,
    now: [u64; 3],
    before: [u64; 3],
}

/// The hour of the week of a moment.
fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR).rem_euclid(WEEK)
}

impl Presence {
    /// The agent came online, or is online no more.
    pub(crate) fn set(&mut self, online: bool, at: Timestamp) {
        if let Some(since) = self.since.take() {
            self.mark(since.0, at.0);
        }
        self.since = online.then_some(at);
    }

    fn mark(&mut self, from: i64, to: i64) {
        // A week marks every hour there is.
        let from = from.max(to.saturating_sub(WEEK * HOUR));
        let mut at = from;
        while at <= to {
            let period = at.div_euclid(PERIOD);
            if period != self.period {
                self.before = if period == self.period + 1 { self.now } else { [0; 3] };
                self.now = [0; 3];
                self.period = period;
            }
            let hour = usize::try_from(hour_of(at)).unwrap_or(0);
            self.now[hour / 64] |= 1 << (hour % 64);
            at = (at.div_euclid(HOUR) + 1) * HOUR;
        }
    }

    /// Whether the agent was online in the hour of the week of this moment, in the last weeks.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        let hour = usize::try_from(hour_of(at.0)).unwrap_or(0);
        let marked = (self.now[hour / 64] | self.before[hour / 64]) >> (hour % 64) & 1 == 1;
        marked || self.since.is_some_and(|since| at.0.div_euclid(HOUR) >= since.0.div_euclid(HOUR))
    }

    /// In how many hours of the week the agent was online, in the last weeks.
    #[must_use]
    pub fn hours(&self) -> u32 {
        self.now.iter().zip(&self.before).map(|(now, before)| (now | before).count_ones()).sum()
    }

    /// Whether anything was seen at all.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.since.is_some() || self.now != [0; 3] || self.before != [0; 3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_marked_and_fade_after_two_periods() {
        let at = |hour: i64| Timestamp(hour * HOUR + 60_000);
        let mut presence = Presence::default();
        presence.set(true, at(10));
        presence.set(false, at(12));
        assert_eq!(presence.hours(), 3);
        for (hour, online) in [(9, false), (10, true), (11, true), (12, true), (13, false)] {
            assert_eq!(presence.covers(at(hour + WEEK)), online, "hour {hour}");
        }
        // Twelve weeks later something else is the habit.
        presence.set(true, at(12 * WEEK + 20));
        presence.set(false, at(12 * WEEK + 20));
        assert!(!presence.covers(at(10)) && presence.covers(at(20)));
    }
}
