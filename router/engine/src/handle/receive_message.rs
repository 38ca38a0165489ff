//! A customer's message: it goes to the customer's open conversation, or opens one and looks for an agent.

use alloc::vec::Vec;

use policy::id::{AgentId, ContactPointId, ConversationId};
use policy::matching::Preferred;
use policy::time::Timestamp;
use policy::{Arrival, Routing};

use super::{conversation, workspace};
use crate::command::CommandKind;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::{Phase, Workspace};

pub(super) fn handle(turn: &mut Turn<'_>, command: &CommandKind) -> Result<(), Rejection> {
    let CommandKind::ReceiveMessage {
        customer,
        contact_point,
        channel,
        to,
        new,
        message,
        size,
        language,
        topics,
        known_agent,
        holds,
    } = command
    else {
        return Err(Rejection::Invalid("not a message"));
    };
    let open = workspace(turn)?.customers.get(customer).copied();
    let target = match to {
        Some(id) if open == Some(*id) => open,
        Some(id) => {
            // Somebody else's conversation looks like none at all.
            conversation(turn, *id).ok().filter(|it| it.customer == *customer).map(|it| it.id)
        }
        None => open,
    };
    if to.is_some() && target.is_none() {
        return Err(Rejection::NotFound("open conversation"));
    }
    if let Some(id) = target {
        receive(turn, id, *contact_point, channel, *message, *size)?;
        return wake(turn, id);
    }

    let workspace = workspace(turn)?;
    if workspace.conversations.contains_key(new) {
        return Err(Rejection::Conflict("this conversation exists already"));
    }
    let routing = workspace.policy.route(&Arrival { channel, language: language.as_deref(), topics, holds });
    let full = workspace
        .policy
        .queue(&routing.needs.queue)
        .is_some_and(|queue| workspace.pool.waiting_count() >= queue.max_waiting);
    if full {
        return Err(Rejection::Full);
    }
    let known_agent = known_agent.filter(|agent| workspace.agents.contains_key(agent));
    let preferred = preferred(workspace, &routing, turn.at);
    turn.record(EventKind::ConversationOpened {
        conversation: *new,
        customer: *customer,
        needs: routing.needs,
        priority: routing.priority,
        language: language.clone(),
        topics: topics.clone(),
        known_agent,
        holds: holds.clone(),
        head_start: routing.head_start,
        preferred,
    });
    receive(turn, *new, *contact_point, channel, *message, *size)?;
    turn.queue(*new, None);
    Ok(())
}

/// Who is asked first, as an intake rule names them: by id or by name.
fn preferred(workspace: &Workspace, routing: &Routing, at: Timestamp) -> Option<Preferred> {
    let (names, time) = &routing.prefer;
    let mut agents: Vec<AgentId> = Vec::new();
    for name in names {
        let of_id = name.parse().ok().filter(|id| workspace.agents.contains_key(id));
        let named = workspace.agents.iter().filter(|(_, agent)| *agent.name == **name).map(|(id, _)| *id);
        agents.extend(of_id.into_iter().chain(named));
    }
    agents.sort_unstable();
    agents.dedup();
    agents.truncate(Preferred::MOST);
    let until = if time.0 > 0 { at + *time } else { Timestamp(i64::MAX) };
    (!agents.is_empty()).then_some(Preferred { agents, until })
}

fn receive(
    turn: &mut Turn<'_>,
    id: ConversationId,
    contact_point: ContactPointId,
    channel: &str,
    message: policy::id::MessageId,
    size: u32,
) -> Result<(), Rejection> {
    let it = conversation(turn, id)?;
    let seq = it.last + 1;
    if !it.contact_points.iter().any(|point| point.id == contact_point) {
        turn.record(EventKind::ContactPointAdded {
            conversation: id,
            contact_point,
            channel: channel.into(),
        });
    }
    turn.record(EventKind::MessageReceived { conversation: id, message, seq, contact_point, size });
    Ok(())
}

/// A parked conversation comes back when its customer writes: to its agent where that one is here, else to anybody.
fn wake(turn: &mut Turn<'_>, id: ConversationId) -> Result<(), Rejection> {
    if let Phase::Parked { agent, .. } = conversation(turn, id)?.phase {
        super::park::come_back(turn, id, agent);
    }
    Ok(())
}
