//! Before and after: what two plans came to over the same draws, with intervals from the pairs, and the guards that a plan
//! must hold before it is published.
//!
//! An interval tells what the recording leaves open (how long those would have waited who were served, how fast offers are
//! answered). It does not tell how other days would differ from the recorded one: for that, record more of them.

use serde::{Deserialize, Serialize};

use super::looks::Look;
use super::plan::Plan;
use super::tally::{Groups, Sum, Tally};
use super::traffic::Traffic;
use super::world::{Restless, replay};
use crate::figures::{Estimate, estimate, student};

/// What must hold before a plan is published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    /// No group may wait longer, for certain, by more than so many seconds and
    pub wait_s: f64,
    /// by more than this share of its wait before.
    pub wait_share: f64,
    /// Groups of fewer conversations are not judged.
    pub least: u64,
    /// Not more customers may leave, for certain, by more than this share of all.
    pub abandonment: f64,
    /// No agent may be fuller than this, for certain, who was not before.
    pub load: f64,
}

impl Default for Guards {
    fn default() -> Self {
        Self { wait_s: 10.0, wait_share: 0.1, least: 30, abandonment: 0.005, load: 0.95 }
    }
}

/// A figure before and after, and the 95 % interval of the difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The mean under the recorded plan.
    pub before: f64,
    /// The mean under the other plan.
    pub after: f64,
    /// The lower end of the interval of after less before.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A group of customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupRow {
    /// What makes the group: `all`, `queue`, `language`, `priority`, `channel`.
    pub by: &'static str,
    /// Which one.
    pub name: String,
    /// Mean seconds in queue before.
    pub wait_before_s: f64,
    /// And after.
    pub wait_after_s: f64,
    /// The lower end of the difference's 95 % interval, in seconds.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many conversations.
    pub conversations: u64,
    /// The share who left before.
    pub left_before: f64,
    /// And after.
    pub left_after: f64,
}

/// An agent's load: the share of capacity that was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadRow {
    /// Who.
    pub agent: String,
    /// The figures; an agent who was not there has 0.
    #[serde(flatten)]
    pub load: Change,
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many draws.
    pub draws: usize,
    /// Groups, those that are worse off for certain first.
    pub groups: Vec<GroupRow>,
    /// How many of them are worse off for certain.
    pub worse_off: usize,
    /// The share of customers who leave.
    pub abandonment: Change,
    /// Customers who are never served, a draw.
    pub unserved: Change,
    /// The mean proficiency in what was needed; 0 where nothing was.
    pub skill_fit: Change,
    /// Agents, those whose load grows most first.
    pub loads: Vec<LoadRow>,
    /// The guards that do not hold, in words; none: it may be published.
    pub blocked_by: Vec<String>,
}

/// One draw under both plans.
///
/// # Errors
/// If one comes to no end.
pub fn pair(
    traffic: &Traffic,
    groups: &Groups,
    (before, after): (&Plan, &Plan),
    draw: u64,
) -> Result<(Tally, Tally), Restless> {
    Ok((one(traffic, groups, before, draw)?, one(traffic, groups, after, draw)?))
}

/// One draw under one plan.
///
/// # Errors
/// If it comes to no end.
pub fn one(traffic: &Traffic, groups: &Groups, plan: &Plan, draw: u64) -> Result<Tally, Restless> {
    replay(traffic, plan, draw, Tally::new(traffic, groups))
}

/// Mean and interval by this point of Student's distribution; where none is given, of 95 % looked at once.
pub(super) fn estimate_by(values: &[f64], point: Option<f64>) -> Estimate {
    let plain = estimate(values);
    let wider = point.filter(|_| values.len() > 1).map_or(1.0, |point| point / student(values.len() - 1));
    Estimate { half_width: plain.half_width * wider, ..plain }
}

fn change(pairs: &[(Tally, Tally)], point: Option<f64>, of: impl Fn(&Tally) -> f64) -> Change {
    let before: Vec<f64> = pairs.iter().map(|(before, _)| of(before)).collect();
    let after: Vec<f64> = pairs.iter().map(|(_, after)| of(after)).collect();
    let differences: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    let Estimate { mean, half_width } = estimate_by(&differences, point);
    Change {
        before: estimate(&before).mean,
        after: estimate(&after).mean,
        low: mean - half_width,
        high: mean + half_width,
    }
}

fn wait_s(sum: &Sum) -> f64 {
    sum.waited_ms / 1_000.0 / sum.count.max(1) as f64
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl Comparison {
    /// From all draws; `look` says at which of several looks, none that there is this one.
    #[must_use]
    pub fn of(
        traffic: &Traffic,
        plan: &Plan,
        groups: &Groups,
        pairs: &[(Tally, Tally)],
        guards: &Guards,
        look: Option<Look>,
    ) -> Self {
        let point = look.map(|look| look.point);
        let mut rows: Vec<GroupRow> = groups
            .names
            .iter()
            .enumerate()
            .map(|(group, (by, name))| {
                let wait = change(pairs, point, |it| wait_s(&it.groups[group]));
                let left = change(pairs, point, |it| share(it.groups[group].left, it.groups[group].count));
                GroupRow {
                    by,
                    name: name.clone(),
                    wait_before_s: wait.before,
                    wait_after_s: wait.after,
                    low: wait.low,
                    high: wait.high,
                    conversations: pairs.first().map_or(0, |(it, _)| it.groups[group].count),
                    left_before: left.before,
                    left_after: left.after,
                }
            })
            .collect();
        let rank = |it: &GroupRow| if it.low > 0.0 { it.wait_before_s - it.wait_after_s } else { 1.0 };
        rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
        let all = |it: &Tally| it.groups.first().copied().unwrap_or_default();
        let mut loads: Vec<LoadRow> =
            (0..plan.agents.len()).map(|agent| load(traffic, plan, pairs, point, agent)).collect();
        loads.retain(|it| it.load.before > 0.0 || it.load.after > 0.0);
        let grows = |it: &LoadRow| it.load.before - it.load.after;
        loads.sort_by(|a, b| grows(a).total_cmp(&grows(b)));
        let fit = |it: &Tally| if it.fit.1 == 0 { 0.0 } else { it.fit.0 / it.fit.1 as f64 };
        let mut comparison = Self {
            draws: pairs.len(),
            worse_off: rows.iter().filter(|it| it.low > 0.0).count(),
            groups: rows,
            abandonment: change(pairs, point, |it| share(all(it).left, all(it).count)),
            unserved: change(pairs, point, |it| all(it).unserved as f64),
            skill_fit: change(pairs, point, fit),
            loads,
            blocked_by: Vec::new(),
        };
        comparison.blocked_by = comparison.blocks(guards);
        comparison
    }

    fn blocks(&self, guards: &Guards) -> Vec<String> {
        let mut blocks = Vec::new();
        for it in self.groups.iter().filter(|it| it.conversations >= guards.least) {
            let bound = guards.wait_s.max(guards.wait_share * it.wait_before_s);
            if it.low > bound {
                blocks.push(format!(
                    "{} {} waits longer: {:.1} s instead of {:.1} s, and {bound:.1} s more is the bound",
                    it.by, it.name, it.wait_after_s, it.wait_before_s
                ));
            }
        }
        let left = self.abandonment;
        if left.low > guards.abandonment {
            blocks.push(format!(
                "more customers leave: {:.2} % instead of {:.2} %, and {:.2} more is the bound",
                left.after * 100.0,
                left.before * 100.0,
                guards.abandonment * 100.0
            ));
        }
        for LoadRow { agent, load } in &self.loads {
            let grown = load.after - load.before;
            if load.before <= guards.load && load.before + load.low > guards.load && grown > 0.0 {
                blocks.push(format!(
                    "agent {agent} is too full: {:.0} % instead of {:.0} %, and {:.0} % is the bound",
                    load.after * 100.0,
                    load.before * 100.0,
                    guards.load * 100.0
                ));
            }
        }
        if self.unserved.low > 0.0 {
            blocks.push(format!(
                "customers can no longer be served: {:.0} instead of {:.0}",
                self.unserved.after, self.unserved.before
            ));
        }
        blocks
    }
}

fn load(
    traffic: &Traffic,
    plan: &Plan,
    pairs: &[(Tally, Tally)],
    point: Option<f64>,
    agent: usize,
) -> LoadRow {
    let name = match traffic.agents.get(agent) {
        Some(record) => record.id.to_string(),
        None => format!("added {}", agent - traffic.agents.len() + 1),
    };
    let of = |it: &Tally| it.loads.get(agent).copied().flatten().unwrap_or(0.0);
    debug_assert!(agent < plan.agents.len());
    LoadRow { agent: name, load: change(pairs, point, of) }
}
