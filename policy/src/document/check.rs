//! Checking a document: everything that is wrong is found in one run, each fault with its place in the document, what is
//! wrong, and what would be right.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::conditions::MOST_STEP_CONDITIONS;
use super::{Document, IntakeDoc, QueueDoc, StepDoc, UnderstandingDoc};
use crate::hours::Hours;
use crate::matching::Preferred;
use crate::spelling::nearest;

/// One thing that is wrong in a policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct Fault {
    /// Where, such as `queues.billing.hours`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

/// More than so many names of one kind are refused.
const MOST: usize = 4_096;
/// Longer names are refused, in bytes.
const LONGEST_NAME: usize = 64;
const MOST_EFFORT: u32 = 1_000;
const MOST_STEPS: usize = 32;
const MOST_WEIGHT: i64 = 1_000_000;
const DAY_S: u32 = 86_400;
const YEAR_S: u64 = 366 * 86_400;

/// Faults as they are found.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { path: path.into(), detail: detail.into() });
    }

    fn require(&mut self, holds: bool, path: impl FnOnce() -> String, detail: impl FnOnce() -> String) {
        if !holds {
            self.add(path(), detail());
        }
    }
}

/// Checks all of a document and returns its calendars.
pub(crate) fn check(document: &Document, faults: &mut Faults) -> BTreeMap<String, Hours> {
    names("skills", document.skills.keys(), faults);
    names("efforts", document.efforts.keys(), faults);
    names("hours", document.hours.keys(), faults);
    names("queues", document.queues.keys(), faults);
    for (channel, effort) in &document.efforts {
        faults.require(
            (1..=MOST_EFFORT).contains(effort),
            || format!("efforts.{channel}"),
            || format!("{effort} points is out of range; use 1 to {MOST_EFFORT}"),
        );
    }
    let mut calendars = BTreeMap::new();
    for (name, hours) in &document.hours {
        if let Some(hours) = Hours::compile(&format!("hours.{name}"), hours, faults) {
            calendars.insert(name.clone(), hours);
        }
    }
    check_intake(document, faults);
    check_understanding(&document.understanding, faults);
    for (name, queue) in &document.queues {
        check_queue(&format!("queues.{name}"), queue, document, faults);
    }
    let conditions =
        document.queues.values().flat_map(|queue| &queue.steps).filter(|it| it.condition.is_some());
    let conditions = conditions.count();
    faults.require(
        conditions <= MOST_STEP_CONDITIONS,
        || "queues".to_string(),
        || format!("{conditions} steps with a condition are too many; {MOST_STEP_CONDITIONS} at most"),
    );
    let Document { weights, bounds, costs, .. } = document;
    for (name, weight) in [("proficiency", weights.proficiency), ("same_agent", weights.same_agent)] {
        faults.require(
            (0..=MOST_WEIGHT).contains(&weight),
            || format!("weights.{name}"),
            || format!("{weight} points is out of range; use 0 to {MOST_WEIGHT}"),
        );
    }
    let parts = [
        ("urgency_pm", costs.urgency_pm, 0, 100_000),
        ("hold_pm", costs.hold_pm, 0, 100_000),
        ("comes_again_pm", costs.comes_again_pm, 0, 1_000),
        ("again_s", costs.again_s, 0, DAY_S),
        ("known_agent_pm", costs.known_agent_pm, 1, 1_000),
    ];
    for (name, value, least, most) in parts {
        faults.require(
            (least..=most).contains(&value),
            || format!("costs.{name}"),
            || format!("{value} is out of range; use {least} to {most}"),
        );
    }
    let parts = [
        ("learning.strength", document.learning.strength, 0, 10_000),
        ("learning.half_life_days", document.learning.half_life_days, 0, 3_650),
        ("bounds.share_within_s", bounds.share_within_s, 1, 30 * DAY_S),
    ];
    for (name, value, least, most) in parts {
        faults.require(
            (least..=most).contains(&value),
            || name.to_string(),
            || format!("{value} is out of range; use {least} to {most}"),
        );
    }
    names("turn_caps", document.turn_caps.iter().collect::<Vec<_>>().into_iter(), faults);
    names("interruptible", document.interruptible.iter().collect::<Vec<_>>().into_iter(), faults);
    names("speeds", document.speeds.keys(), faults);
    for (channel, speeds) in &document.speeds {
        let falling = speeds.windows(2).all(|pair| pair[1] <= pair[0]);
        faults.require(
            !speeds.is_empty() && speeds.len() <= 64 && falling && speeds.iter().all(|it| *it <= 1_000),
            || format!("speeds.{channel}"),
            || "use 1 to 64 speeds of 0 to 1000, none above the one before it".to_string(),
        );
    }
    faults.require(
        bounds.passed_over_s <= 30 * DAY_S,
        || "bounds.passed_over_s".to_string(),
        || format!("{} is more than 30 days; use 0 to {}", bounds.passed_over_s, 30 * DAY_S),
    );
    calendars
}

/// The intent whose examples fit nothing; see the understanding crate.
const OUT_OF_SCOPE: &str = "oos";
/// More examples in all are refused: the document travels in one event.
const MOST_EXAMPLES: usize = 10_000;
const MOST_INTENTS: usize = 200;
/// Longer examples are refused, in bytes.
const LONGEST_EXAMPLE: usize = 500;

fn check_understanding(document: &UnderstandingDoc, faults: &mut Faults) {
    let path = || "understanding.intents".to_string();
    names("understanding.intents", document.intents.keys(), faults);
    let intents = document.intents.keys().filter(|name| *name != OUT_OF_SCOPE).count();
    let examples: usize = document.intents.values().map(Vec::len).sum();
    faults.require(document.intents.is_empty() || (2..=MOST_INTENTS).contains(&intents), path, || {
        format!("{intents} intents are out of range; name 2 to {MOST_INTENTS}, or none")
    });
    faults.require(examples <= MOST_EXAMPLES, path, || {
        format!("{examples} examples are too many; give {MOST_EXAMPLES} at most")
    });
    for (name, texts) in &document.intents {
        let distinct: BTreeSet<&String> = texts.iter().collect();
        faults.require(
            name == OUT_OF_SCOPE || distinct.len() >= 2,
            || format!("understanding.intents.{name}"),
            || "has fewer than two different examples; give two or more".to_string(),
        );
        faults.require(
            texts.iter().all(|text| text.len() <= LONGEST_EXAMPLE),
            || format!("understanding.intents.{name}"),
            || format!("has an example of more than {LONGEST_EXAMPLE} bytes; give what one message says"),
        );
    }
    let is_code =
        |code: &String| (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
    for (at, code) in document.languages.iter().enumerate().filter(|(_, code)| !is_code(code)) {
        faults.add(
            format!("understanding.languages[{at}]"),
            format!("{code:?} is no language code; write it like \"de\""),
        );
    }
}

fn check_intake(document: &Document, faults: &mut Faults) {
    faults.require(
        document.intake.len() <= MOST,
        || "intake".to_string(),
        || format!("{} rules are too many; {MOST} at most", document.intake.len()),
    );
    let mut always = None;
    for (index, rule) in document.intake.iter().enumerate() {
        let path = format!("intake[{index}]");
        if let Some(earlier) = always {
            faults.add(
                &*path,
                format!("never reached: intake[{earlier}] takes everything; put this one before it"),
            );
        }
        if rule.when.is_always() {
            always = always.or(Some(index));
        }
        check_rule(&path, rule, document, faults);
    }
}

fn check_needs(path: &str, needs: &BTreeMap<String, u8>, document: &Document, faults: &mut Faults) {
    for (skill, &least) in needs {
        if !document.skills.contains_key(skill) {
            let near = nearest(skill, document.skills.keys().map(String::as_str));
            faults.add(
                format!("{path}.needs.{skill}"),
                format!("there is no skill `{skill}`; describe it under `skills`{near}"),
            );
        }
        faults.require(
            (1..=100).contains(&least),
            || format!("{path}.needs.{skill}"),
            || format!("proficiency {least} is out of range; use 1 to 100"),
        );
    }
}

/// Alternatives and skills that are not to be had.
fn check_more_needs(
    path: &str,
    any_of: &[BTreeMap<String, u8>],
    none_of: &[String],
    document: &Document,
    faults: &mut Faults,
) {
    faults.require(
        any_of.len() <= MOST_STEPS,
        || format!("{path}.any_of"),
        || format!("{} sets of alternatives are too many; {MOST_STEPS} at most", any_of.len()),
    );
    for (index, skills) in any_of.iter().enumerate() {
        let path = format!("{path}.any_of[{index}]");
        check_needs(&path, skills, document, faults);
        faults.require(
            !skills.is_empty(),
            || path.clone(),
            || "has no skill, so nobody could have one of them; name some, or leave it out".to_string(),
        );
    }
    for skill in none_of {
        let near = nearest(skill, document.skills.keys().map(String::as_str));
        faults.require(
            document.skills.contains_key(skill),
            || format!("{path}.none_of"),
            || format!("there is no skill `{skill}`; describe it under `skills`{near}"),
        );
    }
}

fn check_rule(path: &str, rule: &IntakeDoc, document: &Document, faults: &mut Faults) {
    check_more_needs(path, &rule.any_of, &rule.none_of, document, faults);
    faults.require(
        rule.prefer.len() <= Preferred::MOST,
        || format!("{path}.prefer"),
        || format!("{} agents are too many; {} at most", rule.prefer.len(), Preferred::MOST),
    );
    for (name, seconds) in [("head_start_s", rule.head_start_s), ("prefer_s", rule.prefer_s)] {
        faults.require(
            seconds <= 30 * DAY_S,
            || format!("{path}.{name}"),
            || format!("{seconds} is more than 30 days; use 0 to {}", 30 * DAY_S),
        );
    }
    let known = if document.queues.is_empty() {
        rule.queue == super::DEFAULT_QUEUE
    } else {
        document.queues.contains_key(&rule.queue)
    };
    if !known {
        let queues = document.queues.keys().map(String::as_str);
        let near =
            nearest(&rule.queue, queues.chain(document.queues.is_empty().then_some(super::DEFAULT_QUEUE)));
        faults.add(format!("{path}.queue"), format!("there is no queue `{}`{near}", rule.queue));
    }
    check_needs(path, &rule.needs, document, faults);
    if let Some(priority) = rule.priority {
        check_priority(path, priority, faults);
    }
    let conditions = [
        ("channel", &rule.when.channel),
        ("language", &rule.when.language),
        ("topic", &rule.when.topic),
        ("if", &rule.when.condition),
    ];
    for (name, condition) in conditions {
        faults.require(
            condition.as_ref().is_none_or(|text| !text.is_empty()),
            || format!("{path}.when.{name}"),
            || "is empty and would never hold; leave it out to let any match".to_string(),
        );
    }
}

fn check_queue(path: &str, queue: &QueueDoc, document: &Document, faults: &mut Faults) {
    check_needs(path, &queue.needs, document, faults);
    if let Some(hours) = &queue.hours
        && !document.hours.contains_key(hours)
    {
        let near = nearest(hours, document.hours.keys().map(String::as_str));
        faults.add(format!("{path}.hours"), format!("there are no hours `{hours}`{near}"));
    }
    check_priority(path, queue.priority, faults);
    check_more_needs(path, &queue.any_of, &queue.none_of, document, faults);
    check_steps(path, &queue.steps, document, faults);
    let limits = [
        ("target_s", u64::from(queue.target_s), 1, u64::from(30 * DAY_S)),
        ("offer_s", u64::from(queue.offer_s), 0, 3_600),
        ("max_waiting", u64::from(queue.max_waiting), 1, 10_000_000),
        ("idle_close_s", queue.idle_close_s, 0, YEAR_S),
        ("weight", u64::from(queue.weight.unwrap_or(1_000)), 1, 1_000_000),
        ("work_s", u64::from(queue.work_s), 1, u64::from(DAY_S)),
        ("offers", u64::from(queue.offers), 1, 50),
        ("wrap_up_s", u64::from(queue.wrap_up_s), 0, u64::from(DAY_S)),
        ("reassign_s", u64::from(queue.reassign_s), 0, YEAR_S),
        ("long_wait_s", u64::from(queue.long_wait_s), 0, u64::from(DAY_S)),
    ];
    for (name, value, least, most) in limits {
        faults.require(
            (least..=most).contains(&value),
            || format!("{path}.{name}"),
            || format!("{value} is out of range; use {least} to {most}"),
        );
    }
}

fn check_steps(path: &str, steps: &[StepDoc], document: &Document, faults: &mut Faults) {
    faults.require(
        steps.len() <= MOST_STEPS,
        || format!("{path}.steps"),
        || format!("{} steps are too many; {MOST_STEPS} at most", steps.len()),
    );
    for (index, step) in steps.iter().enumerate() {
        let path = format!("{path}.steps[{index}]");
        check_needs(&path, &step.needs, document, faults);
        check_more_needs(&path, &step.any_of, &step.none_of, document, faults);
        for skill in &step.drop {
            let near = nearest(skill, document.skills.keys().map(String::as_str));
            faults.require(
                document.skills.contains_key(skill),
                || format!("{path}.drop"),
                || format!("there is no skill `{skill}`; describe it under `skills`{near}"),
            );
        }
        if let Some(queue) = &step.queue
            && !document.queues.contains_key(queue)
        {
            let near = nearest(queue, document.queues.keys().map(String::as_str));
            faults.add(format!("{path}.queue"), format!("there is no queue `{queue}`{near}"));
        }
        if let Some(priority) = step.priority {
            check_priority(&path, priority, faults);
        }
        faults.require(
            step.condition.as_ref().is_none_or(|text| !text.is_empty()),
            || format!("{path}.if"),
            || "is empty and would never hold; leave it out to take the step always".to_string(),
        );
        let before = index.checked_sub(1).map_or(0, |before| steps[before].after_s);
        faults.require(
            step.after_s >= before && step.after_s <= 30 * DAY_S,
            || format!("{path}.after_s"),
            || format!("{} lies before the step above; use {before} to {}", step.after_s, 30 * DAY_S),
        );
        faults.require(
            step.after_s > 0 || step.when_nobody,
            || format!("{path}.after_s"),
            || "is not given: say at which age, or `when_nobody = true`".to_string(),
        );
    }
}

fn check_priority(path: &str, priority: u8, faults: &mut Faults) {
    faults.require(
        priority <= 9,
        || format!("{path}.priority"),
        || format!("priority {priority} is out of range; use 0 to 9, 9 goes first"),
    );
}

fn names<'a>(path: &str, names: impl ExactSizeIterator<Item = &'a String>, faults: &mut Faults) {
    faults.require(
        names.len() <= MOST,
        || path.to_string(),
        || format!("{} names are too many; {MOST} at most", names.len()),
    );
    for name in names {
        let fine = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.trim() == name
            && !name.chars().any(char::is_control);
        faults.require(
            fine,
            || format!("{path}.{}", name.escape_debug()),
            || format!("not a name; use 1 to {LONGEST_NAME} bytes without line breaks or spaces around them"),
        );
    }
}
