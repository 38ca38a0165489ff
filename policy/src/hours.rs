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
use crate::document::check::{Faults, nearest};
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
