//! An agent comes, goes away, or goes. Who goes leaves nothing behind: what was held returns to its queue at its old age.

use alloc::boxed::Box;
use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId};
use policy::matching::Standing;

use super::workspace;
use crate::event::{EventKind, StandingCause};
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(turn: &mut Turn<'_>, agent: AgentId, standing: Standing) -> Result<(), Rejection> {
    let before = workspace(turn)?.standing(agent).ok_or(Rejection::NotFound("agent"))?;
    if before == standing {
        return Ok(());
    }
    if standing == Standing::Offline {
        leave(turn, agent);
        return Ok(());
    }
    turn.record(EventKind::StandingChanged { agent, standing, why: StandingCause::Asked });
    if standing == Standing::Online {
        // A break may be near.
        super::breaks::look(turn, agent);
        turn.route_agent(agent);
    }
    Ok(())
}

/// More paused channels than this are not kept.
const PAUSED_MAX: usize = 64;

/// Takes nothing more on these channels; what is in hand stays.
pub(super) fn pause(turn: &mut Turn<'_>, agent: AgentId, channels: &[Box<str>]) -> Result<(), Rejection> {
    let known = workspace(turn)?.agents.get(&agent).ok_or(Rejection::NotFound("agent"))?;
    if channels.len() > PAUSED_MAX {
        return Err(Rejection::Invalid("so many channels cannot be paused: name 64 at most"));
    }
    if known.paused.len() == channels.len() && channels.iter().all(|channel| known.paused.contains(channel)) {
        return Ok(());
    }
    turn.record(EventKind::ChannelsPaused { agent, channels: channels.to_vec() });
    turn.route_agent(agent);
    Ok(())
}

/// The agent has written up what is to be kept.
pub(super) fn end_wrap_up(turn: &mut Turn<'_>, agent: AgentId, id: ConversationId) -> Result<(), Rejection> {
    if workspace(turn)?.wraps.get(&id).is_none_or(|wrap| wrap.agent != agent) {
        return Err(Rejection::NotFound("conversation to write up"));
    }
    turn.record(EventKind::WrapUpEnded { conversation: id, agent });
    turn.route_agent(agent);
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
    let wraps = turn.workspace().map(|it| it.wraps.iter().filter(|(_, wrap)| wrap.agent == agent));
    let wraps: Vec<_> = wraps.map(|it| it.map(|(id, _)| *id).collect()).unwrap_or_default();
    for conversation in wraps {
        turn.record(EventKind::WrapUpEnded { conversation, agent });
    }
    let agent_state = turn.workspace().and_then(|workspace| workspace.agents.get(&agent));
    let awaited: Vec<_> = agent_state.map(|it| it.awaited.iter().copied().collect()).unwrap_or_default();
    for conversation in awaited {
        turn.queue(conversation, None);
    }
}
