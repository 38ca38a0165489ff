//! What is known of a conversation when a condition is asked: borrowed, so that asking costs no copies.

use std::borrow::Cow;

use crate::environment::{Environment, Id};
use crate::shape::Shape;
use crate::value::{List, Value};

/// What is known of a conversation. What is not known is left at its default.
///
/// Facts beyond the bounds of the table in the crate's documentation do no harm: the evaluation counts its steps and gives
/// up with an error at the same budget. They only take away what [`Condition::always`](crate::Condition::always) and
/// [`Condition::never`](crate::Condition::never) promise; [`Facts::within_bounds`] cuts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// `channel`.
    pub channel: &'a str,
    /// `language`; empty while it is not known.
    pub language: &'a str,
    /// `topics`.
    pub topics: &'a [String],
    /// `intent`; empty while it is not known.
    pub intent: &'a str,
    /// `mood`, per mille; 0 while it is not known.
    pub mood: i64,
    /// `value`.
    pub value: i64,
    /// `customer`.
    pub customer: Customer,
    /// `message.size`, in characters.
    pub message_size: i64,
    /// `hour`, 0 to 23.
    pub hour: i64,
    /// `weekday`: `mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`.
    pub weekday: &'a str,
    /// `waited_s`.
    pub waited_s: i64,
    /// `queue`.
    pub queue: &'a str,
    /// `open`.
    pub open: bool,
    /// `waiting`.
    pub waiting: i64,
}

/// What is known of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Customer {
    /// `customer.verified`.
    pub verified: bool,
    /// `customer.known`.
    pub known: bool,
    /// `has(customer.name)`.
    pub named: bool,
    /// `customer.contacts`.
    pub contacts: i64,
}

impl Default for Facts<'_> {
    /// Nothing is known, on a Monday at midnight.
    fn default() -> Self {
        Self {
            channel: "",
            language: "",
            topics: &[],
            intent: "",
            mood: 0,
            value: 0,
            customer: Customer::default(),
            message_size: 0,
            hour: 0,
            weekday: "mon",
            waited_s: 0,
            queue: "",
            open: false,
            waiting: 0,
        }
    }
}

impl<'a> Facts<'a> {
    /// The same, with numbers brought into their ranges, names cut to their length and topics to their number.
    ///
    /// ```
    /// use policy_cel::Facts;
    /// let facts = Facts { mood: -7_000, ..Facts::default() };
    /// assert_eq!(facts.within_bounds().mood, -1_000);
    /// ```
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        for name in Environment::step().names() {
            let Shape { low, high, bytes, count, .. } = name.shape;
            let most = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
            match self.get(name.id) {
                Value::Int(value) => self.set_int(name.id, value.clamp(low, high)),
                Value::Text(Cow::Borrowed(text)) => {
                    let end = text.floor_char_boundary(most(bytes));
                    self.set_text(name.id, text.get(..end).unwrap_or(text));
                }
                Value::List(List::Texts(topics)) => {
                    self.topics = topics.get(..most(count)).unwrap_or(topics);
                }
                _ => {}
            }
        }
        self
    }

    pub(crate) fn get(&self, id: Id) -> Value<'a> {
        let text = |text| Value::Text(Cow::Borrowed(text));
        match id {
            Id::Channel => text(self.channel),
            Id::Language => text(self.language),
            Id::Topics => Value::List(List::Texts(self.topics)),
            Id::Intent => text(self.intent),
            Id::Mood => Value::Int(self.mood),
            Id::Value => Value::Int(self.value),
            Id::Verified => Value::Bool(self.customer.verified),
            Id::Known => Value::Bool(self.customer.known),
            Id::CustomerName => Value::Bool(self.customer.named),
            Id::Contacts => Value::Int(self.customer.contacts),
            Id::MessageSize => Value::Int(self.message_size),
            Id::Hour => Value::Int(self.hour),
            Id::Weekday => text(self.weekday),
            Id::Waited => Value::Int(self.waited_s),
            Id::Queue => text(self.queue),
            Id::Open => Value::Bool(self.open),
            Id::Waiting => Value::Int(self.waiting),
        }
    }

    /// Sets a string.
    pub(crate) fn set_text(&mut self, id: Id, value: &'a str) {
        match id {
            Id::Channel => self.channel = value,
            Id::Language => self.language = value,
            Id::Intent => self.intent = value,
            Id::Weekday => self.weekday = value,
            Id::Queue => self.queue = value,
            _ => debug_assert!(false, "not a string: {id:?}"),
        }
    }

    /// Sets a number, or a bool by 0 and 1.
    pub(crate) fn set_int(&mut self, id: Id, value: i64) {
        match id {
            Id::Mood => self.mood = value,
            Id::Value => self.value = value,
            Id::Verified => self.customer.verified = value != 0,
            Id::Known => self.customer.known = value != 0,
            Id::CustomerName => self.customer.named = value != 0,
            Id::Contacts => self.customer.contacts = value,
            Id::MessageSize => self.message_size = value,
            Id::Hour => self.hour = value,
            Id::Waited => self.waited_s = value,
            Id::Open => self.open = value != 0,
            Id::Waiting => self.waiting = value,
            _ => debug_assert!(false, "not a number: {id:?}"),
        }
    }
}
