//! Promises: what waiting customers were told of their wait, how that was kept, and what is learned from it. A later
//! estimate is made with what was learned here; no decision of the rule reads it.
//!
//! The 90th percentile that is told is corrected online: it is multiplied by e to the sum of two offsets, of all promises
//! and of the group's own (queue, language, priority). Every outcome moves both by `step · (missed − 0.1)`: adaptive
//! conformal inference (Gibbs and Candès 2021) on the logarithm of the scale, with a step that falls like one over the
//! number of outcomes to a floor (Angelopoulos, Barber and Bates 2024). A group's own offset fades, so that a small
//! group keeps close to all. Who leaves before the told time counts with the chance that it would have been missed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use policy::id::ConversationId;
use policy::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Conversation, Phase};

/// More groups than this are not told apart; what belongs to none is learned for all.
const GROUPS_MAX: usize = 1_024;
/// More queues than this are not told apart.
const QUEUES_MAX: usize = 1_024;
/// One in a million: the unit of shares and of logarithms here.
const MILLION: i64 = 1_000_000;
/// The share of promises that may be missed, in millionths.
const MISSES: i64 = 95_000;
/// Steps of the offsets: at first, and the floor; in millionths of a natural logarithm for a whole miss.
const STEP_FIRST: i64 = 1_000_000;
const STEP_FLOOR: i64 = 15_000;
/// A group's own offset fades by one in so many at each of its outcomes.
const FADES: i64 = 400;
/// No offset goes beyond e to the power of this.
const OFFSET_MAX: i64 = 1_500_000;
/// When so many outcomes were counted, all counts are halved: about the last thousand to two thousand show.
const COUNTED_MAX: u32 = 2_000;
/// Leaving is weighed with what holds for all as if so many had left.
const STEADY: i64 = 4;
/// Fewer holdings say nothing of their spread.
const HELD_LEAST: i64 = 30;

/// What a customer is told of the wait from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Half of those who wait so are served by then, in seconds.
    pub median_s: u32,
    /// Nine of ten are, in seconds.
    pub p90_s: u32,
    /// The mean, in seconds.
    pub mean_s: u32,
    /// Where it comes from.
    pub basis: Basis,
}

/// Where a promise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Basis {
    /// The present state, played forward many times by the rule itself.
    Played,
    /// The length of the queue, and how many leave it.
    Length,
}

/// What one waiting customer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What was told first.
    pub first: Promise,
    /// When.
    pub since: Timestamp,
    /// What was told last.
    pub newest: Promise,
    /// When.
    pub at: Timestamp,
}

/// Whom a promise is corrected and counted with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    /// The queue.
    pub queue: Box<str>,
    /// The customer's language, if known.
    pub language: Option<Box<str>>,
    /// 9 is first.
    pub priority: u8,
}

/// How promises were kept. Counts are halved from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Promises whose customer was served.
    pub served: u32,
    /// Of these, served by the told 90th percentile.
    pub kept: u32,
    /// The sum of the means told, in seconds.
    pub told_s: i64,
    /// The sum of the waits that came of it, in seconds.
    pub waited_s: i64,
    /// Customers who left.
    pub left: u32,
    /// The offset of the 90th percentile, in millionths of a natural logarithm.
    pub offset: i64,
    /// Outcomes that moved it, up to where the step no longer falls.
    outcomes: i64,
}

/// What was seen of one queue, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Seen {
    /// Customers who left while they waited.
    left: i64,
    /// The time that all have waited, in milliseconds.
    waited_ms: i64,
    /// Conversations that were worked at: how many, the sum of their seconds at full speed, the sum of the squares.
    held: i64,
    held_s: i64,
    held_s2: i64,
    /// Offers that were accepted, and the milliseconds until then.
    answered: i64,
    answer_ms: i64,
}

/// Promises of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Promises {
    told: BTreeMap<ConversationId, Told>,
    all: Kept,
    groups: BTreeMap<Group, Kept>,
    seen: Seen,
    queues: BTreeMap<Box<str>, Seen>,
}

impl Promises {
    /// What a waiting customer was told.
    #[must_use]
    pub fn told(&self, conversation: ConversationId) -> Option<&Told> {
        self.told.get(&conversation)
    }

    /// Whose wait was told and goes on.
    pub(crate) fn open(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.told.keys().copied()
    }

    /// How all promises were kept.
    #[must_use]
    pub fn all(&self) -> &Kept {
        &self.all
    }

    /// How they were kept in each group.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &Kept)> {
        self.groups.iter()
    }

    /// The correction of the 90th percentile, in millionths of a natural logarithm.
    #[must_use]
    pub fn offset(&self, group: &Group) -> i64 {
        self.all.offset + self.groups.get(group).map_or(0, |kept| kept.offset)
    }

    /// How many of a queue's waiting customers leave, in a million seconds of one's waiting.
    #[must_use]
    pub fn leaving(&self, queue: &str) -> i64 {
        let rate = |left: i64, waited_ms: i64| left.saturating_mul(1_000 * MILLION) / waited_ms.max(1);
        let of_all = rate(self.seen.left, self.seen.waited_ms);
        let Some(seen) = self.queues.get(queue).filter(|_| of_all > 0) else { return of_all };
        rate(seen.left + STEADY, seen.waited_ms + STEADY * 1_000 * MILLION / of_all)
    }

    /// The mean work of a conversation of a queue at full speed, in milliseconds; none as long as little was seen.
    #[must_use]
    pub fn work_ms(&self, queue: &str) -> Option<i64> {
        let seen = self.queues.get(queue).filter(|seen| seen.held >= HELD_LEAST)?;
        Some(seen.held_s.saturating_mul(1_000) / seen.held)
    }

    /// The squared coefficient of variation of that work, in thousandths; that of the exponential distribution as long as
    /// little was seen.
    #[must_use]
    pub fn spread_pm(&self, queue: &str) -> i64 {
        let spread = |seen: &Seen| {
            let sum = i128::from(seen.held_s).pow(2).max(1);
            let squares = i128::from(seen.held) * i128::from(seen.held_s2) * 1_000 / sum;
            (i64::try_from(squares).unwrap_or(i64::MAX) - 1_000).clamp(0, 16_000)
        };
        self.queues.get(queue).filter(|seen| seen.held >= HELD_LEAST).map_or(1_000, spread)
    }

    /// How long an agent of a queue takes to accept an offer, in milliseconds.
    #[must_use]
    pub fn answer_ms(&self, queue: &str) -> i64 {
        let seen = self.queues.get(queue).filter(|seen| seen.answered > 0).unwrap_or(&self.seen);
        seen.answer_ms / seen.answered.max(1)
    }

    pub(super) fn tell(&mut self, conversation: ConversationId, promise: Promise, at: Timestamp) {
        let first = Told { first: promise, since: at, newest: promise, at };
        let told = self.told.entry(conversation).or_insert(first);
        (told.newest, told.at) = (promise, at);
    }

    /// The wait is over: somebody serves the customer. `open` says whether the queue was open when the wait began.
    pub(super) fn served(&mut self, it: &Conversation, open: bool, at: Timestamp) {
        if let Phase::Offered { made, .. } = it.phase {
            self.seen_of(&it.needs.queue, |seen| seen.answered(at.since(made)));
        }
        if open && it.first_held.is_none() {
            self.seen_of(&it.needs.queue, |seen| seen.waited(at.since(it.opened), false));
        }
        let Some(told) = self.told.remove(&it.id) else { return };
        let waited = at.since(told.since);
        let missed = waited > Span::seconds(told.first.p90_s.into());
        self.each(it, |kept| {
            kept.count(&told, waited, !missed);
            kept.learn(if missed { MILLION } else { 0 });
        });
    }

    /// The conversation has ended. One that still waited was left by its customer.
    pub(super) fn ended(&mut self, it: &Conversation, open: bool, at: Timestamp) {
        let waits = matches!(it.phase, Phase::Waiting { open: true, .. } | Phase::Offered { .. });
        if open && waits && it.first_held.is_none() {
            self.seen_of(&it.needs.queue, |seen| seen.waited(at.since(it.opened), true));
        }
        let Some(told) = self.told.remove(&it.id) else { return };
        let waited = at.since(told.since);
        let missed = chance_of_missing(&told.first, waited);
        self.each(it, |kept| {
            kept.left += 1;
            kept.learn(missed);
        });
    }

    /// A conversation of a queue was so much work at full speed.
    pub(super) fn worked(&mut self, queue: &str, work: Span) {
        self.seen_of(queue, |seen| seen.worked(work));
    }

    fn each(&mut self, it: &Conversation, learn: impl Fn(&mut Kept)) {
        learn(&mut self.all);
        let group = Group::of(it);
        if self.groups.len() < GROUPS_MAX || self.groups.contains_key(&group) {
            let kept = self.groups.entry(group).or_default();
            learn(kept);
            kept.offset -= kept.offset / FADES;
        }
    }

    fn seen_of(&mut self, queue: &str, learn: impl Fn(&mut Seen)) {
        learn(&mut self.seen);
        if let Some(seen) = self.queues.get_mut(queue) {
            learn(seen);
        } else if self.queues.len() < QUEUES_MAX {
            learn(self.queues.entry(queue.into()).or_default());
        }
    }
}

impl Group {
    /// The group of a conversation.
    #[must_use]
    pub fn of(it: &Conversation) -> Self {
        Self { queue: it.needs.queue.clone(), language: it.language.clone(), priority: it.priority }
    }
}

impl Kept {
    fn count(&mut self, told: &Told, waited: Span, kept: bool) {
        if self.served >= COUNTED_MAX {
            self.served /= 2;
            self.kept /= 2;
            self.told_s /= 2;
            self.waited_s /= 2;
            self.left /= 2;
        }
        self.served += 1;
        self.kept += u32::from(kept);
        self.told_s += i64::from(told.first.mean_s);
        self.waited_s += waited.0 / 1_000;
    }

    fn learn(&mut self, missed: i64) {
        self.outcomes = (self.outcomes + 1).min(STEP_FIRST / STEP_FLOOR);
        let step = (STEP_FIRST / (self.outcomes + 9)).max(STEP_FLOOR);
        self.offset = (self.offset + step * (missed - MISSES) / MILLION).clamp(-OFFSET_MAX, OFFSET_MAX);
    }
}

impl Seen {
    fn waited(&mut self, waited: Span, left: bool) {
        if self.left >= 500 || self.waited_ms >= 1 << 50 {
            self.left /= 2;
            self.waited_ms /= 2;
        }
        self.left += i64::from(left);
        self.waited_ms += waited.0.min(1 << 40);
    }

    fn answered(&mut self, took: Span) {
        if self.answered >= 1_000 {
            self.answered /= 2;
            self.answer_ms /= 2;
        }
        self.answered += 1;
        self.answer_ms += took.0.clamp(0, 3_600_000);
    }

    fn worked(&mut self, work: Span) {
        if self.held >= 1_000 {
            self.held /= 2;
            self.held_s /= 2;
            self.held_s2 /= 2;
        }
        let seconds = ((work.0 + 500) / 1_000).clamp(0, 86_400);
        self.held += 1;
        self.held_s += seconds;
        self.held_s2 += seconds * seconds;
    }
}

/// The chance, in millionths, that a wait goes beyond the told 90th percentile when it has lasted so long: a tenth of what
/// is left of the distribution, which falls in straight lines to a half at the median and to a tenth there.
fn chance_of_missing(told: &Promise, waited: Span) -> i64 {
    let (median, p90) = (i64::from(told.median_s) * 1_000, i64::from(told.p90_s) * 1_000);
    if waited.0 >= p90 {
        return MILLION;
    }
    let left = if waited.0 <= median {
        MILLION - MILLION / 2 * waited.0 / median.max(1)
    } else {
        MILLION / 2 - 4 * (MILLION / 10) * (waited.0 - median) / (p90 - median).max(1)
    };
    MISSES * MILLION / left.max(MISSES)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn promise(median_s: u32, p90_s: u32) -> Promise {
        Promise { median_s, p90_s, mean_s: median_s, basis: Basis::Played }
    }

    #[test]
    fn who_leaves_counts_by_what_was_still_open() {
        let told = promise(100, 200);
        let chance = |seconds| chance_of_missing(&told, Span::seconds(seconds));
        assert_eq!(chance(0), MISSES);
        assert_eq!(chance(100), 2 * MISSES);
        assert_eq!(chance(200), MILLION);
        let all: Vec<i64> = (0..210).map(chance).collect();
        assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{all:?}");
    }

    #[test]
    fn the_offset_settles_where_one_in_ten_is_missed() {
        // The truth is even from 0 to 100 s, and 50 s are told as its 90th percentile.
        let mut kept = Kept::default();
        let (mut missed, mut state) = (0, 1u64);
        for count in 0..20_000u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let wait = (state >> 40) as f64 / f64::from(1 << 24) * 100.0;
            let is_missed = wait > 50.0 * (kept.offset as f64 / 1e6).exp();
            kept.learn(if is_missed { MILLION } else { 0 });
            missed += u32::from(is_missed && count >= 10_000);
        }
        assert!((missed as i64 - 950).abs() < 60, "{missed} of 10,000");
        assert!((50.0 * (kept.offset as f64 / 1e6).exp() - 90.0).abs() < 8.0, "{}", kept.offset);
    }

    #[test]
    fn spread_and_leaving_are_those_of_what_was_seen() {
        let mut promises = Promises::default();
        assert_eq!((promises.spread_pm("a"), promises.leaving("a")), (1_000, 0));
        for _ in 0..40 {
            promises.worked("a", Span::seconds(100));
            promises.seen_of("a", |seen| seen.waited(Span::seconds(300), true));
            promises.seen_of("b", |seen| seen.waited(Span::seconds(300), false));
        }
        assert_eq!((promises.spread_pm("a"), promises.work_ms("a")), (0, Some(100_000)));
        assert_eq!(promises.leaving("c"), MILLION / 600);
        let (often, seldom) = (promises.leaving("a"), promises.leaving("b"));
        assert!(often > 2 * seldom && often < MILLION / 300 && seldom > 0, "{often} {seldom}");
    }
}
