//! The naive model: the rule of matching in its plainest form, scanning every agent and every waiting conversation.

use std::collections::{BTreeMap, BTreeSet};

use policy::id::{AgentId, ConversationId};
use policy::time::{Span, Timestamp};
use policy::{Able, AgentProfile, Decision, Lost, Needs, Room, Score, Standing, Trigger, Waiting, Weights};

#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) profile: AgentProfile,
    pub(crate) standing: Standing,
    /// Points of effort by channel.
    pub(crate) points: BTreeMap<String, u32>,
    pub(crate) held: BTreeMap<String, u32>,
    pub(crate) since: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) weights: Weights,
    /// Channels whose work runs beside the rest.
    pub(crate) interruptible: BTreeSet<String>,
    pub(crate) clock: Timestamp,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    pub(crate) waiting: BTreeMap<ConversationId, Waiting>,
}

/// A decision in a form that does not depend on the order of the reasons.
pub(crate) type Record = (Decision, BTreeMap<Lost, u32>);

pub(crate) fn record(mut decision: Decision) -> Record {
    let count = decision.losing.len();
    let losing: BTreeMap<Lost, u32> = core::mem::take(&mut decision.losing).into_iter().collect();
    assert_eq!(losing.len(), count, "a reason is listed twice");
    (decision, losing)
}

impl Agent {
    fn cap(&self, channel: &str) -> u32 {
        self.profile.channels.get(channel).copied().unwrap_or(u32::MAX)
    }

    /// Points taken by what runs beside the rest, or by the rest.
    pub(crate) fn load(&self, interruptible: &BTreeSet<String>, beside: bool) -> u32 {
        let counts = self.points.iter().filter(|(name, _)| interruptible.contains(*name) == beside);
        counts.map(|(_, points)| points).sum()
    }

    pub(crate) fn has_room(&self, interruptible: &BTreeSet<String>, channel: &str, effort: u32) -> bool {
        self.load(interruptible, interruptible.contains(channel)) + effort <= self.profile.capacity
            && self.held.get(channel).copied().unwrap_or(0) < self.cap(channel)
    }

    fn lacks(&self, needs: &Needs) -> Option<Lost> {
        if let Some(language) = &needs.language
            && !self.profile.languages.is_empty()
            && !self.profile.languages.iter().any(|known| **known == **language)
        {
            return Some(Lost::LacksLanguage);
        }
        needs
            .skills
            .iter()
            .find_map(|(skill, least)| match self.profile.skills.get(&**skill) {
                None => Some(Lost::LacksSkill((&**skill).into())),
                Some(proficiency) if proficiency < least => Some(Lost::BelowProficiency((&**skill).into())),
                Some(_) => None,
            })
            .or_else(|| {
                let has = |(skill, least): &&(Box<str>, u8)| {
                    self.profile.skills.get(&**skill).is_some_and(|has| has >= least)
                };
                let lacking = needs.any_of.iter().find(|skills| !skills.iter().any(|it| has(&it)))?;
                let names: Vec<&str> = lacking.iter().map(|(skill, _)| &**skill).collect();
                Some(Lost::LacksSkill((&*names.join(" / ")).into()))
            })
            .or_else(|| {
                let unwanted = needs.none_of.iter().find(|skill| self.profile.skills.contains_key(&***skill));
                unwanted.map(|skill| Lost::HasSkill((&**skill).into()))
            })
    }

    /// The proficiencies that count: of each needed skill, and the best of each of the alternatives.
    fn counting(&self, needs: &Needs) -> Vec<i64> {
        let of = |skill: &str| self.profile.skills.get(skill).copied();
        let needed = needs.skills.iter().map(|(skill, _)| of(skill).unwrap_or(0));
        let best = needs.any_of.iter().map(|skills| {
            let able = skills.iter().filter_map(|(skill, least)| of(skill).filter(|has| has >= least));
            able.max().unwrap_or(0)
        });
        needed.chain(best).map(i64::from).collect()
    }
}

impl Model {
    /// Whether others are asked first.
    fn not_yet(&self, id: AgentId, waiting: &Waiting, at: Timestamp) -> bool {
        let Some(preferred) = &waiting.preferred else { return false };
        let online =
            |agent: &AgentId| self.agents.get(agent).is_some_and(|it| it.standing == Standing::Online);
        waiting.reserved.is_none()
            && at < preferred.until
            && !waiting.is_overdue(at)
            && preferred.agents.iter().any(online)
            && !preferred.agents.contains(&id)
    }

    /// The first reason why this agent could not have this conversation now.
    pub(crate) fn obstacle(&self, id: AgentId, waiting: &Waiting, at: Timestamp) -> Option<Lost> {
        let agent = &self.agents[&id];
        agent.lacks(&waiting.needs).or(match agent.standing {
            Standing::Offline => Some(Lost::Offline),
            Standing::Away => Some(Lost::Away),
            Standing::Online
                if !agent.has_room(&self.interruptible, &waiting.needs.channel, waiting.needs.effort) =>
            {
                Some(Lost::AtCapacity)
            }
            Standing::Online if waiting.refused.contains(&id) => Some(Lost::Refused),
            Standing::Online if waiting.reserved.is_some_and(|only| only != id) => Some(Lost::Reserved),
            Standing::Online if self.not_yet(id, waiting, at) => Some(Lost::NotYet),
            Standing::Online => None,
        })
    }

    fn score(&self, id: AgentId, waiting: &Waiting, at: Timestamp) -> Score {
        let agent = &self.agents[&id];
        let counting = agent.counting(&waiting.needs);
        let sum: i64 = counting.iter().sum();
        let count = i64::try_from(counting.len()).expect("a test has few classes").max(1);
        Score {
            proficiency: (self.weights.proficiency * sum).div_euclid(count),
            same_agent: if waiting.known_agent == Some(id) { self.weights.same_agent } else { 0 },
            idle_ms: at.since(agent.since).0,
            cost_us: 0,
        }
    }

    /// Everyone who could have it, best first.
    fn candidates(&self, waiting: &Waiting, at: Timestamp) -> Vec<AgentId> {
        let mut all: Vec<_> = self
            .agents
            .iter()
            .filter(|(id, _)| self.obstacle(**id, waiting, at).is_none())
            .map(|(id, agent)| {
                let score = self.score(*id, waiting, at);
                (-(score.proficiency + score.same_agent), agent.since, *id)
            })
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, _, id)| id).collect()
    }

    fn turn(waiting: &Waiting, at: Timestamp) -> (u8, u8, Timestamp, ConversationId) {
        match waiting.is_overdue(at) {
            true => (0, 0, waiting.since, waiting.conversation),
            false => (1, 9 - waiting.priority, waiting.since, waiting.conversation),
        }
    }

    pub(crate) fn owes_older(&self, id: AgentId, than: &Waiting, at: Timestamp) -> bool {
        self.waiting.values().any(|older| {
            older.is_overdue(at)
                && (older.since, older.conversation) < (than.since, than.conversation)
                && self.obstacle(id, older, at).is_none()
        })
    }

    pub(crate) fn choose_agent(&self, conversation: ConversationId, at: Timestamp) -> Option<Record> {
        let waiting = self.waiting.get(&conversation)?;
        let candidates = self.candidates(waiting, at);
        let index = candidates.iter().position(|id| !self.owes_older(*id, waiting, at))?;
        let trigger = if waiting.reserved.is_some() { Trigger::Transfer } else { Trigger::ConversationCame };
        Some(self.record(waiting, candidates[index], trigger, at, &candidates[..index]))
    }

    pub(crate) fn choose_conversation(&self, id: AgentId, at: Timestamp) -> Option<(ConversationId, Record)> {
        self.agents.get(&id)?;
        let mut turns: Vec<_> =
            self.waiting.values().filter(|waiting| self.obstacle(id, waiting, at).is_none()).collect();
        turns.sort_by_key(|waiting| Self::turn(waiting, at));
        let first = turns.first()?;
        let trigger = if first.reserved.is_some() { Trigger::Transfer } else { Trigger::AgentFreed };
        let (mut decision, losing) = self.record(first, id, trigger, at, &[]);
        decision.next_in_line = turns[1..].iter().take(3).map(|waiting| waiting.conversation).collect();
        Some((first.conversation, (decision, losing)))
    }

    fn record(
        &self,
        waiting: &Waiting,
        winner: AgentId,
        trigger: Trigger,
        at: Timestamp,
        kept: &[AgentId],
    ) -> Record {
        let mut losing = BTreeMap::new();
        for &id in self.agents.keys().filter(|id| **id != winner) {
            let kept = kept.contains(&id).then_some(Lost::KeptForOlder);
            let reason = self.obstacle(id, waiting, at).or(kept).unwrap_or(Lost::ScoredLower);
            *losing.entry(reason).or_insert(0) += 1;
        }
        let score = self.score(winner, waiting, at);
        let others =
            self.candidates(waiting, at).into_iter().filter(|id| *id != winner && !kept.contains(id));
        let decision = Decision {
            agent: winner,
            trigger,
            score,
            total: score.proficiency + score.same_agent,
            waited: at.since(waiting.since),
            passed_over: waiting.is_overdue(at),
            losing: Vec::new(),
            nearest: others.take(3).map(|id| (id, self.score(id, waiting, at))).collect(),
            next_in_line: Vec::new(),
            terms: None,
        };
        (decision, losing)
    }

    pub(crate) fn line(&self, queue: &str) -> Vec<ConversationId> {
        let mut all: Vec<_> =
            self.waiting.values().filter(|waiting| &*waiting.needs.queue == queue).collect();
        all.sort_by_key(|waiting| Self::turn(waiting, self.clock));
        all.into_iter().map(|waiting| waiting.conversation).collect()
    }

    pub(crate) fn able(&self, conversation: ConversationId) -> Able {
        let mut able = Able::default();
        let waiting = &self.waiting[&conversation];
        for (id, agent) in &self.agents {
            let refused = waiting.refused.contains(id);
            let reserved = waiting.reserved.is_some_and(|only| only != *id);
            if refused || reserved || agent.lacks(&waiting.needs).is_some() {
                continue;
            }
            able.eligible += 1;
            if agent.standing == Standing::Online {
                let by_effort = agent.profile.capacity / waiting.needs.effort;
                able.online += 1;
                able.holds += u64::from(by_effort.min(agent.cap(&waiting.needs.channel)));
                // Who is asked first for now does not change who could serve it.
                let anybody = Waiting { preferred: None, ..waiting.clone() };
                able.free += u32::from(self.obstacle(*id, &anybody, self.clock).is_none());
            }
        }
        able
    }

    pub(crate) fn room(&self, id: AgentId) -> Option<Room> {
        let load = |agent: &Agent, beside| agent.load(&self.interruptible, beside);
        self.agents.get(&id).map(|agent| Room {
            load: load(agent, false),
            beside: load(agent, true),
            capacity: agent.profile.capacity,
        })
    }

    pub(crate) fn put(&mut self, id: AgentId, profile: AgentProfile, at: Timestamp) {
        let new = Agent {
            profile: AgentProfile::default(),
            standing: Standing::Offline,
            points: BTreeMap::new(),
            held: BTreeMap::new(),
            since: at,
        };
        self.agents.entry(id).or_insert(new).profile = profile;
    }

    pub(crate) fn set_standing(&mut self, id: AgentId, standing: Standing, at: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            if standing == Standing::Online && agent.standing != Standing::Online {
                agent.since = at;
            }
            agent.standing = standing;
        }
    }

    pub(crate) fn take(&mut self, id: AgentId, channel: &str, effort: u32, at: Timestamp) {
        if let Some(agent) = self.agents.get_mut(&id) {
            *agent.points.entry(channel.to_owned()).or_insert(0) += effort;
            *agent.held.entry(channel.to_owned()).or_insert(0) += 1;
            agent.since = at;
        }
    }

    pub(crate) fn release(&mut self, id: AgentId, channel: &str, effort: u32) {
        if let Some(agent) = self.agents.get_mut(&id) {
            if let Some(points) = agent.points.get_mut(channel) {
                *points = points.saturating_sub(effort);
            }
            if let Some(held) = agent.held.get_mut(channel) {
                *held = held.saturating_sub(1);
            }
        }
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.waiting.values().map(|waiting| waiting.since).min()
    }

    pub(crate) fn see(&mut self, at: Timestamp) {
        self.clock = self.clock.max(at);
    }
}

/// How long `Span` of these milliseconds is; short for the tests.
pub(crate) fn ms(milliseconds: i64) -> Span {
    Span(milliseconds)
}
