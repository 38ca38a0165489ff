//! An agent takes an offer.

use policy::id::{AgentId, ConversationId, OfferId};

use super::workspace;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::{OFFER_SHIFT, Turn};

pub(super) fn handle(turn: &mut Turn<'_>, agent: AgentId, offer: OfferId) -> Result<(), Rejection> {
    let conversation = standing_offer(turn, agent, offer)?;
    let fence = workspace(turn)?.conversations.get(&conversation).map_or(0, |it| it.fence) + 1;
    // The first to accept has it: the others are told, and have their room back.
    let rivals = turn.withdraw_offers(conversation, Some(offer));
    turn.record(EventKind::OfferAccepted { conversation, offer, agent, fence });
    for agent in rivals {
        turn.route_agent(agent);
    }
    Ok(())
}

/// How many offers of one conversation are told from those of another workspace once they have ended.
const OFFERS_TRIED: u128 = 64;

/// The conversation of an offer that still stands and is this agent's.
pub(super) fn standing_offer(
    turn: &Turn<'_>,
    agent: AgentId,
    offer: OfferId,
) -> Result<ConversationId, Rejection> {
    let workspace = workspace(turn)?;
    let ended = Rejection::Conflict("this offer has ended: it was taken back, answered or ran out");
    let Some(&conversation) = workspace.offers.get(&offer) else {
        // An offer's id tells its conversation; that of another workspace is none here.
        let made_here = (1..=OFFERS_TRIED).any(|number| {
            let of = ConversationId::from_bits(offer.bits() ^ (number << OFFER_SHIFT));
            workspace.conversations.contains_key(&of)
        });
        return Err(if made_here { ended } else { Rejection::NotFound("offer") });
    };
    let it = workspace.conversations.get(&conversation);
    let mine = it.is_some_and(|it| it.offers().any(|it| it.offer == offer && it.agent == agent));
    if mine { Ok(conversation) } else { Err(ended) }
}
