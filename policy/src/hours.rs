//! Opening hours: when a queue is open, by the local clock of its time zone. A shift belongs to the day it begins on.
//! Where the clock is put forward, a time that does not exist stands for the moment of the change; where it is put
//! back, a shift begins at the first of the two equal times and ends at the second, so that whatever the local clock
//! shows between begin and end is open.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::document::HoursDoc;
use crate::document::check::Faults;
use crate::spelling::nearest;
use crate::time::Timestamp;

/// How far ahead an opening or closing is looked for.
const HORIZON_DAYS: u32 = 400;

/// A calendar that is checked.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    zone: TimeZone,
    /// The shifts that begin on each day from Monday, in order.
    week: [Vec<Shift>; 7],
    /// In order.
    closed: Vec<Date>,
}

/// Minutes from midnight of the day it begins on; the end may lie on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shift {
    begin: i64,
    end: i64,
}

const DAY_MINUTES: i64 = 24 * 60;

/// A stretch of time in which it is open, from `begin` until just before `end`.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    begin: Timestamp,
    end: Timestamp,
}

impl Hours {
    /// Reads a calendar; what is wrong goes to `faults`.
    pub(crate) fn compile(path: &str, document: &HoursDoc, faults: &mut Faults) -> Option<Self> {
        let zone = TimeZone::get(&document.zone).ok();
        if zone.is_none() {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let near = nearest(&document.zone, names.iter().map(String::as_str));
            faults.add(
                format!("{path}.zone"),
                format!(
                    "`{}` is no time zone; use an IANA name such as `Europe/Vienna`{near}",
                    document.zone
                ),
            );
        }
        let week = document.week.days().map(|(day, texts)| {
            let mut shifts = Vec::with_capacity(texts.len());
            for (index, text) in texts.iter().enumerate() {
                match Shift::read(text) {
                    Some(shift) => shifts.push(shift),
                    None => faults.add(
                        format!("{path}.week.{day}[{index}]"),
                        format!("`{text}` is no shift; write it like `09:00-17:30`, `22:00-02:00` or `00:00-24:00`"),
                    ),
                }
            }
            shifts.sort_unstable();
            if shifts.windows(2).any(|pair| pair[0].end > pair[1].begin) {
                faults.add(format!("{path}.week.{day}"), "two shifts overlap; join them into one".to_string());
            }
            shifts
        });
        let mut closed = Vec::with_capacity(document.closed.len());
        for (index, text) in document.closed.iter().enumerate() {
            match text.parse::<Date>() {
                Ok(date) if date.to_string() == *text => closed.push(date),
                Ok(_) | Err(_) => faults.add(
                    format!("{path}.closed[{index}]"),
                    format!("`{text}` is no date; write it like `2026-12-25`"),
                ),
            }
        }
        closed.sort_unstable();
        Some(Self { zone: zone?, week, closed })
    }

    pub(crate) fn is_open(&self, at: Timestamp) -> bool {
        let Some(today) = self.local_date(at) else { return false };
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter()
            .flatten()
            .flat_map(|day| self.stretches_of(day))
            .any(|stretch| stretch.begin <= at && at < stretch.end)
    }

    /// The next moment after `at` when it opens.
    pub(crate) fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.stretches(at).map(|stretch| stretch.begin).find(|begin| *begin > at)
    }

    /// The next moment after `at` when it closes.
    pub(crate) fn next_closing(&self, at: Timestamp) -> Option<Timestamp> {
        let end = self.stretches(at).next()?.end;
        // A stretch that reaches the horizon does not end, as far as anyone can say.
        let last = self.local_date(at)?.checked_add(i64::from(HORIZON_DAYS).days()).ok()?;
        (end < self.moment(last.at(0, 0, 0, 0), Edge::Begin)?).then_some(end)
    }

    /// Stretches that end after `at`, in order, those that touch joined.
    fn stretches(&self, at: Timestamp) -> impl Iterator<Item = Stretch> + '_ {
        let first = self.local_date(at).and_then(|today| today.yesterday().ok());
        let mut days = core::iter::successors(first, |day| day.tomorrow().ok())
            .take(HORIZON_DAYS as usize + 2)
            .flat_map(|day| self.stretches_of(day))
            .peekable();
        core::iter::from_fn(move || {
            let mut joined = days.next()?;
            while let Some(next) = days.next_if(|next| next.begin <= joined.end) {
                joined.end = joined.end.max(next.end);
            }
            Some(joined)
        })
        .filter(move |stretch| stretch.end > at)
    }

    /// The stretches of the shifts that begin on this day.
    fn stretches_of(&self, day: Date) -> impl Iterator<Item = Stretch> + '_ {
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        let shifts: &[Shift] =
            if self.closed.binary_search(&day).is_ok() { &[] } else { &self.week[weekday] };
        shifts.iter().filter_map(move |shift| {
            let midnight = day.at(0, 0, 0, 0);
            let begin = self.moment(midnight.checked_add(shift.begin.minutes()).ok()?, Edge::Begin)?;
            let end = self.moment(midnight.checked_add(shift.end.minutes()).ok()?, Edge::End)?;
            (begin < end).then_some(Stretch { begin, end })
        })
    }

    fn local_date(&self, at: Timestamp) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// The moment of a local time.
    fn moment(&self, local: DateTime, edge: Edge) -> Option<Timestamp> {
        let offset = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, after } => match edge {
                Edge::Begin => before,
                Edge::End => after,
            },
            AmbiguousOffset::Gap { before, .. } => {
                // By the old offset the time lies at or after the change; the change itself is what is wanted.
                let after = before.to_timestamp(local).ok()?.checked_add(1.second()).ok()?;
                let change = self.zone.preceding(after).next()?;
                return Some(Timestamp(change.timestamp().as_millisecond()));
            }
        };
        Some(Timestamp(offset.to_timestamp(local).ok()?.as_millisecond()))
    }
}

/// Which end of a shift a local time is.
#[derive(Debug, Clone, Copy)]
enum Edge {
    Begin,
    End,
}

impl Shift {
    fn read(text: &str) -> Option<Self> {
        let (begin, end) = text.split_once('-')?;
        let (begin, end) = (minutes(begin)?, minutes(end)?);
        if begin == end || begin == DAY_MINUTES {
            return None;
        }
        Some(Self { begin, end: if end < begin { end + DAY_MINUTES } else { end } })
    }
}

/// `09:30` as minutes from midnight; `24:00` is the end of the day.
fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
    {
        return None;
    }
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MINUTES).then_some(total)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::document::WeekDoc;

    fn hours(zone: &str, shifts: &[&str]) -> Hours {
        let day: Vec<String> = shifts.iter().map(ToString::to_string).collect();
        let week = WeekDoc {
            mon: day.clone(),
            tue: day.clone(),
            wed: day.clone(),
            thu: day.clone(),
            fri: day.clone(),
            sat: day.clone(),
            sun: day,
        };
        compile(&HoursDoc { zone: zone.into(), week, closed: Vec::new() })
    }

    fn compile(document: &HoursDoc) -> Hours {
        let mut faults = Faults::default();
        let hours = Hours::compile("hours.test", document, &mut faults);
        assert_eq!(faults.0, []);
        hours.unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// Opens and closes at these moments, seen from the first `from`.
    fn runs(hours: &Hours, from: &str, expected: &[(&str, &str)]) {
        let mut now = at(from);
        for (open, close) in expected {
            let opening = hours.next_opening(now).unwrap();
            assert_eq!(opening, at(open), "opens {}", jiff::Timestamp::from_millisecond(opening.0).unwrap());
            assert!(hours.is_open(opening) && !hours.is_open(Timestamp(opening.0 - 1)));
            let closing = hours.next_closing(opening).unwrap();
            assert_eq!(
                closing,
                at(close),
                "closes {}",
                jiff::Timestamp::from_millisecond(closing.0).unwrap()
            );
            assert!(!hours.is_open(closing) && hours.is_open(Timestamp(closing.0 - 1)));
            now = closing;
        }
    }

    #[test]
    fn split_shifts_follow_the_local_clock_over_both_changes() {
        // Vienna goes to +02 on 2026-03-29 and back to +01 on 2026-10-25.
        let hours = hours("Europe/Vienna", &["09:00-12:30", "13:30-17:00"]);
        runs(
            &hours,
            "2026-03-28T17:00:00Z",
            &[
                ("2026-03-29T07:00:00Z", "2026-03-29T10:30:00Z"),
                ("2026-03-29T11:30:00Z", "2026-03-29T15:00:00Z"),
            ],
        );
        runs(&hours, "2026-10-24T16:00:00Z", &[("2026-10-25T08:00:00Z", "2026-10-25T11:30:00Z")]);
    }

    #[test]
    fn a_time_that_does_not_exist_is_the_moment_of_the_change() {
        // 02:00 to 03:00 is skipped; the change is at 01:00Z.
        let begins = hours("Europe/Vienna", &["02:30-05:00"]);
        runs(&begins, "2026-03-28T12:00:00Z", &[("2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z")]);
        let ends = hours("Europe/Vienna", &["01:00-02:30"]);
        runs(&ends, "2026-03-28T12:00:00Z", &[("2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z")]);
        let exact = hours("Europe/Vienna", &["02:00-05:00"]);
        runs(&exact, "2026-03-28T12:00:00Z", &[("2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z")]);
        // One that lies in it altogether is not held on that day.
        let within = hours("Europe/Vienna", &["02:10-02:50"]);
        runs(&within, "2026-03-28T12:00:00Z", &[("2026-03-30T00:10:00Z", "2026-03-30T00:50:00Z")]);
    }

    #[test]
    fn equal_times_are_both_within_a_shift() {
        // 02:00 to 03:00 comes twice on 2026-10-25, from 00:00Z and from 01:00Z.
        let ends = hours("Europe/Vienna", &["01:00-02:30"]);
        runs(&ends, "2026-10-24T12:00:00Z", &[("2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z")]);
        let begins = hours("Europe/Vienna", &["02:30-05:00"]);
        runs(&begins, "2026-10-24T12:00:00Z", &[("2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z")]);
    }

    #[test]
    fn a_shift_over_midnight_belongs_to_the_day_it_begins_on() {
        let week = WeekDoc { fri: vec!["22:00-02:00".into()], ..WeekDoc::default() };
        let mut document = HoursDoc { zone: "UTC".into(), week, closed: vec!["2026-12-26".into()] };
        // The 25th is a Friday; the closed 26th does not cut its shift off.
        runs(
            &compile(&document),
            "2026-12-24T00:00:00Z",
            &[
                ("2026-12-25T22:00:00Z", "2026-12-26T02:00:00Z"),
                ("2027-01-01T22:00:00Z", "2027-01-02T02:00:00Z"),
            ],
        );
        document.closed = vec!["2026-12-25".into()];
        runs(
            &compile(&document),
            "2026-12-24T00:00:00Z",
            &[("2027-01-01T22:00:00Z", "2027-01-02T02:00:00Z")],
        );
    }

    #[test]
    fn shifts_that_touch_are_one_stretch() {
        let hours = hours("America/New_York", &["00:00-06:00", "06:00-08:00", "20:00-24:00"]);
        runs(&hours, "2026-06-01T12:00:00Z", &[("2026-06-02T00:00:00Z", "2026-06-02T12:00:00Z")]);
    }

    #[test]
    fn always_and_never_have_no_next() {
        let always = hours("Asia/Kolkata", &["00:00-24:00"]);
        let now = at("2026-06-01T12:00:00Z");
        assert!(always.is_open(now));
        assert_eq!((always.next_opening(now), always.next_closing(now)), (None, None));
        let never = hours("Asia/Kolkata", &[]);
        assert!(!never.is_open(now));
        assert_eq!((never.next_opening(now), never.next_closing(now)), (None, None));
    }

    #[test]
    fn times_no_calendar_has_are_closed() {
        let hours = hours("UTC", &["00:00-24:00"]);
        for at in [Timestamp(i64::MIN), Timestamp::NEVER] {
            assert!(!hours.is_open(at));
            assert_eq!((hours.next_opening(at), hours.next_closing(at)), (None, None));
        }
    }
}
