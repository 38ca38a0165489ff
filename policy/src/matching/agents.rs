//! Agents in the index: what they do now, and what the classes were last told of it.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::classes::{Class, Seat};
use super::pool::Pool;
use super::profiles::Profile;
use super::shape::Standing;
use crate::id::AgentId;
use crate::time::Timestamp;

/// One agent.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) id: AgentId,
    pub(super) profile: u32,
    /// What is true.
    pub(super) now: State,
    /// What the classes' orders and counts say. It differs for one agent at most, see `Pool::late`.
    pub(super) shown: State,
    /// In how many classes' orders the agent stands.
    pub(super) seats: u32,
    /// What the agent was given in the present period, if shares are bounded.
    pub(super) share: Share,
}

/// How many conversations an agent was given in a period; periods are counted from the beginning of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Share {
    period: i64,
    given: u32,
}

/// What changes about an agent from one conversation to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) standing: Standing,
    /// Points of effort taken by what does not run beside others.
    pub(super) load: u32,
    /// Points of effort taken by what does: it has a capacity of its own, as large.
    pub(super) load_beside: u32,
    /// Conversations by channel number.
    pub(super) held: Held,
    /// Points of effort by channel number.
    pub(super) points: Held,
    /// Conversations that do not run beside others.
    pub(super) busy: u32,
    /// Those that do.
    pub(super) beside: u32,
    /// Idle since: the last assignment, or coming online.
    pub(super) since: Timestamp,
    /// Idle since: the last conversation that left, or coming online.
    pub(super) freed: Timestamp,
}

/// What counts of a pair of hands for what a further conversation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hands {
    /// Conversations that do not run beside others.
    pub(super) busy: u32,
    /// Those that do.
    pub(super) beside: u32,
}

impl Hands {
    /// When one of those that do not run beside others has left.
    pub(super) fn with_one_less(self) -> Self {
        Self { busy: self.busy.saturating_sub(1), ..self }
    }
}

impl State {
    pub(super) fn hands(&self) -> Hands {
        Hands { busy: self.busy, beside: self.beside }
    }

    /// Points of effort that count against one that runs beside others, or one that does not.
    pub(super) fn taken(&self, beside: bool) -> u32 {
        if beside { self.load_beside } else { self.load }
    }

    pub(super) fn has_room(&self, profile: &Profile, channel: u32, effort: u32, beside: bool) -> bool {
        self.taken(beside).saturating_add(effort) <= profile.profile.capacity
            && self.held.get(channel) < profile.cap(channel)
    }

    /// One more of this effort, or one less.
    pub(super) fn take(&mut self, channel: u32, effort: u32, beside: bool) {
        let points = self.points.of(channel);
        *points = points.saturating_add(effort);
        let held = self.held.of(channel);
        *held = held.saturating_add(1);
        let (load, count) = self.side(beside);
        *load = load.saturating_add(effort);
        *count = count.saturating_add(1);
    }

    pub(super) fn put_down(&mut self, channel: u32, effort: u32, beside: bool) {
        let points = self.points.of(channel);
        let effort = effort.min(*points);
        *points -= effort;
        let held = self.held.of(channel);
        *held = held.saturating_sub(1);
        let (load, count) = self.side(beside);
        *load = load.saturating_sub(effort);
        *count = count.saturating_sub(1);
    }

    fn side(&mut self, beside: bool) -> (&mut u32, &mut u32) {
        if beside { (&mut self.load_beside, &mut self.beside) } else { (&mut self.load, &mut self.busy) }
    }

    /// Splits what is in hand anew, by whether a channel's work runs beside others.
    pub(super) fn split(&mut self, channels: impl Iterator<Item = (u32, bool)>) {
        (self.load, self.load_beside, self.busy, self.beside) = (0, 0, 0, 0);
        for (channel, beside) in channels {
            let (points, held) = (self.points.get(channel), self.held.get(channel));
            let (load, count) = self.side(beside);
            *load = load.saturating_add(points);
            *count = count.saturating_add(held);
        }
    }

    pub(super) fn spot(&self, profile: &Profile, class: &Class) -> Spot {
        match self.standing {
            Standing::Offline => Spot::Offline,
            Standing::Away => Spot::Away,
            Standing::Online if self.has_room(profile, class.channel, class.effort, class.beside) => {
                Spot::Free
            }
            Standing::Online => Spot::Full,
        }
    }
}

/// Counts by channel number: the first channels in place, more of them on the heap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Held {
    first: [u32; 4],
    more: Vec<u32>,
}

impl Held {
    pub(super) fn get(&self, channel: u32) -> u32 {
        let index = channel as usize;
        let count = self.first.get(index).or_else(|| self.more.get(index - self.first.len()));
        count.copied().unwrap_or(0)
    }

    pub(super) fn of(&mut self, channel: u32) -> &mut u32 {
        let index = channel as usize;
        if index < self.first.len() {
            return &mut self.first[index];
        }
        let index = index - self.first.len();
        if self.more.len() <= index {
            self.more.resize(index + 1, 0);
        }
        &mut self.more[index]
    }
}

/// Where an eligible agent stands towards a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Offline,
    Away,
    Full,
    Free,
}

impl Pool {
    /// What an agent was given in the present period.
    #[must_use]
    pub fn share(&self, id: AgentId) -> Share {
        self.agent(id).map(|agent| agent.share).unwrap_or_default()
    }

    /// Takes up what an agent was given, as a snapshot kept it.
    pub fn set_share(&mut self, id: AgentId, share: Share) {
        if let Some(slot) = self.agent_index.get(id.bits()) {
            self.agents[slot].share = share;
        }
    }

    /// Counts one more that an agent is given.
    pub(super) fn give(&mut self, slot: u32, at: Timestamp) {
        let Some((_, within)) = self.settings.share else { return };
        let (period, share) = (at.0.div_euclid(within.0.max(1)), &mut self.agents[slot].share);
        if share.period != period {
            *share = Share { period, given: 0 };
        }
        share.given = share.given.saturating_add(1);
    }

    /// Whether an agent has had a fair share in this period and gets nothing more in it.
    pub(super) fn has_had_share(&self, slot: u32, at: Timestamp) -> bool {
        self.settings.share.is_some_and(|(most, within)| {
            let share = self.agents[slot].share;
            share.period == at.0.div_euclid(within.0.max(1)) && share.given >= most
        })
    }

    /// Notes that this agent is about to change. Its classes hear of it when another agent changes: most often it has
    /// taken the next conversation by then, and there is nothing left to say.
    pub(super) fn touch(&mut self, slot: u32) {
        if self.late != Some(slot) {
            self.settle();
            self.late = Some(slot);
        }
    }

    /// Tells the classes what they have not heard yet.
    pub(super) fn settle(&mut self) {
        let Some(slot) = self.late.take() else { return };
        let agent = &mut self.agents[slot];
        let (old, new) = (&mut agent.shown, &agent.now);
        let stays = old.standing == new.standing
            && old.load == new.load
            && old.load_beside == new.load_beside
            && old.held == new.held;
        if stays && (agent.seats == 0 || old.since == new.since) {
            old.since = new.since;
            return;
        }
        let profile = &self.profiles[agent.profile];
        for fit in profile.fits() {
            let class = &mut self.classes[fit.class];
            let (before, after) = (old.spot(profile, class), new.spot(profile, class));
            if before == Spot::Free && (after != Spot::Free || old.since != new.since) {
                class.free.remove(&Seat::new(fit.points, old.since, agent.id, slot));
                agent.seats -= 1;
            }
            if after == Spot::Free && (before != Spot::Free || old.since != new.since) {
                class.free.insert(Seat::new(fit.points, new.since, agent.id, slot));
                agent.seats += 1;
            }
            if before != after {
                class.counts.leave(before);
                class.counts.enter(after);
            }
            let holds = profile.holds(class.channel, class.effort);
            match (old.standing == Standing::Online, new.standing == Standing::Online) {
                (false, true) => class.holds += holds,
                (true, false) => class.holds -= holds,
                (true, true) | (false, false) => {}
            }
        }
        old.standing = new.standing;
        old.load = new.load;
        old.load_beside = new.load_beside;
        for (old, new) in [(&mut old.held, &new.held), (&mut old.points, &new.points)] {
            old.first = new.first;
            old.more.clone_from(&new.more);
        }
        old.busy = new.busy;
        old.beside = new.beside;
        old.since = new.since;
        old.freed = new.freed;
    }

    /// Enters a settled agent into every class.
    pub(super) fn admit(&mut self, slot: u32) {
        self.settle();
        let agent = &mut self.agents[slot];
        agent.shown = agent.now.clone();
        let profile = &self.profiles[agent.profile];
        for (number, class) in self.classes.iter_mut() {
            match profile.fit(number) {
                Some(fit) => class.enter(fit.points, slot, agent, profile),
                None => class.lack(&profile.profile, self.settings.weights, 1),
            }
        }
    }

    /// Takes an agent out of every class.
    pub(super) fn expel(&mut self, slot: u32) {
        self.settle();
        let agent = &mut self.agents[slot];
        let profile = &self.profiles[agent.profile];
        for (number, class) in self.classes.iter_mut() {
            match profile.fit(number) {
                Some(fit) => class.leave(fit.points, slot, agent, profile),
                None => class.lack(&profile.profile, self.settings.weights, -1),
            }
        }
    }
}
