//! A scenario as the suite writes it, one JSON object a line: who arrives, who serves, how speed and solving depend on
//! the agent. [`Scenario::pooled`] is the bound that no router reaches unless staff are trained anew.

use serde::{Deserialize, Serialize};

/// More agents or classes than this are refused.
const MOST: usize = 10_000;
/// More arrivals than this in one run are refused.
const ARRIVALS_MAX: f64 = 20e6;
/// Longer runs are refused: a year and more.
const LONGEST_S: f64 = 4e8;

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// How long it goes on.
    pub horizon_s: f64,
    /// What arrives before is not counted.
    pub warmup_s: f64,
    /// Speed of each chat while an agent has 1, 2, 3, ... of them.
    pub chat_speed_each: Vec<f64>,
    /// Speed of an e-mail while the agent has 0, 1, 2, ... chats; it rests during a call.
    pub email_speed_by_chats: Vec<f64>,
    /// Whether proficiency changes speed, and whether a customer's matter is solved.
    pub skill_changes_speed: bool,
    /// The share of the unsolved who come back; 0: everything is solved.
    pub recontact_share: f64,
    /// The mean time until they do.
    pub recontact_delay_s: f64,
    /// The length of a step of the profile.
    pub profile_step_s: f64,
    /// Multipliers of the arrivals, one a step, repeated.
    pub profile: Vec<f64>,
    /// Multiplier in a burst, its mean length, the mean time between two.
    pub burst_x_on_off: Option<[f64; 3]>,
    /// Mean time present, mean time secretly away.
    pub agent_present_away_s: Option<[f64; 2]>,
    /// Who arrives.
    pub classes: Vec<Class>,
    /// Who serves.
    pub agents: Vec<Agent>,
}

/// A channel of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// A call: it excludes chats.
    Voice,
    /// A chat: several at once.
    Chat,
    /// An e-mail: it runs beside.
    Email,
}

impl Channel {
    /// Its name in documents and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Chat => "web_chat",
            Self::Email => "email",
        }
    }
}

/// Customers of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Arrivals a second at multiplier 1.
    pub rate_per_s: f64,
    /// The channel.
    pub channel: Channel,
    /// Mean work at speed 1.
    pub work_s: f64,
    /// 1 is exponential, anything else log-normal.
    pub cv: f64,
    /// Mean patience in the queue; none: endless.
    pub patience_s: Option<f64>,
    /// What a second of this customer's is worth.
    pub weight: f64,
    /// 0 is first.
    pub priority: u8,
    /// The promise.
    pub sla_s: u32,
    /// The skill that an agent must have.
    pub skill: usize,
    /// The language that an agent must speak.
    pub language: usize,
    /// The share of customers who know an agent.
    pub knows_an_agent: f64,
    /// The fairness group.
    pub group: usize,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Proficiency in each skill, 0 to 1.
    pub skills: Vec<f64>,
    /// Languages spoken.
    pub languages: Vec<usize>,
    /// Conversations at once.
    pub slots: Slots,
    /// The main skill.
    pub primary: usize,
    /// A speed of the agent's own, beside proficiency; only the anchors use it.
    #[serde(skip, default = "one")]
    pub speed: f64,
}

fn one() -> f64 {
    1.0
}

/// Conversations at once, by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// Calls: one at most.
    pub voice: u32,
    /// Chats.
    pub chat: u32,
    /// E-mails.
    pub email: u32,
}

impl Slots {
    /// Those of one channel.
    #[must_use]
    pub fn of(&self, channel: Channel) -> u32 {
        match channel {
            Channel::Voice => self.voice,
            Channel::Chat => self.chat,
            Channel::Email => self.email,
        }
    }
}

/// Why a scenario cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not written as the suite's format wants it.
    #[error("line {line} is no scenario: {detail}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A figure makes no sense.
    #[error("scenario {scenario}: {detail}")]
    Figure {
        /// Which scenario.
        scenario: String,
        /// What is wrong.
        detail: String,
    },
}

impl Scenario {
    /// Reads scenarios, one a line; empty lines are passed over.
    ///
    /// # Errors
    /// The first line that is no scenario, or the first figure that makes no sense.
    pub fn read_all(text: &str) -> Result<Vec<Self>, Fault> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| {
                let scenario: Self = serde_json::from_str(line)
                    .map_err(|error| Fault::Form { line: index + 1, detail: error.to_string() })?;
                scenario.check()?;
                Ok(scenario)
            })
            .collect()
    }

    /// Whether it can be played.
    ///
    /// # Errors
    /// The first figure that makes no sense.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong = |detail: String| Err(Fault::Figure { scenario: self.name.clone(), detail });
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if self.classes.is_empty() || self.agents.is_empty() {
            return wrong("it needs a class and an agent at least".to_owned());
        }
        if self.classes.len() > MOST || self.agents.len() > MOST {
            return wrong(format!("more than {MOST} classes or agents"));
        }
        if !positive(self.horizon_s) || self.horizon_s > LONGEST_S {
            return wrong(format!("horizon_s {} is out of range; use 1 to {LONGEST_S}", self.horizon_s));
        }
        if !(0.0..self.horizon_s).contains(&self.warmup_s) {
            return wrong(format!("warmup_s {} is not between 0 and the horizon", self.warmup_s));
        }
        let steps = |name: &str, values: &[f64]| {
            let sound = !values.is_empty() && values.iter().all(|it| it.is_finite() && *it >= 0.0);
            if sound { Ok(()) } else { wrong(format!("{name} needs figures of 0 or more")) }
        };
        steps("chat_speed_each", &self.chat_speed_each)?;
        steps("email_speed_by_chats", &self.email_speed_by_chats)?;
        steps("profile", &self.profile)?;
        if self.chat_speed_each.contains(&0.0) || self.email_speed_by_chats[0] == 0.0 {
            return wrong("a chat, or an e-mail beside no chat, must have a speed".to_owned());
        }
        if !share(self.recontact_share) || !positive(self.recontact_delay_s) || !positive(self.profile_step_s)
        {
            return wrong("recontact_share, recontact_delay_s or profile_step_s is out of range".to_owned());
        }
        let spans = self.burst_x_on_off.iter().flatten().chain(self.agent_present_away_s.iter().flatten());
        if !spans.copied().all(positive) {
            return wrong("bursts and absences need figures above 0".to_owned());
        }
        for class in &self.classes {
            let name = &class.name;
            let sound = positive(class.work_s)
                && class.rate_per_s.is_finite()
                && class.rate_per_s >= 0.0
                && class.cv.is_finite()
                && class.cv >= 0.0
                && class.patience_s.is_none_or(positive)
                && positive(class.weight)
                && share(class.knows_an_agent)
                && class.priority <= 9;
            if !sound {
                return wrong(format!("class {name} has a figure that is out of range"));
            }
            if !self.agents.iter().any(|agent| agent.serves(class)) {
                return wrong(format!("nobody can serve class {name}"));
            }
        }
        let rate: f64 = self.classes.iter().map(|class| class.rate_per_s).sum();
        let peak =
            self.profile.iter().copied().fold(0.0, f64::max) * self.burst_x_on_off.map_or(1.0, |it| it[0]);
        if rate * self.horizon_s * peak > ARRIVALS_MAX {
            return wrong(format!("more than {ARRIVALS_MAX} arrivals"));
        }
        for (index, agent) in self.agents.iter().enumerate() {
            let sound = agent.skills.iter().copied().all(share)
                && agent.slots.voice <= 1
                && agent.slots.chat <= 100
                && agent.slots.email <= 8
                && positive(agent.speed);
            if !sound {
                return wrong(format!(
                    "agent {index}: use proficiencies of 0 to 1, one call, 100 chats, 8 e-mails at most"
                ));
            }
        }
        Ok(())
    }

    /// The same arrivals, everybody able to do everything, nobody secretly away.
    #[must_use]
    pub fn pooled(&self) -> Self {
        let mut pooled = self.clone();
        let skills = self.skills();
        let languages: Vec<usize> = (0..self.languages()).collect();
        pooled.agent_present_away_s = None;
        for agent in &mut pooled.agents {
            agent.skills = vec![1.0; skills];
            agent.languages.clone_from(&languages);
        }
        pooled
    }

    /// How many skills there are.
    #[must_use]
    pub fn skills(&self) -> usize {
        let of_agents = self.agents.iter().map(|agent| agent.skills.len());
        of_agents.chain(self.classes.iter().map(|class| class.skill + 1)).max().unwrap_or(0)
    }

    /// How many languages there are.
    #[must_use]
    pub fn languages(&self) -> usize {
        let of_agents = self.agents.iter().flat_map(|agent| agent.languages.iter().copied());
        of_agents.chain(self.classes.iter().map(|class| class.language)).max().unwrap_or(0) + 1
    }
}

impl Agent {
    /// Proficiency in a skill.
    #[must_use]
    pub fn proficiency(&self, skill: usize) -> f64 {
        self.skills.get(skill).copied().unwrap_or(0.0)
    }

    /// Whether the agent may serve a class.
    #[must_use]
    pub fn serves(&self, class: &Class) -> bool {
        self.proficiency(class.skill) > 0.0
            && self.languages.contains(&class.language)
            && self.slots.of(class.channel) > 0
    }
}
