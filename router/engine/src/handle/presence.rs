//! An agent comes, goes away, or goes. Who goes leaves nothing behind: what was held returns to its queue at its old age.

use alloc::vec::Vec;

use policy::id::AgentId;
use policy::matching::Standing;

use super::workspace;
use crate::event::{EventKind, StandingCause};
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(turn: &mut Turn<'_>, agent: AgentId, standing: Standing) -> Result<(), Rejection> {
    let before = workspace(turn)?.pool.standing(agent).ok_or(Rejection::NotFound("agent"))?;
    if before == standing {
        return Ok(());
    }
    if standing == Standing::Offline {
        leave(turn, agent);
        return Ok(());
    }
    turn.record(EventKind::StandingChanged { agent, standing, why: StandingCause::Asked });
    if standing == Standing::Online {
        turn.route_agent(agent);
    }
    Ok(())
}

/// Makes an agent offline first, so that nothing comes back to it, and then takes all that it held.
pub(super) fn leave(turn: &mut Turn<'_>, agent: AgentId) {
    let standing = turn.workspace().and_then(|workspace| workspace.pool.standing(agent));
    if standing != Some(Standing::Offline) {
        turn.record(EventKind::StandingChanged {
            agent,
            standing: Standing::Offline,
            why: StandingCause::Asked,
        });
    }
    turn.unload_agent(agent);
    let agent_state = turn.workspace().and_then(|workspace| workspace.agents.get(&agent));
    let awaited: Vec<_> = agent_state.map(|it| it.awaited.iter().copied().collect()).unwrap_or_default();
    for conversation in awaited {
        turn.queue(conversation, None);
    }
}
