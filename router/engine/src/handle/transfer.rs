//! Handing a conversation over, to a queue or to one agent. Its age goes with it.

use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId};
use policy::matching::{Needs, Standing};

use super::{conversation, may_steer, workspace};
use crate::command::{Actor, HandOver};
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::Phase;

pub(super) fn handle(
    turn: &mut Turn<'_>,
    by: Actor,
    id: ConversationId,
    to: &HandOver,
) -> Result<(), Rejection> {
    let it = conversation(turn, id)?;
    if matches!(by, Actor::Customer(_)) {
        return Err(Rejection::Forbidden("only agents hand conversations over"));
    }
    may_steer(it, by)?;
    let phase = it.phase;
    let (needs, priority) = (it.needs.clone(), it.priority);
    let workspace = workspace(turn)?;
    let (needs, priority, reserved) = match to {
        HandOver::Queue(queue) => {
            let routing = workspace.policy.reroute(&needs, queue).ok_or(Rejection::NotFound("queue"))?;
            (routing.needs, routing.priority, None)
        }
        HandOver::Agent(agent) => {
            match workspace.pool.standing(*agent) {
                None => return Err(Rejection::NotFound("agent")),
                Some(Standing::Offline) => {
                    return Err(Rejection::Conflict("this agent is not here: hand over to a queue instead"));
                }
                Some(Standing::Online | Standing::Away) => {}
            }
            if it_is_with(phase, *agent) {
                return Err(Rejection::Conflict("this agent has the conversation already"));
            }
            // Named by a person: the skills of the class do not stand in the way.
            let needs = Needs {
                queue: needs.queue,
                channel: needs.channel,
                effort: needs.effort,
                ..Needs::default()
            };
            (needs, priority, Some(*agent))
        }
    };
    let freed = take_back(turn, id, phase);
    let not = match (by, to) {
        (Actor::Agent(agent), HandOver::Queue(_)) => Some(agent),
        _ => None,
    };
    turn.record(EventKind::Rerouted { conversation: id, needs, priority, not });
    turn.queue(id, reserved);
    for agent in freed {
        turn.route_agent(agent);
    }
    Ok(())
}

fn it_is_with(phase: Phase, agent: AgentId) -> bool {
    match phase {
        Phase::Assigned { agent: with } | Phase::Offered { agent: with, .. } => with == agent,
        Phase::Waiting { .. } | Phase::Parked { .. } => false,
    }
}

/// Takes the conversation from whoever has it or is asked; returns who has room again.
fn take_back(turn: &mut Turn<'_>, conversation: ConversationId, phase: Phase) -> Vec<AgentId> {
    match phase {
        Phase::Assigned { agent } => {
            turn.record(EventKind::Released { conversation, agent });
            Vec::from([agent])
        }
        Phase::Offered { .. } => turn.withdraw_offers(conversation, None),
        Phase::Waiting { .. } | Phase::Parked { .. } => Vec::new(),
    }
}
