//! What is planned: the entries of the heap, the earliest first, ties by the order of planning.

use std::cmp::Ordering;

/// Something that happens at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: i64,
    pub(super) sequence: u64,
    pub(super) what: What,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The work on a contact is done, if its end was not set anew since.
    Done { contact: usize, version: u32 },
    /// A customer's patience ends.
    Leaves { contact: usize },
    /// An unsolved matter comes back.
    Again { index: usize },
    /// An agent wants to walk off.
    Break { agent: usize },
    /// An agent is back.
    Back { agent: usize },
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
