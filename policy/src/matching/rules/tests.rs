//! Groups against a look at everybody, and what the terms are for.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::matching::{AgentProfile, Needs, Settings, Waiting};

const SKILLS: [&str; 3] = ["a", "b", "c"];

fn needs(skill: usize) -> Needs {
    Needs {
        queue: SKILLS[skill].into(),
        channel: "chat".into(),
        effort: 1,
        language: None,
        skills: alloc::vec![(SKILLS[skill].into(), 1)],
    }
}

fn agent(number: u8) -> AgentId {
    AgentId::from_bits(number.into())
}

fn conversation(number: u32) -> ConversationId {
    ConversationId::from_bits(number.into())
}

#[derive(Debug, Clone)]
enum Step {
    Come { skill: usize, known: u8, refused: u8 },
    Answer { which: usize },
    End { which: usize },
    Stand { agent: u8, online: bool },
}

fn steps() -> impl Strategy<Value = Vec<(u16, Step)>> {
    let step = prop_oneof![
        3 => (0usize..3, 0u8..8, 0u8..12).prop_map(|(skill, known, refused)| Step::Come { skill, known, refused }),
        3 => (0usize..64).prop_map(|which| Step::Answer { which }),
        3 => (0usize..64).prop_map(|which| Step::End { which }),
        1 => (0u8..8, any::<bool>()).prop_map(|(agent, online)| Step::Stand { agent, online }),
    ];
    vec((0u16..20_000, step), 1..160)
}

/// The slow way: every agent by itself.
fn by_hand(pool: &Pool, entry: &Entry, at: Timestamp) -> Option<(u32, i64)> {
    let class = &pool.classes[entry.class];
    let mut best = None;
    for (slot, it) in pool.agents.iter() {
        let profile = &pool.profiles[it.profile];
        let Some(fit) = profile.fit(entry.class) else { continue };
        let can = it.now.standing == Standing::Online
            && it.now.has_room(profile, class.channel, class.effort)
            && !entry.waiting.refused.contains(&it.id)
            && !pool.owes_older(slot, &entry.place, at);
        if can {
            let known = entry.waiting.known_agent == Some(it.id);
            let cost = pool.cost(entry.class, entry.waiting.priority, profile, &fit, &it.now, known);
            best = best.min(Some((cost.total, it.now.busy, it.now.freed, it.id, slot))).or(Some((
                cost.total,
                it.now.busy,
                it.now.freed,
                it.id,
                slot,
            )));
        }
    }
    best.map(|(cost, _, _, _, slot)| (slot, cost))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn groups_find_whom_a_look_at_everybody_finds(steps in steps(), profiles in vec((0u8..8, 30u8..101, 1u32..4), 8)) {
        let mut pool = Pool::new(crate::Weights::default());
        pool.govern(Settings::default());
        let mut at = Timestamp(1_700_000_000_000);
        for (number, (mask, proficiency, capacity)) in (0u8..).zip(profiles) {
            let skills = SKILLS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
            let skills = skills.map(|(_, skill)| ((*skill).into(), proficiency)).collect();
            let profile = AgentProfile { skills, capacity, ..AgentProfile::default() };
            pool.put_agent(agent(number), &profile, at);
            pool.set_standing(agent(number), Standing::Online, at);
        }
        let (mut count, mut held): (u32, Vec<(AgentId, Needs)>) = (0, Vec::new());
        let mut waiting: BTreeMap<ConversationId, Needs> = BTreeMap::new();
        for (pause, step) in steps {
            at = at + Span(i64::from(pause));
            match step {
                Step::Come { skill, known, refused } => {
                    count += 1;
                    pool.arrived(&needs(skill), at);
                    pool.wait(Waiting {
                        conversation: conversation(count),
                        needs: needs(skill),
                        priority: 4,
                        since: at,
                        passed_over: Span::seconds(60),
                        known_agent: Some(agent(known)),
                        reserved: None,
                        refused: if refused < 8 { alloc::vec![agent(refused)] } else { Vec::new() },
                    });
                    waiting.insert(conversation(count), needs(skill));
                }
                Step::Answer { which } => {
                    let Some((&id, kind)) = waiting.iter().nth(which % waiting.len().max(1)) else { continue };
                    let entry = pool.entry(id).unwrap();
                    let expected = by_hand(&pool, entry, at);
                    match pool.choose_agent(id, at) {
                        Some(decision) => {
                            let (slot, cost) = expected.unwrap();
                            prop_assert_eq!(decision.total, cost);
                            prop_assert_eq!(decision.agent, pool.agents[slot].id);
                            prop_assert!(decision.nearest.iter().all(|(_, score)| score.cost_us >= cost));
                            prop_assert_eq!(pool.choose_agent(id, at), Some(decision.clone()));
                            let kind = kind.clone();
                            pool.leave(id);
                            pool.take(decision.agent, "chat", 1, at);
                            waiting.remove(&id);
                            held.push((decision.agent, kind));
                        }
                        None => if let Some((_, cost)) = expected {
                            let hold = pool.hold(entry, cost, at);
                            prop_assert!(hold.is_some_and(|hold| hold < cost), "left waiting without a reason");
                            prop_assert!(pool.looks_again(id));
                        },
                    }
                }
                Step::End { which } => {
                    if held.is_empty() { continue }
                    let (who, kind) = held.swap_remove(which % held.len());
                    pool.release(who, "chat", 1, at);
                    pool.worked(&kind, who, Span(i64::from(pause) * 10), pool.in_hand(who));
                }
                Step::Stand { agent: number, online } => {
                    let standing = if online { Standing::Online } else { Standing::Away };
                    pool.set_standing(agent(number), standing, at);
                }
            }
            // Slots are what a count finds, and a pool that learned the same decides the same.
            for (_, class) in pool.classes.iter() {
                let mut slots = 0;
                for &number in &class.fitting {
                    let profile = &pool.profiles[number];
                    for group in &profile.groups {
                        slots += group.members.len() as u64
                            * group.state.slots(profile, class.channel, class.effort);
                    }
                }
                prop_assert_eq!(slots, class.slots.free);
            }
        }
    }
}

#[test]
fn a_scarce_skill_is_kept_free() {
    // Two who can do the plain work, one of whom alone can do the rare one, which comes often.
    let mut pool = Pool::new(crate::Weights::default());
    pool.govern(Settings::default());
    let at = Timestamp(1_700_000_000_000);
    for (number, skills) in [(1, &["a", "b"][..]), (2, &["a"][..])] {
        let skills = skills.iter().map(|skill| ((*skill).into(), 100)).collect();
        pool.put_agent(agent(number), &AgentProfile { skills, capacity: 1, ..AgentProfile::default() }, at);
        pool.set_standing(agent(number), Standing::Online, at);
    }
    let later = at + Span::seconds(60);
    for _ in 0..5 {
        pool.arrived(&needs(1), later);
    }
    pool.arrived(&needs(1), later + Span::seconds(20));
    let now = later + Span::seconds(21);
    pool.wait(Waiting {
        conversation: conversation(1),
        needs: needs(0),
        priority: 4,
        since: now,
        passed_over: Span::seconds(1_800),
        known_agent: None,
        reserved: None,
        refused: Vec::new(),
    });
    let decision = pool.choose_agent(conversation(1), now).unwrap();
    assert_eq!(decision.agent, agent(2), "the longest idle with the lower id would be the other one");
    let (other, by) = decision.flip().unwrap();
    assert_eq!(other, agent(1));
    assert!(by > 0 && decision.nearest[0].1.cost_us > decision.total);
}
