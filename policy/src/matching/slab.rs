//! Values in slots that stay where they are, so that others can hold a slot number of four bytes instead of a key.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// Why a slot that is asked for is never empty: every index drops a slot number before the slot is emptied.
const HELD: &str = "whoever holds a slot number holds it only while the slot is full";

#[derive(Debug, Clone)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    empty: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), empty: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.empty.pop() {
            self.slots[slot as usize] = Some(value);
            return slot;
        }
        let slot =
            u32::try_from(self.slots.len()).expect("four thousand million values do not fit into memory");
        self.slots.push(Some(value));
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> T {
        self.empty.push(slot);
        self.slots[slot as usize].take().expect(HELD)
    }

    /// Empties a slot without dropping its value; that happens when the slot is used again. Freeing the parts of a
    /// conversation's record costs as much as choosing one, and nobody should wait for it. Not for slabs that are
    /// walked through.
    pub(super) fn vacate(&mut self, slot: u32) {
        self.empty.push(slot);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().zip(0..).filter_map(|(value, slot)| Some((slot, value.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.slots.iter_mut().zip(0..).filter_map(|(value, slot)| Some((slot, value.as_mut()?)))
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.empty.len()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, slot: u32) -> &T {
        self.slots[slot as usize].as_ref().expect(HELD)
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        self.slots[slot as usize].as_mut().expect(HELD)
    }
}
