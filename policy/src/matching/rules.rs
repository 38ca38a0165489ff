//! The rules over groups: least customer time, and those of the market's routers. Each says what a pair costs, whether
//! it may be made yet, and which of the conversations that wait goes first; choosing is the same for all.

use alloc::vec::Vec;

use super::costs::{Cost, RISK_STEP};
use super::decision::{Decision, Lost, Score, Terms, Trigger};
use super::groups::{Group, Member};
use super::line::Place;
use super::pool::{Entry, Pool};
use super::profiles::Fit;
use super::ratio::free_places;
use super::rings::Rings;
use super::shape::Standing;
use crate::document::Rule;
use crate::id::{AgentId, ConversationId};
use crate::time::{Span, Timestamp};

impl Rule {
    /// Whether of two equal pairs the one with less in hand goes first; else it is the longest idle.
    fn spreads(self) -> bool {
        matches!(self, Self::LeastCustomerTime | Self::LeastActive | Self::SpareCapacity | Self::QueueRatio)
    }
}

/// How many of those who lost a record names.
const NAMED: usize = 3;
/// Urgency is compared in billionths for each microsecond taken.
const BILLION: i64 = 1_000_000_000;
/// How long the rule `priority_delay` keeps agents for their primary skill.
const DELAY: Span = Span::seconds(30);

/// One who could have the conversation now: smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    cost: i64,
    busy: u32,
    member: Member,
}

/// A group that is being read, with the first of it that was not read yet.
struct Reading<'a> {
    cost: Cost,
    /// None for one agent alone.
    group: Option<&'a Group>,
    from: Option<Member>,
    next: Candidate,
}

/// How a head of a line stands to others: past its bound or not, what the rule says, age, id.
type Rank = (u8, i64, Timestamp, u128);

/// What the rule has chosen, before a record is made of it.
pub(super) struct Pick<'a> {
    pub(super) winner: u32,
    cost: Cost,
    kept: u32,
    hold: Option<i64>,
    readings: Vec<Reading<'a>>,
}

/// Who was chosen, and nothing more.
struct Picked(AgentId);

impl From<Decision> for Picked {
    fn from(decision: Decision) -> Self {
        Self(decision.agent)
    }
}

impl Pool {
    /// Whether this rule may leave a conversation waiting although somebody is free, so that it wants to be looked at
    /// again without any event.
    #[must_use]
    pub fn looks_again(&self, conversation: ConversationId) -> bool {
        (self.settings.rule.looks_again() || self.settings.share.is_some())
            && self.entry(conversation).is_some_and(|entry| self.classes[entry.class].slots.free > 0)
    }

    /// The best agent by the rule, for one of the rules over groups.
    pub(super) fn choose_by_rule(&self, entry: &Entry, trigger: Trigger, at: Timestamp) -> Option<Decision> {
        let Pick { winner, cost, kept, hold, mut readings } = self.pick_by_rule(entry, at)?;
        let mut nearest = Vec::new();
        while nearest.len() < NAMED
            && let Some((slot, cost)) = self.read(&mut readings, entry, at)
        {
            nearest.push((self.agents[slot].id, self.scored(entry, slot, cost, at)));
        }
        Some(self.record(entry, winner, cost, trigger, at, kept, nearest, hold))
    }

    /// The best agent by the rule, without a record.
    pub(super) fn pick_by_rule(&self, entry: &Entry, at: Timestamp) -> Option<Pick<'_>> {
        if self.classes[entry.class].slots.free == 0 {
            return None;
        }
        let mut readings = self.readings(entry, at);
        let mut kept = 0u32;
        let (winner, cost) = loop {
            let (slot, cost) = self.read(&mut readings, entry, at)?;
            if self.owes_older(slot, &entry.place, at) {
                kept += 1;
            } else {
                break (slot, cost);
            }
        };
        let overdue = entry.waiting.is_overdue(at);
        let hold = if overdue { None } else { self.hold(entry, cost.total, at) };
        let waits = hold.is_some_and(|hold| hold < cost.total);
        (!waits).then_some(Pick { winner, cost, kept, hold, readings })
    }

    /// The conversation that an agent with room gets next by the rule, and who gets it: another agent may be the better
    /// one for it by now.
    pub(super) fn choose_next_by_rule(&self, slot: u32, at: Timestamp) -> Option<(ConversationId, Decision)> {
        let mut heads = self.heads(slot, at);
        let choose = |entry: &Entry| self.choose_by_rule(entry, Trigger::AgentFreed, at);
        let (place, mut decision) = self.first_of(&mut heads, slot, at, choose)?;
        if decision.trigger == Trigger::AgentFreed {
            heads.sort_unstable();
            decision.next_in_line =
                heads.into_iter().take(NAMED).map(|(_, place)| place.conversation()).collect();
        }
        Some((place.conversation(), decision))
    }

    /// The first of these that the rule gives to somebody now; it and those before it are taken out.
    fn first_of<T: From<Decision>>(
        &self,
        heads: &mut Vec<(Rank, Place)>,
        slot: u32,
        at: Timestamp,
        choose: impl Fn(&Entry) -> Option<T>,
    ) -> Option<(Place, T)> {
        while let Some(best) = (0..heads.len()).min_by_key(|index| heads[*index].0) {
            let (_, place) = heads.swap_remove(best);
            let entry = &self.entries[place.slot];
            let chosen = match entry.waiting.reserved {
                Some(only) if self.agents[slot].id == only => {
                    self.choose_agent(place.conversation(), at).map(T::from)
                }
                Some(_) => None,
                None => choose(entry),
            };
            if let Some(chosen) = chosen {
                return Some((place, chosen));
            }
        }
        None
    }

    /// As [`Self::choose_next_by_rule`], without a record.
    pub(super) fn pick_next_by_rule(&self, slot: u32, at: Timestamp) -> Option<(ConversationId, AgentId)> {
        let pick = |entry: &Entry| Some(Picked(self.agents[self.pick_by_rule(entry, at)?.winner].id));
        let (place, Picked(agent)) = self.first_of(&mut self.heads(slot, at), slot, at, pick)?;
        Some((place.conversation(), agent))
    }

    /// The first of each lane that this agent could serve now, with its rank: smallest first. Those past their bound by
    /// age alone.
    fn heads(&self, slot: u32, at: Timestamp) -> Vec<(Rank, Place)> {
        let agent = &self.agents[slot];
        let profile = &self.profiles[agent.profile];
        let mut heads = Vec::new();
        self.each_open_lane(slot, |class, lane| {
            let place = lane.in_order(at).find(|place| !self.is_not_for(agent.id, place, at));
            let Some(place) = place else { return };
            let overdue = lane.is_overdue(&place, at);
            let class_of = &self.classes[class];
            let waited = at.since(place.since);
            let rank = if overdue {
                0
            } else {
                match self.settings.rule {
                    Rule::LeastCustomerTime => {
                        let urgency = class_of.urgency(lane.priority, waited, self.settings.costs.urgency_pm);
                        let fit = profile.fit(class);
                        let own = |fit: Fit| {
                            self.own(class_of, lane.priority, &fit, agent.now.hands(), false).taken
                        };
                        let taken = fit.map_or(1, own);
                        // The most urgent for the time it takes first.
                        let taken = taken.max(1);
                        // Most often it fits, and the narrow division is many times faster.
                        -urgency.checked_mul(BILLION).map_or_else(
                            || {
                                let wide = i128::from(urgency) * i128::from(BILLION) / i128::from(taken);
                                i64::try_from(wide).unwrap_or(i64::MAX)
                            },
                            |narrow| narrow / taken,
                        )
                    }
                    Rule::RoundRobin => 0,
                    Rule::QueueRatio => -self.above_ratio(class),
                    Rule::LongestIdle
                    | Rule::SpareCapacity
                    | Rule::LeastActive
                    | Rule::PriorityDelay
                    | Rule::Bullseye
                    | Rule::BestScore => -i64::from(lane.priority),
                }
            };
            heads.push(((u8::from(!overdue), rank, place.since, place.conversation().bits()), place));
        });
        heads
    }

    /// Every group that could have the conversation now; where some are preferred, each of those alone.
    fn readings<'a>(&'a self, entry: &Entry, at: Timestamp) -> Vec<Reading<'a>> {
        if let Some(preferred) = self.preferring(&entry.waiting, at) {
            let rings = self.rings(entry, at);
            let slots = preferred.iter().filter_map(|agent| self.agent_index.get(agent.bits()));
            return slots.filter_map(|slot| self.reading_of(entry, slot, &rings, at)).collect();
        }
        let class = &self.classes[entry.class];
        let rings = self.rings(entry, at);
        let mut readings = Vec::new();
        for (&number, fit) in &class.fitting {
            let profile = &self.profiles[number];
            for group in &profile.groups {
                if !group.state.has_room(profile, fit.channel, fit.effort, fit.beside) {
                    continue;
                }
                let Some(cost) = self.pair(entry, number, fit, group, &rings, at) else { continue };
                let Some(&first) = group.members.first() else { continue };
                let busy = if self.settings.rule.spreads() { group.state.busy } else { 0 };
                let next = Candidate { cost: cost.total, busy, member: first };
                let mut reading = Reading { cost, group: Some(group), from: Some(first), next };
                self.start(&mut reading, entry, at);
                readings.push(reading);
            }
        }
        let known = entry.waiting.known_agent.and_then(|id| self.agent_index.get(id.bits()));
        readings.extend(known.and_then(|slot| self.reading_of(entry, slot, &rings, at)));
        readings
    }

    /// What the rule says of a pair; none if it may not be made yet.
    fn pair(
        &self,
        entry: &Entry,
        number: u32,
        fit: &Fit,
        group: &Group,
        rings: &Rings,
        at: Timestamp,
    ) -> Option<Cost> {
        let profile = &self.profiles[number];
        let waited = at.since(entry.waiting.since);
        let plain = |total: i64| Some(Cost { total, ..Cost::default() });
        match self.settings.rule {
            Rule::LeastCustomerTime => {
                Some(self.cost(entry.class, entry.waiting.priority, profile, fit, group.state.hands(), false))
            }
            Rule::SpareCapacity => {
                let spare = profile.profile.capacity.saturating_sub(group.state.taken(fit.beside));
                plain(-(i64::from(spare) * 1_000 / i64::from(profile.profile.capacity.max(1))))
            }
            Rule::LeastActive => plain(i64::from(group.state.busy)),
            Rule::LongestIdle | Rule::Bullseye => rings.open_to(fit.proficiency).and_then(plain),
            Rule::PriorityDelay => {
                let primary = profile.profile.primary.as_deref();
                let own = primary.is_none_or(|primary| {
                    let needs = &self.classes[entry.class].needs;
                    needs.skills.iter().any(|(skill, _)| &**skill == primary) || needs.skills.is_empty()
                });
                (own || waited >= DELAY).then_some(0).and_then(plain)
            }
            Rule::QueueRatio => plain(-free_places(profile, fit)),
            Rule::RoundRobin | Rule::BestScore => plain(0),
        }
    }

    /// Places a reading at the one of its group to be asked first: the longest idle among those who are as likely there
    /// as the most likely one.
    fn start(&self, reading: &mut Reading<'_>, entry: &Entry, at: Timestamp) {
        if self.settings.rule != Rule::LeastCustomerTime || self.missed.0 == 0 {
            return;
        }
        let class = &self.classes[entry.class];
        let weight = class.terms.weight(entry.waiting.priority);
        let risk = |member: &Member| self.risk(class, at.since(member.idle)) * weight / 1_000;
        let Some(group) = reading.group else { return };
        let Some(newest) = group.members.last() else { return };
        let most = risk(newest) + RISK_STEP;
        let first = group.members.iter().rev().take_while(|member| risk(member) <= most).last();
        let first = *first.unwrap_or(newest);
        reading.cost.risk = risk(&first);
        reading.cost.total = reading.cost.total.saturating_add(reading.cost.risk);
        reading.from = Some(first);
        reading.next = Candidate { cost: reading.cost.total, member: first, ..reading.next };
    }

    /// The best of all readings, which moves on; those who refused are passed by, and so is whom the customer knows where
    /// that one stands in a group: there is a reading for that agent alone.
    fn read(&self, readings: &mut Vec<Reading<'_>>, entry: &Entry, at: Timestamp) -> Option<(u32, Cost)> {
        let known = entry.waiting.known_agent.and_then(|id| self.agent_index.get(id.bits()));
        loop {
            let best = (0..readings.len()).min_by_key(|index| readings[*index].next)?;
            let reading = &mut readings[best];
            let (member, cost, alone) = (reading.next.member, reading.cost, reading.group.is_none());
            // The group is read as a ring from where it was begun.
            let next = reading.group.and_then(|group| {
                let after =
                    group.members.range((core::ops::Bound::Excluded(member), core::ops::Bound::Unbounded));
                after.chain(group.members.iter()).next().copied()
            });
            match next.filter(|next| Some(*next) != reading.from) {
                Some(next) => reading.next.member = next,
                None => drop(readings.swap_remove(best)),
            }
            let passed_by = entry.waiting.refused.contains(&self.agents[member.slot].id)
                || (!alone && known == Some(member.slot))
                || self.has_had_share(member.slot, at);
            if !passed_by {
                return Some((member.slot, cost));
            }
        }
    }

    /// A reading of one agent alone, if that one could have the conversation now: whom the customer knows, or who is
    /// preferred.
    fn reading_of<'a>(&self, entry: &Entry, slot: u32, rings: &Rings, at: Timestamp) -> Option<Reading<'a>> {
        let agent = &self.agents[slot];
        let profile = &self.profiles[agent.profile];
        let fit = profile.fit(entry.class)?;
        let can = agent.now.standing == Standing::Online
            && agent.now.has_room(profile, fit.channel, fit.effort, fit.beside);
        let group = profile.groups.iter().find(|group| group.is_of(&agent.now)).filter(|_| can)?;
        // The rules of the market know nobody.
        let mut cost = match self.settings.rule {
            Rule::LeastCustomerTime => self.cost_of(entry, slot),
            _ => self.pair(entry, agent.profile, &fit, group, rings, at)?,
        };
        if self.settings.rule == Rule::LeastCustomerTime && self.missed.0 > 0 {
            let class = &self.classes[entry.class];
            let weight = class.terms.weight(entry.waiting.priority);
            cost.risk = self.risk(class, at.since(agent.now.freed)) * weight / 1_000;
            cost.total = cost.total.saturating_add(cost.risk);
        }
        let member = Member::new(agent.now.order(self.settings.rule), agent.id, slot);
        let busy = if self.settings.rule.spreads() { agent.now.busy } else { 0 };
        let next = Candidate { cost: cost.total, busy, member };
        Some(Reading { cost, group: None, from: None, next })
    }

    fn cost_of(&self, entry: &Entry, slot: u32) -> Cost {
        let agent = &self.agents[slot];
        let profile = &self.profiles[agent.profile];
        profile.fit(entry.class).map_or(Cost::default(), |fit| {
            let known = entry.waiting.known_agent == Some(agent.id);
            self.cost(entry.class, entry.waiting.priority, profile, &fit, agent.now.hands(), known)
        })
    }

    /// What it would cost to wait for a better agent who is busy now, if there is one: the time until one of them is
    /// free, times what a second of waiting costs, plus their mean cost.
    fn hold(&self, entry: &Entry, best: i64, at: Timestamp) -> Option<i64> {
        let costs = &self.settings.costs;
        let class = &self.classes[entry.class];
        // What runs beside the rest waits for nobody: it is put down anyway when the rest comes.
        if self.settings.rule != Rule::LeastCustomerTime || costs.hold_pm == 0 || class.beside {
            return None;
        }
        let mut better: Vec<(i64, u64, i64)> = Vec::new();
        for (&number, fit) in &class.fitting {
            let profile = &self.profiles[number];
            for group in &profile.groups {
                if group.state.has_room(profile, fit.channel, fit.effort, fit.beside) || group.state.busy == 0
                {
                    continue;
                }
                // The hands as they will be when one conversation has left them.
                let hands = group.state.hands().with_one_less();
                let (class, priority) = (entry.class, entry.waiting.priority);
                if let Some(cost) = self.cost_below(best, class, priority, profile, fit, hands, false) {
                    let rate = i64::from(group.state.busy) * 1_000_000_000_000 / cost.taken.max(1);
                    better.push((cost.total, group.members.len() as u64, rate));
                }
            }
            if let Some(known) = entry.waiting.known_agent
                && let Some(slot) = self.agent_index.get(known.bits())
                && self.agents[slot].profile == number
                && self.agents[slot].now.standing == Standing::Online
                && self.agents[slot].now.busy > 0
                && !self.agents[slot].now.has_room(profile, fit.channel, fit.effort, fit.beside)
            {
                let hands = self.agents[slot].now.hands().with_one_less();
                let (class, priority) = (entry.class, entry.waiting.priority);
                if let Some(cost) = self.cost_below(best, class, priority, profile, fit, hands, true) {
                    let rate = i64::from(hands.busy + 1) * 1_000_000_000_000 / cost.taken.max(1);
                    better.push((cost.total, 1, rate));
                }
            }
        }
        better.sort_unstable();
        let waited = at.since(entry.waiting.since);
        let urgency = class.urgency(entry.waiting.priority, waited, costs.urgency_pm);
        let ahead = class.lanes.before(entry.waiting.priority, entry.waiting.passed_over, &entry.place, at);
        let waits = i128::from(costs.hold_pm) * i128::from(urgency) * i128::from(ahead + 1);
        let (mut agents, mut sum, mut rates) = (0i128, 0i128, 0i128);
        let mut least = None;
        for (cost, count, rate) in better {
            agents += i128::from(count);
            sum += i128::from(cost) * i128::from(count);
            rates += i128::from(rate) * i128::from(count);
            // κ per mille, urgency per million; rates are in frees a million seconds, and a second has a million parts.
            let until = waits * 1_000 / rates.max(1);
            let whole = i64::try_from(until + sum / agents).unwrap_or(i64::MAX);
            least = Some(least.map_or(whole, |least: i64| least.min(whole)));
        }
        least
    }

    fn scored(&self, entry: &Entry, slot: u32, cost: Cost, at: Timestamp) -> Score {
        let agent = &self.agents[slot];
        let profile = &self.profiles[agent.profile];
        Score {
            proficiency: profile.fit(entry.class).map_or(0, |fit| fit.proficiency),
            same_agent: i64::from(entry.waiting.known_agent == Some(agent.id)),
            idle_ms: at.since(agent.now.freed).0,
            cost_us: cost.total,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all parts of one record, made here only")]
    fn record(
        &self,
        entry: &Entry,
        slot: u32,
        cost: Cost,
        trigger: Trigger,
        at: Timestamp,
        kept: u32,
        nearest: Vec<(AgentId, Score)>,
        hold: Option<i64>,
    ) -> Decision {
        let waiting = &entry.waiting;
        let class = &self.classes[entry.class];
        let waited = at.since(waiting.since);
        let counts = self.counts(entry.class);
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let mut losing = self.losing(entry, counts, kept, at);
        if let Some((_, agents)) = losing.iter_mut().find(|(lost, _)| *lost == Lost::ScoredLower)
            && *agents == 0
        {
            losing.retain(|(lost, _)| *lost != Lost::ScoredLower);
        }
        Decision {
            agent: self.agents[slot].id,
            trigger,
            score: self.scored(entry, slot, cost, at),
            total: cost.total,
            waited,
            passed_over: waiting.is_overdue(at),
            losing,
            nearest,
            next_in_line: Vec::new(),
            terms: Some(Terms {
                rule: self.settings.rule,
                urgency_ppm: class.urgency(waiting.priority, waited, self.settings.costs.urgency_pm),
                work_us: cost.total.saturating_sub(cost.price).saturating_sub(cost.risk),
                price_us: cost.price,
                risk_us: cost.risk,
                hold_us: hold,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
