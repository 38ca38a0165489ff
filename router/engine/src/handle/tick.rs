//! Time has passed: offers run out, queues open, parked conversations come back, idle ones end, breaks begin and end.

use alloc::vec::Vec;

use policy::id::{AgentId, CommandId, ConversationId, WorkspaceId};
use policy::matching::Standing;
use policy::time::Timestamp;

use super::close::end;
use crate::event::{ClosedBy, Event, EventKind};
use crate::route::Turn;
use crate::state::{Engine, LOOK_AGAIN, Phase, Rival};

/// A tick looks at this many conversations, and agents with breaks, at most: a jump of the clock is worked off over several, and each of them can
/// be appended by itself.
const LOOKS_MAX: usize = 256;

pub(super) fn handle(engine: &mut Engine, at: Timestamp, cause: CommandId, out: &mut Vec<Event>) {
    let breaks: Vec<_> =
        engine.breaks.iter().take_while(|(when, ..)| *when <= at).take(LOOKS_MAX).copied().collect();
    for (_, workspace, agent) in breaks {
        engine.look_at_breaks(at, cause, workspace, agent, out);
    }
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
    let Some(of) = engine.workspaces.get(&workspace) else { return };
    let Some(it) = of.conversations.get(&id) else {
        if let Some(agent) = of.wraps.get(&id).map(|wrap| wrap.agent) {
            let mut turn = Turn::new(engine, at, workspace, cause, out);
            turn.record(EventKind::WrapUpEnded { conversation: id, agent });
            turn.route_agent(agent);
        }
        return;
    };
    let (phase, active, before) = (it.phase, it.active, it.deadline);
    let ran_out = it.offers().find(|offer| offer.until <= at);
    let mut turn = Turn::new(engine, at, workspace, cause, out);
    match phase {
        Phase::Waiting { open: false, reserved } => turn.queue(id, reserved),
        Phase::Waiting { open: true, .. } => {
            turn.route_conversation(id);
            turn.take_steps(id);
            let still = |it: &crate::state::Workspace| {
                let of = it.conversations.get(&id).filter(|it| matches!(it.phase, Phase::Waiting { .. }))?;
                let again = it.pool.looks_again(id).then_some(at + LOOK_AGAIN);
                let step =
                    of.next_step(&it.policy).and_then(|(_, step)| step.after).map(|age| of.opened + age);
                // What became due in this very look has been taken; a step that is not later waits for the next look.
                let step = step.map(|due| due.max(at + LOOK_AGAIN));
                Some((of.deadline, [again, step, of.free_for_all(at)].into_iter().flatten().min()))
            };
            if let Some((now, again)) = turn.workspace().and_then(still) {
                engine.look_again(workspace, id, now.or(before), again);
            }
        }
        Phase::Offered { .. } => {
            if let Some(Rival { offer, agent, .. }) = ran_out {
                turn.time_out(id, offer, agent);
            }
        }
        Phase::Parked { agent, .. } => super::park::come_back(&mut turn, id, agent),
        Phase::Assigned { agent } => {
            let queue = turn.workspace().and_then(|it| {
                let queue = &it.conversations.get(&id)?.needs.queue;
                it.policy.queue(queue)
            });
            let idle = queue.and_then(|queue| queue.idle_close);
            if idle.is_some_and(|idle| active + idle <= at) {
                return end(&mut turn, id, ClosedBy::Idle, None);
            }
            if is_left(&turn, id, agent, queue) {
                turn.record(EventKind::Released { conversation: id, agent });
                return turn.queue(id, None);
            }
            // Somebody wrote since, or the agent is here: look again later.
            let back = queue.and_then(|queue| {
                let it = turn.workspace()?.conversations.get(&id)?;
                it.due_back(queue, at)
            });
            let again = [idle.map(|idle| active + idle), back].into_iter().flatten().min();
            engine.look_again(workspace, id, before, again);
        }
    }
}

/// Whether the customer has waited to the queue's bound for a word of an agent who is away.
fn is_left(turn: &Turn<'_>, id: ConversationId, agent: AgentId, queue: Option<&policy::Queue>) -> bool {
    let of = turn.workspace();
    let waits = of.and_then(|it| it.conversations.get(&id)).and_then(|it| {
        let since = it.unanswered_since?;
        Some(since.max(it.held_since.unwrap_or(since)) + queue?.reassign? <= turn.at)
    });
    let here = of.and_then(|it| it.standing(agent)) == Some(Standing::Online);
    waits == Some(true) && !here
}

impl Engine {
    /// Looks at one conversation as a tick does, at a given time. The log does not say at which moments a tick looked and
    /// changed nothing, so a replay of recorded events does not tick: it looks where something came of it. No server calls it.
    pub fn look(
        &mut self,
        at: Timestamp,
        cause: CommandId,
        workspace: WorkspaceId,
        conversation: ConversationId,
        out: &mut Vec<Event>,
    ) {
        look(self, at, cause, workspace, conversation, out);
    }

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
