//! Time has passed: offers run out, queues open, parked conversations come back, idle ones end.

use alloc::vec::Vec;

use policy::id::{CommandId, ConversationId, WorkspaceId};
use policy::time::Timestamp;

use super::close::end;
use crate::event::{ClosedBy, Event};
use crate::route::Turn;
use crate::state::{Engine, LOOK_AGAIN, Phase};

/// A tick looks at this many conversations at most: a jump of the clock is worked off over several, and each of them can
/// be appended by itself.
const LOOKS_MAX: usize = 256;

pub(super) fn handle(engine: &mut Engine, at: Timestamp, cause: CommandId, out: &mut Vec<Event>) {
    let due: Vec<_> =
        engine.deadlines.iter().take_while(|(when, ..)| *when <= at).take(LOOKS_MAX).copied().collect();
    for (when, workspace, conversation) in due {
        // An earlier look of this tick may have moved it.
        if engine.deadlines.contains(&(when, workspace, conversation)) {
            look(engine, at, cause, workspace, conversation, out);
        }
    }
}

fn look(
    engine: &mut Engine,
    at: Timestamp,
    cause: CommandId,
    workspace: WorkspaceId,
    id: ConversationId,
    out: &mut Vec<Event>,
) {
    let Some(it) = engine.workspaces.get(&workspace).and_then(|it| it.conversations.get(&id)) else { return };
    let (phase, active, before) = (it.phase, it.active, it.deadline);
    let mut turn = Turn::new(engine, at, workspace, cause, out);
    match phase {
        Phase::Waiting { open: false, reserved } => turn.queue(id, reserved),
        Phase::Waiting { open: true, .. } => {
            turn.route_conversation(id);
            turn.take_steps(id);
            let still = |it: &crate::state::Workspace| {
                let of = it.conversations.get(&id).filter(|it| matches!(it.phase, Phase::Waiting { .. }))?;
                let again = it.pool.looks_again(id).then_some(at + LOOK_AGAIN);
                let step = of.next_step(&it.policy).and_then(|step| step.after).map(|age| of.opened + age);
                // What became due in this very look has been taken; a step that is not later waits for the next look.
                let step = step.map(|due| due.max(at + LOOK_AGAIN));
                Some((of.deadline, [again, step].into_iter().flatten().min()))
            };
            if let Some((now, again)) = turn.workspace().and_then(still) {
                engine.look_again(workspace, id, now.or(before), again);
            }
        }
        Phase::Offered { offer, agent, .. } => turn.time_out(id, offer, agent),
        Phase::Parked { agent, .. } => super::park::come_back(&mut turn, id, agent),
        Phase::Assigned { .. } => {
            let idle = turn.workspace().and_then(|it| {
                let queue = &it.conversations.get(&id)?.needs.queue;
                it.policy.queue(queue)?.idle_close
            });
            match idle {
                Some(idle) if active + idle <= at => end(&mut turn, id, ClosedBy::Idle, None),
                // Somebody wrote since: look again later.
                idle => engine.look_again(workspace, id, before, idle.map(|idle| active + idle)),
            }
        }
    }
}

impl Engine {
    /// Moves a conversation's deadline. Not an event: it follows from the time of the last message, which is one.
    fn look_again(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) {
        if let Some(at) = before {
            self.deadlines.remove(&(at, workspace, id));
        }
        if let Some(at) = after {
            self.deadlines.insert((at, workspace, id));
        }
        if let Some(it) = self.workspaces.get_mut(&workspace).and_then(|it| it.conversations.get_mut(&id)) {
            it.deadline = after;
        }
    }
}
