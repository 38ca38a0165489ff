//! What a pair costs, in one currency: the customer's second, here in microseconds (i64).
//!
//! Least customer time, after the theory of generalised cµ with a price for scarce skills:
//!
//! ```text
//! h     = weight · (1 + α · waited / target) · pressure              what one more second of waiting costs
//! D     = work / (speed · g(n+1))                                    the conversation itself
//!       + n · (1 − g(n+1) / g(n)) · work                             what it does to the agent's other chats
//!       + (1 − solves) · comes_again · again                         the chance of having to come back
//! price = Σ over other classes m that the agent serves
//!         weight_m · (1 − e^(−λ_m S)) · ρ_m^max(F_m − 1, 0) · S / n_m
//! cost  = weight · D + price
//! ```
//!
//! with S the time the slot is taken, λ_m and ρ_m the rate and the load of class m, F_m its free slots and n_m all of them.

use alloc::vec::Vec;

use super::agents::Hands;
use super::classes::Class;
use super::groups::Slots;
use super::pool::Pool;
use super::profiles::{Fit, Profile};
use crate::fixed::{ONE, exp_neg, pow, ratio, scale};
use crate::time::{Span, Timestamp};

/// What a pair costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// The whole, in microseconds of customer time.
    pub(super) total: i64,
    /// The price of the slot in it.
    pub(super) price: i64,
    /// The chance that the agent is not there, times the time of an offer, in it.
    pub(super) risk: i64,
    /// How long the slot is taken, in microseconds.
    pub(super) taken: i64,
}

impl Cost {
    /// With the price of the slot.
    fn at(self, price: i64) -> Self {
        Self { total: self.total.saturating_add(price), price, ..self }
    }
}

/// A difference below this does not send a conversation past the longest idle.
pub(super) const RISK_STEP: i64 = 500_000;

/// The load of a class, as it was last worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Load {
    /// The rate, the work of one conversation in microseconds, and the slots that it was worked out of.
    of: (i64, i64, i64),
    /// Erlangs a slot, with 20 binary places; one at most.
    share: i64,
}

/// What a class's slots are worth to it. Those of all classes lie side by side, so that a price, which asks many classes,
/// stays in the nearest cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Worth {
    /// What one slot is worth, with 20 binary places.
    scarce: i64,
    /// Arrivals in a microsecond, with 40 binary places.
    rate_us: i64,
}

/// Worths by class slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Worths(Vec<Worth>);

impl Worths {
    fn of(&self, number: u32) -> Worth {
        self.0.get(number as usize).copied().unwrap_or_default()
    }

    fn at(&mut self, number: u32) -> &mut Worth {
        let index = number as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, Worth::default());
        }
        &mut self.0[index]
    }

    /// The slots or the rate of a class have changed.
    pub(super) fn weigh(&mut self, number: u32, class: &mut Class) {
        self.at(number).scarce = class.scarce();
    }

    /// Takes up what was learned of a class: rate and load count from now on.
    pub(super) fn rate(&mut self, number: u32, class: &mut Class, at: Timestamp) {
        class.rate = class.figures.rate(at);
        let fine = i128::from(class.rate) * (i128::from(ONE) * i128::from(ONE)) / 1_000_000_000_000;
        *self.at(number) = Worth { scarce: class.scarce(), rate_us: i64::try_from(fine).unwrap_or(i64::MAX) };
    }
}

impl Class {
    /// What one slot is worth to this class: its weight, times the chance that all others are taken, by the number of
    /// slots.
    fn scarce(&mut self) -> i64 {
        let Slots { free, all } = self.slots;
        if self.rate == 0 || all == 0 {
            return 0;
        }
        let all = i64::try_from(all).unwrap_or(i64::MAX);
        let of = (self.rate, self.work_us(), all);
        // Slots are taken and freed far more often than there come to be more or fewer of them.
        if self.load.of != of {
            let erlangs = i128::from(of.0) * i128::from(of.1) * i128::from(ONE) / 1_000_000_000_000;
            let erlangs = i64::try_from(erlangs).unwrap_or(i64::MAX);
            self.load = Load { of, share: ratio(erlangs, all.saturating_mul(ONE)).min(ONE) };
        }
        let spare = u32::try_from(free.saturating_sub(1)).unwrap_or(u32::MAX);
        pow(self.load.share, spare).saturating_mul(self.terms.weight(4)) / 1_000 / all
    }

    /// The work of one conversation at full speed, in microseconds.
    pub(super) fn work_us(&self) -> i64 {
        self.figures.work_ms(self.terms.work).saturating_mul(1_000).min(1 << 42)
    }

    /// What one more second of waiting costs, in millionths of a customer's second.
    pub(super) fn urgency(&self, priority: u8, waited: Span, alpha: u32) -> i64 {
        let weight = self.terms.weight(priority);
        let target = self.terms.target.0.max(1);
        let grown = 1_000 + i64::from(alpha).saturating_mul(waited.0) / target;
        scale(weight.saturating_mul(grown), self.figures.pressure())
    }
}

/// The chance of solving it, in per mille; the agent whom the customer knows does somewhat better.
fn solves(fit: &Fit, known: bool) -> i64 {
    (fit.solves + if known { 50 } else { 0 }).min(980)
}

impl Pool {
    /// How long a conversation of a class takes an agent of a profile with these hands, and what it costs without the
    /// price of the slot, in microseconds; `known` is the agent whom the customer knows.
    pub(super) fn own(&self, class: &Class, priority: u8, fit: &Fit, hands: Hands, known: bool) -> Cost {
        let costs = &self.settings.costs;
        let full = class.work_us();
        let mut work = full * 1_000 / fit.speed.max(1);
        if known {
            work = work * i64::from(costs.known_agent_pm.clamp(1, 1_000)) / 1_000;
        }
        let after = class.speeds.with(hands.busy + 1);
        // What runs beside the rest meets now more of it, now less: the mean of what there may be.
        let pace = if class.beside { class.speeds.mean(hands.busy + 1) } else { after };
        let taken = work * 1_000 / pace;
        // What runs beside the rest is slowed by it, and does not slow it.
        let others = if class.beside || hands.busy == 0 {
            0
        } else {
            let before = class.speeds.with(hands.busy);
            i64::from(hands.busy) * (full - full * after.min(before) / before)
        };
        // Meanwhile what runs beside it is slower than it was.
        let slowed = if class.beside || hands.beside == 0 {
            0
        } else {
            let loss = self.beside.with(hands.busy + 1) - self.beside.with(hands.busy + 2);
            i64::from(hands.beside) * taken * loss.max(0) / 1_000
        };
        let unsolved = 1_000 - solves(fit, known);
        let again = unsolved * i64::from(costs.comes_again_pm) / 1_000 * i64::from(costs.again_s) * 1_000;
        let total = (taken + others + slowed + again).saturating_mul(class.terms.weight(priority)) / 1_000;
        Cost { total, price: 0, risk: 0, taken }
    }

    /// What it costs to give a conversation of a class to an agent of a profile with these hands, if that is less than
    /// `bound`: the price of the slot, which takes longest to work out, is left out where the rest is too much already.
    #[expect(clippy::too_many_arguments, reason = "those of `cost`, and a bound")]
    pub(super) fn cost_below(
        &self,
        bound: i64,
        number: u32,
        priority: u8,
        profile: &Profile,
        fit: &Fit,
        hands: Hands,
        known: bool,
    ) -> Option<Cost> {
        let own = self.own(&self.classes[number], priority, fit, hands, known);
        let room = bound.saturating_sub(own.total);
        let price = if room > 0 { self.price_below(room, number, profile, own.taken) } else { None };
        price.map(|price| own.at(price))
    }

    /// What it costs to give a conversation of a class to an agent of a profile with these hands.
    pub(super) fn cost(
        &self,
        number: u32,
        priority: u8,
        profile: &Profile,
        fit: &Fit,
        hands: Hands,
        known: bool,
    ) -> Cost {
        let own = self.own(&self.classes[number], priority, fit, hands, known);
        own.at(self.price_below(i64::MAX, number, profile, own.taken).unwrap_or(i64::MAX))
    }

    /// The price of taking a slot of such an agent for so long, in microseconds, if that is less than `bound`.
    fn price_below(&self, bound: i64, number: u32, profile: &Profile, taken: i64) -> Option<i64> {
        let mut price = 0i64;
        let beside = self.classes[number].beside;
        for fit in profile.fits() {
            let Worth { scarce, rate_us } = self.worths.of(fit.class);
            // What runs beside the rest takes no slot of the rest.
            if scarce == 0 || fit.class == number || fit.beside != beside {
                continue;
            }
            let comes = ONE - exp_neg(scale(taken, rate_us));
            price = price.saturating_add(scale(scale(taken, comes), scarce));
            if price >= bound {
                return None;
            }
        }
        Some(price)
    }

    /// The chance that an agent who was idle for so long has gone, times the time of an offer, in microseconds.
    pub(super) fn risk(&self, class: &Class, idle: Span) -> i64 {
        let (missed, time) = self.missed;
        if missed == 0 || time == 0 {
            return 0;
        }
        let x = i128::from(missed) * i128::from(idle.0) * i128::from(ONE) / i128::from(time);
        scale(class.terms.offer.0.saturating_mul(1_000), ONE - exp_neg(i64::try_from(x).unwrap_or(i64::MAX)))
    }
}
