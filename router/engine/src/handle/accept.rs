//! An agent takes an offer.

use policy::id::{AgentId, ConversationId, OfferId};

use super::workspace;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::Phase;

pub(super) fn handle(turn: &mut Turn<'_>, agent: AgentId, offer: OfferId) -> Result<(), Rejection> {
    let conversation = standing_offer(turn, agent, offer)?;
    let fence = workspace(turn)?.conversations.get(&conversation).map_or(0, |it| it.fence) + 1;
    turn.record(EventKind::OfferAccepted { conversation, offer, agent, fence });
    Ok(())
}

/// The conversation of an offer that still stands and is this agent's.
pub(super) fn standing_offer(
    turn: &Turn<'_>,
    agent: AgentId,
    offer: OfferId,
) -> Result<ConversationId, Rejection> {
    let workspace = workspace(turn)?;
    let ended = Rejection::Conflict("this offer has ended: it was taken back, answered or ran out");
    let conversation = *workspace.offers.get(&offer).ok_or(ended)?;
    match workspace.conversations.get(&conversation).map(|it| it.phase) {
        Some(Phase::Offered { offer: standing, agent: to, .. }) if standing == offer && to == agent => {
            Ok(conversation)
        }
        _ => Err(ended),
    }
}
