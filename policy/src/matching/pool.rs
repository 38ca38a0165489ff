//! The pool: all agents and all waiting conversations of a workspace, with every verb that changes them. How a match is
//! found is `choose.rs`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::agents::{Agent, Share, State};
use super::classes::Class;
use super::costs::Worths;
use super::ids::Ids;
use super::line::{Lanes, Peek, Place, Turn};
use super::profiles::{Fit, Profile, judge};
use super::settings::{Settings, Speeds};
use super::shape::{AgentProfile, Needs, Room, Standing, Waiting};
use super::slab::Slab;
use crate::document::{Rule, Weights};
use crate::id::{AgentId, ConversationId};
use crate::time::Timestamp;

/// All agents and all waiting conversations of a workspace, indexed so that a decision costs the same for a hundred
/// agents as for a hundred thousand.
///
/// It decides nothing by itself: the engine asks, records the answer as an event, and applies it by
/// [`leave`](Self::leave) and [`take`](Self::take). Answers depend on what the pool was told and on nothing else.
#[derive(Clone)]
pub struct Pool {
    pub(super) settings: Settings,
    /// How fast interruptible work is beside 0, 1, 2, … others.
    pub(super) beside: Speeds,
    /// When pressure was last recomputed.
    pub(super) refreshed: Timestamp,
    /// Offers: how many were missed, and the idle time in milliseconds before all of them.
    pub(super) missed: (u32, i64),
    /// The latest time it was told, for places in line.
    pub(super) clock: Timestamp,
    /// Channel names, a handful: those of the connectors.
    channels: BTreeMap<Box<str>, u32>,
    queue_index: BTreeMap<Box<str>, u32>,
    queues: Slab<QueueClasses>,
    pub(super) agent_index: Ids,
    pub(super) agents: Slab<Agent>,
    profile_index: BTreeMap<AgentProfile, u32>,
    pub(super) profiles: Slab<Profile>,
    pub(super) class_index: BTreeMap<Arc<Needs>, u32>,
    pub(super) classes: Slab<Class>,
    /// The first of each class's lanes, by class slot.
    pub(super) peeks: Vec<Option<Peek>>,
    /// What the slots of each class are worth to it, by class slot.
    pub(super) worths: Worths,
    /// Classes in which nobody waits.
    pub(super) idle_classes: usize,
    /// How often a conversation has left; dates the use of classes.
    pub(super) uses: u64,
    pub(super) waiting_index: Ids,
    pub(super) entries: Slab<Entry>,
    /// Conversations that only one agent may have, by agent and class.
    pub(super) reserved: BTreeMap<(AgentId, u32), Lanes>,
    /// The one agent whose last change the classes have not heard of.
    pub(super) late: Option<u32>,
}

/// A waiting conversation in the index.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) waiting: Waiting,
    pub(super) class: u32,
    pub(super) place: Place,
}

/// The classes of one queue; without any it is forgotten.
#[derive(Debug, Clone)]
struct QueueClasses {
    name: Box<str>,
    classes: Vec<u32>,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(weights: Weights) -> Self {
        Self {
            settings: Settings { rule: Rule::BestScore, weights, ..Settings::default() },
            beside: Settings::default().speeds_on(""),
            refreshed: Timestamp(0),
            missed: (0, 0),
            clock: Timestamp(i64::MIN),
            channels: BTreeMap::new(),
            queue_index: BTreeMap::new(),
            queues: Slab::default(),
            agent_index: Ids::default(),
            agents: Slab::default(),
            profile_index: BTreeMap::new(),
            profiles: Slab::default(),
            class_index: BTreeMap::new(),
            classes: Slab::default(),
            peeks: Vec::new(),
            worths: Worths::default(),
            idle_classes: 0,
            uses: 0,
            waiting_index: Ids::default(),
            entries: Slab::default(),
            reserved: BTreeMap::new(),
            late: None,
        }
    }

    /// Takes new weights, from the next decision on. Judges every profile for every class anew.
    pub fn set_weights(&mut self, weights: Weights) {
        if self.settings.weights != weights {
            self.settings.weights = weights;
            self.refill();
        }
    }

    /// Takes a policy's rule with its costs and queues, from the next decision on.
    pub fn govern(&mut self, settings: Settings) {
        self.set_weights(settings.weights);
        let moved = self.settings.interruptible != settings.interruptible;
        if moved {
            self.settle();
        }
        self.settings = settings;
        let first = self.settings.interruptible.first().cloned().unwrap_or_default();
        self.beside = self.settings.speeds_on(&first);
        for (_, class) in self.classes.iter_mut() {
            class.terms = self.settings.queues.get(&class.needs.queue).copied().unwrap_or_default();
            class.speeds = self.settings.speeds_on(&class.needs.channel);
            class.beside = self.settings.interruptible.contains(&class.needs.channel);
        }
        if moved {
            for (_, agent) in self.agents.iter_mut() {
                let beside = |name: &str| self.settings.interruptible.contains(name);
                agent.now.split(self.channels.iter().map(|(name, number)| (*number, beside(name))));
                agent.shown = agent.now.clone();
            }
            self.refill();
        }
        self.regroup();
    }

    /// The rule in force.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.settings.rule
    }

    /// Says when the last conversation left an agent, as a snapshot kept it.
    pub fn set_freed(&mut self, id: AgentId, freed: Timestamp) {
        self.change(id, freed, |agent| agent.freed = freed);
    }

    /// How many conversations an agent has in hand that do not run beside others.
    #[must_use]
    pub fn in_hand(&self, id: AgentId) -> u32 {
        self.agent(id).map_or(0, |agent| agent.now.busy)
    }

    /// Adds an agent, offline at first, or changes what one can do; load, standing and idle time stay.
    pub fn put_agent(&mut self, id: AgentId, profile: &AgentProfile, at: Timestamp) {
        self.see(at);
        let slot = match self.agent_index.get(id.bits()) {
            Some(slot) if self.profiles[self.agents[slot].profile].profile == *profile => return,
            Some(slot) => {
                self.ungroup_for_good(slot);
                self.expel(slot);
                self.part_from_profile(slot);
                self.agents[slot].profile = self.profile_of(profile);
                slot
            }
            None => {
                let now = State { since: at, freed: at, ..State::default() };
                let profile = self.profile_of(profile);
                let slot = self.agents.insert(Agent {
                    id,
                    profile,
                    shown: now.clone(),
                    now,
                    seats: 0,
                    share: Share::default(),
                });
                self.agent_index.insert(id.bits(), slot);
                slot
            }
        };
        self.profiles[self.agents[slot].profile].agents.push(slot);
        self.admit(slot);
        self.group(slot);
    }

    /// Removes an agent; what is reserved for that one keeps waiting.
    pub fn remove_agent(&mut self, id: AgentId) -> bool {
        let Some(slot) = self.agent_index.remove(id.bits()) else { return false };
        self.ungroup_for_good(slot);
        self.expel(slot);
        self.part_from_profile(slot);
        self.agents.remove(slot);
        true
    }

    /// What an agent can do.
    #[must_use]
    pub fn profile(&self, id: AgentId) -> Option<&AgentProfile> {
        self.agent(id).map(|agent| &self.profiles[agent.profile].profile)
    }

    /// How many different profiles the agents have; a decision costs by these.
    #[must_use]
    pub fn distinct_profiles(&self) -> usize {
        self.profiles.len()
    }

    /// Whether somebody has this profile.
    #[must_use]
    pub fn has_profile(&self, profile: &AgentProfile) -> bool {
        self.profile_index.contains_key(profile)
    }

    /// Whether nobody else has this agent's profile.
    #[must_use]
    pub fn has_own_profile(&self, id: AgentId) -> bool {
        self.agent(id).is_some_and(|agent| self.profiles[agent.profile].agents.len() == 1)
    }

    /// Whether an agent takes work.
    #[must_use]
    pub fn standing(&self, id: AgentId) -> Option<Standing> {
        self.agent(id).map(|agent| agent.now.standing)
    }

    /// Changes whether an agent takes work. Who comes online is idle from then on.
    pub fn set_standing(&mut self, id: AgentId, standing: Standing, at: Timestamp) {
        self.change(id, at, |agent| {
            if standing == Standing::Online && agent.standing != Standing::Online {
                agent.since = at;
                agent.freed = at;
            }
            agent.standing = standing;
        });
    }

    /// Whether an agent, whatever the standing, has room for one more conversation of this effort on this channel.
    #[must_use]
    pub fn has_room(&self, id: AgentId, channel: &str, effort: u32) -> bool {
        let beside = self.settings.interruptible.contains(channel);
        // A channel that has no number yet has no limit and no conversation.
        let channel = self.channels.get(channel).copied().unwrap_or(u32::MAX);
        self.agent(id)
            .is_some_and(|agent| agent.now.has_room(&self.profiles[agent.profile], channel, effort, beside))
    }

    /// Gives an agent a conversation. It does not look at room: a person's explicit act may exceed it.
    pub fn take(&mut self, id: AgentId, channel: &str, effort: u32, at: Timestamp) {
        let beside = self.settings.interruptible.contains(channel);
        let channel = self.channel(channel);
        if let Some(slot) = self.agent_index.get(id.bits()) {
            self.give(slot, at);
        }
        self.change(id, at, |agent| {
            agent.take(channel, effort, beside);
            agent.since = at;
        });
    }

    /// Takes a conversation off an agent.
    pub fn release(&mut self, id: AgentId, channel: &str, effort: u32, at: Timestamp) {
        let beside = self.settings.interruptible.contains(channel);
        let channel = self.channels.get(channel).copied();
        self.change(id, at, |agent| {
            agent.freed = at;
            if let Some(channel) = channel {
                agent.put_down(channel, effort, beside);
            }
        });
    }

    /// How full an agent is.
    #[must_use]
    pub fn room(&self, id: AgentId) -> Option<Room> {
        let agent = self.agent(id)?;
        Some(Room {
            load: agent.now.load,
            beside: agent.now.load_beside,
            capacity: self.profiles[agent.profile].profile.capacity,
        })
    }

    /// Puts a conversation in line. One that waits already is put in anew.
    pub fn wait(&mut self, mut waiting: Waiting) {
        self.leave(waiting.conversation);
        self.see(waiting.since);
        waiting.priority = waiting.priority.min(9);
        let surplus = waiting.refused.len().saturating_sub(Waiting::REFUSALS);
        waiting.refused.drain(..surplus);
        let (id, priority, bound) = (waiting.conversation, waiting.priority, waiting.passed_over);
        let class = self.class_of(&waiting.needs);
        let mut place = Place::new(waiting.since, id);
        place.refusals = u32::from(!waiting.refused.is_empty() || waiting.preferred.is_some());
        let reserved = waiting.reserved;
        let slot = self.entries.insert(Entry { waiting, class, place });
        place.slot = slot;
        self.entries[slot].place = place;
        self.waiting_index.insert(id.bits(), slot);
        match reserved {
            Some(agent) => self.reserved.entry((agent, class)).or_default().insert(priority, bound, place),
            None => {
                self.classes[class].lanes.insert(priority, bound, place);
                self.peek(class);
            }
        }
        self.begin_waiting(class);
    }

    /// Takes a conversation out of the line.
    pub fn leave(&mut self, conversation: ConversationId) -> bool {
        let Some(slot) = self.waiting_index.remove(conversation.bits()) else { return false };
        self.entries.vacate(slot);
        let &Entry { ref waiting, class, place } = &self.entries[slot];
        let (priority, bound) = (waiting.priority, waiting.passed_over);
        match waiting.reserved {
            Some(agent) => {
                if let Some(lanes) = self.reserved.get_mut(&(agent, class)) {
                    lanes.remove(priority, bound, &place);
                    if lanes.is_empty() {
                        self.reserved.remove(&(agent, class));
                    }
                }
            }
            None => {
                self.classes[class].lanes.remove(priority, bound, &place);
                self.peek(class);
            }
        }
        self.end_waiting(class);
        true
    }

    /// A waiting conversation as it was put in line.
    #[must_use]
    pub fn waiting(&self, conversation: ConversationId) -> Option<&Waiting> {
        self.entry(conversation).map(|entry| &entry.waiting)
    }

    /// The place of a conversation in its queue by the rule, from 1, as of the latest time the pool was told. Asks each
    /// class of the queue once.
    #[must_use]
    pub fn position(&self, conversation: ConversationId) -> Option<u32> {
        let Entry { waiting, class, place } = self.entry(conversation)?;
        let (priority, bound) = (waiting.priority, waiting.passed_over);
        let lanes = self.lanes_of(self.classes[*class].queue);
        let before: u32 = lanes.map(|lanes| lanes.before(priority, bound, place, self.clock)).sum();
        Some(before.saturating_add(1))
    }

    /// A whole queue in the order of the rule, as of the latest time the pool was told.
    #[must_use]
    pub fn line(&self, queue: &str) -> Vec<ConversationId> {
        let Some(&queue) = self.queue_index.get(queue) else { return Vec::new() };
        let mut turns: Vec<Turn> = self.lanes_of(queue).flat_map(|lanes| lanes.turns(self.clock)).collect();
        turns.sort_unstable();
        turns.into_iter().map(|turn| turn.place.conversation()).collect()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting_count(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Since when the one who waits longest has waited.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let open = self.classes.iter().map(|(_, class)| &class.lanes);
        let lanes = open.chain(self.reserved.values()).flat_map(Lanes::iter);
        lanes.map(|lane| lane.head.since).min()
    }

    pub(super) fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agent_index.get(id.bits()).map(|slot| &self.agents[slot])
    }

    pub(super) fn entry(&self, conversation: ConversationId) -> Option<&Entry> {
        self.waiting_index.get(conversation.bits()).map(|slot| &self.entries[slot])
    }

    pub(super) fn see(&mut self, at: Timestamp) {
        self.clock = self.clock.max(at);
    }

    fn change(&mut self, id: AgentId, at: Timestamp, change: impl FnOnce(&mut State)) {
        self.see(at);
        let Some(slot) = self.agent_index.get(id.bits()) else { return };
        self.ungroup(slot);
        self.touch(slot);
        change(&mut self.agents[slot].now);
        self.group(slot);
    }

    /// The number of a channel.
    pub(super) fn channel(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.channels.get(name) {
            return number;
        }
        let number = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        self.channels.insert(name.into(), number);
        number
    }

    /// Everyone who waits in a queue, class by class, then those reserved for one agent.
    fn lanes_of(&self, queue: u32) -> impl Iterator<Item = &Lanes> {
        let open = self.queues[queue].classes.iter().map(|class| &self.classes[*class].lanes);
        let reserved =
            self.reserved.iter().filter(move |((_, class), _)| self.classes[*class].queue == queue);
        open.chain(reserved.map(|(_, lanes)| lanes))
    }

    /// Notes the first of a class's lanes.
    fn peek(&mut self, class: u32) {
        let index = class as usize;
        if self.peeks.len() <= index {
            self.peeks.resize(index + 1, None);
        }
        self.peeks[index] = self.classes[class].lanes.peek();
    }

    /// The number of a queue.
    pub(super) fn queue_of(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.queue_index.get(name) {
            return number;
        }
        let number = self.queues.insert(QueueClasses { name: name.into(), classes: Vec::new() });
        self.queue_index.insert(name.into(), number);
        number
    }

    /// Notes a new class of a queue.
    pub(super) fn add_queue_class(&mut self, queue: u32, class: u32) {
        self.queues[queue].classes.push(class);
    }

    /// Forgets a class of a queue, and a queue without any.
    pub(super) fn drop_queue_class(&mut self, number: u32, class: u32) {
        let queue = &mut self.queues[number];
        queue.classes.retain(|other| *other != class);
        if queue.classes.is_empty() {
            let queue = self.queues.remove(number);
            self.queue_index.remove(&queue.name);
        }
    }

    /// The shared form of a profile, judged for every class if it is new.
    fn profile_of(&mut self, profile: &AgentProfile) -> u32 {
        if let Some(&number) = self.profile_index.get(profile) {
            return number;
        }
        let limits: Vec<_> =
            profile.channels.iter().map(|(name, &most)| (self.channel(name), most)).collect();
        let mut shared = Profile::new(profile.clone(), limits.into_iter());
        for (number, class) in self.classes.iter() {
            if let Ok(points) = judge(profile, &class.needs, self.settings.weights) {
                shared.add_fit(Fit::new(number, class, profile, points));
            }
        }
        let number = self.profiles.insert(shared);
        for fit in self.profiles[number].fits() {
            self.classes[fit.class].fitting.insert(number, *fit);
        }
        self.profile_index.insert(profile.clone(), number);
        number
    }

    fn part_from_profile(&mut self, slot: u32) {
        let number = self.agents[slot].profile;
        let profile = &mut self.profiles[number];
        profile.agents.retain(|&agent| agent != slot);
        if profile.agents.is_empty() {
            let profile = self.profiles.remove(number);
            for fit in profile.fits() {
                self.classes[fit.class].fitting.remove(&number);
            }
            self.profile_index.remove(&profile.profile);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("agents", &self.agents.len())
            .field("profiles", &self.profiles.len())
            .field("classes", &self.classes.len())
            .field("waiting", &self.entries.len())
            .finish_non_exhaustive()
    }
}
