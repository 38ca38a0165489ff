//! What is known of a value before there is one: its kind, and how large it can be. The cost of a condition and the
//! ranges that lint uses come from here.

use std::fmt;

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number; there are no fractions.
    Int,
    /// A string.
    Text,
    /// A list of bools.
    Bools,
    /// A list of whole numbers.
    Ints,
    /// A list of strings.
    Texts,
    /// `[]`, a list of anything.
    Empty,
}

impl Kind {
    /// The kind of a list of these; none for lists, which do not nest.
    pub(crate) fn list(self) -> Option<Self> {
        match self {
            Self::Bool => Some(Self::Bools),
            Self::Int => Some(Self::Ints),
            Self::Text => Some(Self::Texts),
            _ => None,
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Bools | Self::Ints | Self::Texts | Self::Empty)
    }

    /// The common kind of two values that may stand for each other.
    pub(crate) fn common(self, other: Self) -> Option<Self> {
        match (self, other) {
            (left, right) if left == right => Some(left),
            (Self::Empty, list) | (list, Self::Empty) if list.is_list() => Some(list),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Text => "string",
            Self::Bools => "list(bool)",
            Self::Ints => "list(int)",
            Self::Texts => "list(string)",
            Self::Empty => "list",
        })
    }
}

/// Longer strings are not made, in bytes.
pub(crate) const LONGEST_TEXT: u64 = 4_096;
/// Longer lists are not made.
pub(crate) const LONGEST_LIST: u64 = 1_024;
/// So many bytes of text cost one step.
pub(crate) const BYTES_A_STEP: u64 = 64;

/// The kind of a value and its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// At most so many elements of a list.
    pub(crate) count: u64,
    /// At most so many bytes of a string, or of each string of a list.
    pub(crate) bytes: u64,
    /// The least of a number, or of each of a list.
    pub(crate) low: i64,
    /// The greatest of a number, or of each of a list.
    pub(crate) high: i64,
}

impl Shape {
    pub(crate) const BOOL: Self = Self { kind: Kind::Bool, count: 0, bytes: 0, low: 0, high: 0 };

    pub(crate) const fn int(low: i64, high: i64) -> Self {
        Self { kind: Kind::Int, count: 0, bytes: 0, low, high }
    }

    pub(crate) const fn text(bytes: u64) -> Self {
        Self { kind: Kind::Text, count: 0, bytes, low: 0, high: 0 }
    }

    pub(crate) const fn texts(count: u64, bytes: u64) -> Self {
        Self { kind: Kind::Texts, count, bytes, low: 0, high: 0 }
    }

    /// A list of these; none where these are lists.
    pub(crate) fn list(self, count: u64) -> Option<Self> {
        Some(Self { kind: self.kind.list()?, count, ..self })
    }

    /// One of a list; none where it is not one, or is `[]`.
    pub(crate) fn element(self) -> Option<Self> {
        let kind = match self.kind {
            Kind::Bools => Kind::Bool,
            Kind::Ints => Kind::Int,
            Kind::Texts => Kind::Text,
            _ => return None,
        };
        Some(Self { kind, count: 0, ..self })
    }

    /// What holds for either of two.
    pub(crate) fn either(self, other: Self) -> Option<Self> {
        let kind = self.kind.common(other.kind)?;
        let (low, high) = match (self.kind, other.kind) {
            (Kind::Empty, _) => (other.low, other.high),
            (_, Kind::Empty) => (self.low, self.high),
            _ => (self.low.min(other.low), self.high.max(other.high)),
        };
        let (count, bytes) = (self.count.max(other.count), self.bytes.max(other.bytes));
        Some(Self { kind, count, bytes, low, high })
    }

    /// The steps of walking over such a value once, at most.
    pub(crate) fn walk(self) -> u64 {
        let one = 1 + self.bytes / BYTES_A_STEP;
        if self.kind.is_list() { 1 + self.count.saturating_mul(one) } else { one }
    }
}
