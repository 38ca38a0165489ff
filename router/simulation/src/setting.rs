//! From a scenario to what the engine is given: the policy document with its rule, the agents' profiles, the names of
//! skills, languages and queues. One queue for each class.

use policy::document::{Document, IntakeDoc, QueueDoc, Rule, WhenDoc};
use policy::matching::AgentProfile;

use crate::scenario::{Agent, Channel, Scenario};

/// The rules that can be asked for. `pooled` is the bound.
pub const RULES: [&str; 9] = [
    "least_customer_time",
    "longest_idle",
    "spare_capacity",
    "least_active",
    "round_robin",
    "priority_delay",
    "bullseye",
    "queue_ratio",
    POOLED,
];

/// The bound: everybody able, first come first served, to the least loaded.
pub const POOLED: &str = "pooled";

/// No rule of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{0}`; use one of {rules}", rules = RULES.join(", "))]
pub struct UnknownRule(pub String);

/// The bound of an anchor's document: the formulas know no conversation that goes first because it was passed over.
const NEVER_PASSED_OVER_S: u32 = 30 * 86_400;

/// How a class's priority counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the class has it.
    Priority,
    /// Not at all.
    Age,
}

/// The document of a scenario under a rule.
///
/// # Errors
/// There is no such rule.
pub fn document(scenario: &Scenario, rule: &str) -> Result<Document, UnknownRule> {
    let order = match rule {
        "least_customer_time" | "round_robin" | "queue_ratio" | POOLED => Order::Age,
        _ => Order::Priority,
    };
    let known = if rule == POOLED { Some(Rule::SpareCapacity) } else { Rule::by_name(rule) };
    let mut document =
        Document { rule: known.ok_or_else(|| UnknownRule(rule.to_owned()))?, ..Document::default() };
    fill(&mut document, scenario, order, rule != POOLED, offer_s(rule));
    Ok(document)
}

/// A document for an anchor: the rule and the order, and nothing else that could move a conversation.
///
/// # Errors
/// There is no such rule.
pub fn anchor_document(scenario: &Scenario, rule: &str, order: Order) -> Result<Document, UnknownRule> {
    let known = Rule::by_name(rule).ok_or_else(|| UnknownRule(rule.to_owned()))?;
    let mut document = Document { rule: known, ..Document::default() };
    fill(&mut document, scenario, order, false, offer_s(rule));
    document.bounds.passed_over_s = NEVER_PASSED_OVER_S;
    Ok(document)
}

/// How long an offer stands before it goes to another: settings chosen here, within the range that `policy-theory` names,
/// not measurements of a product. `round_robin` stands for a push without acceptance, which stays with the agent;
/// `priority_delay` gives up as soon as `spare_capacity`, since the worst waits of its row in ABSENT are 88 s.
fn offer_s(rule: &str) -> u32 {
    match rule {
        "longest_idle" => 120,
        "spare_capacity" | "priority_delay" => 30,
        "round_robin" => 3_600,
        _ => 15,
    }
}

fn fill(document: &mut Document, scenario: &Scenario, order: Order, same_agent: bool, offer_s: u32) {
    // Skills are typed in as they are: there is nothing to learn.
    document.learning.strength = 0;
    for skill in 0..scenario.skills() {
        document.skills.insert(skill_name(skill), "a skill of the scenario".to_owned());
    }
    let chats = scenario.chat_speed_each.iter().map(|speed| per_mille(*speed, 1_000)).collect();
    let beside = scenario.email_speed_by_chats.iter().map(|speed| per_mille(*speed, 1_000)).collect();
    document.interruptible.insert(Channel::Email.name().to_owned());
    for (channel, speeds) in [(Channel::Voice, vec![1_000]), (Channel::Chat, chats), (Channel::Email, beside)]
    {
        document.speeds.insert(channel.name().to_owned(), speeds);
    }
    let effort = Effort::of(scenario);
    for channel in [Channel::Voice, Channel::Chat, Channel::Email] {
        document.efforts.insert(channel.name().to_owned(), effort.on(channel));
    }
    for (index, class) in scenario.classes.iter().enumerate() {
        let name = queue_name(index);
        let when = WhenDoc { topic: Some(name.clone()), ..WhenDoc::default() };
        document.intake.push(IntakeDoc { when, queue: name.clone(), ..IntakeDoc::default() });
        let queue = QueueDoc {
            target_s: class.sla_s.max(1),
            offer_s,
            same_agent,
            priority: match order {
                Order::Priority => 9 - class.priority.min(9),
                Order::Age => 4,
            },
            needs: [(skill_name(class.skill), 1)].into(),
            weight: Some(per_mille(class.weight, 1_000_000)),
            work_s: class.work_s.round().max(1.0) as u32,
            ..QueueDoc::default()
        };
        document.queues.insert(name, queue);
    }
}

/// Points of effort: a call takes the whole agent, a chat more than all e-mails, so that a call and a chat exclude each
/// other and e-mails run beside.
#[derive(Debug, Clone, Copy)]
struct Effort {
    call: u32,
    chat: u32,
}

impl Effort {
    fn of(scenario: &Scenario) -> Self {
        let most = |of: fn(&Agent) -> u32| scenario.agents.iter().map(of).max().unwrap_or(0);
        let chat = most(|agent| agent.slots.email) + 1;
        Self { call: chat * most(|agent| agent.slots.chat).max(1), chat }
    }

    fn on(self, channel: Channel) -> u32 {
        match channel {
            Channel::Voice => self.call,
            Channel::Chat => self.chat,
            Channel::Email => 1,
        }
    }
}

/// Proficiency of everybody, where nothing is known of anybody.
const MIDDLING: f64 = 0.5;

/// The profiles of the agents, in their order. A document that learns what they can do is told nothing of it: all who are
/// able at all are middling.
#[must_use]
pub fn profiles(scenario: &Scenario, document: &Document) -> Vec<AgentProfile> {
    let learns = document.learning.strength > 0;
    let typed = |proficiency: f64| per_cent(if learns { MIDDLING } else { proficiency });
    let effort = Effort::of(scenario);
    let of = |agent: &Agent| {
        let skilled = agent.skills.iter().enumerate().filter(|(_, proficiency)| **proficiency > 0.0);
        AgentProfile {
            skills: skilled.map(|(skill, proficiency)| (skill_name(skill), typed(*proficiency))).collect(),
            languages: agent.languages.iter().map(|language| language_name(*language)).collect(),
            primary: Some(skill_name(agent.primary)),
            capacity: effort.call + agent.slots.email,
            channels: [Channel::Voice, Channel::Chat, Channel::Email]
                .map(|channel| (channel.name().to_owned(), agent.slots.of(channel)))
                .into(),
            ability: std::collections::BTreeMap::new(),
        }
    };
    scenario.agents.iter().map(of).collect()
}

fn per_mille(value: f64, most: u32) -> u32 {
    (value * 1_000.0).round().clamp(1.0, f64::from(most)) as u32
}

fn per_cent(proficiency: f64) -> u8 {
    (proficiency * 100.0).round().clamp(1.0, 100.0) as u8
}

fn skill_name(skill: usize) -> String {
    format!("skill-{skill}")
}

/// The tag of a language.
#[must_use]
pub fn language_name(language: usize) -> String {
    format!("l{language}")
}

/// The queue of a class, which is also the topic that leads to it.
#[must_use]
pub fn queue_name(class: usize) -> String {
    format!("class-{class:03}")
}
