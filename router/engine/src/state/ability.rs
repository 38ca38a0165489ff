//! What agents can do, learned from what they did: each conversation that ends moves the belief about its agent at the
//! skills it needed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

use policy::id::{AgentId, ConversationId};
use policy::matching::{Ability, AgentProfile};
use policy::time::{Span, Timestamp};

use super::{Agent, Workspace};

/// More skills of one agent than this are not learned.
const SKILLS_MAX: usize = 64;
/// The steps that beliefs are rounded to, in per mille, each with the number of distinct profiles below which it may make
/// one more: a decision costs by distinct profiles, not by agents.
const STEPS: [(u16, usize); 4] = [(50, 256), (100, 384), (200, 512), (400, 640)];

impl Workspace {
    /// Learns from a conversation that ends: how long its agent had it, and what came out of it.
    pub(super) fn learn_ability(
        &mut self,
        id: ConversationId,
        agent: AgentId,
        ratio: Option<i64>,
        solved: Option<bool>,
        at: Timestamp,
    ) {
        let learning = self.policy.document().learning;
        let Some(conversation) = self.conversations.get(&id) else { return };
        if learning.strength == 0 || (ratio.is_none() && solved.is_none()) {
            return;
        }
        let Some(known) = self.agents.get_mut(&agent) else { return };
        let half_life = Span::seconds(i64::from(learning.half_life_days) * 86_400);
        let skills = &conversation.needs.skills;
        let none: Box<str> = "".into();
        let names = skills.iter().map(|(skill, _)| skill).chain(skills.is_empty().then_some(&none));
        for skill in names {
            if known.seen.len() >= SKILLS_MAX && !known.seen.contains_key(skill) {
                continue;
            }
            let seen = known.seen.entry(skill.clone()).or_default();
            if let Some(ratio) = ratio {
                seen.worked(at, half_life, ratio);
            }
            if let Some(solved) = solved {
                seen.ended(at, half_life, solved);
            }
        }
        if self.believes_otherwise(agent) {
            self.put_in_pool(agent, at);
        }
    }

    /// Whether the pool may have to look at an agent in another way than it does. Nothing else of a profile is learned, and no
    /// step is finer than the first.
    fn believes_otherwise(&self, id: AgentId) -> bool {
        let (Some(agent), Some(known)) = (self.agents.get(&id), self.pool.profile(id)) else { return false };
        let (finest, _) = STEPS[0];
        self.policy.document().rule.weighs_ability()
            && self.abilities(agent, Some(&known.ability), finest) != known.ability
    }

    /// Puts what is believed of an agent into the profile that the pool looks at. Agents of equal profiles are looked at as
    /// one, so beliefs are rounded: to the finest step that leads to a profile that somebody has already, or that there is
    /// room for one more of. Where none does, what was known before stays as long as that makes no new profile either.
    pub(super) fn believe(&self, id: AgentId, agent: &Agent, profile: &mut AgentProfile) {
        if !self.policy.document().rule.weighs_ability() {
            return;
        }
        let known = self.pool.profile(id).map(|known| &known.ability);
        // Who moves from a profile that nobody shares leaves room for another.
        let moves = known.is_some_and(|known| !known.is_empty()) && self.pool.has_own_profile(id);
        let distinct = self.pool.distinct_profiles();
        for (step, most) in STEPS {
            profile.ability = self.abilities(agent, known, step);
            if moves || distinct < most || self.pool.has_profile(profile) {
                return;
            }
        }
        profile.ability = known.cloned().unwrap_or_default();
        profile.ability.retain(|skill, _| skill.is_empty() || agent.typed.skills.contains_key(skill));
        if !self.pool.has_profile(profile) {
            profile.ability.clear();
        }
    }

    /// What is believed of an agent beside what was typed in, rounded to this step.
    fn abilities(
        &self,
        agent: &Agent,
        known: Option<&BTreeMap<String, Ability>>,
        step: u16,
    ) -> BTreeMap<String, Ability> {
        let learning = self.policy.document().learning;
        let mut abilities = BTreeMap::new();
        for (skill, seen) in &agent.seen {
            let typed = match agent.typed.skills.get(&**skill) {
                Some(proficiency) => *proficiency,
                None if skill.is_empty() => 100,
                None => continue,
            };
            let prior = Ability::of_proficiency(typed);
            let before = known.and_then(|known| known.get(&**skill)).copied().unwrap_or(prior);
            let now = before.towards(seen.ability(prior, learning.strength), step);
            if learning.strength > 0 && now != prior {
                abilities.insert(String::from(&**skill), now);
            }
        }
        abilities
    }
}
