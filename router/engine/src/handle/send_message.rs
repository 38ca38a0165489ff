//! An agent's message. Only the holder speaks, only behind the newest fence, and only to where the customer has written from.

use super::held;
use crate::command::CommandKind;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(turn: &mut Turn<'_>, command: &CommandKind) -> Result<(), Rejection> {
    let CommandKind::SendMessage { agent, conversation: id, message, size, contact_point, fence } = command
    else {
        return Err(Rejection::Invalid("not a message"));
    };
    let conversation = held(turn, *id, *agent)?;
    if fence.is_some_and(|fence| fence != conversation.fence) {
        return Err(Rejection::Conflict(
            "the conversation has changed hands since: read it again before you write",
        ));
    }
    let to = match contact_point {
        Some(asked) => conversation.contact_points.iter().find(|point| point.id == *asked),
        None => conversation.contact_point(),
    };
    let Some(to) = to else {
        return Err(Rejection::Conflict("the customer has not written from there in this conversation"));
    };
    let event = EventKind::MessageSent {
        conversation: *id,
        message: *message,
        seq: conversation.last + 1,
        agent: *agent,
        contact_point: to.id,
        size: *size,
    };
    turn.record(event);
    Ok(())
}
