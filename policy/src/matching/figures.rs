//! What a live router sees of each class: how many came in the last ten minutes, how much work one was, and from both the
//! pressure on the agents who serve it. Learned from events, so that a replay learns the same.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::pool::Pool;
use super::profiles::Profile;
use super::shape::Needs;
use crate::fixed::{ONE, ratio, scale, sqrt};
use crate::id::AgentId;
use crate::time::{Span, Timestamp};

/// Arrivals are counted by minute, over so many of them.
const MINUTES: i64 = 10;
const PLACES: usize = 10;
/// Work that was seen is weighed against what was expected as if that had been seen so many times.
const EXPECTED_TIMES: u32 = 4;
/// The mean work forgets slowly: about the last so many count.
const REMEMBERED: u32 = 64;
/// The long run, and how many arrivals at its rate are added to those of the last minutes.
const LONG: Span = Span::seconds(4 * 3_600);
const STEADY: i64 = 4;
/// Pressure is recomputed at an arrival, at most this often.
const REFRESH: Span = Span::seconds(10);
/// Rounds of the iteration that balances pressure.
const ROUNDS: usize = 12;

/// What was learned of one class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Arrivals by minute; the minute itself says which place is whose.
    came: [u32; PLACES],
    minute: i64,
    first: Option<Timestamp>,
    /// Arrivals since then, for the rate in the long run; both are halved from time to time.
    long: (u32, Timestamp),
    /// The mean work at full speed, in milliseconds, and how often some was seen.
    work_ms: i64,
    seen: u32,
    /// Rate and work told from outside, which then count instead: arrivals in a million seconds, milliseconds.
    told: Option<(i64, i64)>,
    /// With 20 binary places: how scarce the agents of this class are; one is neither.
    pressure: Option<i64>,
}

/// All that a pool has learned, to be kept with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// Classes, by their needs.
    pub classes: Vec<(Needs, Figures)>,
    /// When pressure was last recomputed.
    pub refreshed: Timestamp,
    /// Offers that were answered or missed: how many were missed, and the idle time before all of them.
    pub missed: (u32, i64),
}

impl Figures {
    /// Where the arrivals of a minute are counted.
    fn place(minute: i64) -> usize {
        usize::try_from(minute.rem_euclid(MINUTES)).unwrap_or(0)
    }

    /// Empties the places of minutes that have passed.
    fn roll(&mut self, at: Timestamp) {
        let minute = at.0.div_euclid(60_000);
        let passed = minute.saturating_sub(self.minute).clamp(0, MINUTES);
        for back in 0..passed {
            self.came[Self::place(minute - back)] = 0;
        }
        self.minute = self.minute.max(minute);
    }

    /// One more came.
    pub(super) fn arrived(&mut self, at: Timestamp) {
        self.roll(at);
        if self.first.is_none() {
            self.first = Some(at);
            self.long = (0, at);
        }
        if at.since(self.long.1) >= LONG {
            self.long = (self.long.0 / 2, at - Span(LONG.0 / 2));
        }
        self.long.0 = self.long.0.saturating_add(1);
        let place = &mut self.came[Self::place(self.minute)];
        *place = place.saturating_add(1);
    }

    /// One was worked at for so long, at full speed.
    pub(super) fn worked(&mut self, expected: Span, work: Span) {
        if self.seen == 0 {
            self.work_ms = expected.0;
        }
        self.seen = self.seen.saturating_add(1).min(REMEMBERED);
        let weight = i64::from(self.seen.saturating_add(EXPECTED_TIMES));
        self.work_ms += (work.0.clamp(0, 86_400_000) - self.work_ms) / weight;
    }

    /// Arrivals in a million seconds: over the last ten minutes, or since the first if that is less, steadied by the long
    /// run.
    pub(super) fn rate(&self, at: Timestamp) -> i64 {
        if let Some((rate, _)) = self.told {
            return rate;
        }
        let Some(first) = self.first else { return 0 };
        let minute = at.0.div_euclid(60_000);
        // The places that `roll` would empty do not count.
        let fresh = MINUTES - minute.saturating_sub(self.minute).clamp(0, MINUTES);
        let came =
            (0..fresh).map(|back| self.came[Self::place(self.minute - back)]).fold(0, u32::saturating_add);
        let whole = (MINUTES - 1) * 60_000 + at.0.rem_euclid(60_000);
        let over = at.since(first).0.clamp(60_000, whole.max(60_000));
        // A few arrivals at the rate of the long run are added: they steady a rare class and do not hold up a busy one.
        let long = i64::from(self.long.0).max(1);
        let steady = STEADY * at.since(self.long.1).0.max(60_000) / long;
        (i64::from(came) + STEADY) * 1_000_000_000 / (over + steady)
    }

    /// The work that is to be expected, in milliseconds.
    pub(super) fn work_ms(&self, expected: Span) -> i64 {
        match (self.told, self.seen) {
            (Some((_, work)), _) => work.max(1),
            (None, 0) => expected.0.max(1),
            (None, _) => self.work_ms.max(1),
        }
    }

    /// How scarce its agents are, with 20 binary places.
    pub(super) fn pressure(&self) -> i64 {
        self.pressure.unwrap_or(ONE)
    }
}

impl Pool {
    /// A conversation of this class came.
    pub fn arrived(&mut self, needs: &Needs, at: Timestamp) {
        self.see(at);
        let class = self.class_of(needs);
        self.classes[class].figures.arrived(at);
        if at.since(self.refreshed) >= REFRESH {
            self.refreshed = at;
            self.balance(at);
        }
    }

    /// A conversation of this class was in this agent's hands for so long, beside so many others when it left: what it
    /// would have been at full speed is learned. Gives that, and the time in hand, without what the others cost, as per mille
    /// of the work that was expected of the class; none where it ran beside the rest.
    pub fn worked(&mut self, needs: &Needs, agent: AgentId, held: Span, beside: u32) -> (Span, Option<i64>) {
        let number = self.class_of(needs);
        let profile = self.agent(agent).map(|agent| &self.profiles[agent.profile]);
        let own = profile.and_then(|profile| profile.fit(number)).map_or(1_000, |fit| fit.speed);
        let class = &mut self.classes[number];
        let alone = held.0.saturating_mul(class.speeds.with(beside + 1)) / 1_000;
        let expected = class.figures.work_ms(class.terms.work);
        let work = Span(alone.saturating_mul(own) / 1_000);
        class.figures.worked(class.terms.work, work);
        (work, (!class.beside).then(|| alone.saturating_mul(1_000) / expected))
    }

    /// Tells rate (arrivals in a million seconds) and work of a class from outside, for an experiment with more
    /// knowledge than a live router has.
    pub fn tell(&mut self, needs: &Needs, rate: i64, work: Span) {
        let class = self.class_of(needs);
        self.classes[class].figures.told = Some((rate, work.0));
        self.worths.rate(class, &mut self.classes[class], self.clock);
    }

    /// An offer was answered, or missed, by an agent who had been idle for so long.
    pub fn offer_answered(&mut self, idle: Span, missed: bool) {
        let (count, time) = &mut self.missed;
        *count = count.saturating_add(u32::from(missed));
        *time = time.saturating_add(idle.0);
        if *time > 1 << 40 || *count > 1 << 20 {
            *count /= 2;
            *time /= 2;
        }
    }

    /// What was learned so far.
    #[must_use]
    pub fn learned(&self) -> Learned {
        let mut classes: Vec<(Needs, Figures)> = self
            .classes
            .iter()
            .filter(|(_, class)| class.figures != Figures::default())
            .map(|(_, class)| ((*class.needs).clone(), class.figures.clone()))
            .collect();
        classes.sort_by(|a, b| a.0.cmp(&b.0));
        Learned { classes, refreshed: self.refreshed, missed: self.missed }
    }

    /// Takes up what was learned before.
    pub fn relearn(&mut self, learned: Learned) {
        for (needs, figures) in learned.classes {
            let class = self.class_of(&needs);
            self.classes[class].figures = figures;
        }
        self.refreshed = learned.refreshed;
        self.missed = learned.missed;
        for (number, class) in self.classes.iter_mut() {
            self.worths.rate(number, class, self.refreshed);
        }
    }

    /// What the online agents of a profile can do at once, and for which classes.
    pub(super) fn team(&self, profile: &Profile, beside: bool, loads: &[i64]) -> Option<(i64, Vec<u32>)> {
        let online: usize = profile.groups.iter().map(|group| group.members.len()).sum();
        let fits = profile
            .fits()
            .iter()
            .filter(|fit| loads[fit.class as usize] > 0 && self.classes[fit.class].beside == beside);
        let (mut capacity, mut served) = (0, Vec::new());
        for fit in fits {
            served.push(fit.class);
            let holds = profile.holds(fit.channel, fit.effort).clamp(1, 64);
            let each = self.classes[fit.class].speeds.with(u32::try_from(holds).unwrap_or(64));
            let speed = if beside { 1_000 } else { each };
            capacity = capacity.max(i64::try_from(holds).unwrap_or(64) * speed * ONE / 1_000);
        }
        let all = capacity.saturating_mul(i64::try_from(online).unwrap_or(i64::MAX));
        (all > 0).then_some((all, served))
    }

    /// Splits each agent's time over the classes it serves in proportion to load × pressure², and raises the pressure of
    /// those that come off too short, round after round.
    fn balance(&mut self, now: Timestamp) {
        let numbers: Vec<u32> = self.classes.iter().map(|(number, _)| number).collect();
        // By class slot; slots stay small, since classes are bounded.
        let most = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        let (mut loads, mut pressures) = (alloc::vec![0i64; most], alloc::vec![ONE; most]);
        for &number in &numbers {
            let class = &self.classes[number];
            let work = class.figures.work_ms(class.terms.work);
            // Erlangs with 20 places.
            let erlangs =
                i128::from(class.figures.rate(now)) * i128::from(work) * i128::from(ONE) / 1_000_000_000;
            loads[number as usize] = i64::try_from(erlangs).unwrap_or(i64::MAX);
        }
        // What runs beside the rest has a time of its own. Those who serve the same are one team: what agents have learned makes
        // many profiles of few sets of classes.
        let mut teams: BTreeMap<Vec<u32>, i64> = BTreeMap::new();
        for (_, profile) in self.profiles.iter() {
            for (capacity, served) in
                [false, true].into_iter().filter_map(|it| self.team(profile, it, &loads))
            {
                let team = teams.entry(served).or_default();
                *team = team.saturating_add(capacity);
            }
        }
        let mut shares = alloc::vec![0i64; most];
        for _ in 0..ROUNDS {
            shares.fill(0);
            for (served, capacity) in &teams {
                let claim = |class: &u32| {
                    let x = pressures[*class as usize];
                    scale(loads[*class as usize], scale(x, x)).max(1)
                };
                let all = served.iter().map(claim).fold(0i64, i64::saturating_add);
                for class in served {
                    shares[*class as usize] += scale(*capacity, ratio(claim(class), all));
                }
            }
            for &number in &numbers {
                let at = number as usize;
                if loads[at] > 0 && shares[at] > 0 {
                    let step = sqrt(ratio(loads[at], shares[at]));
                    pressures[at] = scale(pressures[at], step).clamp(ONE / 64, ONE * 64);
                }
            }
        }
        // Pressure compares classes: over all that comes its mean is one, however busy everybody is.
        let all: i64 = loads.iter().sum();
        let pressed =
            loads.iter().zip(&pressures).map(|(load, x)| scale(*load, *x)).fold(0, i64::saturating_add);
        let mean = ratio(pressed, all).max(1);
        for x in &mut pressures {
            *x = ratio(*x, mean).clamp(ONE / 64, ONE * 64);
        }
        for &number in &numbers {
            let at = number as usize;
            self.classes[number].figures.pressure = (loads[at] > 0).then(|| pressures[at]);
            self.worths.rate(number, &mut self.classes[number], now);
        }
    }
}
