//! The policy document of a workspace: what its supervisors write. Every part has a default, so that an empty document
//! is a valid one. It is read from TOML and stands in an event, so it must survive both forms. Checking it and making
//! a [`Policy`](crate::Policy) of it is `policy.rs`, the checks are in `document/check.rs`.

pub(crate) mod check;
pub(crate) mod conditions;

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use check::Fault;
pub use conditions::Written;

/// The queue of a document that names none.
pub(crate) const DEFAULT_QUEUE: &str = "support";

/// A policy document as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Document {
    /// Skill to description.
    pub skills: BTreeMap<String, String>,
    /// Channel to the points that one conversation on it costs of an agent's capacity; 1 where it is not named.
    pub efforts: BTreeMap<String, u32>,
    /// Opening hours by name.
    pub hours: BTreeMap<String, HoursDoc>,
    /// Where a conversation goes: the first rule that matches wins. Where none does, it goes to the queue `support`,
    /// else to the first one by name.
    pub intake: Vec<IntakeDoc>,
    /// Queues by name; none at all means one queue `support` with every default.
    pub queues: BTreeMap<String, QueueDoc>,
    /// What a point of the score is made of.
    pub weights: Weights,
    /// What no weight may overrule.
    pub bounds: BoundsDoc,
    /// How agents and conversations find each other.
    pub rule: Rule,
    /// What the costs of the rule `least_customer_time` are made of.
    pub costs: CostsDoc,
    /// What is read from customers' words.
    pub understanding: UnderstandingDoc,
    /// How what agents can do is learned from outcomes.
    pub learning: LearningDoc,
    /// Channel to the speed of each conversation, in per mille of full speed, while an agent has 1, 2, 3, … of them. For
    /// an interruptible channel: while the agent has 0, 1, 2, … others.
    pub speeds: BTreeMap<String, Vec<u32>>,
    /// Channels on which an agent gets so many conversations at once as the own turn times allow: the customers' time to
    /// answer by the agent's own, and one more, within the agent's limit for the channel.
    pub turn_caps: BTreeSet<String>,
    /// Channels whose work is put down when other work comes, such as e-mail: it runs beside the rest, only the rest slows it,
    /// and it takes no room of the rest: it has a capacity of its own, as large as the agent's.
    pub interruptible: BTreeSet<String>,
    /// What the document is to do with certain conversations, run by `switchboard policy test`.
    pub tests: Vec<TestDoc>,
}

/// What is read from customers' words, each as far as the customer has granted its purpose. Nothing is, unless it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnderstandingDoc {
    /// Whether the language is read; the language of the customer's page is a hint then.
    pub language: bool,
    /// The languages that come into question, by their ISO 639-1 codes; all where none is named.
    pub languages: Vec<String>,
    /// Whether the mood is read, of customers who have granted analysis.
    pub mood: bool,
    /// What customers want, by name, each with examples of what they write. The one that is found becomes a topic.
    pub intents: BTreeMap<String, Vec<String>>,
}

impl UnderstandingDoc {
    /// Whether nothing is to be read.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.language && !self.mood && self.intents.is_empty()
    }
}

/// One test of a document: a conversation that comes in, and where it should go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestDoc {
    /// What it shows.
    pub name: String,
    /// The conversation.
    pub given: GivenDoc,
    /// Where it should go; what is not given may be anything.
    pub expect: ExpectDoc,
}

/// A conversation of a test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GivenDoc {
    /// The channel; `web_chat` where it is not given.
    pub channel: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its topics.
    pub topics: Vec<String>,
    /// Whether the customer has been here before.
    pub known: bool,
    /// Whether the customer has proven who they are.
    pub verified: bool,
    /// The hour of the day in UTC.
    pub hour: u8,
    /// The day of the week, such as `mon`.
    pub weekday: Option<String>,
    /// The size of the message, in characters.
    pub size: u32,
}

/// Where a conversation of a test should go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectDoc {
    /// The queue.
    pub queue: Option<String>,
    /// The priority.
    pub priority: Option<u8>,
    /// Skills with their least proficiency, all of them.
    pub needs: Option<BTreeMap<String, u8>>,
    /// The language that is needed; `""` for none.
    pub language: Option<String>,
}

/// How agents and conversations find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every pair has a cost in seconds of the customer's time: the least goes first.
    #[default]
    LeastCustomerTime,
    /// The longest idle agent; the best skilled ones first, others after 30 and 60 seconds.
    LongestIdle,
    /// The agent with the largest free share of capacity.
    SpareCapacity,
    /// The agent with the fewest conversations.
    LeastActive,
    /// Agents in turn, conversations by age alone.
    RoundRobin,
    /// Strict priority; agents beyond their primary skill after 30 seconds.
    PriorityDelay,
    /// Rings of proficiency that open every 15 seconds.
    Bullseye,
    /// Queues and idle agents are kept in fixed proportions.
    QueueRatio,
    /// Points for proficiency and for knowing the customer, then the longest idle.
    BestScore,
}

impl Rule {
    /// All of them, with their names in a document.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::LeastCustomerTime, "least_customer_time"),
        (Self::LongestIdle, "longest_idle"),
        (Self::SpareCapacity, "spare_capacity"),
        (Self::LeastActive, "least_active"),
        (Self::RoundRobin, "round_robin"),
        (Self::PriorityDelay, "priority_delay"),
        (Self::Bullseye, "bullseye"),
        (Self::QueueRatio, "queue_ratio"),
        (Self::BestScore, "best_score"),
    ];

    /// Its name in a document.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(rule, _)| *rule == self).map_or("", |(_, name)| name)
    }

    /// The rule of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(rule, _)| *rule)
    }

    /// Whether it looks at groups of equal agents.
    pub(crate) fn groups(self) -> bool {
        self != Self::BestScore
    }

    /// Whether it looks at what agents have learned. For the others they stay what was typed in, and share their profiles.
    #[must_use]
    pub fn weighs_ability(self) -> bool {
        self == Self::LeastCustomerTime
    }

    /// Whether it may let a conversation wait although somebody is free.
    #[must_use]
    pub fn looks_again(self) -> bool {
        matches!(self, Self::LeastCustomerTime | Self::LongestIdle | Self::PriorityDelay | Self::Bullseye)
    }
}

/// What the costs of the rule `least_customer_time` are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostsDoc {
    /// How fast urgency grows: by so many per mille for each service target that was waited.
    pub urgency_pm: u32,
    /// How dear waiting for a better agent is counted, in per mille; less looks more at the outcome, more at the wait, 0
    /// never waits for anybody.
    pub hold_pm: u32,
    /// Of those whose matter was not solved, so many per mille come again.
    pub comes_again_pm: u32,
    /// What coming again costs the customer, in seconds.
    pub again_s: u32,
    /// The agent who knows the customer needs so many per mille of the time.
    pub known_agent_pm: u32,
}

impl Default for CostsDoc {
    fn default() -> Self {
        Self { urgency_pm: 1_000, hold_pm: 3_000, comes_again_pm: 800, again_s: 600, known_agent_pm: 850 }
    }
}

/// How what agents can do is learned from outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearningDoc {
    /// What the typed proficiency says counts as so many conversations; 0 learns nothing and keeps to what is typed.
    pub strength: u32,
    /// What was seen counts half after so many days; 0 never forgets.
    pub half_life_days: u32,
}

impl Default for LearningDoc {
    fn default() -> Self {
        Self { strength: 6, half_life_days: 30 }
    }
}

/// Opening hours in one time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoursDoc {
    /// The IANA name, such as `Europe/Vienna`.
    pub zone: String,
    /// The shifts of each day.
    pub week: WeekDoc,
    /// Days on which no shift begins, such as `2026-12-25`.
    pub closed: Vec<String>,
}

impl Default for HoursDoc {
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), week: WeekDoc::default(), closed: Vec::new() }
    }
}

/// The shifts of each day of the week, such as `09:00-12:30`. One like `22:00-02:00` ends on the next day; `00:00-24:00`
/// is the whole day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the days say it")]
pub struct WeekDoc {
    pub mon: Vec<String>,
    pub tue: Vec<String>,
    pub wed: Vec<String>,
    pub thu: Vec<String>,
    pub fri: Vec<String>,
    pub sat: Vec<String>,
    pub sun: Vec<String>,
}

impl WeekDoc {
    /// The days in order from Monday, with their keys.
    #[must_use]
    pub fn days(&self) -> [(&'static str, &[String]); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }
}

/// One intake rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntakeDoc {
    /// What must hold; nothing given holds always.
    pub when: WhenDoc,
    /// The queue it goes to.
    pub queue: String,
    /// Skill to the least proficiency, 1 to 100: all of them.
    pub needs: BTreeMap<String, u8>,
    /// Alternatives: one skill of each of these is enough.
    pub any_of: Vec<BTreeMap<String, u8>>,
    /// Skills that the agent must not have.
    pub none_of: Vec<String>,
    /// 0 to 9; the queue's where it is not given.
    pub priority: Option<u8>,
    /// It counts as having waited for so many seconds when it comes.
    pub head_start_s: u32,
    /// Agents, by name or id, who are asked before all others for `prefer_s` seconds, as long as one of them is online.
    pub prefer: Vec<String>,
    /// How long they are; 0 as long as it waits.
    pub prefer_s: u32,
}

/// The conditions of an intake rule; all that are given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhenDoc {
    /// The channel it came on.
    pub channel: Option<String>,
    /// The language of the conversation; `pt` also holds for `pt-BR`.
    pub language: Option<String>,
    /// One of its topics.
    pub topic: Option<String>,
    /// A condition in CEL, for what the others cannot say. The server answers it before the engine is asked.
    #[serde(rename = "if")]
    pub condition: Option<String>,
}

impl WhenDoc {
    /// Whether it holds for everything.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.channel.is_none() && self.language.is_none() && self.topic.is_none() && self.condition.is_none()
    }
}

/// Who of a queue goes first, where the rule has no other reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Who has waited longest.
    #[default]
    OldestFirst,
    /// Who came last; past the bound for being passed over it is the oldest again.
    NewestFirst,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueDoc {
    /// The service target: a first answer within so many seconds.
    pub target_s: u32,
    /// Its opening hours by name; always open where not given.
    pub hours: Option<String>,
    /// How long an agent may think about an offer, in seconds; 0 assigns at once without asking.
    pub offer_s: u32,
    /// Whether the agent who knows the customer is preferred.
    pub same_agent: bool,
    /// Whether the language, when it is known, is a need.
    pub language: bool,
    /// Whether topics that are skills become needs.
    pub topics: bool,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// Who goes first among those of one priority.
    pub order: Order,
    /// What every conversation in this queue needs, also one that was handed over to it: skill to least proficiency.
    pub needs: BTreeMap<String, u8>,
    /// Alternatives: one skill of each of these is enough.
    pub any_of: Vec<BTreeMap<String, u8>>,
    /// Skills that the agent must not have.
    pub none_of: Vec<String>,
    /// Offers it to so many agents at once: the first to accept has it.
    pub offers: u32,
    /// How long an agent keeps the room of a conversation after closing it, in seconds, to write up what is to be kept; the
    /// agent may end it before.
    pub wrap_up_s: u32,
    /// A customer who has waited for a word so many seconds while the agent is away goes back in line, at the old age; 0
    /// waits for the agent.
    pub reassign_s: u32,
    /// How many may wait; more are told honestly that the line is full.
    pub max_waiting: u32,
    /// Closes a conversation in which nobody wrote for so many seconds; 0 never does.
    pub idle_close_s: u64,
    /// What a second of such a customer is worth, in per mille; where it is not given it is 1000 at priority 4, and twice
    /// as much with each step above.
    pub weight: Option<u32>,
    /// The work that one is expected to be, in seconds, until enough were seen.
    pub work_s: u32,
    /// Whose honest wait is likely longer than so many seconds is told that the place is kept, also for who goes away
    /// meanwhile; 0 never says so.
    pub long_wait_s: u32,
    /// What changes while nobody takes it, in the order of their times.
    pub steps: Vec<StepDoc>,
}

/// One step of a queue: what changes for a conversation that still waits in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepDoc {
    /// At this age of the conversation, in seconds: ages add up over all steps and queues.
    pub after_s: u32,
    /// Also before that, as soon as nobody who is online could take it.
    pub when_nobody: bool,
    /// A condition in CEL, answered when the conversation comes in; for one for which it does not hold the step is passed by.
    #[serde(rename = "if")]
    pub condition: Option<String>,
    /// Skills that are no longer needed, and no longer in the way.
    pub drop: Vec<String>,
    /// Skill to the least proficiency that is needed from now on.
    pub needs: BTreeMap<String, u8>,
    /// Alternatives that take the place of those before, if any are given.
    pub any_of: Vec<BTreeMap<String, u8>>,
    /// Skills that the agent must not have from now on, beside those before.
    pub none_of: Vec<String>,
    /// The language is no longer needed.
    pub any_language: bool,
    /// It goes on in this queue, at its old age, with that one's own needs and steps.
    pub queue: Option<String>,
    /// 0 to 9 from now on.
    pub priority: Option<u8>,
}

impl Default for QueueDoc {
    fn default() -> Self {
        Self {
            target_s: 60,
            hours: None,
            offer_s: 20,
            same_agent: true,
            language: true,
            topics: true,
            priority: 4,
            order: Order::OldestFirst,
            needs: BTreeMap::new(),
            any_of: Vec::new(),
            none_of: Vec::new(),
            offers: 1,
            wrap_up_s: 0,
            reassign_s: 0,
            max_waiting: 100_000,
            idle_close_s: 0,
            weight: None,
            work_s: 240,
            long_wait_s: 300,
            steps: Vec::new(),
        }
    }
}

/// What a point of the score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Points for each per cent of proficiency, as the mean over the needed skills.
    pub proficiency: i64,
    /// Points for the agent who knows the customer.
    pub same_agent: i64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { proficiency: 1, same_agent: 50 }
    }
}

/// What no weight may overrule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoundsDoc {
    /// Past so many seconds a conversation goes before every younger one, whatever their priority; 0 takes the larger
    /// of four service targets and half an hour.
    pub passed_over_s: u32,
    /// The most conversations that one agent is given in `share_within_s` seconds; 0 is no bound.
    pub share: u32,
    /// The length of the period for `share`, in seconds.
    pub share_within_s: u32,
}

impl Default for BoundsDoc {
    fn default() -> Self {
        Self { passed_over_s: 0, share: 0, share_within_s: 3_600 }
    }
}
