//! Choosing: the two directions of a match, and the record of it. Both only read.

use alloc::collections::btree_set;
use alloc::vec::Vec;

use super::agents::Spot;
use super::classes::{Counts, Seat};
use super::decision::{Decision, Lost, Score, Trigger};
use super::line::{Lane, Lanes, Peek, Place, Turn};
use super::pool::{Entry, Pool};
use super::shape::{Able, Standing, Waiting};
use crate::id::{AgentId, ConversationId};
use crate::time::Timestamp;

/// How many of those who lost a record names.
const NAMED: usize = 3;

impl Pool {
    /// The best agent with room for a waiting conversation. One who could serve an older conversation past its bound is
    /// kept for that (invariant 8).
    #[must_use]
    pub fn choose_agent(&self, conversation: ConversationId, at: Timestamp) -> Option<Decision> {
        let entry = self.entry(conversation)?;
        if let Some(only) = entry.waiting.reserved {
            let slot = self.agent_index.get(only.bits())?;
            let fits = self.spot(slot, entry.class) == Some(Spot::Free)
                && !entry.waiting.refused.contains(&only)
                && !self.owes_older(slot, &entry.place, at);
            return fits.then(|| self.decide(entry, slot, Trigger::Transfer, at, &[]));
        }
        if self.settings.rule.groups() {
            return self.choose_by_rule(entry, Trigger::ConversationCame, at);
        }
        let mut kept = Vec::new();
        for seat in self.seats(entry, at) {
            if self.owes_older(seat.slot, &entry.place, at) {
                kept.push(seat.slot);
            } else {
                return Some(self.decide(entry, seat.slot, Trigger::ConversationCame, at, &kept));
            }
        }
        None
    }

    /// The next best agents for a waiting conversation beside the one who has it first in mind, `most` at most, best
    /// first, to be asked at the same time.
    #[must_use]
    pub fn choose_beside(
        &self,
        conversation: ConversationId,
        first: AgentId,
        most: u32,
        at: Timestamp,
    ) -> Vec<Decision> {
        let mut more = Vec::new();
        let Some(entry) = self.entry(conversation) else { return more };
        let mut entry = entry.clone();
        entry.waiting.refused.push(first);
        for _ in 0..most {
            let next = if self.settings.rule.groups() {
                self.choose_by_rule(&entry, Trigger::ConversationCame, at)
            } else {
                let mut seats =
                    self.seats(&entry, at).filter(|it| !self.owes_older(it.slot, &entry.place, at));
                seats.next().map(|seat| self.decide(&entry, seat.slot, Trigger::ConversationCame, at, &[]))
            };
            let Some(mut next) = next else { break };
            // Those who are asked already have not refused.
            let asked = 1 + u32::try_from(more.len()).unwrap_or(u32::MAX);
            for (lost, agents) in &mut next.losing {
                *agents -= if *lost == Lost::Refused { asked.min(*agents) } else { 0 };
            }
            next.losing.retain(|(_, agents)| *agents > 0);
            next.losing.push((Lost::AskedToo, asked));
            entry.waiting.refused.push(next.agent);
            more.push(next);
        }
        more
    }

    /// The conversation that an agent with room gets next: the oldest one past its bound, else the highest priority,
    /// then the oldest, then the lower id.
    #[must_use]
    pub fn choose_conversation(&self, agent: AgentId, at: Timestamp) -> Option<(ConversationId, Decision)> {
        let slot = self.agent_index.get(agent.bits())?;
        if self.has_had_share(slot, at) {
            // What a person has handed over by name comes all the same.
            let reserved = self.reserved.range((agent, 0)..=(agent, u32::MAX));
            let mut heads: Vec<Place> =
                reserved.flat_map(|(_, lanes)| lanes.iter().map(|lane| lane.head)).collect();
            heads.sort_unstable();
            return heads.into_iter().map(Place::conversation).find_map(|conversation| {
                self.choose_agent(conversation, at).map(|decision| (conversation, decision))
            });
        }
        if self.settings.rule.groups() {
            return self.choose_next_by_rule(slot, at);
        }
        let mut turns = Turns::default();
        self.open_to(slot, |source, peek| {
            let first = peek.and_then(|peek| peek.turn(at));
            let first = first.or_else(|| {
                self.lanes(source).iter().filter_map(|lane| self.turns_of(lane, agent, at).next()).min()
            });
            if let Some(turn) = first {
                turns.enter(turn, Some(source));
            }
        });
        // Only lanes whose first is among the best can hold another of them.
        for (first, source) in turns.firsts() {
            if let Source::Class(class) = source
                && let Some(peek) = &self.peeks[class as usize]
                && peek.turn(at).is_some()
                && !peek.second().is_some_and(|second| turns.want(second))
            {
                continue;
            }
            for lane in self.lanes(source).iter() {
                for turn in self.turns_of(lane, agent, at).filter(|turn| *turn != first) {
                    if !turns.want(turn) {
                        break;
                    }
                    turns.enter(turn, None);
                }
            }
        }
        let mut next = turns.0.iter().flatten().map(|(turn, _)| turn.place);
        let first = next.next()?;
        let entry = &self.entries[first.slot];
        let trigger = if entry.waiting.reserved.is_some() { Trigger::Transfer } else { Trigger::AgentFreed };
        let mut decision = self.decide(entry, slot, trigger, at, &[]);
        decision.next_in_line = next.map(Place::conversation).collect();
        Some((first.conversation(), decision))
    }

    /// Who could serve a waiting conversation, for the promise.
    #[must_use]
    pub fn able(&self, conversation: ConversationId) -> Able {
        let Some(entry) = self.entry(conversation) else { return Able::default() };
        let mut able = Able::default();
        if let Some(only) = entry.waiting.reserved {
            if !entry.waiting.refused.contains(&only) {
                self.add_able(&mut able, entry, only, true);
            }
            return able;
        }
        let class = &self.classes[entry.class];
        let counts = self.counts(entry.class);
        able.online = counts.full + counts.free;
        able.eligible = able.online + counts.offline + counts.away;
        able.free = counts.free;
        able.holds = class.holds;
        if let Some(slot) = self.late
            && let agent = &self.agents[slot]
            && let profile = &self.profiles[agent.profile]
            && profile.fit(entry.class).is_some()
        {
            let holds = profile.holds(class.channel, class.effort);
            let of = |standing| if standing == Standing::Online { holds } else { 0 };
            able.holds = able.holds + of(agent.now.standing) - of(agent.shown.standing);
        }
        for &agent in entry.waiting.distinct_refused() {
            self.add_able(&mut able, entry, agent, false);
        }
        able
    }

    /// Adds one agent to the sums, or takes one away.
    fn add_able(&self, able: &mut Able, entry: &Entry, agent: AgentId, add: bool) {
        let Some(slot) = self.agent_index.get(agent.bits()) else { return };
        let Some(spot) = self.spot(slot, entry.class) else { return };
        let class = &self.classes[entry.class];
        let online = matches!(spot, Spot::Free | Spot::Full);
        let profile = &self.profiles[self.agents[slot].profile];
        let holds = if online { profile.holds(class.channel, class.effort) } else { 0 };
        let (one, online, free) = (1, u32::from(online), u32::from(spot == Spot::Free));
        if add {
            able.eligible += one;
            able.online += online;
            able.free += free;
            able.holds += holds;
        } else {
            able.eligible -= one;
            able.online -= online;
            able.free -= free;
            able.holds -= holds;
        }
    }

    /// Where an agent stands towards a class; none if not eligible.
    fn spot(&self, slot: u32, class: u32) -> Option<Spot> {
        let agent = &self.agents[slot];
        let profile = &self.profiles[agent.profile];
        profile.fit(class).map(|_| agent.now.spot(profile, &self.classes[class]))
    }

    /// The class's counts, with what it has not heard yet.
    pub(super) fn counts(&self, class: u32) -> Counts {
        let mut counts = self.classes[class].counts;
        if let Some(slot) = self.late
            && let agent = &self.agents[slot]
            && let profile = &self.profiles[agent.profile]
            && profile.fit(class).is_some()
        {
            counts.leave(agent.shown.spot(profile, &self.classes[class]));
            counts.enter(agent.now.spot(profile, &self.classes[class]));
        }
        counts
    }

    /// Everyone who could have a conversation now, best first: the class's order, with the agent it has not heard of
    /// and the one who knows the customer put in their places.
    fn seats<'a>(&'a self, entry: &'a Entry, at: Timestamp) -> impl Iterator<Item = Seat> + 'a {
        let preferring = self.preferring(&entry.waiting, at);
        let known = entry.waiting.known_agent.and_then(|id| self.agent_index.get(id.bits()));
        let extra = [known, self.late.filter(|late| Some(*late) != known)];
        let apart = extra.map(|slot| slot.and_then(|slot| self.seat(entry, slot)));
        Seats { order: self.classes[entry.class].free.iter(), ahead: None, extra, apart }.filter(
            move |seat| {
                let (refused, agent) = (&entry.waiting.refused, self.agents[seat.slot].id);
                (refused.is_empty() || !refused.contains(&agent))
                    && preferring.is_none_or(|preferred| preferred.contains(&agent))
                    && !self.has_had_share(seat.slot, at)
            },
        )
    }

    /// The seat of one agent for a conversation, if free for it.
    fn seat(&self, entry: &Entry, slot: u32) -> Option<Seat> {
        let agent = &self.agents[slot];
        (self.spot(slot, entry.class)? == Spot::Free).then(|| {
            let score = self.score(entry, slot, Timestamp(0));
            Seat::new(score.proficiency.saturating_add(score.same_agent), agent.now.since, agent.id, slot)
        })
    }

    fn score(&self, entry: &Entry, slot: u32, at: Timestamp) -> Score {
        let agent = &self.agents[slot];
        let known = entry.waiting.known_agent == Some(agent.id);
        Score {
            proficiency: self.profiles[agent.profile].fit(entry.class).map_or(0, |fit| fit.points),
            same_agent: if known { self.settings.weights.same_agent } else { 0 },
            idle_ms: at.since(agent.now.since).0,
            cost_us: 0,
        }
    }

    /// Calls `look` with the lanes of every class that this agent could serve now, each with its peek, and with those
    /// reserved.
    fn open_to<'a>(&'a self, slot: u32, mut look: impl FnMut(Source<'a>, Option<&Peek>)) {
        let agent = &self.agents[slot];
        if agent.now.standing != Standing::Online {
            return;
        }
        let profile = &self.profiles[agent.profile];
        for fit in profile.fits() {
            if let Some(peek) = self.peeks.get(fit.class as usize).and_then(Option::as_ref)
                && agent.now.has_room(profile, fit.channel, fit.effort, fit.beside)
            {
                look(Source::Class(fit.class), Some(peek));
            }
        }
        if self.reserved.is_empty() {
            return;
        }
        for (&(_, class), lanes) in self.reserved.range((agent.id, 0)..=(agent.id, u32::MAX)) {
            if self.spot(slot, class) == Some(Spot::Free) {
                look(Source::Reserved(lanes), None);
            }
        }
    }

    /// Calls `look` with every lane that this agent could serve now, and its class.
    pub(super) fn each_open_lane(&self, slot: u32, mut look: impl FnMut(u32, &Lane)) {
        let agent = &self.agents[slot];
        if agent.now.standing != Standing::Online {
            return;
        }
        let profile = &self.profiles[agent.profile];
        for fit in profile.fits() {
            if agent.now.has_room(profile, fit.channel, fit.effort, fit.beside) {
                self.classes[fit.class].lanes.iter().for_each(|lane| look(fit.class, lane));
            }
        }
        for (&(_, class), lanes) in self.reserved.range((agent.id, 0)..=(agent.id, u32::MAX)) {
            if self.spot(slot, class) == Some(Spot::Free) {
                lanes.iter().for_each(|lane| look(class, lane));
            }
        }
    }

    fn lanes<'a>(&'a self, source: Source<'a>) -> &'a Lanes {
        match source {
            Source::Class(class) => &self.classes[class].lanes,
            Source::Reserved(lanes) => lanes,
        }
    }

    /// Who of a lane could go to this agent, in the order of the rule.
    fn turns_of<'a>(
        &'a self,
        lane: &'a Lane,
        agent: AgentId,
        at: Timestamp,
    ) -> impl Iterator<Item = Turn> + 'a {
        lane.in_order(at)
            .filter(move |place| !self.is_not_for(agent, place, at))
            .map(move |place| Turn::new(lane, place, at))
    }

    /// Whether an older conversation than this one is past its bound and could have this agent now.
    pub(super) fn owes_older(&self, slot: u32, than: &Place, at: Timestamp) -> bool {
        let agent = self.agents[slot].id;
        let mut owes = false;
        self.open_to(slot, |source, peek| {
            // Nobody in these lanes is past the bound.
            if peek.is_some_and(|peek| peek.turn(at).is_some()) {
                return;
            }
            owes = owes
                || self.lanes(source).iter().any(|lane| {
                    let owed = |place: &Place| place < than && lane.is_overdue(place, at);
                    owed(&lane.head)
                        && lane.line.iter().take_while(owed).any(|place| !self.is_not_for(agent, &place, at))
                });
        });
        owes
    }

    /// Whether a conversation is not for this agent: refused by it, or kept for others for now.
    pub(super) fn is_not_for(&self, agent: AgentId, place: &Place, at: Timestamp) -> bool {
        if place.refusals == 0 {
            return false;
        }
        let waiting = &self.entries[place.slot].waiting;
        waiting.refused.contains(&agent)
            || self.preferring(waiting, at).is_some_and(|it| !it.contains(&agent))
    }

    /// The agents whom a conversation is kept for now: as long as it is not overdue and one of them is online.
    pub(super) fn preferring<'a>(&self, waiting: &'a Waiting, at: Timestamp) -> Option<&'a [AgentId]> {
        let kept = |until: Timestamp| at < until && waiting.reserved.is_none() && !waiting.is_overdue(at);
        let preferred = waiting.preferred.as_ref().filter(|it| kept(it.until))?;
        let here = |agent: &AgentId| self.standing(*agent) == Some(Standing::Online);
        preferred.agents.iter().any(here).then_some(&*preferred.agents)
    }

    /// The record.
    fn decide(&self, entry: &Entry, slot: u32, trigger: Trigger, at: Timestamp, kept: &[u32]) -> Decision {
        let waiting = &entry.waiting;
        let score = self.score(entry, slot, at);
        let counts = self.counts(entry.class);
        let nearest = if waiting.reserved.is_some() || counts.free == 1 {
            Vec::new()
        } else {
            self.seats(entry, at)
                .filter(|seat| seat.slot != slot && !kept.contains(&seat.slot))
                .take(NAMED)
                .map(|seat| (self.agents[seat.slot].id, self.score(entry, seat.slot, at)))
                .collect()
        };
        Decision {
            agent: self.agents[slot].id,
            trigger,
            score,
            total: score.proficiency.saturating_add(score.same_agent),
            waited: at.since(waiting.since),
            passed_over: waiting.is_overdue(at),
            losing: self.losing(entry, counts, kept.len(), at),
            nearest,
            next_in_line: Vec::new(),
            terms: None,
        }
    }

    /// Everyone but the winner, who is among the free ones, by the first reason.
    pub(super) fn losing(
        &self,
        entry: &Entry,
        counts: Counts,
        kept: usize,
        at: Timestamp,
    ) -> Vec<(Lost, u32)> {
        let waiting = &entry.waiting;
        let refused = waiting.distinct_refused().filter(|&&agent| {
            let slot = self.agent_index.get(agent.bits());
            slot.is_some_and(|slot| self.spot(slot, entry.class) == Some(Spot::Free))
        });
        let refused = u32::try_from(refused.count()).unwrap_or(u32::MAX);
        let kept = u32::try_from(kept).unwrap_or(u32::MAX);
        let free = |agent: &&AgentId| {
            let slot = self.agent_index.get(agent.bits());
            slot.is_some_and(|slot| self.spot(slot, entry.class) == Some(Spot::Free))
        };
        let rest = counts.free.saturating_sub(1 + refused + kept);
        // Kept for a few: all others are not asked yet.
        let not_yet = self.preferring(waiting, at).map_or(0, |preferred| {
            let others = waiting.distinct_refused().filter(|agent| !preferred.contains(agent));
            let named = preferred.iter().filter(free).count() + others.filter(free).count();
            counts.free.saturating_sub(u32::try_from(named).unwrap_or(u32::MAX)).min(rest)
        });
        let rest = rest - not_yet;
        let last = if waiting.reserved.is_some() { Lost::Reserved } else { Lost::ScoredLower };
        let lacking = &self.classes[entry.class].lacking;
        let mut losing = Vec::with_capacity(lacking.len() + 6);
        // Two of its alternatives may lack the same, or be a skill that is needed anyway.
        for (lost, agents) in lacking.iter().filter(|(_, agents)| *agents > 0) {
            match losing.iter_mut().find(|(other, _)| other == lost) {
                Some((_, counted)) => *counted += agents,
                None => losing.push((lost.clone(), *agents)),
            }
        }
        let others = [
            (Lost::Offline, counts.offline),
            (Lost::Away, counts.away),
            (Lost::AtCapacity, counts.full),
            (Lost::Refused, refused),
            (Lost::KeptForOlder, kept),
            (Lost::NotYet, not_yet),
            (last, rest),
        ];
        losing.extend(others.into_iter().filter(|(_, agents)| *agents > 0));
        losing
    }
}

impl Waiting {
    /// Those who refused it, each once.
    fn distinct_refused(&self) -> impl Iterator<Item = &AgentId> {
        self.refused
            .iter()
            .enumerate()
            .filter(|(index, agent)| !self.refused[..*index].contains(agent))
            .map(|(_, a)| a)
    }
}

/// Where lanes stand: a class is not read before one of its lanes can win.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Class(u32),
    Reserved(&'a Lanes),
}

/// The first by the rule and the next three, each with its lanes if it is the first of them.
#[derive(Default)]
struct Turns<'a>([Option<(Turn, Option<Source<'a>>)>; 1 + NAMED]);

impl<'a> Turns<'a> {
    /// Whether this turn would be among them.
    fn want(&self, turn: Turn) -> bool {
        self.0[NAMED].is_none_or(|(last, _)| turn < last)
    }

    fn enter(&mut self, turn: Turn, source: Option<Source<'a>>) {
        let index = self.0.partition_point(|held| held.is_some_and(|(other, _)| other < turn));
        if index < self.0.len() {
            self.0[index..].rotate_right(1);
            self.0[index] = Some((turn, source));
        }
    }

    fn firsts(&self) -> impl Iterator<Item = (Turn, Source<'a>)> + use<'a> {
        self.0.into_iter().flatten().filter_map(|(turn, source)| Some((turn, source?)))
    }
}

/// A class's order with two agents taken out and put in where they belong.
struct Seats<'a> {
    order: btree_set::Iter<'a, Seat>,
    ahead: Option<Seat>,
    /// The two, whether they are in the order or not.
    extra: [Option<u32>; 2],
    /// Their true seats.
    apart: [Option<Seat>; 2],
}

impl Iterator for Seats<'_> {
    type Item = Seat;

    fn next(&mut self) -> Option<Seat> {
        if self.ahead.is_none() {
            let extra = self.extra;
            self.ahead = self.order.find(|seat| !extra.contains(&Some(seat.slot))).copied();
        }
        let [first, second] = &mut self.apart;
        let best = [&mut self.ahead, first, second].into_iter().filter(|seat| seat.is_some()).min()?;
        best.take()
    }
}
