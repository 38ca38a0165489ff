//! One side of a dialogue: which turn it says next, and when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::id::MessageId;

use crate::dialogs::{Dialogue, Side, Turn};

/// One side's place in a dialogue. A turn is due its recorded gap after everything before it was received.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    dialogue: Arc<Dialogue>,
    side: Side,
    /// Messages of this side that the server has taken.
    ours: BTreeSet<MessageId>,
    theirs: BTreeSet<MessageId>,
    /// Sent, and not yet taken.
    pending: usize,
    /// The turn that is next, and when.
    due: Option<(usize, Instant)>,
    moved: Instant,
    /// After how long without a sign a message of the other side is taken for lost, so that the dialogue goes on.
    patience: Option<Duration>,
}

impl Talk {
    pub(crate) fn new(dialogue: Arc<Dialogue>, side: Side, patience: Option<Duration>) -> Self {
        let (ours, theirs) = (BTreeSet::new(), BTreeSet::new());
        Self { dialogue, side, ours, theirs, pending: 0, due: None, moved: Instant::now(), patience }
    }

    /// A message of the other side came.
    pub(crate) fn heard(&mut self, message: MessageId) {
        if self.theirs.insert(message) {
            self.moved = Instant::now();
        }
    }

    /// A message of this side stands in the conversation.
    pub(crate) fn said(&mut self, message: MessageId) {
        self.ours.insert(message);
    }

    /// A message of this side was acknowledged.
    pub(crate) fn taken(&mut self, message: MessageId) {
        self.pending = self.pending.saturating_sub(1);
        self.ours.insert(message);
        self.moved = Instant::now();
    }

    /// A message of this side was refused.
    pub(crate) fn refused(&mut self) {
        self.pending = self.pending.saturating_sub(1);
    }

    /// Looks what is due; call it after everything that changed.
    pub(crate) fn plan(&mut self) {
        let spoken = self.spoken();
        let Some((turn, theirs)) = self.turn_after(spoken) else {
            self.due = None;
            return;
        };
        if self.due.is_some_and(|(due, _)| due == turn) && (self.theirs.len() >= theirs) {
            return;
        }
        let gap = self.dialogue.turns[turn].gap;
        self.due = if self.theirs.len() >= theirs {
            Some((turn, Instant::now() + gap))
        } else {
            self.patience.map(|patience| (turn, self.moved + patience + self.longest_gap() + gap))
        };
    }

    /// When the next turn is due.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.due.map(|(_, at)| at)
    }

    /// The turn that is to be said now. It counts as sent.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Turn> {
        let (turn, at) = self.due?;
        if at > now {
            return None;
        }
        self.due = None;
        self.pending += 1;
        Some(self.dialogue.turns[turn].clone())
    }

    /// Whether everything of this side is said and acknowledged, and everything of the other side heard.
    pub(crate) fn done(&self) -> bool {
        let of = |side| self.dialogue.turns.iter().filter(|turn| turn.side == side).count();
        let ours = of(self.side);
        let all_said = self.pending == 0 && self.ours.len() >= ours;
        let all_heard = self.theirs.len() >= self.dialogue.turns.len() - ours;
        all_said && (all_heard || self.given_up())
    }

    /// Whether patience has ended.
    pub(crate) fn given_up(&self) -> bool {
        self.gives_up().is_some_and(|at| Instant::now() >= at)
    }

    /// When patience ends, if it does.
    pub(crate) fn gives_up(&self) -> Option<Instant> {
        self.patience.map(|patience| self.moved + patience + self.longest_gap())
    }

    fn longest_gap(&self) -> Duration {
        self.dialogue.turns.iter().map(|turn| turn.gap).max().unwrap_or_default()
    }

    fn spoken(&self) -> usize {
        self.ours.len() + self.pending
    }

    /// The turn of this side after `spoken` others, and how many of the other side stand before it.
    fn turn_after(&self, spoken: usize) -> Option<(usize, usize)> {
        let mut own = self.dialogue.turns.iter().enumerate().filter(|(_, turn)| turn.side == self.side);
        let (at, _) = own.nth(spoken)?;
        Some((at, at - spoken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::digest;

    fn dialogue() -> Arc<Dialogue> {
        let turn = |side, gap| Turn {
            side,
            gap: Duration::from_millis(gap),
            text: "x".to_owned(),
            digest: digest("x"),
        };
        let turns = vec![turn(Side::Customer, 0), turn(Side::Agent, 0), turn(Side::Customer, 3_600_000)];
        Arc::new(Dialogue { needs: BTreeSet::new(), turns })
    }

    fn id(bits: u128) -> MessageId {
        MessageId::from_bits(bits)
    }

    #[test]
    fn a_turn_waits_for_the_one_before_it() {
        let mut agent = Talk::new(dialogue(), Side::Agent, None);
        agent.plan();
        assert_eq!(agent.wake(), None);
        agent.heard(id(1));
        agent.heard(id(1));
        agent.plan();
        assert!(agent.take(Instant::now()).is_some());
        agent.plan();
        assert!(agent.take(Instant::now()).is_none());
        agent.taken(id(2));
        assert!(!agent.done());
        agent.heard(id(3));
        assert!(agent.done());
    }

    #[test]
    fn a_gap_begins_when_the_turn_before_is_heard() {
        let mut customer = Talk::new(dialogue(), Side::Customer, None);
        customer.plan();
        let soon = Instant::now();
        assert!(customer.take(soon).is_some());
        customer.taken(id(1));
        customer.plan();
        assert_eq!(customer.wake(), None);
        customer.heard(id(2));
        customer.plan();
        assert!(customer.wake().is_some_and(|at| at >= soon + Duration::from_secs(3600)));
    }

    #[test]
    fn patience_goes_on_without_a_lost_turn() {
        let mut agent = Talk::new(dialogue(), Side::Agent, Some(Duration::ZERO));
        agent.plan();
        let far = Instant::now() + Duration::from_secs(7200);
        assert!(agent.take(far).is_some());
    }
}
