//! Values while a condition is evaluated: borrowed from the facts and from the condition wherever they can be.

use std::borrow::Cow;

use crate::shape::BYTES_A_STEP;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    List(List<'a>),
}

/// A list, of values that are not lists.
#[derive(Debug, Clone)]
pub(crate) enum List<'a> {
    /// From the facts.
    Texts(&'a [String]),
    /// From the condition.
    Fixed(&'a [Value<'a>]),
    /// Made on the way.
    Made(Vec<Value<'a>>),
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Fixed(values) => values.len(),
            Self::Made(values) => values.len(),
        }
    }

    /// The element at an index, copied only where it was made on the way.
    pub(crate) fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Texts(texts) => texts.get(index).map(|text| Value::Text(Cow::Borrowed(text))),
            Self::Fixed(values) => values.get(index).map(Value::borrowed),
            Self::Made(values) => values.get(index).cloned(),
        }
    }

    /// Whether a value is in it.
    pub(crate) fn contains(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Texts(texts), Value::Text(text)) => texts.iter().any(|one| one == text),
            (Self::Texts(_), _) => false,
            (Self::Fixed(values), value) => values.iter().any(|one| one == value),
            (Self::Made(values), value) => values.iter().any(|one| one == value),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The steps of walking over it once.
    pub(crate) fn walk(&self) -> u64 {
        let texts = |bytes: usize| 1 + bytes as u64 / BYTES_A_STEP;
        1 + match self {
            Self::Texts(list) => list.iter().map(|text| texts(text.len())).sum::<u64>(),
            Self::Fixed(list) => list.iter().map(Value::walk).sum::<u64>(),
            Self::Made(list) => list.iter().map(Value::walk).sum::<u64>(),
        }
    }
}

impl PartialEq for List<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for List<'_> {}

impl<'a> Value<'a> {
    /// The same value, borrowed from this one.
    pub(crate) fn borrowed<'b>(&'b self) -> Value<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::List(List::Texts(texts)) => Value::List(List::Texts(texts)),
            Self::List(List::Fixed(values)) => Value::List(List::Fixed(values)),
            Self::List(List::Made(values)) => Value::List(List::Fixed(values)),
        }
    }

    /// The same value, borrowed from nothing.
    pub(crate) fn owned(&self) -> Value<'static> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
            Self::List(list) => Value::List(List::Made(list.iter().map(|one| one.owned()).collect())),
        }
    }

    /// The steps of walking over it once.
    pub(crate) fn walk(&self) -> u64 {
        match self {
            Self::Bool(_) | Self::Int(_) => 1,
            Self::Text(text) => 1 + text.len() as u64 / BYTES_A_STEP,
            Self::List(list) => list.walk(),
        }
    }
}
