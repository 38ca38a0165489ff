//! Looking ahead: what a simulation asks a copy of the pool when it plays the present forward. Choices are those of the
//! rule, only no record is made of them.

use alloc::vec::Vec;

use super::pool::Pool;
use super::shape::Needs;
use crate::document::Rule;
use crate::id::{AgentId, ConversationId};
use crate::time::{Span, Timestamp};

/// A class as the pool has learned it.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// What its conversations need.
    pub needs: &'a Needs,
    /// Arrivals in a million seconds, at present.
    pub rate: i64,
    /// The work of one at full speed, in milliseconds, as the rule takes it.
    pub work_ms: i64,
    /// How many wait.
    pub waiting: u32,
    /// How many eligible agents are online.
    pub online: u32,
}

/// How fast the line of a class is worked off.
#[derive(Debug, Clone, Copy)]
pub struct Drain<'a> {
    /// What its conversations need.
    pub needs: &'a Needs,
    /// How many wait.
    pub waiting: u32,
    /// Conversations taken up in a million seconds.
    pub rate: i64,
}

impl Pool {
    /// All classes that were seen, in the order in which they came.
    pub fn ahead(&self) -> impl Iterator<Item = Ahead<'_>> {
        self.classes.iter().map(|(number, class)| {
            let counts = self.counts(number);
            let online = counts.free + counts.full;
            Ahead {
                needs: &class.needs,
                rate: class.figures.rate(self.clock),
                work_ms: class.work_us() / 1_000,
                waiting: class.waiting,
                online,
            }
        })
    }

    /// Who gets a conversation now, as [`choose_agent`](Self::choose_agent) says.
    #[must_use]
    pub fn pick_agent(&self, conversation: ConversationId, at: Timestamp) -> Option<AgentId> {
        let entry = self.entry(conversation)?;
        if self.settings.rule == Rule::BestScore || entry.waiting.reserved.is_some() {
            return self.choose_agent(conversation, at).map(|decision| decision.agent);
        }
        self.pick_by_rule(entry, at).map(|pick| self.agents[pick.winner].id)
    }

    /// What an agent with room gets next, or who gets it instead, as
    /// [`choose_conversation`](Self::choose_conversation) says.
    #[must_use]
    pub fn pick_conversation(&self, agent: AgentId, at: Timestamp) -> Option<(ConversationId, AgentId)> {
        if self.settings.rule == Rule::BestScore {
            return self.choose_conversation(agent, at).map(|(id, decision)| (id, decision.agent));
        }
        self.pick_next_by_rule(self.agent_index.get(agent.bits())?, at)
    }

    /// Those who wait although somebody who could have them is free: the rule may give them to somebody at a later look.
    /// The first `most` of them.
    #[must_use]
    pub fn held_back(&self, most: usize) -> Vec<ConversationId> {
        if !self.settings.rule.looks_again() {
            return Vec::new();
        }
        let open = self.classes.iter().filter(|(_, class)| class.waiting > 0 && class.slots.free > 0);
        let places = open.flat_map(|(_, class)| class.lanes.iter().flat_map(|lane| lane.line.iter()));
        places.take(most).map(|place| place.conversation()).collect()
    }

    /// The work of a conversation in the hands of an agent with nothing else, in milliseconds; none for who is not
    /// eligible.
    #[must_use]
    pub fn work_ms(&self, needs: &Needs, agent: AgentId, known: bool) -> Option<i64> {
        let class = &self.classes[*self.class_index.get(needs)?];
        let profile = &self.profiles[self.agent(agent)?.profile];
        let fit = profile.fit(*self.class_index.get(needs)?)?;
        let costs = &self.settings.costs;
        let share = if known { i64::from(costs.known_agent_pm.clamp(1, 1_000)) } else { 1_000 };
        Some(class.work_us() / fit.speed.max(1) * share / 1_000)
    }

    /// The speed of each conversation on a channel while an agent has so many of those that do not run beside others, in
    /// per mille; one that does is as fast as so many others leave it.
    #[must_use]
    pub fn pace_pm(&self, channel: &str, busy: u32) -> i64 {
        let beside = self.settings.interruptible.contains(channel);
        self.settings.speeds_on(channel).with(busy + u32::from(beside))
    }

    /// Whether conversations of a channel run beside the rest.
    #[must_use]
    pub fn runs_beside(&self, channel: &str) -> bool {
        self.settings.interruptible.contains(channel)
    }

    /// Since when an agent has had nothing new to do: the last conversation that left, or coming online.
    #[must_use]
    pub fn freed(&self, agent: AgentId) -> Option<Timestamp> {
        self.agent(agent).map(|agent| agent.now.freed)
    }

    /// How often offers were missed, in a million seconds of idling before them.
    #[must_use]
    pub fn missing(&self) -> i64 {
        let (missed, idle_ms) = self.missed;
        i64::from(missed).saturating_mul(1_000_000_000) / idle_ms.max(1)
    }

    /// How long an offer stands in a queue.
    #[must_use]
    pub fn offer(&self, queue: &str) -> Span {
        self.settings.queues.get(queue).copied().unwrap_or_default().offer
    }

    /// How fast each line is worked off if every agent splits the time over the lines that wait for it, by their length.
    #[must_use]
    pub fn drains(&self) -> Vec<Drain<'_>> {
        let numbers: Vec<u32> = self.classes.iter().map(|(number, _)| number).collect();
        let most = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        let (mut loads, mut rates) = (alloc::vec![0i64; most], alloc::vec![0i64; most]);
        for &number in &numbers {
            let class = &self.classes[number];
            let work = class.figures.work_ms(class.terms.work);
            loads[number as usize] = i64::from(class.waiting).saturating_mul(work);
        }
        for (_, profile) in self.profiles.iter() {
            for beside in [false, true] {
                let Some((capacity, served)) = self.team(profile, beside, &loads) else { continue };
                let all: i128 = served.iter().map(|class| i128::from(loads[*class as usize])).sum();
                for class in served {
                    let waiting = i128::from(self.classes[class].waiting);
                    // Milliseconds of work in a million seconds, by its share, in conversations.
                    let rate = (i128::from(capacity) * waiting * 1_000_000_000 / all.max(1)) >> 20;
                    rates[class as usize] += i64::try_from(rate).unwrap_or(i64::MAX >> 20);
                }
            }
        }
        let rated = numbers.into_iter().map(|number| (&self.classes[number], rates[number as usize]));
        rated.map(|(class, rate)| Drain { needs: &class.needs, waiting: class.waiting, rate }).collect()
    }
}
