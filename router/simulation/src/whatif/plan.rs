//! What is tried: another policy, other staffing, or both, over the same traffic. And what it is compared with: the recorded
//! policies and staffing.

use std::collections::BTreeMap;

use engine::{Command, CommandKind, Engine};
use policy::document::{Document, HoursDoc, QueueDoc};
use policy::id::{AgentId, CommandId};
use policy::matching::{AgentProfile, Standing};
use policy::time::Timestamp;
use policy::{Fault, Policy};
use policy_cel::{Condition, Customer, Environment, Facts};
use serde::{Deserialize, Serialize};

use super::traffic::{Desk, Matter, Traffic};

/// After the last recorded moment a replay goes on for so long, to serve whom it can.
pub(super) const DRAIN_MS: i64 = 24 * 3_600_000;
/// More agents than this are not added.
const ADDED_MAX: u32 = 10_000;
/// The queue of a calendar that is only asked for its hours.
const HOURS_QUEUE: &str = "hours";

/// Other staffing, as it is written (TOML).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Staffing {
    /// Agents who are not there.
    pub remove: Vec<String>,
    /// Agents who can do something else, or are there at other times.
    pub change: Vec<Change>,
    /// Agents who come in addition.
    pub add: Vec<Added>,
}

/// One agent, changed; what is not given stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Who.
    pub agent: String,
    /// Skill to proficiency, 1 to 100: instead of those there are.
    pub skills: Option<BTreeMap<String, u8>>,
    /// Languages: instead of those there are.
    pub languages: Option<Vec<String>>,
    /// Points of effort at once.
    pub capacity: Option<u32>,
    /// When the agent is there: instead of what was recorded.
    pub hours: Option<HoursDoc>,
}

/// Agents who come in addition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Added {
    /// How many of them.
    pub count: u32,
    /// Skill to proficiency, 1 to 100.
    pub skills: BTreeMap<String, u8>,
    /// Languages; none named means any.
    pub languages: Vec<String>,
    /// Points of effort at once.
    pub capacity: u32,
    /// When they are there; always where not given.
    pub hours: Option<HoursDoc>,
}

impl Default for Added {
    fn default() -> Self {
        Self { count: 1, skills: BTreeMap::new(), languages: Vec::new(), capacity: 1, hours: None }
    }
}

/// Why something cannot be tried.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanFault {
    /// The policy has faults.
    #[error("the policy has faults: {}", .0.iter().map(|it| format!("{}: {}", it.path, it.detail)).collect::<Vec<_>>().join("; "))]
    Policy(Vec<Fault>),
    /// An agent is named who is not in the recording.
    #[error("the staffing names {0}, who is not in the recording; agents are named by their ids, agt_…")]
    Agent(String),
    /// Hours that are none.
    #[error("hours of {0}: {1}")]
    Hours(String, String),
    /// Too many.
    #[error("more than {ADDED_MAX} agents cannot be added")]
    TooMany,
    /// The engine refuses the recorded state.
    #[error("the recording cannot be taken up: {0}")]
    Refused(#[from] engine::Rejection),
}

/// One side of the comparison.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The state to begin with, with policy and agents in place.
    pub(super) start: Engine,
    /// Policies that come later.
    pub(super) installs: Vec<(Timestamp, Document)>,
    /// Agents in the order of their numbers: those of the recording, then those in addition.
    pub(super) agents: Vec<AgentId>,
    /// What they do, in order.
    pub(super) desk: Vec<(Timestamp, u32, Desk)>,
    /// Intake rules whose condition holds, by conversation; none: as recorded.
    pub(super) holds: Option<Vec<Box<[u16]>>>,
}

impl Plan {
    /// What was: the recorded policies and staffing.
    ///
    /// # Errors
    /// If the recorded state cannot be taken up.
    pub fn recorded(traffic: &Traffic) -> Result<Self, PlanFault> {
        Self::new(traffic, None, &Staffing::default())
    }

    /// Another policy (none: the recorded ones) and staffing.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(
        traffic: &Traffic,
        document: Option<&Document>,
        staffing: &Staffing,
    ) -> Result<Self, PlanFault> {
        let documents: Vec<(Timestamp, Document)> = match document {
            Some(document) => vec![(traffic.span.0, document.clone())],
            None => traffic.documents.clone(),
        };
        for (_, document) in &documents {
            Policy::compile(document).map_err(PlanFault::Policy)?;
        }
        let mut plan = Self {
            start: traffic.base.clone(),
            installs: documents.iter().map(|(at, document)| (*at, ends_planned(document))).collect(),
            agents: traffic.agents.iter().map(|it| it.id).collect(),
            desk: traffic.desk.clone(),
            holds: document.map(|document| holds(traffic, document)).transpose()?.flatten(),
        };
        plan.staff(traffic, staffing)?;
        plan.open(traffic)?;
        Ok(plan)
    }

    /// Workspace and first policy in place.
    fn open(&mut self, traffic: &Traffic) -> Result<(), PlanFault> {
        if self.start.workspace(traffic.workspace).is_none() {
            self.ask(traffic, CommandKind::CreateWorkspace)?;
        }
        let (_, document) = self.installs.remove(0);
        let version = self.version(traffic) + 1;
        self.ask(traffic, CommandKind::InstallPolicy { version, document: Box::new(document) })
    }

    fn version(&self, traffic: &Traffic) -> u32 {
        self.start.workspace(traffic.workspace).map_or(0, |it| it.policy_version)
    }

    fn ask(&mut self, traffic: &Traffic, kind: CommandKind) -> Result<(), PlanFault> {
        let command = Command { id: CommandId::from_bits(0), workspace: traffic.workspace, kind };
        Ok(self.start.handle(traffic.span.0, &command, &mut Vec::new())?)
    }

    fn staff(&mut self, traffic: &Traffic, staffing: &Staffing) -> Result<(), PlanFault> {
        let number = |name: &str| {
            let id: Option<AgentId> = name.parse().ok();
            let found = traffic.agents.iter().position(|it| Some(it.id) == id);
            found.and_then(|it| u32::try_from(it).ok()).ok_or_else(|| PlanFault::Agent(name.to_owned()))
        };
        let begin = traffic.span.0;
        for name in &staffing.remove {
            let agent = number(name)?;
            self.desk.retain(|(_, of, _)| *of != agent);
            self.desk.push((begin, agent, Desk::Removed));
        }
        for change in &staffing.change {
            let agent = number(&change.agent)?;
            let id = self.agents[agent as usize];
            let there = self
                .start
                .workspace(traffic.workspace)
                .and_then(|it| Some(Desk::Put(it.pool.profile(id)?.clone(), it.agents.get(&id)?.bot)));
            self.desk.extend(there.map(|put| (begin, agent, put)));
            for (_, _, put) in self.desk.iter_mut().filter(|(_, of, _)| *of == agent) {
                if let Desk::Put(profile, _) = put {
                    change.apply(profile);
                }
            }
            if let Some(hours) = &change.hours {
                let attends = |(_, of, desk): &(Timestamp, u32, Desk)| {
                    *of != agent || !matches!(desk, Desk::Standing(_))
                };
                self.desk.retain(attends);
                self.attend(traffic, agent, Some(hours), &change.agent)?;
            }
        }
        if staffing.add.iter().map(|it| u64::from(it.count)).sum::<u64>() > u64::from(ADDED_MAX) {
            return Err(PlanFault::TooMany);
        }
        for added in &staffing.add {
            for _ in 0..added.count {
                let agent = u32::try_from(self.agents.len()).map_err(|_| PlanFault::TooMany)?;
                // No uuid has its first bits like this.
                self.agents.push(AgentId::from_bits(0xadded << 104 | u128::from(agent)));
                let profile = AgentProfile {
                    skills: added.skills.clone(),
                    languages: added.languages.clone(),
                    capacity: added.capacity,
                    ..AgentProfile::default()
                };
                self.desk.push((begin, agent, Desk::Put(profile, false)));
                self.attend(traffic, agent, added.hours.as_ref(), "an added agent")?;
            }
        }
        // At one moment agents are made or changed before they come.
        let rank = |desk: &Desk| u8::from(matches!(desk, Desk::Standing(_)));
        self.desk.sort_by_key(|(at, _, desk)| (*at, rank(desk)));
        Ok(())
    }

    /// An agent is there in these hours, or always.
    fn attend(
        &mut self,
        traffic: &Traffic,
        agent: u32,
        hours: Option<&HoursDoc>,
        who: &str,
    ) -> Result<(), PlanFault> {
        let (mut at, end) = (traffic.span.0, Timestamp(traffic.span.1.0.saturating_add(DRAIN_MS)));
        let Some(hours) = hours else {
            self.desk.push((at, agent, Desk::Standing(Standing::Online)));
            return Ok(());
        };
        let mut document = Document::default();
        document.hours.insert(HOURS_QUEUE.to_owned(), hours.clone());
        let queue = QueueDoc { hours: Some(HOURS_QUEUE.to_owned()), ..QueueDoc::default() };
        document.queues.insert(HOURS_QUEUE.to_owned(), queue);
        let calendar = Policy::compile(&document).map_err(|faults| {
            let told: Vec<_> = faults.into_iter().map(|it| it.detail).collect();
            PlanFault::Hours(who.to_owned(), told.join("; "))
        })?;
        let mut here = calendar.is_open(HOURS_QUEUE, at);
        let first = if here { Standing::Online } else { Standing::Offline };
        self.desk.push((at, agent, Desk::Standing(first)));
        loop {
            let next = if here {
                calendar.next_closing(HOURS_QUEUE, at)
            } else {
                calendar.next_opening(HOURS_QUEUE, at)
            };
            let Some(next) = next.filter(|next| *next < end && *next > at) else { return Ok(()) };
            (at, here) = (next, !here);
            let standing = if here { Standing::Online } else { Standing::Offline };
            self.desk.push((at, agent, Desk::Standing(standing)));
        }
    }
}

impl Change {
    fn apply(&self, profile: &mut AgentProfile) {
        if let Some(skills) = &self.skills {
            profile.skills.clone_from(skills);
        }
        if let Some(languages) = &self.languages {
            profile.languages.clone_from(languages);
        }
        if let Some(capacity) = self.capacity {
            profile.capacity = capacity;
        }
    }
}

/// In a replay the end of each conversation is planned by its work, so that nobody closes one for being idle.
fn ends_planned(document: &Document) -> Document {
    let mut document = document.clone();
    for queue in document.queues.values_mut() {
        queue.idle_close_s = 0;
    }
    document
}

/// The conditions that hold for each conversation, by their numbers. A condition that was in force when it came was answered
/// then, with all that was known; another is answered from what the events tell: channel, language, topics, size, hour and
/// day, and whether the customer had been here.
pub(super) fn holds(traffic: &Traffic, document: &Document) -> Result<Option<Vec<Box<[u16]>>>, PlanFault> {
    let written = document.conditions();
    if written.is_empty() && traffic.matters.iter().all(|it| it.holds.is_empty()) {
        return Ok(None);
    }
    let sources: Vec<&str> = written.iter().map(|it| it.source).collect();
    let mut compiled = Vec::with_capacity(written.len());
    let all = Condition::compile_all(&sources, &Environment::intake());
    for (it, condition) in written.iter().zip(all) {
        let condition = condition.map_err(|faults| {
            let fault = |detail| Fault { path: it.path.clone(), detail };
            PlanFault::Policy(faults.into_iter().map(|it| fault(it.detail)).collect())
        })?;
        compiled.push((it, condition));
    }
    // The recorded conditions of each policy that was in force, so that they are listed once and not for each matter.
    let recorded: Vec<_> = traffic.documents.iter().map(|(_, it)| it.conditions()).collect();
    let of = |matter: &Matter| {
        let recorded = &recorded[in_force(traffic, matter.came.unwrap_or(traffic.span.0))];
        let holding = compiled.iter().filter(|(it, condition)| {
            match recorded.iter().find(|known| known.source == it.source) {
                Some(known) => matter.holds.contains(&known.number),
                None => condition.holds(&facts(traffic, matter).within_bounds()).unwrap_or(false),
            }
        });
        holding.map(|(it, _)| it.number).collect()
    };
    Ok(Some(traffic.matters.iter().map(of).collect()))
}

/// Which of the recorded policies was in force at a moment.
fn in_force(traffic: &Traffic, at: Timestamp) -> usize {
    traffic.documents.partition_point(|(since, _)| *since <= at).saturating_sub(1)
}

fn facts<'a>(traffic: &'a Traffic, matter: &Matter) -> Facts<'a> {
    let kind = &traffic.kinds[matter.kind as usize];
    let (hour, weekday) = hour_and_day(matter.came.unwrap_or(traffic.span.0).0);
    Facts {
        channel: &kind.needs.channel,
        language: kind.language.as_deref().unwrap_or_default(),
        topics: &kind.topics,
        customer: Customer { known: matter.known.is_some(), ..Customer::default() },
        message_size: i64::from(matter.size),
        hour,
        weekday,
        ..Facts::default()
    }
}

/// Hour and day of the week of a time, in UTC, as at intake.
fn hour_and_day(ms: i64) -> (i64, &'static str) {
    const DAY_MS: i64 = 86_400_000;
    // The first day of 1970 was a Thursday.
    const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
    let day = usize::try_from(ms.div_euclid(DAY_MS).rem_euclid(7)).unwrap_or(0);
    (ms.rem_euclid(DAY_MS) / 3_600_000, DAYS[day])
}
