//! Messages got further on their way. Watermarks only ever grow; a report of what is known already changes nothing.

use policy::id::ConversationId;

use super::conversation;
use crate::event::{DeliveryStage, EventKind, Side};
use crate::rejection::Rejection;
use crate::route::Turn;

pub(super) fn handle(
    turn: &mut Turn<'_>,
    id: ConversationId,
    side: Side,
    upto: u64,
    stage: DeliveryStage,
) -> Result<(), Rejection> {
    let it = conversation(turn, id)?;
    if upto > it.last {
        return Err(Rejection::Invalid("there is no message of that number yet"));
    }
    let marks = match side {
        Side::Customer => it.at_customer,
        Side::Agent => it.at_agent,
    };
    let known = match stage {
        DeliveryStage::Delivered => marks.delivered,
        DeliveryStage::Seen => marks.seen,
    };
    if upto > known {
        turn.record(EventKind::DeliveryReported { conversation: id, side, upto, stage });
    }
    Ok(())
}
