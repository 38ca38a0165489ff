//! Groups: online agents of one profile who have equally much in hand. For a class all of them cost the same, so that a
//! decision looks at groups and not at agents; within a group the longest idle stands first.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::agents::State;
use super::pool::Pool;
use super::profiles::Profile;
use super::shape::Standing;
use crate::document::Rule;
use crate::id::AgentId;
use crate::time::Timestamp;

/// One agent in a group: longest idle first, then the lower id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) idle: Timestamp,
    id: [u64; 2],
    pub(super) slot: u32,
}

impl Member {
    pub(super) fn new(idle: Timestamp, id: AgentId, slot: u32) -> Self {
        Self { idle, id: [(id.bits() >> 64) as u64, id.bits() as u64], slot }
    }
}

/// Agents with equal hands.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// What each of them has in hand.
    pub(super) state: State,
    pub(super) members: BTreeSet<Member>,
}

impl Group {
    pub(super) fn is_of(&self, state: &State) -> bool {
        self.state.load == state.load
            && self.state.load_beside == state.load_beside
            && self.state.busy == state.busy
            && self.state.beside == state.beside
            && self.state.held == state.held
    }
}

/// Conversations of a class that its online agents could take now, and could hold in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Slots {
    pub(super) free: u64,
    pub(super) all: u64,
}

/// An agent with nothing to bound it counts as so many slots.
const SLOTS_MAX: u64 = 64;

impl State {
    /// How many more conversations of this kind fit.
    pub(super) fn slots(&self, profile: &Profile, channel: u32, effort: u32, beside: bool) -> u64 {
        let room = profile.profile.capacity.saturating_sub(self.taken(beside));
        let by_effort = room.checked_div(effort).unwrap_or(u32::MAX);
        let by_channel = profile.cap(channel).saturating_sub(self.held.get(channel));
        u64::from(by_effort.min(by_channel)).min(SLOTS_MAX)
    }

    pub(super) fn order(&self, rule: Rule) -> Timestamp {
        if rule == Rule::RoundRobin { self.since } else { self.freed }
    }
}

impl Profile {
    /// What its online agents could take now of one kind of conversation, and could hold in all.
    pub(super) fn slots(&self, channel: u32, effort: u32, beside: bool) -> Slots {
        let mut slots = Slots::default();
        for group in &self.groups {
            let members = group.members.len() as u64;
            slots.free += members * group.state.slots(self, channel, effort, beside);
            slots.all += members * State::default().slots(self, channel, effort, beside);
        }
        slots
    }
}

impl Pool {
    /// Enters an agent into its group, if online, and weighs the slots of its classes.
    pub(super) fn group(&mut self, slot: u32) {
        let agent = &self.agents[slot];
        if !self.settings.rule.groups() {
            return;
        }
        if agent.now.standing != Standing::Online {
            return self.weigh(agent.profile);
        }
        let member = Member::new(agent.now.order(self.settings.rule), agent.id, slot);
        let state = agent.now.clone();
        let profile = &mut self.profiles[agent.profile];
        match profile.groups.iter_mut().find(|group| group.is_of(&state)) {
            Some(group) => drop(group.members.insert(member)),
            None => {
                let members = BTreeSet::from([member]);
                profile.groups.push(Group { state: state.clone(), members });
            }
        }
        let profile = &self.profiles[agent.profile];
        for fit in profile.fits() {
            let class = &mut self.classes[fit.class];
            class.slots.free += state.slots(profile, fit.channel, fit.effort, fit.beside);
            class.slots.all += State::default().slots(profile, fit.channel, fit.effort, fit.beside);
            self.worths.weigh(fit.class, class);
        }
    }

    /// Takes an agent out of its group, to be entered again: until then what slots are worth stays as it was.
    pub(super) fn ungroup(&mut self, slot: u32) {
        let agent = &self.agents[slot];
        if !self.settings.rule.groups() || agent.now.standing != Standing::Online {
            return;
        }
        let member = Member::new(agent.now.order(self.settings.rule), agent.id, slot);
        let state = agent.now.clone();
        let profile = &mut self.profiles[agent.profile];
        if let Some(at) = profile.groups.iter().position(|group| group.is_of(&state)) {
            profile.groups[at].members.remove(&member);
            if profile.groups[at].members.is_empty() {
                profile.groups.swap_remove(at);
            }
        }
        let profile = &self.profiles[agent.profile];
        for fit in profile.fits() {
            let slots = &mut self.classes[fit.class].slots;
            slots.free -= state.slots(profile, fit.channel, fit.effort, fit.beside);
            slots.all -= State::default().slots(profile, fit.channel, fit.effort, fit.beside);
        }
    }

    /// Takes an agent out of its group and weighs the slots that are left.
    pub(super) fn ungroup_for_good(&mut self, slot: u32) {
        self.ungroup(slot);
        self.weigh(self.agents[slot].profile);
    }

    fn weigh(&mut self, profile: u32) {
        for fit in self.profiles[profile].fits() {
            self.worths.weigh(fit.class, &mut self.classes[fit.class]);
        }
    }

    /// Groups everyone anew, for a changed rule, and reads each queue in its order.
    pub(super) fn regroup(&mut self) {
        for (_, profile) in self.profiles.iter_mut() {
            profile.groups.clear();
        }
        for (_, class) in self.classes.iter_mut() {
            class.slots = Slots::default();
            class.lanes.serve_newest_first(class.terms.newest_first);
        }
        for (number, class) in self.classes.iter() {
            if let Some(peek) = self.peeks.get_mut(number as usize) {
                *peek = class.lanes.peek();
            }
        }
        let slots: Vec<u32> = self.agents.iter().map(|(slot, _)| slot).collect();
        slots.into_iter().for_each(|slot| self.group(slot));
    }

    /// The slots of a class that is new, from the groups there are.
    pub(super) fn count_slots(&mut self, number: u32) {
        let class = &self.classes[number];
        let mut slots = Slots::default();
        for &profile in class.fitting.keys() {
            let profile = &self.profiles[profile];
            let own = profile.slots(class.channel, class.effort, class.beside);
            slots.free += own.free;
            slots.all += own.all;
        }
        let class = &mut self.classes[number];
        class.slots = slots;
        self.worths.weigh(number, class);
    }
}
