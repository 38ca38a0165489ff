//! Past its bound, no conversation sees a younger one given to an agent who could have had it. Checked the slow way, by
//! looking at all that wait.

use alloc::format;
use alloc::vec::Vec;

use super::Violation;
use crate::event::{Event, EventKind};
use crate::state::{Engine, Phase};

/// An offer passes nobody over who is past the bound.
pub fn check(before: &Engine, event: &Event, found: &mut Vec<Violation>) {
    let EventKind::OfferMade { conversation, decision, .. } = &event.kind else { return };
    let Some(workspace) = before.workspace(event.workspace) else { return };
    let Some(given) = workspace.conversations.get(conversation) else { return };
    for it in workspace.conversations.values() {
        let Phase::Waiting { open: true, .. } = it.phase else { continue };
        let Some(waiting) = workspace.pool.waiting(it.id) else { continue };
        let older = (it.since(), it.id) < (given.since(), given.id);
        let overdue = event.at.since(it.since()) >= waiting.passed_over;
        let mut alone = workspace.pool.clone();
        if older && overdue && {
            alone.leave(*conversation);
            alone.choose_agent(it.id, event.at).is_some_and(|choice| choice.agent == decision.agent)
        } {
            let detail = format!("{} waits since {:?} and {} was served", it.id, it.since(), given.id);
            found.push(Violation { invariant: "passed over", detail });
        }
    }
}
