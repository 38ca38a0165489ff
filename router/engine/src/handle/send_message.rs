//! An agent's message. Only the holder speaks, and only behind the newest fence.

use policy::id::{AgentId, ConversationId, MessageId};

use super::held;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(
    turn: &mut Turn<'_>,
    agent: AgentId,
    id: ConversationId,
    message: MessageId,
    size: u32,
    fence: Option<u64>,
) -> Result<(), Rejection> {
    let conversation = held(turn, id, agent)?;
    if fence.is_some_and(|fence| fence != conversation.fence) {
        return Err(Rejection::Conflict(
            "the conversation has changed hands since: read it again before you write",
        ));
    }
    let Some(contact_point) = conversation.contact_point() else {
        return Err(Rejection::Conflict("this conversation has no contact point to write to"));
    };
    let event = EventKind::MessageSent {
        conversation: id,
        message,
        seq: conversation.last + 1,
        agent,
        contact_point: contact_point.id,
        size,
    };
    turn.record(event);
    Ok(())
}
