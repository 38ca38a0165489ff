//! From an id to its slot: a table with open addressing. It is never walked through, so the order in it decides nothing;
//! a look-up touches one cache line where a tree of a million ids touches a dozen.

use alloc::vec;
use alloc::vec::Vec;

/// Slots by the bits of an id. A part of the places is always empty, so that every search ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// A power of two, or nothing.
    places: Vec<Option<Held>>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    id: [u64; 2],
    slot: u32,
}

const LEAST: usize = 8;

impl Ids {
    pub(super) fn get(&self, id: u128) -> Option<u32> {
        let index = self.find(split(id))?;
        self.places[index].map(|held| held.slot)
    }

    pub(super) fn insert(&mut self, id: u128, slot: u32) {
        let held = Held { id: split(id), slot };
        if let Some(index) = self.find(held.id) {
            self.places[index] = Some(held);
            return;
        }
        if self.len * 2 >= self.places.len() {
            let larger = (self.places.len() * 2).max(LEAST);
            for held in core::mem::replace(&mut self.places, vec![None; larger]).into_iter().flatten() {
                self.place(held);
            }
        }
        self.place(held);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, id: u128) -> Option<u32> {
        let mut hole = self.find(split(id))?;
        let removed = self.places[hole].take();
        self.len -= 1;
        // Those behind the hole move up where their own search would pass it.
        let mask = self.places.len() - 1;
        let mut next = (hole + 1) & mask;
        while let Some(held) = self.places[next] {
            let home = self.home(held.id);
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                self.places[hole] = self.places[next].take();
                hole = next;
            }
            next = (next + 1) & mask;
        }
        removed.map(|held| held.slot)
    }

    fn place(&mut self, held: Held) {
        let mask = self.places.len() - 1;
        let mut index = self.home(held.id);
        while self.places[index].is_some() {
            index = (index + 1) & mask;
        }
        self.places[index] = Some(held);
    }

    fn find(&self, id: [u64; 2]) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mask = self.places.len() - 1;
        let mut index = self.home(id);
        while let Some(held) = &self.places[index] {
            if held.id == id {
                return Some(index);
            }
            index = (index + 1) & mask;
        }
        None
    }

    /// Where the search for an id begins.
    fn home(&self, [high, low]: [u64; 2]) -> usize {
        let mixed = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32) ^ low).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 32) as usize & (self.places.len() - 1)
    }
}

fn split(id: u128) -> [u64; 2] {
    [(id >> 64) as u64, id as u64]
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_map(steps in vec((0u128..40, any::<bool>()), 1..200)) {
            let (mut ids, mut map) = (Ids::default(), BTreeMap::new());
            for (slot, (id, add)) in steps.into_iter().enumerate() {
                let slot = u32::try_from(slot).unwrap();
                // Ids that differ in the high bits only, and in the low bits only.
                let id = if id % 2 == 0 { id << 64 } else { id };
                if add {
                    ids.insert(id, slot);
                    map.insert(id, slot);
                } else {
                    prop_assert_eq!(ids.remove(id), map.remove(&id));
                }
                for id in (0..40u128).flat_map(|id| [id, id << 64]) {
                    prop_assert_eq!(ids.get(id), map.get(&id).copied());
                }
            }
        }
    }
}
