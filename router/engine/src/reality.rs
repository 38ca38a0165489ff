//! A policy looked at with the agents in mind who are really there: needs that nobody meets, hours at which nobody is. What
//! is found are remarks, not faults: such a policy may be right for tomorrow's people.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use policy::Policy;
use policy::matching::{AgentProfile, Needs};
use policy::time::{Span, Timestamp};

use crate::state::{Agent, WEEK, Workspace};

const HOUR: Span = Span::seconds(3_600);
/// Stretches of hours of one queue that are named.
const STRETCHES_MAX: usize = 5;
/// Who was seen in fewer hours of the week has been there too shortly to say that nobody ever comes at other hours.
const SEEN_HOURS: u32 = 24;

/// One thing that a policy asks for and nobody can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where, such as `queues.billing`.
    pub path: String,
    /// What will not work, and why.
    pub detail: String,
    /// Whether whoever comes there is never served: such a policy is not published without a reason.
    pub grave: bool,
}

impl Workspace {
    /// What a policy asks for that none of the workspace's agents can give, at its place in the document.
    #[must_use]
    pub fn remarks(&self, policy: &Policy, at: Timestamp) -> Vec<Remark> {
        let mut remarks = Vec::new();
        if self.agents.is_empty() {
            return remarks;
        }
        for (name, queue) in policy.queues() {
            let asked = asked(&queue.needs, &queue.any_of, &queue.none_of);
            let path = format!("queues.{name}");
            self.remark_needs(&path, &asked, &mut remarks);
            self.remark_hours(&path, name, &asked, policy, at, &mut remarks);
        }
        for (index, rule) in policy.document().intake.iter().enumerate() {
            let asked = asked(&rule.needs, &rule.any_of, &rule.none_of);
            self.remark_needs(&format!("intake[{index}]"), &asked, &mut remarks);
            for name in &rule.prefer {
                let known = |(id, agent): (&policy::id::AgentId, &Agent)| {
                    *agent.name == **name || name.parse().is_ok_and(|named| *id == named)
                };
                if !self.agents.iter().any(known) {
                    let detail = format!("there is no agent `{name}`: nobody is asked first in that place");
                    remarks.push(Remark { path: format!("intake[{index}].prefer"), detail, grave: false });
                }
            }
        }
        remarks
    }

    fn profiles(&self) -> impl Iterator<Item = (&Agent, &AgentProfile)> {
        self.agents.values().map(|agent| (agent, &agent.typed))
    }

    fn remark_needs(&self, path: &str, needs: &Needs, remarks: &mut Vec<Remark>) {
        let mut single = false;
        for (skill, least) in &needs.skills {
            let best = self.profiles().filter_map(|(_, profile)| profile.skills.get(&**skill)).max();
            let detail = match best {
                None => format!("nobody has the skill `{skill}`"),
                Some(best) if best < least => {
                    format!("nobody has `{skill}` at {least} or more; the best has {best}")
                }
                Some(_) => continue,
            };
            single = true;
            remarks.push(Remark { path: format!("{path}.needs.{skill}"), detail, grave: true });
        }
        let several = needs.skills.len() + needs.any_of.len() + needs.none_of.len() > 1;
        let met = self.profiles().any(|(_, profile)| profile.meets(needs));
        if !single && !met && (several || !needs.any_of.is_empty()) {
            let detail = "no agent meets all of this at once: whoever needs it waits for ever".to_string();
            remarks.push(Remark { path: path.to_string(), detail, grave: true });
        }
    }

    /// The hours of the coming week at which the queue is open and nobody able was online in the last weeks.
    fn remark_hours(
        &self,
        path: &str,
        name: &str,
        needs: &Needs,
        policy: &Policy,
        at: Timestamp,
        remarks: &mut Vec<Remark>,
    ) {
        let able: Vec<&Agent> =
            self.profiles().filter(|(_, profile)| profile.meets(needs)).map(|(agent, _)| agent).collect();
        if able.is_empty() || !able.iter().any(|agent| agent.presence.is_known()) {
            return;
        }
        let first = Timestamp(at.0.div_euclid(HOUR.0) * HOUR.0);
        let open: Vec<Timestamp> = (0..WEEK)
            .map(|hour| Timestamp(first.0 + hour * HOUR.0))
            .filter(|hour| policy.is_open(name, *hour + Span(HOUR.0 / 2)))
            .collect();
        let alone: Vec<Timestamp> = open
            .iter()
            .copied()
            .filter(|hour| !able.iter().any(|agent| agent.presence.covers(*hour)))
            .collect();
        if alone.is_empty() {
            return;
        }
        let mut stretches: Vec<(Timestamp, Timestamp)> = Vec::new();
        for hour in &alone {
            match stretches.last_mut() {
                Some((_, end)) if *end == *hour => *end = *hour + HOUR,
                _ => stretches.push((*hour, *hour + HOUR)),
            }
        }
        let more = stretches.len().saturating_sub(STRETCHES_MAX);
        let mut told: Vec<String> =
            stretches.iter().take(STRETCHES_MAX).map(|(from, to)| stretch(*from, *to)).collect();
        if more > 0 {
            told.push(format!("and {more} more times"));
        }
        let detail = format!(
            "is open for {} hours of the week at which none of the {} agents who can serve it was online in the \
             last weeks: {} (UTC)",
            alone.len(),
            able.len(),
            told.join(", ")
        );
        let seen: u32 = able.iter().map(|agent| agent.presence.hours()).sum();
        let grave = alone.len() == open.len() && seen >= SEEN_HOURS;
        remarks.push(Remark { path: path.to_string(), detail, grave });
    }
}

/// Needs as a document writes them, with nothing else.
fn asked(needs: &BTreeMap<String, u8>, any_of: &[BTreeMap<String, u8>], none_of: &[String]) -> Needs {
    let of = |skills: &BTreeMap<String, u8>| {
        skills.iter().map(|(skill, least)| (skill.as_str().into(), *least)).collect::<Vec<_>>()
    };
    Needs {
        skills: of(needs),
        any_of: any_of.iter().map(of).collect(),
        none_of: none_of.iter().map(|skill| skill.as_str().into()).collect(),
        ..Needs::default()
    }
}

/// `Tue 03:00-05:00`; the beginning of time was a Thursday.
fn stretch(from: Timestamp, to: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let hours = |at: Timestamp| at.0.div_euclid(HOUR.0);
    let day = usize::try_from(hours(from).div_euclid(24).rem_euclid(7)).unwrap_or(0);
    let end = match hours(to).rem_euclid(24) {
        0 => 24,
        hour => hour,
    };
    let days = hours(to).div_euclid(24) - hours(from).div_euclid(24);
    let later = if days > 1 || (days == 1 && end != 24) { " some days later" } else { "" };
    let later = if days == 1 && end != 24 { " the next day" } else { later };
    format!("{} {:02}:00-{end:02}:00{later}", DAYS[day], hours(from).rem_euclid(24))
}
