//! The simulator against what must hold of any simulator: same seed, same run; the same customers under every rule;
//! the conservation law; a queue whose answer is known. Small runs, wide bounds: `loadtest simulate --anchors` is exact.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use simulation::anchors::formulas::{erlang_a, erlang_wait};
use simulation::arrivals::{Fate, draw};
use simulation::figures::{estimate, measure, ratio};
use simulation::scenario::{Agent, Channel, Class, Scenario, Slots};
use simulation::setting::{Order, POOLED, RULES, anchor_document, document};
use simulation::world::{Contact, run};

const RULE: &str = "longest_idle";

fn class(name: &str, rate_per_s: f64, skill: usize) -> Class {
    Class {
        name: name.into(),
        rate_per_s,
        channel: Channel::Voice,
        work_s: 240.0,
        cv: 1.0,
        patience_s: None,
        weight: 1.0,
        priority: 1,
        sla_s: 30,
        skill,
        language: 0,
        knows_an_agent: 0.0,
        group: skill,
    }
}

fn agent(skills: &[f64]) -> Agent {
    Agent {
        skills: skills.to_vec(),
        languages: vec![0],
        slots: Slots { voice: 1, chat: 0, email: 0 },
        primary: 0,
        speed: 1.0,
    }
}

fn scenario(classes: Vec<Class>, agents: Vec<Agent>, horizon_s: f64) -> Scenario {
    let scenario = Scenario {
        name: "test".into(),
        horizon_s,
        warmup_s: horizon_s / 10.0,
        chat_speed_each: vec![1.0, 0.5],
        email_speed_by_chats: vec![1.0, 0.5, 0.0],
        skill_changes_speed: false,
        recontact_share: 0.0,
        recontact_delay_s: 1_200.0,
        profile_step_s: 300.0,
        profile: vec![1.0],
        burst_x_on_off: None,
        agent_present_away_s: None,
        classes,
        agents,
    };
    scenario.check().unwrap();
    scenario
}

/// Two skills, one agent in three has both, customers who leave.
fn mixed() -> Scenario {
    let patient = |class: Class| Class { patience_s: Some(300.0), ..class };
    let classes = vec![patient(class("A", 0.012, 0)), patient(class("B", 0.012, 1))];
    let agents = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.6]].map(|skills| agent(&skills));
    scenario(classes, agents.iter().cycle().take(6).cloned().collect(), 40_000.0)
}

fn play(scenario: &Scenario, rule: &str, seed: u64) -> Vec<Contact> {
    run(scenario, &document(scenario, rule).unwrap(), &draw(scenario, seed), seed, false).unwrap()
}

#[test]
fn the_seed_decides_everything() {
    let scenario = mixed();
    assert_eq!(play(&scenario, RULE, 5), play(&scenario, RULE, 5));
    assert_ne!(play(&scenario, RULE, 5), play(&scenario, RULE, 6));
}

#[test]
fn every_rule_meets_the_same_customers() {
    let mut scenario = mixed();
    scenario.skill_changes_speed = true;
    scenario.recontact_share = 0.8;
    let known: Vec<_> = RULES.iter().filter(|rule| document(&scenario, rule).is_ok()).collect();
    assert!(known.len() >= 2, "{known:?}");
    let fates = draw(&scenario, 3);
    let came: Vec<(i64, usize)> = fates.iter().map(|fate| (fate.at, fate.class)).collect();
    for rule in known {
        let contacts = run(&scenario, &document(&scenario, rule).unwrap(), &fates, 3, false).unwrap();
        let first: BTreeMap<usize, &Contact> =
            contacts.iter().rev().map(|contact| (contact.matter, contact)).collect();
        let served: Vec<(i64, usize)> = first.values().map(|it| (it.arrived, it.class)).collect();
        assert_eq!(served, came, "{rule}");
        assert!(contacts.len() > came.len(), "{rule}: nobody came back");
        for contact in contacts {
            let fate: &Fate = &fates[contact.matter];
            let is_first = contact.arrived == fate.at;
            if is_first && contact.agent.is_none() {
                assert_eq!(
                    contact.arrived + contact.waited,
                    fate.leaves.unwrap(),
                    "{rule}: left at another time"
                );
            }
        }
    }
}

#[test]
fn no_rule_changes_the_overall_wait_where_everybody_can_do_everything() {
    let rates = [0.015, 0.0225, 0.0375];
    let classes = rates
        .iter()
        .enumerate()
        .map(|(index, rate)| Class { priority: u8::try_from(index).unwrap(), ..class("V", *rate, 0) });
    let scenario = scenario(classes.collect(), vec![agent(&[1.0]); 20], 150_000.0);
    let runs: Vec<(f64, f64)> = (0..6)
        .map(|seed| {
            let fates = draw(&scenario, seed);
            let wait = |order| {
                let document = anchor_document(&scenario, RULE, order).unwrap();
                measure(&scenario, &run(&scenario, &document, &fates, seed, false).unwrap()).mean_s
            };
            (wait(Order::Priority), wait(Order::Age))
        })
        .collect();
    let (by_priority, by_age): (Vec<f64>, Vec<f64>) = runs.into_iter().unzip();
    // Work goes with the customer here, so that the law holds in the mean and nearly on each path.
    let found = ratio(&by_priority, &by_age);
    assert!((found.mean - 1.0).abs() < found.half_width + 0.02, "{found:?}");
    let found = estimate(&by_priority);
    assert!((found.mean - erlang_wait(20, 18.0, 240.0)).abs() < found.half_width * 1.5, "{found:?}");
}

#[test]
fn a_queue_that_people_leave_is_erlangs() {
    let classes = vec![Class { patience_s: Some(240.0), ..class("A", 10.0 / 240.0, 0) }];
    let scenario = scenario(classes, vec![agent(&[1.0]); 10], 200_000.0);
    let all: Vec<_> = (0..6).map(|seed| measure(&scenario, &play(&scenario, RULE, seed))).collect();
    let (leave, wait) = erlang_a(10, 10.0, 240.0, 240.0);
    let left = estimate(&all.iter().map(|it| it.abandoned).collect::<Vec<_>>());
    assert!((left.mean - leave).abs() < 2.0 * left.half_width && left.half_width < 0.02, "{left:?} {leave}");
    let waited = estimate(&all.iter().map(|it| it.mean_s).collect::<Vec<_>>());
    assert!((waited.mean - wait).abs() < 2.0 * waited.half_width, "{waited:?} {wait}");
}

#[test]
fn the_pooled_bound_is_one_where_everybody_is_able_and_it_waits_less() {
    let scenario = Scenario { agent_present_away_s: Some([2_700.0, 240.0]), ..mixed() };
    let pooled = scenario.pooled();
    assert_eq!(pooled.agent_present_away_s, None);
    for agent in &pooled.agents {
        assert_eq!(agent.skills, vec![1.0; 2]);
        assert!(pooled.classes.iter().all(|class| agent.serves(class)));
    }
    assert_eq!(draw(&scenario, 9), draw(&pooled, 9), "nobody here knows an agent");
    let fates = draw(&scenario, 9);
    let ours = measure(&scenario, &play(&scenario, RULE, 9)).mean_s;
    let bound = document(&pooled, POOLED).unwrap();
    let bound = measure(&pooled, &run(&pooled, &bound, &fates, 9, false).unwrap()).mean_s;
    assert!(bound > 0.0 && bound < ours, "{bound} {ours}");
}

#[test]
fn an_absent_agent_is_found_out_and_comes_back() {
    let scenario = Scenario { agent_present_away_s: Some([600.0, 240.0]), ..mixed() };
    let away = measure(&scenario, &play(&scenario, RULE, 4));
    let here = measure(&mixed(), &play(&mixed(), RULE, 4));
    assert!(away.mean_s > here.mean_s && away.mean_s < 1_000.0, "{} {}", away.mean_s, here.mean_s);
}

#[test]
fn nobody_walks_off_with_a_conversation_in_hand_or_stays_away() {
    // Agents who mean to go at every moment: each conversation is ended all the same, and somebody takes the next.
    let scenario = Scenario { agent_present_away_s: Some([1.0, 30.0]), ..mixed() };
    let contacts = play(&scenario, RULE, 4);
    let fates = draw(&scenario, 4);
    let mut served = 0;
    for contact in contacts.iter().filter(|it| it.agent.is_some()) {
        let work = fates.iter().find(|fate| fate.matter == contact.matter).unwrap().work;
        assert!((contact.handled as f64 - work).abs() <= 1.0, "{} {work}", contact.handled);
        served += 1;
    }
    assert!(served * 2 > contacts.len(), "{served} of {}", contacts.len());
}

#[test]
fn a_call_excludes_chats_and_mail_runs_beside() {
    let on = |channel, name: &str, rate| Class { channel, ..class(name, rate, 0) };
    let classes = vec![
        on(Channel::Voice, "call", 0.001),
        on(Channel::Chat, "chat", 0.002),
        on(Channel::Email, "mail", 0.0005),
    ];
    let one = Agent { slots: Slots { voice: 1, chat: 2, email: 1 }, ..agent(&[1.0]) };
    let scenario = scenario(classes, vec![one], 100_000.0);
    let contacts = play(&scenario, RULE, 2);
    let overlap =
        |of: &Contact, at: i64| (of.arrived + of.waited..of.arrived + of.waited + of.handled).contains(&at);
    let mut most = [0; 3];
    let (mut beside, mut chats_at_once) = (0, 0);
    for contact in &contacts {
        let begin = contact.arrived + contact.waited;
        let mut now = [0; 3];
        for other in contacts.iter().filter(|other| overlap(other, begin)) {
            now[other.class] += 1;
        }
        assert!(now[0] == 0 || now[1] == 0, "a call and a chat at once");
        beside += usize::from(now[2] == 1 && now[0] + now[1] > 0);
        chats_at_once += usize::from(now[1] == 2);
        for (most, now) in most.iter_mut().zip(now) {
            *most = (*most).max(now);
        }
    }
    assert_eq!(most, [1, 2, 1]);
    assert!(beside > 0 && chats_at_once > 0);
}

#[test]
fn a_line_of_the_suite_is_read_and_a_wrong_one_is_told() {
    let line = serde_json::to_string(&mixed()).unwrap();
    assert_eq!(Scenario::read_all(&format!("{line}\n\n{line}\n")).unwrap(), vec![mixed(), mixed()]);
    let wrong = line.replace("\"horizon_s\"", "\"horizon\"");
    let told = Scenario::read_all(&format!("{line}\n{wrong}")).unwrap_err().to_string();
    assert!(told.starts_with("line 2 is no scenario: unknown field `horizon`"), "{told}");
    let mut alone = mixed();
    alone.classes[1].language = 1;
    assert_eq!(alone.check().unwrap_err().to_string(), "scenario test: nobody can serve class B");
}

#[test]
fn a_rule_that_is_not_there_is_told() {
    let told = document(&mixed(), "guessing").unwrap_err().to_string();
    assert!(told.starts_with("there is no rule `guessing`; use one of least_customer_time, "), "{told}");
}
