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
        ..Needs::default()
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
            && it.now.has_room(profile, class.channel, class.effort, class.beside)
            && !entry.waiting.refused.contains(&it.id)
            && !pool.owes_older(slot, &entry.place, at);
        if can {
            let known = entry.waiting.known_agent == Some(it.id);
            let cost = pool.cost(entry.class, entry.waiting.priority, profile, &fit, it.now.hands(), known);
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
                        preferred: None,
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
                for &number in class.fitting.keys() {
                    let profile = &pool.profiles[number];
                    for group in &profile.groups {
                        slots += group.members.len() as u64
                            * group.state.slots(profile, class.channel, class.effort, class.beside);
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
        preferred: None,
    });
    let decision = pool.choose_agent(conversation(1), now).unwrap();
    assert_eq!(decision.agent, agent(2), "the longest idle with the lower id would be the other one");
    let (other, by) = decision.flip().unwrap();
    assert_eq!(other, agent(1));
    assert!(by > 0 && decision.nearest[0].1.cost_us > decision.total);
}

/// An agent of a desk: who, with which skills, and room for how many.
type Seated<'a> = (u8, &'a [(&'a str, u8)], u32);

/// A desk under a rule: agents with their skills, all online since the beginning.
fn desk(rule: Rule, agents: &[Seated<'_>]) -> (Pool, Timestamp) {
    let mut pool = Pool::new(crate::Weights::default());
    pool.govern(Settings { rule, ..Settings::default() });
    let mut at = Timestamp(1_700_000_000_000);
    for (number, skills, capacity) in agents {
        // Each came a second later than the one before.
        at = at + Span::seconds(1);
        let primary = skills.first().map(|(skill, _)| (*skill).into());
        let skills = skills.iter().map(|(skill, proficiency)| ((*skill).into(), *proficiency)).collect();
        let profile = AgentProfile { skills, capacity: *capacity, primary, ..AgentProfile::default() };
        pool.put_agent(agent(*number), &profile, at);
        pool.set_standing(agent(*number), Standing::Online, at);
    }
    (pool, at + Span::seconds(1))
}

fn waits(pool: &mut Pool, number: u32, skill: usize, priority: u8, since: Timestamp) -> ConversationId {
    pool.arrived(&needs(skill), since);
    pool.wait(Waiting {
        conversation: conversation(number),
        needs: needs(skill),
        priority,
        since,
        passed_over: Span::seconds(1_800),
        known_agent: None,
        reserved: None,
        refused: Vec::new(),
        preferred: None,
    });
    conversation(number)
}

/// Who gets a conversation that comes now.
fn chosen(pool: &mut Pool, number: u32, skill: usize, at: Timestamp) -> Option<AgentId> {
    let id = waits(pool, number, skill, 4, at);
    let chosen = pool.choose_agent(id, at).map(|decision| decision.agent);
    pool.leave(id);
    chosen
}

const PLAIN: &[(&str, u8)] = &[("a", 100)];

#[test]
fn the_longest_idle_is_the_one_whose_last_conversation_left_first() {
    let (mut pool, at) = desk(Rule::LongestIdle, &[(1, PLAIN, 2), (2, PLAIN, 2)]);
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(1)));
    pool.take(agent(1), "chat", 1, at);
    pool.release(agent(1), "chat", 1, at + Span::seconds(5));
    assert_eq!(chosen(&mut pool, 2, 0, at + Span::seconds(6)), Some(agent(2)));
}

#[test]
fn round_robin_goes_by_the_last_assignment_whatever_became_of_it() {
    let (mut pool, at) = desk(Rule::RoundRobin, &[(1, PLAIN, 3), (2, PLAIN, 3), (3, PLAIN, 3)]);
    for (number, expected) in [(1, 1), (2, 2), (3, 3), (4, 1)] {
        let now = at + Span::seconds(i64::from(number));
        assert_eq!(chosen(&mut pool, number, 0, now), Some(agent(expected)));
        pool.take(agent(expected), "chat", 1, now);
    }
}

#[test]
fn least_active_counts_conversations_and_spare_capacity_counts_its_share() {
    // One of six places is more left than one of two.
    let agents: [Seated<'_>; 2] = [(1, PLAIN, 6), (2, PLAIN, 2)];
    let (mut pool, at) = desk(Rule::LeastActive, &agents);
    for who in [1, 1, 2] {
        pool.take(agent(who), "chat", 1, at);
    }
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(2)));
    let (mut pool, at) = desk(Rule::SpareCapacity, &agents);
    for who in [1, 1, 2] {
        pool.take(agent(who), "chat", 1, at);
    }
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(1)));
}

#[test]
fn rings_open_with_time_and_empty_ones_are_passed_at_once() {
    for (rule, step) in [(Rule::Bullseye, 15), (Rule::LongestIdle, 30)] {
        let (mut pool, at) = desk(rule, &[(1, &[("a", 95)], 1), (2, &[("a", 60)], 1)]);
        pool.take(agent(1), "chat", 1, at);
        let id = waits(&mut pool, 1, 0, 4, at);
        assert_eq!(pool.choose_agent(id, at + Span::seconds(step - 1)), None, "{rule:?}");
        assert!(pool.looks_again(id));
        let decision = pool.choose_agent(id, at + Span::seconds(step)).unwrap();
        assert_eq!(decision.agent, agent(2));
        // Nobody of the first ring is here: it is not waited for.
        pool.set_standing(agent(1), Standing::Away, at);
        assert_eq!(pool.choose_agent(id, at + Span::seconds(1)).unwrap().agent, agent(2));
    }
}

#[test]
fn a_primary_skill_comes_first_for_half_a_minute() {
    let (mut pool, at) = desk(Rule::PriorityDelay, &[(1, &[("b", 100), ("a", 100)], 1)]);
    let id = waits(&mut pool, 1, 0, 4, at);
    assert_eq!(pool.choose_agent(id, at + Span::seconds(29)), None);
    assert_eq!(pool.choose_agent(id, at + Span::seconds(30)).unwrap().agent, agent(1));
}

#[test]
fn the_queue_that_lies_most_above_its_share_is_served() {
    let (mut pool, at) = desk(Rule::QueueRatio, &[(1, &[("a", 100), ("b", 100)], 1)]);
    for number in 1..=2 {
        waits(&mut pool, number, 0, 4, at);
    }
    // More of `b` wait, though of equal right; those of `a` have waited for longer.
    for number in 3..=7 {
        waits(&mut pool, number, 1, 4, at + Span::seconds(20));
    }
    let (id, decision) = pool.choose_conversation(agent(1), at + Span::seconds(21)).unwrap();
    assert_eq!((id, decision.agent), (conversation(3), agent(1)));
    assert_eq!(
        pool.pick_conversation(agent(1), at + Span::seconds(21)),
        Some((id, decision.agent)),
        "without record"
    );
    // The same with the plain order by age.
    pool.govern(Settings { rule: Rule::LeastActive, ..Settings::default() });
    assert_eq!(pool.choose_conversation(agent(1), at + Span::seconds(21)).unwrap().0, conversation(1));
}

#[test]
fn the_team_with_the_most_free_places_is_asked_and_spreads_them() {
    let (two, one): (&[(&str, u8)], _) = (&[("a", 100), ("b", 100)], PLAIN);
    let (mut pool, at) = desk(Rule::QueueRatio, &[(1, two, 3), (2, one, 2), (3, one, 2)]);
    // Four places against three, though agent 1 is the longest idle and has the most room.
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(2)));
    pool.take(agent(2), "chat", 1, at);
    // Three against three, and of two equal ones those with less in hand go first.
    assert_eq!(chosen(&mut pool, 2, 0, at), Some(agent(1)));
    pool.take(agent(1), "chat", 1, at);
    // Three against two. Agent 2 has a place, and agent 3 has nothing in hand.
    assert_eq!(chosen(&mut pool, 3, 0, at), Some(agent(3)));
}

#[test]
fn interruptible_work_neither_slows_the_rest_nor_counts_as_busy() {
    let (mut pool, at) = desk(Rule::LeastActive, &[(1, PLAIN, 6), (2, PLAIN, 6)]);
    pool.govern(Settings {
        rule: Rule::LeastActive,
        interruptible: ["email".into()].into(),
        ..Settings::default()
    });
    pool.take(agent(2), "email", 1, at);
    pool.take(agent(1), "chat", 1, at);
    assert_eq!((pool.in_hand(agent(1)), pool.in_hand(agent(2))), (1, 0));
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(2)));
    // The same after the policy has changed its mind, and back.
    pool.govern(Settings { rule: Rule::LeastActive, ..Settings::default() });
    assert_eq!(pool.in_hand(agent(2)), 1);
}

#[test]
fn interruptible_work_has_a_capacity_of_its_own() {
    let besides = |rule| Settings { rule, interruptible: ["email".into()].into(), ..Settings::default() };
    for rule in [Rule::LeastCustomerTime, Rule::SpareCapacity, Rule::BestScore] {
        let (mut pool, at) = desk(rule, &[(1, PLAIN, 2)]);
        pool.govern(besides(rule));
        for _ in 0..2 {
            assert!(pool.has_room(agent(1), "email", 1));
            pool.take(agent(1), "email", 1, at);
        }
        assert!(!pool.has_room(agent(1), "email", 1), "as much as the agent's capacity, and no more");
        let room = |pool: &Pool| pool.room(agent(1)).map(|it| (it.load, it.beside, it.capacity));
        assert_eq!(room(&pool), Some((0, 2, 2)));
        assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(1)), "a desk full of mail still gets a chat");
        // Without it the mail counts like everything else: there is no room any more, nor once it is back too little.
        pool.govern(Settings { rule, ..Settings::default() });
        assert_eq!(room(&pool).map(|it| it.1), Some(0));
        assert!(!pool.has_room(agent(1), "chat", 1));
        assert_eq!(chosen(&mut pool, 2, 0, at), None);
        pool.govern(besides(rule));
        pool.release(agent(1), "email", 1, at);
        assert!(pool.has_room(agent(1), "email", 1) && pool.has_room(agent(1), "chat", 1));
    }
}

#[test]
fn a_second_chat_goes_to_empty_hands_and_urgency_follows_the_weight() {
    let (mut pool, at) = desk(Rule::LeastCustomerTime, &[(1, PLAIN, 3), (2, PLAIN, 3)]);
    pool.take(agent(1), "chat", 1, at);
    assert_eq!(chosen(&mut pool, 1, 0, at), Some(agent(2)), "beside others it would be slower");

    let (mut pool, at) = desk(Rule::LeastCustomerTime, &[(1, &[("a", 100), ("b", 100)], 1)]);
    waits(&mut pool, 1, 0, 4, at);
    waits(&mut pool, 2, 1, 7, at + Span::seconds(1));
    let (id, decision) = pool.choose_conversation(agent(1), at + Span::seconds(2)).unwrap();
    assert_eq!(id, conversation(2), "eight times the weight");
    assert_eq!(decision.next_in_line, [conversation(1)]);
    let terms = decision.terms.unwrap();
    assert_eq!(terms.rule, Rule::LeastCustomerTime);
    assert_eq!(terms.work_us + terms.price_us + terms.risk_us, decision.total);
}
