//! Places in line and honest promises of the wait, pushed when what is shown changes, at most every five seconds to one
//! customer. How a promise is made is `promises.rs`; what is told stands in the log before anybody sees it.

use engine::state::{Basis, Phase, Promise};
use policy::id::{ConversationId, WorkspaceId};
use policy::time::{Span, Timestamp};
use policy::{Audience, Field, Grants, Purpose, disclose};
use protocol::{PlaceView, ServerFrame};
use simulation::promise::telling::{Telling, standing};

use super::state::{Effect, State};
use crate::session::Owner;
use crate::session::frame::Notice;
use crate::session::stream::Slot;

/// One customer is told at most this often.
const PACE: Span = Span::seconds(5);
/// Conversations looked at in one beat; the rest comes in the next.
const LOOKS_MAX: usize = 5_000;
/// Promises recorded with one command.
const PROMISES_MAX: usize = 1_000;

impl State {
    /// The place of a waiting conversation, with what its customer was told last.
    pub(super) fn place(&self, workspace: WorkspaceId, id: ConversationId) -> Option<PlaceView> {
        let it = self.engine.workspace(workspace)?;
        let conversation = it.conversations.get(&id)?;
        let Phase::Waiting { open, .. } = conversation.phase else { return None };
        if !open {
            let opens_ms = it.policy.next_opening(&conversation.needs.queue, self.now()).map(|at| at.0);
            return Some(PlaceView { position: 1, opens_ms, ..PlaceView::default() });
        }
        let position = it.pool.position(id)?;
        let told = it.promises.told(id).map(|told| standing(told, self.now()));
        Some(self.place_at(workspace, id, position, told))
    }

    pub(super) fn place_at(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
        position: u32,
        told: Option<Telling>,
    ) -> PlaceView {
        let Some(Telling { promise, longer }) = told else {
            return PlaceView { position, ..PlaceView::default() };
        };
        let long_wait = self.engine.workspace(workspace).and_then(|it| {
            let queue = &it.conversations.get(&id)?.needs.queue;
            it.policy.queue(queue)?.long_wait
        });
        PlaceView {
            position,
            wait_s: Some((promise.median_s, promise.p90_s)),
            opens_ms: None,
            longer,
            long: long_wait.is_some_and(|long| Span::seconds(promise.median_s.into()) > long),
            rough: promise.basis == Basis::Length,
        }
    }

    /// Tells waiting customers of queues that moved.
    pub(super) fn tell_places(&mut self, now: Timestamp) {
        let mut looks = 0;
        let moved = std::mem::take(&mut self.moved);
        for (workspace, queue) in moved {
            let Some(it) = self.engine.workspace(workspace) else { continue };
            if looks >= LOOKS_MAX {
                self.moved.insert((workspace, queue));
                continue;
            }
            let line = it.pool.line(&queue);
            let mut again = false;
            let mut told = Vec::new();
            for (index, id) in line.into_iter().enumerate() {
                looks += 1;
                if looks > LOOKS_MAX || told.len() >= PROMISES_MAX {
                    again = true;
                    break;
                }
                let position = u32::try_from(index + 1).unwrap_or(u32::MAX);
                again |= !self.tell_place(workspace, id, position, now, &mut told);
            }
            self.record_promises(workspace, told);
            if again {
                self.moved.insert((workspace, queue));
            }
        }
    }

    /// Tells one customer, unless nothing changed; `false` if it must wait for its pace. A promise is to be recorded.
    fn tell_place(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        position: u32,
        now: Timestamp,
        told: &mut Vec<(ConversationId, Promise)>,
    ) -> bool {
        let Some(customer) = self.customer_of(workspace, id) else { return true };
        let owner = Owner::Customer(workspace, customer);
        if !self.parts.registry.attached(owner) {
            return true;
        }
        let telling = self.promise_of(workspace, id, position, now);
        let place = self.place_at(workspace, id, position, telling);
        match self.places.get(&id) {
            Some((shown, _)) if *shown == place => return true,
            // The first promise waits for nothing: it comes a moment after the place.
            Some((shown, _)) if shown.wait_s.is_none() && place.wait_s.is_some() => {}
            Some((_, at)) if now.since(*at) < PACE => return false,
            _ => {}
        }
        told.extend(telling.map(|telling| (id, telling.promise)));
        self.places.insert(id, (place.clone(), now));
        let frame = ServerFrame::Place { conversation: id, place };
        let grants = Grants::default();
        if let Ok(frame) = disclose(Audience::Customer, Purpose::Service, &grants, &[Field::Routing], frame) {
            let notice = Notice::disclosed(&frame);
            self.pending.effects.push(Effect::Slot(owner, Slot::Place(id), notice));
        }
        true
    }
}
