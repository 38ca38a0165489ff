//! A line of waiting conversations, oldest first, that can say how many stand before a point: places in sorted chunks.
//! The front and the back cost next to nothing; the middle moves half a chunk at most.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::id::ConversationId;
use crate::time::{Span, Timestamp};

/// Places in one chunk.
const CHUNK: usize = 256;

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
        ConversationId::from_bits(u128::from(self.id[0]) << 64 | u128::from(self.id[1]))
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

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.chunks.iter().flatten().copied()
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
    /// The first place, kept here so that a look at the head stays in this cache line.
    pub(super) head: Place,
    pub(super) line: Line,
}

impl Lane {
    pub(super) fn is_overdue(&self, place: &Place, at: Timestamp) -> bool {
        at >= place.since + self.bound
    }

    /// How many are past the bound.
    fn overdue(&self, at: Timestamp) -> u32 {
        self.line.rank(&Place::after(at - self.bound))
    }
}

/// All lanes of a class or a queue: highest priority first, none empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Lane> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> u32 {
        self.0.iter().map(|lane| lane.line.len()).sum()
    }

    pub(super) fn insert(&mut self, priority: u8, bound: Span, place: Place) {
        match self.find(priority, bound) {
            Ok(index) => {
                let lane = &mut self.0[index];
                lane.line.insert(place);
                lane.head = lane.head.min(place);
            }
            Err(index) => {
                let mut line = Line::default();
                line.insert(place);
                self.0.insert(index, Lane { priority, bound, head: place, line });
            }
        }
    }

    pub(super) fn remove(&mut self, priority: u8, bound: Span, place: &Place) -> bool {
        let Ok(index) = self.find(priority, bound) else { return false };
        let lane = &mut self.0[index];
        let found = lane.line.remove(place);
        match lane.line.first() {
            Some(first) => lane.head = first,
            None => drop(self.0.remove(index)),
        }
        found
    }

    /// The number that this place has by the rule, from 1.
    pub(super) fn position(&self, priority: u8, bound: Span, place: &Place, at: Timestamp) -> u32 {
        let overdue = at >= place.since + bound;
        let before: u32 = self
            .0
            .iter()
            .map(|lane| {
                let late = lane.overdue(at);
                if overdue {
                    lane.line.rank(place).min(late)
                } else if lane.priority > priority {
                    lane.line.len()
                } else if lane.priority == priority {
                    lane.line.rank(place).max(late)
                } else {
                    late
                }
            })
            .sum();
        before.saturating_add(1)
    }

    /// Everyone by the rule.
    pub(super) fn in_order(&self, at: Timestamp) -> Vec<Place> {
        let mut order = Vec::with_capacity(self.len() as usize);
        for lane in &self.0 {
            order.extend(lane.line.iter().map(|place| Turn::new(lane, place, at)));
        }
        order.sort_unstable();
        order.into_iter().map(|turn| turn.place).collect()
    }

    fn find(&self, priority: u8, bound: Span) -> Result<usize, usize> {
        self.0.binary_search_by(|lane| priority.cmp(&lane.priority).then(lane.bound.cmp(&bound)))
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
        let rank = if lane.is_overdue(&place, at) { 0 } else { 10 - lane.priority.min(9) };
        Self { rank, place }
    }
}
