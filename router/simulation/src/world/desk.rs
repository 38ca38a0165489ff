//! An agent at work: what is in hand, how fast each of it goes, whether anybody sits there at all.

use policy::id::OfferId;

use crate::random::Stream;
use crate::scenario::{Channel, Scenario};

/// Speed by proficiency.
const SPEED: (f64, f64) = (0.6, 0.4);
/// The known agent needs so much of the time.
const KNOWN_TIME: f64 = 0.85;
/// The chance of solving by proficiency, what knowing the customer adds, and its limit.
const SOLVES: (f64, f64) = (0.55, 0.35);
const SOLVES_KNOWN: f64 = 0.05;
const SOLVES_MOST: f64 = 0.98;

/// One agent's place.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) present: bool,
    /// The engine has set this agent away.
    pub(super) seen_away: bool,
    pub(super) in_hand: Vec<usize>,
    /// Offers that nobody here has seen.
    pub(super) offered: Vec<(usize, OfferId)>,
    calls: usize,
    chats: usize,
    stream: Stream,
}

impl Desk {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            present: true,
            seen_away: false,
            in_hand: Vec::with_capacity(4),
            offered: Vec::new(),
            calls: 0,
            chats: 0,
            stream,
        }
    }

    /// A time of this mean, in milliseconds.
    pub(super) fn draw(&mut self, mean_s: f64) -> i64 {
        (self.stream.exponential(mean_s) * 1_000.0).round() as i64
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_hand.is_empty()
    }

    pub(super) fn take_up(&mut self, contact: usize, channel: Channel) {
        self.in_hand.push(contact);
        if let Some(count) = self.count(channel) {
            *count += 1;
        }
    }

    pub(super) fn put_down(&mut self, contact: usize, channel: Channel) {
        self.in_hand.retain(|held| *held != contact);
        if let Some(count) = self.count(channel) {
            *count -= 1;
        }
    }

    fn count(&mut self, channel: Channel) -> Option<&mut usize> {
        match channel {
            Channel::Voice => Some(&mut self.calls),
            Channel::Chat => Some(&mut self.chats),
            Channel::Email => None,
        }
    }
}

/// The share of an agent's speed that one conversation gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    chat: f64,
    email: f64,
}

impl Share {
    pub(super) fn of(scenario: &Scenario, desk: &Desk) -> Self {
        let step = |steps: &[f64], index: usize| steps.get(index).or(steps.last()).copied().unwrap_or(1.0);
        let email = if desk.calls > 0 { 0.0 } else { step(&scenario.email_speed_by_chats, desk.chats) };
        Self { chat: step(&scenario.chat_speed_each, desk.chats.saturating_sub(1)), email }
    }

    pub(super) fn on(self, channel: Channel) -> f64 {
        match channel {
            Channel::Voice => 1.0,
            Channel::Chat => self.chat,
            Channel::Email => self.email,
        }
    }
}

/// How fast an agent works for a class, with nothing else in hand.
pub(super) fn base_speed(scenario: &Scenario, agent: usize, class: usize, known: bool) -> f64 {
    let agent = &scenario.agents[agent];
    if !scenario.skill_changes_speed {
        return agent.speed;
    }
    let proficiency = agent.proficiency(scenario.classes[class].skill);
    let time = if known { KNOWN_TIME } else { 1.0 };
    agent.speed * (SPEED.0 + SPEED.1 * proficiency) / time
}

/// The chance that an agent solves a matter of a class.
pub(super) fn solving(scenario: &Scenario, agent: usize, class: usize, known: bool) -> f64 {
    if scenario.recontact_share == 0.0 {
        return 1.0;
    }
    let proficiency = scenario.agents[agent].proficiency(scenario.classes[class].skill);
    let known = if known { SOLVES_KNOWN } else { 0.0 };
    (SOLVES.0 + SOLVES.1 * proficiency + known).min(SOLVES_MOST)
}
