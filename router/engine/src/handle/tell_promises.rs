//! What waiting customers are told of their wait. Only what is new to one who still waits is recorded.

use alloc::vec::Vec;

use policy::id::ConversationId;

use super::workspace;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::{Phase, Promise};

/// More promises than this are not taken at once.
const PROMISES_MAX: usize = 1_000;

pub(super) fn handle(turn: &mut Turn<'_>, told: &[(ConversationId, Promise)]) -> Result<(), Rejection> {
    if told.len() > PROMISES_MAX {
        return Err(Rejection::Invalid(
            "more than 1,000 promises at once: tell the rest with the next command",
        ));
    }
    let workspace = workspace(turn)?;
    let is_news = |(id, promise): &&(ConversationId, Promise)| {
        let waits = workspace
            .conversations
            .get(id)
            .is_some_and(|it| matches!(it.phase, Phase::Waiting { open: true, .. }));
        waits && workspace.promises.told(*id).is_none_or(|told| told.newest != *promise)
    };
    let told: Vec<_> = told.iter().filter(is_news).copied().collect();
    if !told.is_empty() {
        turn.record(EventKind::PromisesTold { told });
    }
    Ok(())
}
