//! Places in line and honest estimates, pushed when what is shown changes, at most every five seconds to one customer.
//!
//! The estimate: with `k` conversations to be taken up before this customer's turn is over, agents who can hold `n` at once
//! and a mean holding time `m`, the wait is about the sum of `k` exponential times of mean `m / n` (a gamma distribution of
//! shape `k`). Its median and 90th percentile are told, by the cube-root approximation of Wilson and Hilferty (1931):
//! `k (1 - 1/(9k) + z / (3 sqrt k))^3`, good to two per cent from k = 1 on. Where nobody eligible is here, or nothing has
//! been learned yet, nothing is said.

use engine::state::Phase;
use policy::id::{ConversationId, WorkspaceId};
use policy::time::{Span, Timestamp};
use policy::{Audience, Field, Grants, Purpose, disclose};
use protocol::{PlaceView, ServerFrame};

use super::state::{Effect, State};
use crate::session::Owner;
use crate::session::frame::Notice;
use crate::session::stream::Slot;

/// One customer is told at most this often.
const PACE: Span = Span::seconds(5);
/// Conversations looked at in one beat; the rest comes in the next.
const LOOKS_MAX: usize = 5_000;
/// Estimates above this are told as this: nobody believes more exact ones.
const WAIT_MAX_S: f64 = 24.0 * 3_600.0;
/// The 90th percentile of the normal distribution.
const Z90: f64 = 1.2816;

/// Median and 90th percentile, in whole seconds, of the wait behind `ahead` others.
#[must_use]
pub(crate) fn estimate(position: u32, handling_ms: i64, holds: u64) -> Option<(u32, u32)> {
    if handling_ms <= 0 || holds == 0 || position == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds and counts far below 2^52")]
    let mean_s = handling_ms as f64 / 1_000.0 / holds as f64;
    let k = f64::from(position);
    let quantile = |z: f64| {
        let seconds = mean_s * k * (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a day")]
        {
            seconds.clamp(0.0, WAIT_MAX_S).ceil() as u32
        }
    };
    Some((rounded(quantile(0.0)), rounded(quantile(Z90))))
}

/// To what people say: 5 seconds up to a minute, half minutes up to five, minutes beyond.
fn rounded(seconds: u32) -> u32 {
    let step = match seconds {
        0..=60 => 5,
        61..=300 => 30,
        _ => 60,
    };
    seconds.div_ceil(step).max(1) * step
}

impl State {
    /// The place of a waiting conversation.
    pub(super) fn place(&self, workspace: WorkspaceId, id: ConversationId) -> Option<PlaceView> {
        let it = self.engine.workspace(workspace)?;
        let conversation = it.conversations.get(&id)?;
        let Phase::Waiting { open, .. } = conversation.phase else { return None };
        if !open {
            let opens_ms = it.policy.next_opening(&conversation.needs.queue, self.now()).map(|at| at.0);
            return Some(PlaceView { position: 1, wait_s: None, opens_ms });
        }
        let position = it.pool.position(id)?;
        Some(self.place_at(workspace, id, position))
    }

    fn place_at(&self, workspace: WorkspaceId, id: ConversationId, position: u32) -> PlaceView {
        let wait_s = self.engine.workspace(workspace).and_then(|it| {
            let queue = &it.conversations.get(&id)?.needs.queue;
            estimate(position, it.queues.get(queue)?.handling_ms, it.pool.able(id).holds)
        });
        PlaceView { position, wait_s, opens_ms: None }
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
            for (index, id) in line.into_iter().enumerate() {
                looks += 1;
                if looks > LOOKS_MAX {
                    again = true;
                    break;
                }
                let position = u32::try_from(index + 1).unwrap_or(u32::MAX);
                again |= !self.tell_place(workspace, id, position, now);
            }
            if again {
                self.moved.insert((workspace, queue));
            }
        }
    }

    /// Tells one customer, unless nothing changed; `false` if it must wait for its pace.
    fn tell_place(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        position: u32,
        now: Timestamp,
    ) -> bool {
        let Some(customer) = self.customer_of(workspace, id) else { return true };
        let owner = Owner::Customer(workspace, customer);
        if !self.parts.registry.attached(owner) {
            return true;
        }
        let place = self.place_at(workspace, id, position);
        match self.places.get(&id) {
            Some((told, _)) if *told == place => return true,
            Some((_, at)) if now.since(*at) < PACE => return false,
            _ => {}
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_gamma_distributions() {
        // Shape 1 is the exponential: median 0.693, 90th percentile 2.303 means; shape 10: 9.669 and 14.206.
        for (position, median, p90) in [(1, 693.0, 2_303.0), (10, 9_669.0, 14_206.0)] {
            let (low, high) = estimate(position, 1_000_000, 1).unwrap();
            assert!((f64::from(low) - median).abs() <= median * 0.03 + 60.0, "{low} against {median}");
            assert!((f64::from(high) - p90).abs() <= p90 * 0.03 + 60.0, "{high} against {p90}");
        }
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known() {
        assert_eq!(estimate(1, 0, 5), None);
        assert_eq!(estimate(1, 60_000, 0), None);
    }

    #[test]
    fn more_ahead_is_never_told_as_less() {
        let waits: Vec<_> = (1..200).filter_map(|position| estimate(position, 240_000, 7)).collect();
        assert!(waits.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }
}
