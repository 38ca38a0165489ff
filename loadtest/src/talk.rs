//! One side of a dialogue: which turn it says next, and when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::id::MessageId;

use crate::dialogs::{Dialogue, Side, Turn};
use crate::journal::Request;
use crate::pairs::counts_from;

/// The turn that is next, and when.
#[derive(Debug, Clone, Copy)]
struct Due {
    turn: usize,
    at: Instant,
    /// Whether everything before it was heard; else it is due only because patience ends.
    heard: bool,
}

/// One side's place in a dialogue. A turn is due its recorded gap after everything before it was received.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    dialogue: Arc<Dialogue>,
    side: Side,
    /// Messages of this side that the server has taken.
    ours: BTreeSet<MessageId>,
    theirs: BTreeSet<MessageId>,
    /// Messages of the other side that are taken for lost.
    missed: usize,
    /// Sent, and not yet taken.
    pending: BTreeSet<Request>,
    due: Option<Due>,
    moved: Instant,
    /// After how long without a sign a message of the other side is taken for lost, so that the dialogue goes on.
    patience: Option<Duration>,
    /// Open loop: every turn has its own time, counted from this one.
    open: Option<Instant>,
}

impl Talk {
    pub(crate) fn new(
        dialogue: Arc<Dialogue>,
        side: Side,
        patience: Option<Duration>,
        open: Option<Instant>,
    ) -> Self {
        Self {
            dialogue,
            side,
            ours: BTreeSet::new(),
            theirs: BTreeSet::new(),
            missed: 0,
            pending: BTreeSet::new(),
            due: None,
            moved: Instant::now(),
            patience,
            open,
        }
    }

    /// A message of the other side came.
    pub(crate) fn heard(&mut self, message: MessageId) {
        if self.theirs.insert(message) {
            self.moved = Instant::now();
        }
    }

    /// A message of this side stands in the conversation, with its request where the server named it.
    pub(crate) fn said(&mut self, request: Option<Request>, message: MessageId) {
        if let Some(request) = request {
            self.pending.remove(&request);
        }
        self.ours.insert(message);
    }

    /// A message of this side was acknowledged.
    pub(crate) fn taken(&mut self, request: Request, message: MessageId) {
        self.said(Some(request), message);
        self.moved = Instant::now();
    }

    /// A message of this side was refused.
    pub(crate) fn refused(&mut self, request: Request) {
        self.pending.remove(&request);
    }

    /// Looks what is due; call it after everything that changed.
    pub(crate) fn plan(&mut self) {
        let Some((turn, theirs)) = self.turn_after(self.spoken()) else {
            self.due = None;
            return;
        };
        if let Some(open) = self.open {
            let gaps = self.dialogue.turns.iter().take(turn + 1).map(|turn| turn.gap);
            self.due = Some(Due { turn, at: open + gaps.sum::<Duration>(), heard: true });
            return;
        }
        // Its own turn before was received when it was taken: one that is refused and repeated would come behind this one.
        let heard = self.pending.is_empty() && self.heard_of() >= theirs;
        if self.due.is_some_and(|due| due.turn == turn && due.heard && heard) {
            return;
        }
        let gap = self.dialogue.turns[turn].gap;
        self.due = if heard {
            Some(Due { turn, at: Instant::now() + gap, heard })
        } else {
            self.gives_up().map(|at| Due { turn, at: at + gap, heard })
        };
    }

    /// When the next turn is due.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.due.map(|due| due.at)
    }

    /// Whether a turn is to be said now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due.at <= now)
    }

    /// The turn that is to be said next, as this request, and the time from which its latency counts.
    pub(crate) fn take(&mut self, request: Request) -> Option<(Turn, Instant)> {
        let Due { turn, at, .. } = self.due.take()?;
        let before = turn - self.spoken();
        if self.open.is_none() {
            self.missed += before.saturating_sub(self.heard_of());
        }
        self.pending.insert(request);
        let now = Instant::now();
        let from = if self.open.is_some() { counts_from(at, now) } else { now };
        Some((self.dialogue.turns[turn].clone(), from))
    }

    /// Whether everything of this side is said and acknowledged, and everything of the other side heard.
    pub(crate) fn done(&self) -> bool {
        let of = |side| self.dialogue.turns.iter().filter(|turn| turn.side == side).count();
        let ours = of(self.side);
        let all_said = self.pending.is_empty() && self.ours.len() >= ours;
        let all_heard = self.heard_of() >= self.dialogue.turns.len() - ours;
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

    fn heard_of(&self) -> usize {
        self.theirs.len() + self.missed
    }

    fn spoken(&self) -> usize {
        self.ours.len() + self.pending.len()
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

    fn request(number: u32) -> Request {
        Request { client: 0, number }
    }

    #[test]
    fn a_turn_waits_for_the_one_before_it() {
        let mut agent = Talk::new(dialogue(), Side::Agent, None, None);
        agent.plan();
        assert_eq!(agent.wake(), None);
        agent.heard(id(1));
        agent.heard(id(1));
        agent.plan();
        assert!(agent.is_due(Instant::now()));
        assert!(agent.take(request(1)).is_some());
        agent.plan();
        assert_eq!(agent.wake(), None);
        agent.said(Some(request(1)), id(2));
        agent.taken(request(1), id(2));
        assert!(!agent.done());
        agent.heard(id(3));
        assert!(agent.done());
    }

    #[test]
    fn a_gap_begins_when_the_turn_before_is_heard() {
        let mut customer = Talk::new(dialogue(), Side::Customer, None, None);
        customer.plan();
        let soon = Instant::now();
        assert!(customer.take(request(1)).is_some());
        customer.taken(request(1), id(1));
        customer.plan();
        assert_eq!(customer.wake(), None);
        customer.heard(id(2));
        customer.plan();
        assert!(!customer.is_due(soon));
        assert!(customer.wake().is_some_and(|at| at >= soon + Duration::from_secs(3600)));
    }

    #[test]
    fn a_turn_waits_for_its_own_before_it() {
        let mut two = (*dialogue()).clone();
        two.turns[1].side = Side::Customer;
        let mut customer = Talk::new(Arc::new(two), Side::Customer, None, None);
        customer.plan();
        assert!(customer.take(request(1)).is_some());
        customer.plan();
        assert_eq!(customer.wake(), None);
        customer.taken(request(1), id(1));
        customer.plan();
        assert!(customer.is_due(Instant::now()));
    }

    #[test]
    fn patience_goes_on_without_a_lost_turn() {
        let mut agent = Talk::new(dialogue(), Side::Agent, Some(Duration::ZERO), None);
        agent.plan();
        assert!(agent.is_due(Instant::now() + Duration::from_secs(7200)));
        assert!(agent.take(request(1)).is_some());
        agent.taken(request(1), id(2));
        agent.heard(id(3));
        assert!(agent.done(), "the lost turn is not waited for again");
    }

    #[test]
    fn a_turn_that_is_heard_in_time_does_not_wait_for_patience_to_end() {
        let mut agent = Talk::new(dialogue(), Side::Agent, Some(Duration::from_secs(60)), None);
        agent.plan();
        assert!(!agent.is_due(Instant::now()));
        agent.heard(id(1));
        agent.plan();
        assert!(agent.is_due(Instant::now()));
    }

    #[test]
    fn in_an_open_loop_nothing_is_waited_for() {
        let begin = Instant::now();
        let mut customer = Talk::new(dialogue(), Side::Customer, None, Some(begin));
        for number in 1..=2 {
            customer.plan();
            assert!(customer.take(request(number)).is_some());
        }
        customer.plan();
        assert_eq!(customer.wake(), None);
        assert!(!customer.done());
    }
}
