//! Planned breaks: which of them an agent is near or in, and when to look again.

use policy::id::AgentId;
use policy::matching::Standing;
use policy::time::Timestamp;
use policy::{Breaks, BreaksDoc};
use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::event::StandingCause;

/// A break that an agent is near or in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBreak {
    /// When it begins, or began.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// How far it is.
    pub phase: BreakPhase,
}

/// How far a break is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BreakPhase {
    /// Nothing more is offered.
    Near,
    /// The agent is away.
    Begun,
    /// The agent came back by an own act, and works on.
    Skipped,
}

impl Workspace {
    /// Whether an agent takes work, as the agent sees it: in the last minutes before a break still online.
    #[must_use]
    pub fn standing(&self, agent: AgentId) -> Option<Standing> {
        let standing = self.pool.standing(agent)?;
        let now = self.agents.get(&agent).and_then(|it| it.on_break);
        let near = now.is_some_and(|it| it.phase == BreakPhase::Near);
        Some(if near { Standing::Online } else { standing })
    }

    /// Takes up planned breaks, as they were checked before.
    pub(crate) fn plan_breaks(&mut self, agent: AgentId, breaks: &BreaksDoc) {
        match Breaks::compile(breaks) {
            Ok(Some(calendar)) => drop(self.breaks.insert(agent, calendar)),
            Ok(None) | Err(_) => drop(self.breaks.remove(&agent)),
        }
    }

    /// Notes what a change of standing means for a break: who comes online in one skips the rest of it, and one that is over,
    /// or left in another way, is forgotten.
    pub(super) fn break_changed(
        &mut self,
        agent: AgentId,
        standing: Standing,
        why: StandingCause,
        at: Timestamp,
    ) {
        let under_way =
            self.breaks.get(&agent).and_then(|calendar| calendar.at(at)).filter(|it| it.from.is_none());
        let Some(it) = self.agents.get_mut(&agent) else { return };
        it.on_break = match (why, standing, it.on_break) {
            (StandingCause::Break, _, Some(now)) => Some(OnBreak { phase: BreakPhase::Begun, ..now }),
            (StandingCause::Asked, Standing::Online, Some(now)) if now.until > at => {
                Some(OnBreak { phase: BreakPhase::Skipped, ..now })
            }
            (StandingCause::Asked, Standing::Online, _) => {
                under_way.map(|it| OnBreak { from: at, until: it.until, phase: BreakPhase::Skipped })
            }
            _ => None,
        };
    }

    /// When to look at an agent's breaks again, as of a moment.
    pub(crate) fn break_look(&self, agent: AgentId, at: Timestamp) -> Option<Timestamp> {
        let calendar = self.breaks.get(&agent)?;
        match self.agents.get(&agent)?.on_break.filter(|now| now.until > at) {
            Some(OnBreak { from, phase: BreakPhase::Near, .. }) if from > at => Some(from),
            Some(now) => Some(now.until),
            None => calendar.next_look(at),
        }
    }
}
