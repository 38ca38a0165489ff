//! Planned breaks of an agent: when one begins and ends by the local clock, and from when on nothing new is offered before it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::document::check::Faults;
use crate::document::{Fault, HoursDoc, WeekDoc};
use crate::hours::Hours;
use crate::time::{Span, Timestamp};

/// Planned breaks as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreaksDoc {
    /// The IANA name of the time zone, such as `Europe/Vienna`.
    pub zone: String,
    /// The breaks of each day, such as `12:00-12:30`.
    pub week: WeekDoc,
    /// Nothing new is offered in so many seconds before a break.
    pub quiet_s: u32,
}

impl Default for BreaksDoc {
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), week: WeekDoc::default(), quiet_s: 300 }
    }
}

/// Nothing new for longer than this before a break is no break.
const QUIET_MAX: u32 = 3_600;
/// A moment as good as any.
const FIRST: Timestamp = Timestamp(0);

/// Planned breaks, ready to be asked.
#[derive(Debug, Clone)]
pub struct Breaks {
    hours: Hours,
    quiet: Span,
}

/// A break that is under way or near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// When it begins; none: it has begun.
    pub from: Option<Timestamp>,
    /// When it ends.
    pub until: Timestamp,
}

impl Breaks {
    /// Reads planned breaks; none where no day has one.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn compile(written: &BreaksDoc) -> Result<Option<Self>, Vec<Fault>> {
        let mut faults = Faults::default();
        let hours =
            HoursDoc { zone: written.zone.clone(), week: written.week.clone(), ..HoursDoc::default() };
        let hours = Hours::compile("breaks", &hours, &mut faults);
        if written.quiet_s > QUIET_MAX {
            faults.add(
                "breaks.quiet_s",
                alloc::format!("{} is out of range; use 0 to {QUIET_MAX}", written.quiet_s),
            );
        }
        if hours.as_ref().is_some_and(|hours| hours.is_open(FIRST) && hours.next_closing(FIRST).is_none()) {
            faults.add("breaks.week", "is one break without an end; leave time to work between two");
        }
        let any = written.week.days().iter().any(|(_, breaks)| !breaks.is_empty());
        match hours {
            Some(hours) if faults.0.is_empty() => {
                Ok(any.then(|| Self { hours, quiet: Span::seconds(written.quiet_s.into()) }))
            }
            _ => Err(faults.0),
        }
    }

    /// The break that is under way at a moment, or so near that nothing new is offered.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<Break> {
        let until = self.hours.next_closing(at)?;
        if self.hours.is_open(at) {
            return Some(Break { from: None, until });
        }
        let from = self.hours.next_opening(at)?;
        (from - self.quiet <= at).then_some(Break { from: Some(from), until })
    }

    /// The next moment after `at` at which that may be otherwise.
    #[must_use]
    pub fn next_look(&self, at: Timestamp) -> Option<Timestamp> {
        if self.hours.is_open(at) {
            return self.hours.next_closing(at);
        }
        let from = self.hours.next_opening(at)?;
        let quiet = from - self.quiet;
        Some(if quiet > at { quiet } else { from })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn breaks(thu: &[&str], zone: &str, quiet_s: u32) -> Result<Option<Breaks>, Vec<Fault>> {
        let thu = thu.iter().map(|it| (*it).to_owned()).collect();
        let week = WeekDoc { thu, ..WeekDoc::default() };
        Breaks::compile(&BreaksDoc { zone: zone.to_owned(), week, quiet_s })
    }

    #[test]
    fn a_break_is_near_then_under_way_then_over() {
        // The first day of 1970 was a Thursday.
        let lunch = breaks(&["12:00-12:30"], "UTC", 300).unwrap().unwrap();
        let at = |minute: i64| Timestamp(minute * MINUTE);
        assert_eq!((lunch.at(at(714)), lunch.next_look(at(714))), (None, Some(at(715))));
        let near = Break { from: Some(at(720)), until: at(750) };
        assert_eq!((lunch.at(at(715)), lunch.next_look(at(715))), (Some(near), Some(at(720))));
        let now = Break { from: None, until: at(750) };
        assert_eq!((lunch.at(at(720)), lunch.next_look(at(720))), (Some(now), Some(at(750))));
        let next_week = at(715 + 7 * 24 * 60);
        assert_eq!((lunch.at(at(750)), lunch.next_look(at(750))), (None, Some(next_week)));
    }

    #[test]
    fn a_break_follows_the_clock_on_the_wall_and_what_is_wrong_is_told() {
        // Two hours ahead of UTC in summer.
        let summer = breaks(&["12:00-12:30"], "Europe/Vienna", 0).unwrap().unwrap();
        let june: Timestamp = Timestamp(1_782_345_600_000);
        let noon = summer.next_look(june).unwrap();
        assert_eq!(noon.0.rem_euclid(24 * 60 * MINUTE), 10 * 60 * MINUTE, "2026-06-25 is a Thursday");
        assert!(breaks(&[], "UTC", 300).unwrap().is_none());
        let told = |it: Result<Option<Breaks>, Vec<Fault>>| it.unwrap_err()[0].path.clone();
        assert_eq!(told(breaks(&["noon"], "UTC", 0)), "breaks.week.thu[0]");
        assert_eq!(told(breaks(&[], "Mars", 0)), "breaks.zone");
        assert_eq!(told(breaks(&[], "UTC", 3_601)), "breaks.quiet_s");
        let day = || vec!["00:00-24:00".to_owned()];
        let [mon, tue, wed, thu, fri, sat, sun] = core::array::from_fn(|_| day());
        let week = WeekDoc { mon, tue, wed, thu, fri, sat, sun };
        assert_eq!(told(Breaks::compile(&BreaksDoc { week, ..BreaksDoc::default() })), "breaks.week");
    }
}
