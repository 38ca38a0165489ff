//! `policy check`, `test`, `explain` and `diff`: what a document says, before it goes live, and what a running server says of
//! it. Nothing is changed by any of them.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use policy::document::{GivenDoc, TestDoc};
use policy::{Arrival, Document, Needs, Policy, Routing};
use policy_cel::{Customer, Facts};
use protocol::PolicyRemarks;
use serde_json::Value;

use super::say;
use crate::cli;
use crate::client::Remote;
use crate::conditions::Conditions;

/// A policy's faults.
#[derive(Debug)]
pub(super) struct PolicyFaults(Vec<String>);

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for PolicyFaults {}

/// Reads and checks a policy document.
pub(super) fn read_policy(path: &Path) -> anyhow::Result<Document> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    let document: Document = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].rsplit('\n').next().map_or(0, |it| it.chars().count()) + 1;
        PolicyFaults(vec![format!("{}:{line}:{column}: {}", path.display(), error.message())])
    })?;
    if let Err(faults) = crate::conditions::check(&document) {
        let lines = faults
            .iter()
            .map(|fault| format!("{}: {}: {}", path.display(), fault.path, fault.detail))
            .collect();
        return Err(PolicyFaults(lines).into());
    }
    Ok(document)
}

/// `switchboard policy`
pub(super) async fn run(verb: &cli::Policy) -> anyhow::Result<()> {
    match verb {
        cli::Policy::Check { file, server } => {
            check(file)?;
            match &server.url {
                Some(url) => check_there(file, url, server).await,
                None => Ok(()),
            }
        }
        cli::Policy::Test { file } => test(file),
        cli::Policy::Explain { file, channel, language, topics, known, verified, hour, weekday } => {
            let given = GivenDoc {
                channel: Some(channel.clone()),
                language: language.clone(),
                topics: topics.clone(),
                known: *known,
                verified: *verified,
                hour: *hour,
                weekday: Some(weekday.clone()),
                size: 0,
            };
            explain(file, &given)
        }
        cli::Policy::Diff { old, new } => diff(old, new),
    }
}

fn check(file: &Path) -> anyhow::Result<()> {
    let document = read_policy(file)?;
    say(&format!(
        "{} is good: {} queues, {} skills, {} intake rules",
        file.display(),
        document.queues.len(),
        document.skills.len(),
        document.intake.len()
    ))
}

/// What a running server says of a document with its agents in mind.
async fn check_there(file: &Path, url: &str, server: &cli::Asked) -> anyhow::Result<()> {
    let remote = Remote::at(url, server.ca.as_deref())?;
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let PolicyRemarks { remarks } =
        remote.post_text("/api/v1/policy/check", server.token.as_deref(), text).await?;
    for it in &remarks {
        let mark = if it.grave { " (holds publishing back)" } else { "" };
        say(&format!("{}: {}: {}{mark}", file.display(), it.path, it.detail))?;
    }
    let grave = remarks.iter().filter(|it| it.grave).count();
    anyhow::ensure!(
        grave == 0,
        "{grave} of {} remarks hold publishing back: somebody would never be served",
        remarks.len()
    );
    match remarks.len() {
        0 => say("the agents there can give all that it asks for"),
        _ => Ok(()),
    }
}

/// A document ready to be asked.
struct Ready {
    document: Document,
    policy: Policy,
    conditions: Conditions,
}

impl Ready {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let document = read_policy(file)?;
        let faults = |faults: Vec<policy::Fault>| {
            PolicyFaults(faults.iter().map(|fault| format!("{}: {fault}", file.display())).collect())
        };
        let policy = Policy::compile(&document).map_err(faults)?;
        let conditions = Conditions::compile(&document).map_err(faults)?;
        Ok(Self { document, policy, conditions })
    }

    /// Where a conversation goes, which intake rule sent it there, and the marks by which its steps know it.
    fn route(&self, given: &GivenDoc) -> (Routing, Option<usize>, Vec<u64>) {
        let channel = given.channel.as_deref().unwrap_or(connectors::web_chat::CHANNEL);
        let facts = Facts {
            channel,
            language: given.language.as_deref().unwrap_or_default(),
            topics: &given.topics,
            customer: Customer {
                verified: given.verified,
                known: given.known,
                named: false,
                contacts: i64::from(given.known),
            },
            message_size: i64::from(given.size),
            hour: i64::from(given.hour),
            weekday: given.weekday.as_deref().unwrap_or("mon"),
            ..Facts::default()
        };
        let (holds, _) = self.conditions.holding(&facts);
        let language = given.language.as_deref();
        let arrival = Arrival { channel, language, topics: &given.topics, holds: &holds };
        (self.policy.route(&arrival), self.policy.intake_rule(&arrival), self.policy.marks(&holds))
    }
}

fn test(file: &Path) -> anyhow::Result<()> {
    let ready = Ready::read(file)?;
    let failed: Vec<String> = ready.document.tests.iter().filter_map(|test| wrong(&ready, test)).collect();
    let count = ready.document.tests.len();
    if !failed.is_empty() {
        return Err(PolicyFaults(failed).into());
    }
    match count {
        0 => say(&format!("{} has no tests: write some under [[tests]]", file.display())),
        _ => say(&format!("{}: {count} tests passed", file.display())),
    }
}

/// What went otherwise than the test expects.
fn wrong(ready: &Ready, test: &TestDoc) -> Option<String> {
    let (Routing { needs, priority, .. }, rule, _) = ready.route(&test.given);
    let expect = &test.expect;
    let mut otherwise = Vec::new();
    if let Some(queue) = &expect.queue
        && **queue != *needs.queue
    {
        otherwise.push(format!("queue is `{}`, not `{queue}`", needs.queue));
    }
    if let Some(expected) = expect.priority
        && expected != priority
    {
        otherwise.push(format!("priority is {priority}, not {expected}"));
    }
    if let Some(expected) = &expect.needs {
        let have = needs.skills.iter().map(|(skill, least)| (skill.to_string(), *least)).collect();
        if *expected != have {
            otherwise.push(format!("needs are {}, not {}", skills(&have), skills(expected)));
        }
    }
    if let Some(expected) = &expect.language
        && expected != needs.language.as_deref().unwrap_or_default()
    {
        let have = needs.language.as_deref().unwrap_or("none");
        otherwise.push(format!("language is `{have}`, not `{expected}`"));
    }
    let by = rule.map_or("no intake rule".to_owned(), |rule| format!("intake[{rule}]"));
    (!otherwise.is_empty()).then(|| format!("`{}` failed: {} (by {by})", test.name, otherwise.join("; ")))
}

fn skills(needs: &std::collections::BTreeMap<String, u8>) -> String {
    if needs.is_empty() {
        return "none".to_owned();
    }
    let each: Vec<String> = needs.iter().map(|(skill, least)| format!("{skill} {least}")).collect();
    each.join(", ")
}

/// All that a conversation needs of an agent, in words.
fn wanted(needs: &Needs) -> String {
    let of = |(skill, least): &(Box<str>, u8)| format!("{skill} {least}");
    let all = needs.skills.iter().map(of);
    let any = needs.any_of.iter().map(|skills| skills.iter().map(of).collect::<Vec<_>>().join(" or "));
    let none = needs.none_of.iter().map(|skill| format!("no {skill}"));
    let parts: Vec<String> = all.chain(any).chain(none).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn explain(file: &Path, given: &GivenDoc) -> anyhow::Result<()> {
    let ready = Ready::read(file)?;
    let (Routing { needs, priority, head_start, prefer }, rule, marks) = ready.route(given);
    let mut lines = vec![match rule {
        Some(rule) => format!("intake[{rule}] takes it"),
        None => "no intake rule takes it: it goes to the queue for the rest".to_owned(),
    }];
    lines.push(format!(
        "queue {}, priority {priority}; needs {}; language {}; effort {}",
        needs.queue,
        wanted(&needs),
        needs.language.as_deref().unwrap_or("any"),
        needs.effort,
    ));
    if let Some(queue) = ready.policy.queue(&needs.queue) {
        lines.push(format!(
            "a first answer within {} s; offers stand for {} s; hours {}; nobody is passed over for more than {} s",
            queue.target.0 / 1_000,
            queue.offer.0 / 1_000,
            queue.hours.as_deref().unwrap_or("always"),
            queue.passed_over.0 / 1_000,
        ));
        for step in queue.steps.iter().filter(|step| step.is_for(&marks)) {
            let then = ready.policy.after_step(&needs, priority, step);
            let when = step.after.map_or("never by age".to_owned(), |age| format!("at {} s", age.0 / 1_000));
            let early = if step.when_nobody { ", or when nobody could take it" } else { "" };
            lines.push(format!(
                "{when}{early}: queue {}, priority {}; needs {}",
                then.needs.queue,
                then.priority,
                wanted(&then.needs)
            ));
        }
    }
    if head_start.0 > 0 {
        lines.push(format!("it counts as having waited for {} s already", head_start.0 / 1_000));
    }
    if !prefer.0.is_empty() {
        let time = if prefer.1.0 > 0 { format!("for {} s", prefer.1.0 / 1_000) } else { "first".to_owned() };
        lines.push(format!("asked {time}, while one of them is online: {}", prefer.0.join(", ")));
    }
    lines.push(format!("agents are found by the rule {}", ready.document.rule.name()));
    say(&lines.join("\n"))
}

fn diff(old: &Path, new: &Path) -> anyhow::Result<()> {
    let [before, after] = [read_policy(old)?, read_policy(new)?].map(serde_json::to_value);
    let mut lines = Vec::new();
    compare("", &before?, &after?, &mut lines);
    if lines.is_empty() {
        lines.push("the two say the same".to_owned());
    }
    say(&lines.join("\n"))
}

/// A line for each value that is new, gone, or another one.
fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, before) in old {
                match new.get(key) {
                    Some(after) => compare(&inside(key), before, after, lines),
                    None => lines.push(format!("- {}: {before}", inside(key))),
                }
            }
            for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                lines.push(format!("+ {}: {after}", inside(key)));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (index, (before, after)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), before, after, lines);
            }
            let common = old.len().min(new.len());
            for (index, gone) in old.iter().enumerate().skip(common) {
                lines.push(format!("- {path}[{index}]: {gone}"));
            }
            for (index, added) in new.iter().enumerate().skip(common) {
                lines.push(format!("+ {path}[{index}]: {added}"));
            }
        }
        (old, new) if old == new => {}
        (old, new) => lines.push(format!("  {path}: {old} -> {new}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"
[skills]
refunds = "Money back"
[queues.support]
[queues.billing]
needs = { refunds = 40 }
[[intake]]
when = { if = "customer.known && hour < 12", topic = "refunds" }
queue = "billing"
priority = 6
[[tests]]
name = "a known customer in the morning"
given = { topics = ["refunds"], known = true, hour = 9 }
expect = { queue = "billing", priority = 6, needs = { refunds = 40 } }
[[tests]]
name = "a stranger"
given = { topics = ["refunds"] }
expect = { queue = "support" }
"#;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn tests_of_a_document_pass_and_fail_with_the_rule_that_decided() {
        assert!(test(file(DOCUMENT).path()).is_ok());
        let turned = DOCUMENT.replace("expect = { queue = \"support\" }", "expect = { queue = \"billing\" }");
        let error = test(file(&turned).path()).unwrap_err().to_string();
        assert_eq!(error, "`a stranger` failed: queue is `support`, not `billing` (by no intake rule)");
    }

    #[test]
    fn a_difference_is_told_by_its_place() {
        let [old, new] = [DOCUMENT.to_owned(), DOCUMENT.replace("priority = 6", "priority = 7")]
            .map(|text| serde_json::to_value(toml::from_str::<Document>(&text).unwrap()).unwrap());
        let mut lines = Vec::new();
        compare("", &old, &new, &mut lines);
        assert_eq!(lines, ["  intake[0].priority: 6 -> 7", "  tests[0].expect.priority: 6 -> 7"]);
        let mut same = Vec::new();
        compare("", &old, &old, &mut same);
        assert!(same.is_empty());
    }
}
