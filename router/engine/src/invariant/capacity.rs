//! The router never assigns above capacity. An agent's own act ([`EventKind::Unparked`]) and a lowered limit may exceed
//! it; then nothing is offered until there is room again.

use alloc::format;
use alloc::vec::Vec;

use super::Violation;
use crate::event::{Event, EventKind};
use crate::state::Engine;

/// After an offer the agent's load is within its capacity.
pub fn check(event: &Event, after: &Engine, found: &mut Vec<Violation>) {
    let EventKind::OfferMade { decision, .. } = &event.kind else { return };
    let room = after.workspace(event.workspace).and_then(|workspace| workspace.pool.room(decision.agent));
    if room.is_none_or(|room| room.load.max(room.beside) > room.capacity) {
        let detail = format!("{} was offered a conversation and has {room:?}", decision.agent);
        found.push(Violation { invariant: "capacity", detail });
    }
}
