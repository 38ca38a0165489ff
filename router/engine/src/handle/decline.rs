//! An agent refuses an offer: the conversation goes back to its old place and never again to this agent.

use policy::id::{AgentId, OfferId};

use super::accept::standing_offer;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(turn: &mut Turn<'_>, agent: AgentId, offer: OfferId) -> Result<(), Rejection> {
    let conversation = standing_offer(turn, agent, offer)?;
    turn.record(EventKind::OfferDeclined { conversation, offer, agent });
    turn.queue_if_unoffered(conversation);
    turn.route_agent(agent);
    Ok(())
}
