//! Classes: conversations with equal needs, and who could serve them. Each keeps its eligible agents with room in the
//! order of the rule, counts the others by what keeps them, and holds the lanes of those who wait.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::agents::{Agent, Spot};
use super::costs::Load;
use super::decision::{Lost, Name};
use super::figures::Figures;
use super::groups::Slots;
use super::line::Lanes;
use super::pool::Pool;
use super::profiles::{Fit, Profile, judge};
use super::settings::{QueueTerms, Speeds};
use super::shape::{AgentProfile, Needs, Standing};
use crate::document::Weights;
use crate::id::AgentId;
use crate::time::Timestamp;

/// How many classes in which nobody waits are kept; the one unused for longest goes first.
pub(super) const IDLE_CLASSES: usize = 4_096;

/// An agent with room in a class's order: best score, then longest idle, then lower id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    score: Reverse<i64>,
    pub(super) since: Timestamp,
    id: [u64; 2],
    pub(super) slot: u32,
}

impl Seat {
    pub(super) fn new(score: i64, since: Timestamp, id: AgentId, slot: u32) -> Self {
        Self { score: Reverse(score), since, id: [(id.bits() >> 64) as u64, id.bits() as u64], slot }
    }
}

/// Eligible agents by spot.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) offline: u32,
    pub(super) away: u32,
    pub(super) full: u32,
    pub(super) free: u32,
}

impl Counts {
    pub(super) fn enter(&mut self, spot: Spot) {
        *self.of(spot) += 1;
    }

    pub(super) fn leave(&mut self, spot: Spot) {
        *self.of(spot) -= 1;
    }

    fn of(&mut self, spot: Spot) -> &mut u32 {
        match spot {
            Spot::Offline => &mut self.offline,
            Spot::Away => &mut self.away,
            Spot::Full => &mut self.full,
            Spot::Free => &mut self.free,
        }
    }
}

/// One class.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) needs: Arc<Needs>,
    pub(super) channel: u32,
    pub(super) effort: u32,
    pub(super) queue: u32,
    /// Who waits and is not reserved for one agent.
    pub(super) lanes: Lanes,
    /// How many wait, reserved ones too.
    pub(super) waiting: u32,
    pub(super) free: BTreeSet<Seat>,
    pub(super) counts: Counts,
    /// How many of its conversations the eligible agents who are online can hold in all.
    pub(super) holds: u64,
    /// Agents who are not eligible, by the first reason; the rows of `judge`.
    pub(super) lacking: Vec<(Lost, u32)>,
    /// Profiles that are eligible, each with its fit as the profile itself has it, so that a decision reads one place.
    pub(super) fitting: BTreeMap<u32, Fit>,
    /// What its online agents could take, for the rules over groups.
    pub(super) slots: Slots,
    /// What was learned of it.
    pub(super) figures: Figures,
    /// Arrivals in a million seconds, as of the last look at what was learned.
    pub(super) rate: i64,
    /// The load that goes into what one slot is worth to it.
    pub(super) load: Load,
    /// What its queue says of it.
    pub(super) terms: QueueTerms,
    /// Whether its work runs beside the rest.
    pub(super) beside: bool,
    /// How fast conversations of its channel are beside each other.
    pub(super) speeds: Speeds,
    /// When it was last used, for dropping the one unused for longest.
    used: u64,
}

impl Class {
    fn new(needs: Arc<Needs>, channel: u32, queue: u32, terms: QueueTerms, speeds: Speeds) -> Self {
        let mut lacking = vec![(Lost::LacksLanguage, 0)];
        for (skill, _) in &needs.skills {
            let name = Name::from(&**skill);
            lacking.extend([(Lost::LacksSkill(name.clone()), 0), (Lost::BelowProficiency(name), 0)]);
        }
        for skills in &needs.any_of {
            let names: Vec<&str> = skills.iter().map(|(skill, _)| &**skill).collect();
            lacking.push((Lost::LacksSkill(Name::from(&*names.join(" / "))), 0));
        }
        lacking.extend(needs.none_of.iter().map(|skill| (Lost::HasSkill(Name::from(&**skill)), 0)));
        Self {
            effort: needs.effort,
            needs,
            channel,
            queue,
            lanes: Lanes::default(),
            waiting: 0,
            free: BTreeSet::new(),
            counts: Counts::default(),
            holds: 0,
            lacking,
            fitting: BTreeMap::new(),
            slots: Slots::default(),
            figures: Figures::default(),
            rate: 0,
            load: Load::default(),
            terms,
            beside: false,
            speeds,
            used: 0,
        }
    }

    pub(super) fn enter(&mut self, points: i64, slot: u32, agent: &mut Agent, profile: &Profile) {
        let spot = agent.shown.spot(profile, self);
        self.counts.enter(spot);
        if spot == Spot::Free {
            self.free.insert(Seat::new(points, agent.shown.since, agent.id, slot));
            agent.seats += 1;
        }
        if agent.shown.standing == Standing::Online {
            self.holds += profile.holds(self.channel, self.effort);
        }
    }

    pub(super) fn leave(&mut self, points: i64, slot: u32, agent: &mut Agent, profile: &Profile) {
        let spot = agent.shown.spot(profile, self);
        self.counts.leave(spot);
        if spot == Spot::Free {
            self.free.remove(&Seat::new(points, agent.shown.since, agent.id, slot));
            agent.seats -= 1;
        }
        if agent.shown.standing == Standing::Online {
            self.holds -= profile.holds(self.channel, self.effort);
        }
    }

    /// Counts agents of a profile that is not eligible.
    pub(super) fn lack(&mut self, profile: &AgentProfile, weights: Weights, agents: i32) {
        if let Err(row) = judge(profile, &self.needs, weights) {
            let count = &mut self.lacking[row].1;
            *count = count.saturating_add_signed(agents);
        }
    }
}

impl Pool {
    /// The class of these needs, made if it is new.
    pub(super) fn class_of(&mut self, needs: &Needs) -> u32 {
        if let Some(&class) = self.class_index.get(needs) {
            return class;
        }
        if self.idle_classes >= IDLE_CLASSES {
            self.drop_oldest_class();
        }
        self.settle();
        let channel = self.channel(&needs.channel);
        let queue = self.queue_of(&needs.queue);
        let terms = self.settings.queues.get(&needs.queue).copied().unwrap_or_default();
        let speeds = self.settings.speeds_on(&needs.channel);
        let needs = Arc::new(needs.clone());
        let mut class = Class::new(Arc::clone(&needs), channel, queue, terms, speeds);
        class.beside = self.settings.interruptible.contains(&needs.channel);
        class.lanes.serve_newest_first(terms.newest_first);
        let class = self.classes.insert(class);
        self.class_index.insert(needs, class);
        self.add_queue_class(queue, class);
        self.idle_classes += 1;
        self.fill(class);
        class
    }

    /// Counts one more who waits in a class.
    pub(super) fn begin_waiting(&mut self, class: u32) {
        let class = &mut self.classes[class];
        if class.waiting == 0 {
            self.idle_classes -= 1;
        }
        class.waiting += 1;
    }

    /// Counts one less.
    pub(super) fn end_waiting(&mut self, class: u32) {
        self.uses += 1;
        let class = &mut self.classes[class];
        class.waiting -= 1;
        class.used = self.uses;
        if class.waiting == 0 {
            self.idle_classes += 1;
        }
    }

    /// Judges every profile for a class that knows nobody yet.
    fn fill(&mut self, number: u32) {
        let class = &mut self.classes[number];
        let mut seats = Vec::new();
        for (of, profile) in self.profiles.iter_mut() {
            match judge(&profile.profile, &class.needs, self.settings.weights) {
                Ok(points) => {
                    let fit = Fit::new(number, class, &profile.profile, points);
                    profile.add_fit(fit);
                    class.fitting.insert(of, fit);
                    for &slot in &profile.agents {
                        let agent = &mut self.agents[slot];
                        let spot = agent.shown.spot(profile, class);
                        class.counts.enter(spot);
                        if spot == Spot::Free {
                            seats.push(Seat::new(points, agent.shown.since, agent.id, slot));
                            agent.seats += 1;
                        }
                        if agent.shown.standing == Standing::Online {
                            class.holds += profile.holds(class.channel, class.effort);
                        }
                    }
                }
                Err(row) => class.lacking[row].1 += u32::try_from(profile.agents.len()).unwrap_or(u32::MAX),
            }
        }
        class.free = seats.into_iter().collect();
        self.count_slots(number);
    }

    /// Makes a class forget all agents.
    fn clear(&mut self, number: u32) {
        let class = &mut self.classes[number];
        for seat in core::mem::take(&mut class.free) {
            self.agents[seat.slot].seats -= 1;
        }
        class.counts = Counts::default();
        class.holds = 0;
        class.fitting.clear();
        class.slots = Slots::default();
        for (_, count) in &mut class.lacking {
            *count = 0;
        }
        for (_, profile) in self.profiles.iter_mut() {
            profile.drop_fit(number);
        }
    }

    /// Judges everyone anew, for changed weights.
    pub(super) fn refill(&mut self) {
        self.settle();
        let classes: Vec<u32> = self.classes.iter().map(|(number, _)| number).collect();
        for class in classes {
            self.clear(class);
            self.fill(class);
        }
    }

    fn drop_oldest_class(&mut self) {
        let idle = self.classes.iter().filter(|(_, class)| class.waiting == 0);
        let Some((_, number)) = idle.map(|(number, class)| (class.used, number)).min() else { return };
        self.settle();
        self.clear(number);
        let class = self.classes.remove(number);
        self.class_index.remove(&class.needs);
        self.idle_classes -= 1;
        self.drop_queue_class(class.queue, number);
    }
}
