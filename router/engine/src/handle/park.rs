//! Setting a conversation aside and taking it up again. Parking frees capacity and reserves the return to the same agent.

use policy::id::{AgentId, ConversationId};
use policy::matching::Standing;
use policy::time::Timestamp;

use super::{conversation, held};
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::Phase;

pub(super) fn park(
    turn: &mut Turn<'_>,
    agent: AgentId,
    id: ConversationId,
    until: Option<Timestamp>,
) -> Result<(), Rejection> {
    held(turn, id, agent)?;
    if until.is_some_and(|until| until <= turn.at) {
        return Err(Rejection::Invalid("the time to come back lies in the past"));
    }
    turn.record(EventKind::Parked { conversation: id, agent, until });
    turn.route_agent(agent);
    Ok(())
}

pub(super) fn unpark(turn: &mut Turn<'_>, agent: AgentId, id: ConversationId) -> Result<(), Rejection> {
    let it = conversation(turn, id)?;
    match it.phase {
        Phase::Parked { agent: parked_by, .. } if parked_by == agent => {
            let fence = it.fence + 1;
            turn.record(EventKind::Unparked { conversation: id, agent, fence });
            Ok(())
        }
        Phase::Parked { .. } => Err(Rejection::Forbidden("another agent set this conversation aside")),
        Phase::Waiting { .. } | Phase::Offered { .. } | Phase::Assigned { .. } => {
            Err(Rejection::Conflict("this conversation is not parked"))
        }
    }
}

/// A parked conversation comes back by itself: reserved for its agent where that one is here, else for anybody.
pub(crate) fn come_back(turn: &mut Turn<'_>, id: ConversationId, agent: AgentId) {
    let here =
        turn.workspace().and_then(|workspace| workspace.pool.standing(agent)) == Some(Standing::Online);
    turn.queue(id, here.then_some(agent));
}
