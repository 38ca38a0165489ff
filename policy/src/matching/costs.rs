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

use super::agents::State;
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

/// A difference below this does not send a conversation past the longest idle.
pub(super) const RISK_STEP: i64 = 500_000;

impl Class {
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

/// The speed of an agent of this proficiency, in per mille of the best.
fn speed(proficiency: i64) -> i64 {
    600 + 4 * proficiency
}

/// The chance of solving it at this proficiency, in per mille.
fn solves(proficiency: i64, known: bool) -> i64 {
    (550 + 35 * proficiency / 10 + if known { 50 } else { 0 }).min(980)
}

impl Pool {
    /// What it costs to give a conversation of a class to an agent of a profile with these hands; `known` is the agent
    /// whom the customer knows.
    pub(super) fn cost(
        &self,
        number: u32,
        priority: u8,
        profile: &Profile,
        fit: &Fit,
        hands: &State,
        known: bool,
        at: Timestamp,
    ) -> Cost {
        let class = &self.classes[number];
        let costs = &self.settings.costs;
        let channel = &class.needs.channel;
        let mut work = class.work_us();
        let full = work;
        work = work * 1_000 / speed(fit.proficiency);
        if known {
            work = work * i64::from(costs.known_agent_pm.clamp(1, 1_000)) / 1_000;
        }
        // What takes no room of an agent's capacity runs beside the rest, slowed by it.
        let beside = class.effort == 0;
        let after = self.settings.speed(channel, hands.busy + 1);
        let taken = work * 1_000 / after;
        let others = if beside || hands.busy == 0 {
            0
        } else {
            let before = self.settings.speed(channel, hands.busy);
            i64::from(hands.busy) * (full - full * after.min(before) / before)
        };
        let unsolved = 1_000 - solves(fit.proficiency, known);
        let again = unsolved * i64::from(costs.comes_again_pm) / 1_000 * i64::from(costs.again_s) * 1_000;
        let weight = class.terms.weight(priority);
        let own = (taken + others + again).saturating_mul(weight) / 1_000;
        let price = self.price(number, profile, taken, at);
        Cost { total: own.saturating_add(price), price, risk: 0, taken }
    }

    /// The price of taking a slot of such an agent for so long, in microseconds.
    fn price(&self, number: u32, profile: &Profile, taken: i64, at: Timestamp) -> i64 {
        let mut price = 0i64;
        for fit in profile.fits() {
            if fit.class == number {
                continue;
            }
            let class = &self.classes[fit.class];
            let Slots { free, all } = class.slots;
            let rate = class.figures.rate(at);
            if rate == 0 || all == 0 {
                continue;
            }
            let all = i64::try_from(all).unwrap_or(i64::MAX);
            let erlangs =
                i128::from(rate) * i128::from(class.work_us()) * i128::from(ONE) / 1_000_000_000_000;
            let load = ratio(i64::try_from(erlangs).unwrap_or(i64::MAX), all.saturating_mul(ONE)).min(ONE);
            let spare = u32::try_from(free.saturating_sub(1)).unwrap_or(u32::MAX);
            let scarce = pow(load, spare);
            if scarce == 0 {
                continue;
            }
            let expected = i128::from(rate) * i128::from(taken) * i128::from(ONE) / 1_000_000_000_000;
            let comes = ONE - exp_neg(i64::try_from(expected).unwrap_or(i64::MAX));
            let share = scale(scale(taken, comes), scarce) / all;
            price = price.saturating_add(share.saturating_mul(class.terms.weight(4)) / 1_000);
        }
        price
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
