//! What is shown next to a customer who was told something before. A promise never grows without saying so: a newer
//! estimate that ends hardly later than what was told is told as the rest of that, and one that ends clearly later is told
//! as what it is, longer than we said.

use engine::state::{Promise, Told};
use policy::time::Timestamp;

use super::wait::rounded;

/// Later by less than this share of the told wait, or by so few seconds, is not later.
const SHARE: f64 = 0.15;
const SECONDS: f64 = 15.0;

/// The promise to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// What is told.
    pub promise: Promise,
    /// It takes longer than was said.
    pub longer: bool,
}

/// What to tell now of this promise, after what was told before.
#[must_use]
pub fn telling(told: Option<&Told>, promise: Promise, now: Timestamp) -> Telling {
    let Some(told) = told else { return Telling { promise, longer: false } };
    let rest = |of: &Promise, at: Timestamp| f64::from(of.p90_s) - now.since(at).0 as f64 / 1e3;
    let grows = |of: &Promise, at: Timestamp| {
        f64::from(promise.p90_s) - rest(of, at) > f64::max(SECONDS, SHARE * f64::from(of.p90_s))
    };
    // What was said first counts until the wait is over: who was told of a longer one is still told so.
    if grows(&told.first, told.since) {
        let newest = rest(&told.newest, told.at);
        let held = if grows(&told.newest, told.at) { promise } else { within(promise, newest) };
        return Telling { promise: held, longer: true };
    }
    Telling { promise: within(promise, rest(&told.newest, told.at)), longer: false }
}

/// What was told last, as it stands now.
#[must_use]
pub fn standing(told: &Told, now: Timestamp) -> Telling {
    let rest = f64::from(told.newest.p90_s) - now.since(told.at).0 as f64 / 1e3;
    let later =
        told.at.since(told.since).0 as f64 / 1e3 + f64::from(told.newest.p90_s) - f64::from(told.first.p90_s);
    let longer = later > f64::max(SECONDS, SHARE * f64::from(told.first.p90_s));
    Telling { promise: within(told.newest, rest), longer }
}

/// A promise that ends no later than in so many seconds.
fn within(promise: Promise, rest: f64) -> Promise {
    let p90_s = promise.p90_s.min(rounded(rest.max(0.0)));
    Promise { p90_s, median_s: promise.median_s.min(p90_s), ..promise }
}

#[cfg(test)]
mod tests {
    use engine::state::Basis;

    use super::*;

    fn promise(median_s: u32, p90_s: u32) -> Promise {
        Promise { median_s, p90_s, mean_s: median_s, basis: Basis::Played }
    }

    fn told(p90_s: u32) -> Told {
        let first = promise(p90_s / 2, p90_s);
        Told { first, since: Timestamp(0), newest: first, at: Timestamp(0) }
    }

    #[test]
    fn a_promise_that_stays_counts_down() {
        let it = telling(Some(&told(120)), promise(60, 120), Timestamp(10_000));
        assert_eq!((it.promise.p90_s, it.longer), (120, false), "110 s are said as two minutes");
        let it = telling(Some(&told(120)), promise(60, 90), Timestamp(65_000));
        assert_eq!((it.promise.p90_s, it.longer), (90, true), "it ends 35 s later than was said");
        let it = telling(Some(&told(120)), promise(40, 60), Timestamp(70_000));
        assert_eq!((it.promise.p90_s, it.promise.median_s, it.longer), (50, 40, false));
    }

    #[test]
    fn what_grows_says_so_and_goes_on_saying_so() {
        let first = told(60);
        let it = telling(Some(&first), promise(90, 180), Timestamp(20_000));
        assert_eq!((it.promise.p90_s, it.longer), (180, true));
        let later = Told { newest: it.promise, at: Timestamp(20_000), ..first };
        let now = standing(&later, Timestamp(50_000));
        assert_eq!((now.promise.p90_s, now.longer), (150, true), "what a page that is loaded anew shows");
        assert!(!standing(&first, Timestamp(50_000)).longer);
        let it = telling(Some(&later), promise(60, 120), Timestamp(70_000));
        assert_eq!((it.promise.p90_s, it.longer), (120, true), "still longer than was said first");
    }

    #[test]
    fn nobody_who_was_told_nothing_is_told_of_longer() {
        assert!(!telling(None, promise(600, 900), Timestamp(5)).longer);
    }
}
