//! Ending a conversation, and opening an ended one again.

use policy::id::{AgentId, ConversationId};
use policy::matching::Standing;

use super::{conversation, may_steer, workspace};
use crate::command::Actor;
use crate::event::{ClosedBy, EventKind};
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::{Conversation, Phase};

pub(super) fn close(
    turn: &mut Turn<'_>,
    by: Actor,
    id: ConversationId,
    solved: Option<bool>,
) -> Result<(), Rejection> {
    let it = conversation(turn, id)?;
    // An agent may also end what it set aside.
    let parked_by_actor =
        matches!((it.phase, by), (Phase::Parked { agent, .. }, Actor::Agent(actor)) if agent == actor);
    if !parked_by_actor {
        may_steer(it, by)?;
    }
    let by = match by {
        Actor::Customer(_) => ClosedBy::Customer,
        Actor::Agent(agent) | Actor::Supervisor(agent) => ClosedBy::Agent(agent),
    };
    end(turn, id, by, solved);
    Ok(())
}

/// Ends it and gives the freed agent what waits.
pub(super) fn end(turn: &mut Turn<'_>, id: ConversationId, by: ClosedBy, solved: Option<bool>) {
    let Ok(it) = conversation(turn, id) else { return };
    let freed = it.takes_room_of();
    let asked = turn.withdraw_offers(id, None);
    turn.record(EventKind::Closed { conversation: id, by, solved });
    for agent in freed.into_iter().filter(|freed| !asked.contains(freed)).chain(asked.iter().copied()) {
        turn.route_agent(agent);
    }
}

pub(super) fn reopen(turn: &mut Turn<'_>, by: Actor, closed: &Conversation) -> Result<(), Rejection> {
    let workspace = workspace(turn)?;
    if workspace.conversations.contains_key(&closed.id) {
        return Err(Rejection::Conflict("this conversation is open"));
    }
    if workspace.customers.contains_key(&closed.customer) {
        return Err(Rejection::Conflict("the customer has another open conversation: go on there"));
    }
    let reserved = match by {
        Actor::Customer(customer) if customer != closed.customer => {
            return Err(Rejection::NotFound("conversation"));
        }
        Actor::Customer(_) => closed.known_agent.filter(|agent| is_here(workspace, *agent)),
        Actor::Agent(agent) | Actor::Supervisor(agent) => {
            Some(agent).filter(|agent| is_here(workspace, *agent))
        }
    };
    let wrap = workspace.wraps.get(&closed.id).map(|wrap| wrap.agent);
    if let Some(agent) = wrap {
        turn.record(EventKind::WrapUpEnded { conversation: closed.id, agent });
    }
    turn.record(EventKind::Reopened { closed: alloc::boxed::Box::new(closed.clone()) });
    turn.queue(closed.id, reserved);
    Ok(())
}

fn is_here(workspace: &crate::state::Workspace, agent: AgentId) -> bool {
    workspace.pool.standing(agent) == Some(Standing::Online)
}
