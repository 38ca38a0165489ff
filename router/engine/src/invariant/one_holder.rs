//! At most one holder may speak to the customer, and each new holder has a greater fence.

use alloc::format;
use alloc::vec::Vec;

use super::Violation;
use crate::event::{Event, EventKind};
use crate::state::Engine;

/// A message comes from the holder; a new holder's fence is above the old one.
pub fn check_step(before: &Engine, event: &Event, found: &mut Vec<Violation>) {
    let Some(workspace) = before.workspace(event.workspace) else { return };
    let Some(it) = event.kind.conversation().and_then(|id| workspace.conversations.get(&id)) else { return };
    let wrong = match &event.kind {
        EventKind::MessageSent { agent, .. } => it.holder() != Some(*agent),
        EventKind::OfferAccepted { fence, .. } | EventKind::Unparked { fence, .. } => {
            *fence <= it.fence || it.holder().is_some()
        }
        _ => false,
    };
    if wrong {
        let detail =
            format!("{:?} while {:?} holds {} at fence {}", event.kind, it.holder(), it.id, it.fence);
        found.push(Violation { invariant: "one holder", detail });
    }
}

/// What takes an agent's room is listed with that agent and with no other.
pub fn check_state(engine: &Engine, found: &mut Vec<Violation>) {
    for (_, workspace) in engine.workspaces() {
        for (id, agent) in &workspace.agents {
            for conversation in &agent.held {
                let it = workspace.conversations.get(conversation);
                if !it.is_some_and(|it| it.is_with(*id)) {
                    let detail = format!("{id} lists {conversation}, which does not take its room");
                    found.push(Violation { invariant: "one holder", detail });
                }
            }
        }
    }
}
