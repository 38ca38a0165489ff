//! Planned breaks of agents: in the last minutes before one nothing new is offered, then the agent is away, then back by itself.

use alloc::boxed::Box;
use alloc::vec::Vec;

use policy::id::{AgentId, CommandId, WorkspaceId};
use policy::matching::Standing;
use policy::time::Timestamp;
use policy::{Break, Breaks, BreaksDoc};

use super::workspace;
use crate::event::{Event, EventKind, StandingCause};
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::{BreakPhase, Engine, OnBreak};

/// Plans an agent's breaks anew; one that is under way ends, and begins again where the new plan has it too.
pub(super) fn plan(turn: &mut Turn<'_>, agent: AgentId, breaks: &BreaksDoc) -> Result<(), Rejection> {
    let known = workspace(turn)?.agents.get(&agent).ok_or(Rejection::NotFound("agent"))?;
    if Breaks::compile(breaks).is_err() {
        return Err(Rejection::Invalid(
            "these are no breaks: write each like 12:00-12:30, in a time zone by name",
        ));
    }
    if known.on_break.is_some_and(|now| now.phase != BreakPhase::Skipped) {
        let (standing, why) = (Standing::Online, StandingCause::BreakOver);
        turn.record(EventKind::StandingChanged { agent, standing, why });
    }
    turn.record(EventKind::BreaksPlanned { agent, breaks: Box::new(breaks.clone()) });
    look(turn, agent);
    turn.route_agent(agent);
    Ok(())
}

/// What is due of an agent's breaks now. Says whether the agent is back from one.
pub(super) fn look(turn: &mut Turn<'_>, agent: AgentId) -> bool {
    let at = turn.at;
    let over = |it: &OnBreak| it.until <= at && it.phase != BreakPhase::Skipped;
    let back = break_of(turn, agent).as_ref().is_some_and(over);
    if back {
        let (standing, why) = (Standing::Online, StandingCause::BreakOver);
        turn.record(EventKind::StandingChanged { agent, standing, why });
    }
    let Some(of) = turn.workspace() else { return back };
    let (now, planned) = (break_of(turn, agent), of.breaks.get(&agent).and_then(|it| it.at(at)));
    // Who came back by an own act works on until that break would be over.
    let skipped = now.is_some_and(|it| it.phase == BreakPhase::Skipped && it.until > at);
    let online = of.standing(agent) == Some(Standing::Online);
    let Some(Break { from, until }) = planned.filter(|_| online && !skipped) else { return back };
    if !now.is_some_and(|it| it.phase == BreakPhase::Near) {
        turn.record(EventKind::BreakNears { agent, from: from.unwrap_or(at), until });
    }
    if from.is_none() {
        let (standing, why) = (Standing::Away, StandingCause::Break);
        turn.record(EventKind::StandingChanged { agent, standing, why });
    }
    back
}

fn break_of(turn: &Turn<'_>, agent: AgentId) -> Option<OnBreak> {
    turn.workspace()?.agents.get(&agent)?.on_break
}

impl Engine {
    /// Looks at one agent's planned breaks as a tick does, at a given time; see [`Engine::look`].
    pub fn look_at_breaks(
        &mut self,
        at: Timestamp,
        cause: CommandId,
        workspace: WorkspaceId,
        agent: AgentId,
        out: &mut Vec<Event>,
    ) {
        let mut turn = Turn::new(self, at, workspace, cause, out);
        if look(&mut turn, agent) {
            turn.route_agent(agent);
        }
        self.look_at_breaks_again(workspace, agent, at);
    }
}
