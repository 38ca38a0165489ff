//! A line of waiting conversations, oldest first, that can say how many stand before a point: places in sorted chunks.
//! The front and the back cost next to nothing; the middle moves half a chunk at most. A queue may serve its newest first:
//! its lines are kept the same way and read from the back, but for those past their bound.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::id::ConversationId;
use crate::time::{Span, Timestamp};

/// Places in one chunk.
const CHUNK: usize = 256;
/// Stands where refusals are counted in a place that was turned round.
const TURNED: u32 = u32::MAX - 1;

/// One waiting conversation in a line. Ordered by age, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) since: Timestamp,
    /// The high and low bits of the id: two words pack better than one of 16 bytes.
    id: [u64; 2],
    /// Where the conversation is kept.
    pub(super) slot: u32,
    /// 1 if anyone refused it: only then its record must be read.
    pub(super) refusals: u32,
}

impl Place {
    pub(super) fn new(since: Timestamp, id: ConversationId) -> Self {
        Self { since, id: [(id.bits() >> 64) as u64, id.bits() as u64], slot: 0, refusals: 0 }
    }

    pub(super) fn conversation(self) -> ConversationId {
        let id = if self.refusals == TURNED { self.id.map(|part| !part) } else { self.id };
        ConversationId::from_bits(u128::from(id[0]) << 64 | u128::from(id[1]))
    }

    /// The same place in a turn of a queue that serves its newest first: that one stands as if it were the oldest, and older
    /// ones behind it.
    fn turned(self, newest: Timestamp) -> Self {
        let since = newest + newest.since(self.since);
        Self { since, id: self.id.map(|part| !part), refusals: TURNED, ..self }
    }

    /// The first place that could come after this one.
    fn next(&self) -> Self {
        Self { slot: u32::MAX, refusals: u32::MAX, ..*self }
    }

    /// The first place that could be younger than `since`.
    fn after(since: Timestamp) -> Self {
        Self { since, id: [u64::MAX; 2], slot: u32::MAX, refusals: u32::MAX }
    }
}

/// Places in order of age. No chunk is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    chunks: VecDeque<VecDeque<Place>>,
    len: u32,
}

impl Line {
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.chunks.front().and_then(VecDeque::front).copied()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Place> + '_ {
        self.chunks.iter().flatten().copied()
    }

    fn last(&self) -> Option<Place> {
        self.chunks.back().and_then(VecDeque::back).copied()
    }

    pub(super) fn insert(&mut self, place: Place) {
        self.len += 1;
        let index = self.chunk_of(&place);
        let is_last = index + 1 == self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(index) else {
            self.chunks.push_back(VecDeque::from([place]));
            return;
        };
        let at = chunk.partition_point(|other| *other < place);
        if chunk.len() < CHUNK {
            chunk.insert(at, place);
        } else if at == CHUNK && is_last {
            self.chunks.push_back(VecDeque::from([place]));
        } else {
            let mut tail = chunk.split_off(CHUNK / 2);
            match at.checked_sub(CHUNK / 2) {
                Some(at) => tail.insert(at, place),
                None => chunk.insert(at, place),
            }
            self.chunks.insert(index + 1, tail);
        }
    }

    pub(super) fn remove(&mut self, place: &Place) -> bool {
        let index = self.chunk_of(place);
        let Some(chunk) = self.chunks.get_mut(index) else { return false };
        let Ok(at) = chunk.binary_search(place) else { return false };
        chunk.remove(at);
        if chunk.is_empty() {
            self.chunks.remove(index);
        }
        self.len -= 1;
        true
    }

    /// How many places come before this one.
    pub(super) fn rank(&self, place: &Place) -> u32 {
        if self.first().is_none_or(|first| first >= *place) {
            return 0;
        }
        let index = self.chunk_of(place);
        let before: usize = self.chunks.iter().take(index).map(VecDeque::len).sum();
        let within = self.chunks.get(index).map_or(0, |chunk| chunk.partition_point(|other| other < place));
        u32::try_from(before + within).unwrap_or(u32::MAX)
    }

    /// The last chunk that begins at or before this place, or the first one.
    fn chunk_of(&self, place: &Place) -> usize {
        // Nearly every call is about the front or the back.
        if self.chunks.get(1).is_none_or(|second| second.front() > Some(place)) {
            return 0;
        }
        let last = self.chunks.len() - 1;
        if self.chunks[last].front() <= Some(place) {
            return last;
        }
        self.chunks.partition_point(|chunk| chunk.front() <= Some(place)).saturating_sub(1)
    }
}

/// Places of one priority and one bound: those past the bound stand at the front.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) priority: u8,
    pub(super) bound: Span,
    /// Whether the newest of those within their bound goes first.
    newest_first: bool,
    /// The first place, kept here so that a look at the head stays in this cache line.
    pub(super) head: Place,
    pub(super) line: Line,
}

impl Lane {
    pub(super) fn is_overdue(&self, place: &Place, at: Timestamp) -> bool {
        at >= place.since + self.bound
    }

    /// Everyone in the order of the queue: those past their bound by age, then the oldest or the newest first.
    pub(super) fn in_order(&self, at: Timestamp) -> impl Iterator<Item = Place> + '_ {
        let (newest_first, due) = (self.newest_first, at - self.bound);
        let in_front = move |place: &Place| !newest_first || place.since <= due;
        // The first comes from the lane itself; most often there is no need for more.
        let rest = core::iter::once_with(|| self.line.iter().skip(1)).flatten();
        let by_age = core::iter::once(self.head).chain(rest).take_while(in_front);
        let newest = core::iter::once_with(|| self.line.iter().rev()).flatten();
        by_age.chain(newest.take_while(move |place| !in_front(place)))
    }

    /// How many are past the bound.
    fn overdue(&self, at: Timestamp) -> u32 {
        // Nobody is, most often: the first place says so.
        if !self.is_overdue(&self.head, at) {
            return 0;
        }
        self.line.rank(&Place::after(at - self.bound))
    }
}

/// All lanes of a class or a queue: highest priority first, none empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    all: Vec<Lane>,
    newest_first: bool,
}

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Says whether the newest goes first from now on.
    pub(super) fn serve_newest_first(&mut self, newest_first: bool) {
        self.newest_first = newest_first;
        self.all.iter_mut().for_each(|lane| lane.newest_first = newest_first);
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Lane> {
        self.all.iter()
    }

    pub(super) fn insert(&mut self, priority: u8, bound: Span, place: Place) {
        match self.find(priority, bound) {
            Ok(index) => {
                let lane = &mut self.all[index];
                lane.line.insert(place);
                lane.head = lane.head.min(place);
            }
            Err(index) => {
                let mut line = Line::default();
                line.insert(place);
                let newest_first = self.newest_first;
                self.all.insert(index, Lane { priority, bound, newest_first, head: place, line });
            }
        }
    }

    pub(super) fn remove(&mut self, priority: u8, bound: Span, place: &Place) -> bool {
        let Ok(index) = self.find(priority, bound) else { return false };
        let lane = &mut self.all[index];
        let found = lane.line.remove(place);
        match lane.line.first() {
            Some(first) => lane.head = first,
            None => drop(self.all.remove(index)),
        }
        found
    }

    /// How many come before this place by the rule.
    pub(super) fn before(&self, priority: u8, bound: Span, place: &Place, at: Timestamp) -> u32 {
        let overdue = at >= place.since + bound;
        self.all
            .iter()
            .map(|lane| {
                let late = lane.overdue(at);
                if overdue {
                    lane.line.rank(place).min(late)
                } else if lane.priority > priority {
                    lane.line.len()
                } else if lane.priority == priority && lane.newest_first {
                    late + lane.line.len() - lane.line.rank(&place.next())
                } else if lane.priority == priority {
                    lane.line.rank(place).max(late)
                } else {
                    late
                }
            })
            .sum()
    }

    /// Everyone with their turn, not in order.
    pub(super) fn turns(&self, at: Timestamp) -> impl Iterator<Item = Turn> + '_ {
        self.all.iter().flat_map(move |lane| lane.line.iter().map(move |place| Turn::new(lane, place, at)))
    }

    /// What can be said of the first two without looking at the lanes.
    pub(super) fn peek(&self) -> Option<Peek> {
        let (first, rest) = self.all.split_first()?;
        let due = self.all.iter().map(|lane| lane.head.since + lane.bound).min()?;
        // Lanes of one priority and several bounds would have to be merged here; they are read instead.
        let plain = !self.newest_first
            && self.all.iter().all(|lane| lane.head.refusals == 0)
            && self.all.windows(2).all(|pair| pair[0].priority != pair[1].priority);
        let behind = first.line.iter().nth(1).map(|place| Turn::by_priority(first.priority, place));
        let beside = rest.first().map(|lane| Turn::by_priority(lane.priority, lane.head));
        Some(Peek {
            turn: Turn::by_priority(first.priority, first.head),
            second: behind.or(beside),
            due: if plain { due } else { Timestamp(i64::MIN) },
        })
    }

    fn find(&self, priority: u8, bound: Span) -> Result<usize, usize> {
        self.all.binary_search_by(|lane| priority.cmp(&lane.priority).then(lane.bound.cmp(&bound)))
    }
}

/// Whose turn it is, smallest first: those past their bound by age alone, then by priority and age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// 0 past the bound, else 1 for priority 9 to 10 for priority 0.
    rank: u8,
    pub(super) place: Place,
}

impl Turn {
    pub(super) fn new(lane: &Lane, place: Place, at: Timestamp) -> Self {
        if lane.is_overdue(&place, at) {
            return Self { rank: 0, place };
        }
        let newest = lane.line.last().filter(|_| lane.newest_first);
        Self::by_priority(lane.priority, newest.map_or(place, |newest| place.turned(newest.since)))
    }

    fn by_priority(priority: u8, place: Place) -> Self {
        Self { rank: 10 - priority.min(9), place }
    }
}

/// The first of some lanes. All peeks lie side by side, so that a look at many classes stays in the nearest cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peek {
    turn: Turn,
    /// No other of these lanes comes before this one.
    second: Option<Turn>,
    /// When the first of any lane is past its bound; long ago if someone refused one of them, which a peek cannot judge.
    due: Timestamp,
}

impl Peek {
    /// The turn of the first, if it is as the peek says.
    pub(super) fn turn(&self, at: Timestamp) -> Option<Turn> {
        (at < self.due).then_some(self.turn)
    }

    /// The turn of the next after it.
    pub(super) fn second(&self) -> Option<Turn> {
        self.second
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn place(since: i64, id: u128) -> Place {
        Place::new(Timestamp(since), ConversationId::from_bits(id))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        // Long enough that chunks are split, emptied and joined by new ones at the end.
        #[test]
        fn line_is_a_sorted_list(steps in vec((0i64..400, 0u128..6, 0u8..5), 1..4_000)) {
            let (mut line, mut list) = (Line::default(), Vec::new());
            for (count, (since, id, kind)) in (0i64..).zip(steps) {
                let place = place(if kind == 0 { 1_000 + count } else { since }, id);
                match list.binary_search(&place) {
                    Ok(index) if kind > 2 => {
                        list.remove(index);
                        prop_assert!(line.remove(&place));
                    }
                    Ok(_) => {}
                    Err(index) if kind < 4 => {
                        list.insert(index, place);
                        line.insert(place);
                    }
                    Err(index) => {
                        prop_assert!(!line.remove(&place));
                        prop_assert_eq!(line.rank(&place) as usize, index);
                    }
                }
                prop_assert_eq!(line.first(), list.first().copied());
                prop_assert_eq!(line.len() as usize, list.len());
            }
            prop_assert!(line.iter().eq(list.iter().copied()));
            for (index, place) in list.iter().enumerate() {
                prop_assert_eq!(line.rank(place) as usize, index);
            }
        }
    }

    #[test]
    fn the_newest_goes_first_within_the_bound_and_the_oldest_past_it() {
        let mut lanes = Lanes::default();
        lanes.serve_newest_first(true);
        let (at, bound) = (Timestamp(100_000), Span(50_000));
        let places = [(10_000, 10), (40_000, 40), (60_000, 60), (90_000, 90), (90_000, 91)];
        let places = places.map(|(since, id)| place(since, id));
        for it in [2, 0, 4, 1, 3] {
            lanes.insert(4, bound, places[it]);
        }
        lanes.insert(6, bound, place(70_000, 7));
        let order = [places[0], places[1], place(70_000, 7), places[4], places[3], places[2]];
        let mut turns: Vec<Turn> = lanes.turns(at).collect();
        turns.sort_unstable();
        let ids = |all: &[Place]| all.iter().map(|it| it.conversation()).collect::<Vec<_>>();
        assert_eq!(ids(&turns.iter().map(|turn| turn.place).collect::<Vec<_>>()), ids(&order));
        let low = lanes.iter().find(|lane| lane.priority == 4).unwrap();
        assert!(low.in_order(at).eq([places[0], places[1], places[4], places[3], places[2]]));
        for (ahead, it) in (0..).zip(order) {
            let priority = if it.since == Timestamp(70_000) { 6 } else { 4 };
            assert_eq!(lanes.before(priority, bound, &it, at), ahead, "{it:?}");
        }
        assert_eq!(lanes.peek().unwrap().turn(at), None, "it must be read");
    }

    #[test]
    fn a_long_line_is_cut_into_chunks_and_emptied() {
        let mut line = Line::default();
        for count in 0..2_000 {
            line.insert(place(count, 1));
        }
        assert!(line.chunks.len() >= 2_000 / CHUNK);
        for count in (0..2_000).rev() {
            assert!(line.remove(&place(count, 1)));
        }
        assert!(line.chunks.is_empty() && line.first().is_none());
    }
}
