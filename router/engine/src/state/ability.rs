//! What agents can do, learned from what they did: each conversation that ends moves the belief about its agent at the
//! skills it needed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

use policy::id::{AgentId, ConversationId};
use policy::matching::Ability;
use policy::time::{Span, Timestamp};

use super::{Agent, Workspace};

/// More skills of one agent than this are not learned.
const SKILLS_MAX: usize = 64;

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
        self.put_in_pool(agent, at);
    }

    /// What is believed of an agent, rounded: agents of equal profiles are looked at as one, so that the more agents
    /// there are the coarser the steps.
    pub(super) fn abilities(
        &self,
        agent: &Agent,
        known: &BTreeMap<String, Ability>,
    ) -> BTreeMap<String, Ability> {
        let learning = self.policy.document().learning;
        let step = match self.agents.len() {
            0..=500 => 50,
            501..=2_000 => 100,
            _ => 200,
        };
        let mut abilities = BTreeMap::new();
        for (skill, seen) in &agent.seen {
            let typed = match agent.typed.skills.get(&**skill) {
                Some(proficiency) => *proficiency,
                None if skill.is_empty() => 100,
                None => continue,
            };
            let prior = Ability::of_proficiency(typed);
            let before = known.get(&**skill).copied().unwrap_or(prior);
            let now = before.towards(seen.ability(prior, learning.strength), step);
            if learning.strength > 0 && now != prior {
                abilities.insert(String::from(&**skill), now);
            }
        }
        abilities
    }
}
