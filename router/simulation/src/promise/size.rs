//! The size at which an estimate must keep its budget: a hundred agents of eight profiles, about three hundred who wait.

use crate::scenario::{Agent, Channel, Class, Scenario, Slots};

/// Its name among the rows.
pub const NAME: &str = "SIZE";
const SKILLS: usize = 8;
const AGENTS: usize = 100;
const WORK_S: f64 = 240.0;
/// A fifth more comes than can be served; so many wait that as many leave.
const LOAD: f64 = 1.2;
const PATIENCE_S: f64 = 3_600.0;

/// The scenario.
#[must_use]
pub fn scenario() -> Scenario {
    let class = |skill: usize| Class {
        name: format!("T{skill}"),
        rate_per_s: LOAD * AGENTS as f64 / WORK_S / SKILLS as f64,
        channel: Channel::Voice,
        work_s: WORK_S,
        cv: 1.0,
        patience_s: Some(PATIENCE_S),
        weight: 1.0,
        priority: 1,
        sla_s: 60,
        skill,
        language: 0,
        knows_an_agent: 0.0,
        group: skill,
    };
    let agent = |number: usize| Agent {
        skills: (0..SKILLS)
            .map(|skill| f64::from(u8::from((skill + SKILLS - number % SKILLS) % SKILLS < 2)))
            .collect(),
        languages: vec![0],
        slots: Slots { voice: 1, chat: 0, email: 0 },
        primary: number % SKILLS,
        speed: 1.0,
    };
    Scenario {
        name: NAME.to_owned(),
        horizon_s: 18_000.0,
        warmup_s: 9_000.0,
        chat_speed_each: vec![1.0],
        email_speed_by_chats: vec![1.0],
        skill_changes_speed: false,
        recontact_share: 0.0,
        recontact_delay_s: 1_200.0,
        profile_step_s: 300.0,
        profile: vec![1.0],
        burst_x_on_off: None,
        agent_present_away_s: None,
        classes: (0..SKILLS).map(class).collect(),
        agents: (0..AGENTS).map(agent).collect(),
    }
}
