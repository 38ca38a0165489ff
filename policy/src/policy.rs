//! A policy in force: a document that was checked, with its calendars ready. It never changes; a new document makes a
//! new one.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::document::check::{Faults, check};
use crate::document::conditions::mark;
use crate::document::{DEFAULT_QUEUE, Document, Fault, Order, QueueDoc, StepDoc, Weights};
use crate::hours::Hours;
use crate::matching::{Needs, QueueTerms, Settings, covers};
use crate::time::{Span, Timestamp};

/// A workspace's policy in force.
#[derive(Debug, Clone)]
pub struct Policy {
    document: Document,
    hours: BTreeMap<String, Hours>,
    queues: BTreeMap<String, Queue>,
    /// Where a conversation goes that no intake rule takes.
    fallback: String,
}

/// One queue in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The service target: a first answer within this time.
    pub target: Span,
    /// How long an agent may think about an offer; zero assigns at once.
    pub offer: Span,
    /// Whether the agent who knows the customer is preferred.
    pub same_agent: bool,
    /// Past this a conversation goes before every younger one.
    pub passed_over: Span,
    /// Closes a conversation in which nobody wrote for so long.
    pub idle_close: Option<Span>,
    /// How many may wait.
    pub max_waiting: u32,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// Whether the language, when it is known, is a need.
    pub language: bool,
    /// Whether topics that are skills become needs.
    pub topics: bool,
    /// What every conversation in it needs: skill to least proficiency.
    pub needs: BTreeMap<String, u8>,
    /// Alternatives, one skill of each.
    pub any_of: Vec<BTreeMap<String, u8>>,
    /// Skills that the agent must not have.
    pub none_of: Vec<String>,
    /// To how many agents it is offered at once.
    pub offers: u32,
    /// How long an agent keeps the room of a conversation after closing it.
    pub wrap_up: Span,
    /// A customer who has waited for a word so long while the agent is away goes back in line.
    pub reassign: Option<Span>,
    /// The name of its opening hours; none is always open.
    pub hours: Option<String>,
    /// A wait that is likely longer is a long one: the customer may go away and keeps the place.
    pub long_wait: Option<Span>,
    /// What changes while nobody takes a conversation.
    pub steps: Vec<Step>,
}

/// A step in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// At this age of the conversation; none only when nobody could take it.
    pub after: Option<Span>,
    /// Also as soon as nobody who is online could take it.
    pub when_nobody: bool,
    /// The mark of its condition, if it has one.
    condition: Option<u64>,
    change: StepDoc,
}

/// What is known of a conversation when it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The channel it is on.
    pub channel: &'a str,
    /// Its language, if known.
    pub language: Option<&'a str>,
    /// What it is about.
    pub topics: &'a [String],
    /// The conditions that hold, by their numbers.
    pub holds: &'a [u16],
}

/// Where a conversation goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// What it needs, its queue first.
    pub needs: Needs,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// It counts as having waited for so long.
    pub head_start: Span,
    /// Who is asked before all others, by name or id, and for how long; always for zero.
    pub prefer: (Vec<String>, Span),
}

/// The default bound for being passed over is this many service targets, or half an hour if that is more.
const BOUND_TARGETS: i64 = 4;
const LEAST_BOUND: Span = Span::seconds(30 * 60);
/// The proficiency that a topic asks for.
const TOPIC_PROFICIENCY: u8 = 1;

impl Default for Policy {
    /// The policy of an empty document: one queue that everybody serves.
    fn default() -> Self {
        Self::of(&Document::default(), BTreeMap::new())
    }
}

impl Policy {
    /// Checks a document and makes a policy of it.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place and what would be right.
    pub fn compile(document: &Document) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let hours = check(document, &mut faults);
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Self::of(document, hours))
    }

    fn of(document: &Document, hours: BTreeMap<String, Hours>) -> Self {
        let bound = document.bounds.passed_over_s;
        let mut queues: BTreeMap<String, Queue> =
            document.queues.iter().map(|(name, queue)| (name.clone(), Queue::new(queue, bound))).collect();
        if queues.is_empty() {
            queues.insert(DEFAULT_QUEUE.into(), Queue::new(&QueueDoc::default(), bound));
        }
        let first = queues.keys().next().map_or(DEFAULT_QUEUE, String::as_str);
        let fallback = if queues.contains_key(DEFAULT_QUEUE) { DEFAULT_QUEUE } else { first }.into();
        Self { document: document.clone(), hours, queues, fallback }
    }

    /// The document as it was written.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// A queue by name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// All queues by name.
    pub fn queues(&self) -> impl Iterator<Item = (&str, &Queue)> {
        self.queues.iter().map(|(name, queue)| (name.as_str(), queue))
    }

    /// What matching is told.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let terms = |(name, queue): (&String, &Queue)| {
            let written = self.document.queues.get(name).cloned().unwrap_or_default();
            let terms = QueueTerms {
                weight: written.weight,
                target: queue.target,
                work: Span::seconds(written.work_s.max(1).into()),
                offer: queue.offer,
                newest_first: written.order == Order::NewestFirst,
            };
            (Box::from(name.as_str()), terms)
        };
        Settings {
            rule: self.document.rule,
            weights: self.document.weights,
            costs: self.document.costs,
            speeds: self
                .document
                .speeds
                .iter()
                .map(|(channel, speeds)| (Box::from(channel.as_str()), speeds.clone()))
                .collect(),
            interruptible: self.document.interruptible.iter().map(|name| name.as_str().into()).collect(),
            queues: self.queues.iter().map(terms).collect(),
            share: (self.document.bounds.share > 0).then(|| {
                let within = Span::seconds(self.document.bounds.share_within_s.max(1).into());
                (self.document.bounds.share, within)
            }),
        }
    }

    /// The weights of the score.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.document.weights
    }

    /// What a conversation on this channel costs of an agent's capacity.
    #[must_use]
    pub fn effort(&self, channel: &str) -> u32 {
        self.document.efforts.get(channel).copied().unwrap_or(1)
    }

    /// The channels that the document names, and web chat, which is always there.
    #[must_use]
    pub fn channels(&self) -> BTreeSet<&str> {
        let Document { efforts, speeds, intake, .. } = &self.document;
        let named = efforts
            .keys()
            .chain(speeds.keys())
            .chain(intake.iter().filter_map(|it| it.when.channel.as_ref()));
        named.map(String::as_str).chain(["web_chat"]).collect()
    }

    /// Whether a queue is open; one without hours always is, one that is not there never is.
    #[must_use]
    pub fn is_open(&self, queue: &str, at: Timestamp) -> bool {
        self.queues.contains_key(queue) && self.hours_of(queue).is_none_or(|hours| hours.is_open(at))
    }

    /// The next moment after `at` when a queue opens; none if it never does within 400 days, or never closes.
    #[must_use]
    pub fn next_opening(&self, queue: &str, at: Timestamp) -> Option<Timestamp> {
        self.hours_of(queue)?.next_opening(at)
    }

    /// The next moment after `at` when a queue closes; none if it never does within 400 days.
    #[must_use]
    pub fn next_closing(&self, queue: &str, at: Timestamp) -> Option<Timestamp> {
        self.hours_of(queue)?.next_closing(at)
    }

    /// The number of the intake rule that takes a conversation.
    #[must_use]
    pub fn intake_rule(&self, arrival: &Arrival<'_>) -> Option<usize> {
        self.document.intake.iter().zip(0u16..).position(|(rule, index)| {
            let when = &rule.when;
            (when.condition.is_none() || arrival.holds.contains(&index))
                && when.channel.as_deref().is_none_or(|channel| channel == arrival.channel)
                && when
                    .language
                    .as_deref()
                    .is_none_or(|known| arrival.language.is_some_and(|tag| covers(known, tag)))
                && when.topic.as_ref().is_none_or(|topic| arrival.topics.contains(topic))
        })
    }

    /// Where a conversation goes, and what it needs.
    #[must_use]
    pub fn route(&self, arrival: &Arrival<'_>) -> Routing {
        let rule = self.intake_rule(arrival).and_then(|rule| self.document.intake.get(rule));
        let queue = rule.map_or(self.fallback.as_str(), |rule| rule.queue.as_str());
        let mut skills: BTreeMap<&str, u8> = BTreeMap::new();
        let (mut priority, mut language) = (QueueDoc::default().priority, None);
        let (mut any_of, mut none_of) = (Vec::new(), Vec::new());
        if let Some(queue) = self.queues.get(queue) {
            priority = queue.priority;
            if queue.topics {
                let known = arrival.topics.iter().filter(|topic| self.document.skills.contains_key(*topic));
                skills.extend(known.map(|topic| (topic.as_str(), TOPIC_PROFICIENCY)));
            }
            skills.extend(queue.needs.iter().map(|(skill, least)| (skill.as_str(), *least)));
            language = arrival.language.filter(|tag| queue.language && !tag.is_empty());
            any_of.extend(alternatives(&queue.any_of));
            none_of.extend(queue.none_of.iter().map(|skill| Box::from(skill.as_str())));
        }
        let (mut head_start, mut prefer) = (Span(0), (Vec::new(), Span(0)));
        if let Some(rule) = rule {
            any_of.extend(alternatives(&rule.any_of));
            none_of.extend(rule.none_of.iter().map(|skill| Box::from(skill.as_str())));
            head_start = Span::seconds(rule.head_start_s.into());
            prefer = (rule.prefer.clone(), Span::seconds(rule.prefer_s.into()));
            skills.extend(rule.needs.iter().map(|(skill, least)| (skill.as_str(), *least)));
            priority = rule.priority.unwrap_or(priority);
        }
        let needs = Needs {
            queue: queue.into(),
            channel: arrival.channel.into(),
            effort: self.effort(arrival.channel),
            language: language.map(|tag| tag.to_ascii_lowercase().into_boxed_str()),
            skills: skills.into_iter().map(|(skill, least)| (Box::from(skill), least)).collect(),
            any_of,
            none_of,
        };
        Routing { needs, priority, head_start, prefer }
    }

    /// What a conversation keeps of the conditions that held when it came: those of steps, whichever queue it comes to.
    #[must_use]
    pub fn marks(&self, holds: &[u16]) -> Vec<u64> {
        self.document.marks(holds)
    }

    /// What a conversation needs after a step of its queue. A step that leads to a queue that is no longer there changes
    /// nothing.
    #[must_use]
    pub fn after_step(&self, needs: &Needs, priority: u8, step: &Step) -> Routing {
        let change = &step.change;
        let to = change.queue.as_deref().and_then(|queue| self.reroute(needs, queue));
        let Routing { needs, priority, .. } = to.unwrap_or_else(|| Routing::plain(needs.clone(), priority));
        let dropped = |skill: &str| change.drop.iter().any(|drop| drop == skill);
        let mut skills: BTreeMap<Box<str>, u8> = needs.skills.into_iter().collect();
        skills.retain(|skill, _| !dropped(skill));
        skills.extend(change.needs.iter().map(|(skill, least)| (Box::from(skill.as_str()), *least)));
        let needs = Needs {
            language: needs.language.filter(|_| !change.any_language),
            skills: skills.into_iter().collect(),
            any_of: if change.any_of.is_empty() {
                needs.any_of.into_iter().filter(|skills| !skills.iter().any(|(it, _)| dropped(it))).collect()
            } else {
                alternatives(&change.any_of).collect()
            },
            none_of: {
                let before = needs.none_of.into_iter().filter(|skill| !dropped(skill));
                let more = change.none_of.iter().map(|skill| Box::from(skill.as_str()));
                let all: BTreeSet<Box<str>> = before.chain(more).collect();
                all.into_iter().collect()
            },
            ..needs
        };
        Routing::plain(needs, change.priority.unwrap_or(priority))
    }

    /// Where a conversation goes when it is handed over to another queue: its language and its topics stay needs as far
    /// as that queue wants them, what the old intake rule asked for does not. None if there is no such queue.
    #[must_use]
    pub fn reroute(&self, needs: &Needs, queue: &str) -> Option<Routing> {
        let to = self.queues.get(queue)?;
        let topic = |(skill, least): &&(Box<str>, u8)| {
            to.topics && *least == TOPIC_PROFICIENCY && self.document.skills.contains_key(&**skill)
        };
        let mut skills: BTreeMap<&str, u8> =
            needs.skills.iter().filter(topic).map(|(skill, least)| (&**skill, *least)).collect();
        skills.extend(to.needs.iter().map(|(skill, least)| (skill.as_str(), *least)));
        let needs = Needs {
            queue: queue.into(),
            channel: needs.channel.clone(),
            effort: self.effort(&needs.channel),
            language: needs.language.clone().filter(|_| to.language),
            skills: skills.into_iter().map(|(skill, least)| (Box::from(skill), least)).collect(),
            any_of: alternatives(&to.any_of).collect(),
            none_of: to.none_of.iter().map(|skill| Box::from(skill.as_str())).collect(),
        };
        Some(Routing::plain(needs, to.priority))
    }

    fn hours_of(&self, queue: &str) -> Option<&Hours> {
        self.hours.get(self.queues.get(queue)?.hours.as_ref()?)
    }
}

impl Step {
    /// Whether it is for a conversation that came with these marks; one without a condition is for all.
    #[must_use]
    pub fn is_for(&self, marks: &[u64]) -> bool {
        self.condition.is_none_or(|condition| marks.contains(&condition))
    }
}

impl Routing {
    /// Without a head start and without preferred agents.
    fn plain(needs: Needs, priority: u8) -> Self {
        Self { needs, priority, head_start: Span(0), prefer: (Vec::new(), Span(0)) }
    }
}

/// Alternatives as matching takes them.
fn alternatives(written: &[BTreeMap<String, u8>]) -> impl Iterator<Item = Vec<(Box<str>, u8)>> {
    let one = |skills: &BTreeMap<String, u8>| {
        skills.iter().map(|(skill, least)| (Box::from(skill.as_str()), *least)).collect()
    };
    written.iter().map(one)
}

impl Queue {
    fn new(queue: &QueueDoc, passed_over_s: u32) -> Self {
        let target = Span::seconds(i64::from(queue.target_s));
        let passed_over = match passed_over_s {
            0 => LEAST_BOUND.max(Span(target.0.saturating_mul(BOUND_TARGETS))),
            stated => Span::seconds(i64::from(stated)),
        };
        let idle_close = i64::try_from(queue.idle_close_s).ok().filter(|seconds| *seconds > 0);
        Self {
            target,
            offer: Span::seconds(i64::from(queue.offer_s)),
            same_agent: queue.same_agent,
            passed_over,
            idle_close: idle_close.map(Span::seconds),
            max_waiting: queue.max_waiting,
            priority: queue.priority,
            language: queue.language,
            topics: queue.topics,
            needs: queue.needs.clone(),
            any_of: queue.any_of.clone(),
            none_of: queue.none_of.clone(),
            offers: queue.offers,
            wrap_up: Span::seconds(queue.wrap_up_s.into()),
            reassign: (queue.reassign_s > 0).then(|| Span::seconds(queue.reassign_s.into())),
            hours: queue.hours.clone(),
            long_wait: (queue.long_wait_s > 0).then(|| Span::seconds(i64::from(queue.long_wait_s))),
            steps: queue
                .steps
                .iter()
                .map(|step| Step {
                    after: (step.after_s > 0).then(|| Span::seconds(i64::from(step.after_s))),
                    when_nobody: step.when_nobody,
                    condition: step.condition.as_deref().map(mark),
                    change: step.clone(),
                })
                .collect(),
        }
    }
}
