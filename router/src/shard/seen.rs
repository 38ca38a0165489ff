//! Which requests may stand in the store: a Bloom filter, so that a new request does not cost a look into the store.
//!
//! It says "certainly not" or "perhaps", never "certainly". Generations double in size as they fill, and each goes when
//! its newest key is older than the window; what stands in the store from before the start is not in it, so that until
//! the window has passed everything is "perhaps".

use std::collections::VecDeque;

use policy::time::{Span, Timestamp};

/// Bits of a block: one line of the processor's cache.
const BLOCK: usize = 512;
/// Blocks for one key are few, so that about one "perhaps" in 300 is wrong.
const KEYS_PER_BLOCK: usize = BLOCK / 16;
/// Keys of the first generation, and the most that one has: 128 KiB and 8 MiB.
const FIRST_KEYS: usize = 1 << 16;
const MOST_KEYS: usize = 1 << 22;
/// With more generations than this at once everything is "perhaps" until the oldest goes.
const GENERATIONS: usize = 8;

/// The filter.
#[derive(Debug, Default)]
pub(super) struct Seen {
    generations: VecDeque<Generation>,
    /// Until then the store may hold keys that were never put in here.
    unknown_until: Option<Timestamp>,
}

#[derive(Debug)]
struct Generation {
    blocks: Box<[[u64; BLOCK / 64]]>,
    room: usize,
    newest: Timestamp,
}

impl Seen {
    /// Forgets everything; the store may hold keys until then.
    pub(super) fn restart(&mut self, unknown_until: Option<Timestamp>) {
        *self = Self { generations: VecDeque::new(), unknown_until };
    }

    /// Whether the key may have been put in.
    pub(super) fn perhaps(&self, key: &[u8; 16], now: Timestamp) -> bool {
        self.unknown_until.is_some_and(|until| now < until)
            || self.generations.iter().any(|it| it.perhaps(key))
    }

    /// Puts a key in, which is wanted for as long as the window.
    pub(super) fn put(&mut self, key: &[u8; 16], now: Timestamp, window: Span) {
        while self.generations.front().is_some_and(|it| now.since(it.newest) >= window) {
            self.generations.pop_front();
        }
        if self.generations.back().is_none_or(|it| it.room == 0) {
            if self.generations.len() == GENERATIONS {
                self.generations.pop_front();
                self.unknown_until = Some(now + window);
            }
            let before = self.generations.back().map_or(0, |it| it.blocks.len() * KEYS_PER_BLOCK);
            self.generations.push_back(Generation::of((before * 2).clamp(FIRST_KEYS, MOST_KEYS), now));
        }
        if let Some(newest) = self.generations.back_mut() {
            newest.put(key, now);
        }
    }
}

impl Generation {
    fn of(keys: usize, now: Timestamp) -> Self {
        let blocks = vec![[0; BLOCK / 64]; keys / KEYS_PER_BLOCK].into_boxed_slice();
        Self { blocks, room: keys, newest: now }
    }

    /// The block of a key, and its four bits there. Keys are keyed hashes: their bits are even already.
    fn place(&self, key: &[u8; 16]) -> (usize, [usize; 4]) {
        let [which, bits] = [&key[..8], &key[8..]]
            .map(|half| half.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)));
        let block = usize::try_from(which % self.blocks.len() as u64).unwrap_or(0);
        (block, [0, 9, 18, 27].map(|shift| usize::try_from(bits >> shift).unwrap_or(0) % BLOCK))
    }

    fn perhaps(&self, key: &[u8; 16]) -> bool {
        let (block, bits) = self.place(key);
        let block = &self.blocks[block];
        bits.iter().all(|bit| block[bit / 64] >> (bit % 64) & 1 == 1)
    }

    fn put(&mut self, key: &[u8; 16], now: Timestamp) {
        let (block, bits) = self.place(key);
        for bit in bits {
            self.blocks[block][bit / 64] |= 1 << (bit % 64);
        }
        self.room -= 1;
        self.newest = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Span = Span::seconds(60);

    fn key(number: u64) -> [u8; 16] {
        xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes()).to_le_bytes()
    }

    #[test]
    fn what_was_put_in_is_never_missed_and_little_else_is_taken_for_it() {
        let mut seen = Seen::default();
        let now = Timestamp(0);
        let many = FIRST_KEYS as u64 * 2;
        (0..many).for_each(|number| seen.put(&key(number), now, WINDOW));
        assert!((0..many).all(|number| seen.perhaps(&key(number), now)));
        let wrong = (many..many * 2).filter(|number| seen.perhaps(&key(*number), now)).count();
        assert!(wrong as u64 * 50 < many, "{wrong} of {many} are taken for others");
        assert_eq!(seen.generations.len(), 2, "the second one is twice as large");
    }

    #[test]
    fn old_generations_go() {
        let mut seen = Seen::default();
        (0..FIRST_KEYS as u64).for_each(|number| seen.put(&key(number), Timestamp(0), WINDOW));
        seen.put(&key(u64::MAX), Timestamp(0) + WINDOW, WINDOW);
        assert_eq!(seen.generations.len(), 1);
        assert!(!seen.perhaps(&key(0), Timestamp(0) + WINDOW));
    }

    #[test]
    fn what_stands_in_the_store_from_before_is_perhaps_until_the_window_has_passed() {
        let mut seen = Seen::default();
        seen.restart(Some(Timestamp(10)));
        assert!(seen.perhaps(&key(1), Timestamp(9)));
        assert!(!seen.perhaps(&key(1), Timestamp(10)));
    }
}
