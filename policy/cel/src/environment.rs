//! The names a condition may use: one table, from which come the check, the facts, the documentation and
//! `policy explain`.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::shape::{Kind, Shape};

/// The least and the greatest mood, per mille.
const MOOD: i64 = 1_000;
/// The greatest count and the longest time that are told apart.
const MOST: i64 = 1_000_000_000;
/// The greatest value of a customer.
const MOST_VALUE: i64 = 1_000_000_000_000;
/// The longest name, in bytes, as in a policy document.
const NAME: u64 = 64;
/// The most topics of a conversation that a condition looks at.
const TOPICS: u64 = 32;
/// The days of the week, as in a policy document.
const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Which name, as an index into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Id {
    Channel,
    Language,
    Topics,
    Intent,
    Mood,
    Value,
    Verified,
    Known,
    CustomerName,
    Contacts,
    MessageSize,
    Hour,
    Weekday,
    Waited,
    Queue,
    Open,
    Waiting,
}

impl Id {
    /// A set with this name alone.
    pub(crate) fn bit(self) -> u32 {
        1 << (self as u8)
    }
}

/// One name a condition may use.
#[derive(Debug)]
pub struct Name {
    pub(crate) id: Id,
    pub(crate) shape: Shape,
    /// Only whether it is there can be asked.
    pub(crate) presence: bool,
    /// It is known only while a conversation waits in a queue.
    waiting: bool,
    values: &'static [&'static str],
    path: &'static str,
    about: &'static str,
}

impl Name {
    /// As it is written, such as `customer.verified`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The kind of its value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.shape.kind
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Its range or its length, in words.
    #[must_use]
    pub fn bounds(&self) -> String {
        let Shape { kind, count, bytes, low, high } = self.shape;
        match kind {
            Kind::Int => format!("{low} to {high}"),
            Kind::Text if !self.values.is_empty() => self.values.join(", "),
            Kind::Text => format!("up to {bytes} bytes"),
            Kind::Texts => format!("up to {count} of {bytes} bytes"),
            _ if self.presence => "`has()` only".to_owned(),
            _ => "true, false".to_owned(),
        }
    }
}

const fn name(id: Id, path: &'static str, shape: Shape, about: &'static str) -> Name {
    Name { id, path, shape, about, presence: false, waiting: false, values: &[] }
}

const fn waiting(id: Id, path: &'static str, shape: Shape, about: &'static str) -> Name {
    Name { waiting: true, ..name(id, path, shape, about) }
}

/// The table, in the order of [`Id`].
static TABLE: [Name; 17] = [
    name(Id::Channel, "channel", Shape::text(NAME), "The channel it came on, such as `web` or `email`."),
    name(
        Id::Language,
        "language",
        Shape::text(NAME),
        "The language as a tag such as `de` or `pt-BR`; \"\" while it is not known.",
    ),
    name(Id::Topics, "topics", Shape::texts(TOPICS, NAME), "What it is about."),
    name(Id::Intent, "intent", Shape::text(NAME), "What the customer wants; \"\" while it is not known."),
    name(
        Id::Mood,
        "mood",
        Shape::int(-MOOD, MOOD),
        "The mood per mille: below 0 upset, above 0 pleased, 0 neither or not known.",
    ),
    name(
        Id::Value,
        "value",
        Shape::int(0, MOST_VALUE),
        "What the customer is worth, in the company's own unit.",
    ),
    name(Id::Verified, "customer.verified", Shape::BOOL, "Whether the customer has proven who they are."),
    name(Id::Known, "customer.known", Shape::BOOL, "Whether the customer has been here before."),
    Name {
        presence: true,
        ..name(
            Id::CustomerName,
            "customer.name",
            Shape::BOOL,
            "Whether a name is known; the name itself is kept from conditions.",
        )
    },
    name(Id::Contacts, "customer.contacts", Shape::int(0, MOST), "How often the customer came before."),
    name(
        Id::MessageSize,
        "message.size",
        Shape::int(0, MOST),
        "The size of the newest message, in characters.",
    ),
    name(
        Id::Hour,
        "hour",
        Shape::int(0, 23),
        "The hour of the day in the time zone of the queue's hours, else in UTC.",
    ),
    Name {
        values: DAYS,
        ..name(Id::Weekday, "weekday", Shape::text(3), "The day of the week in the same time zone.")
    },
    waiting(Id::Waited, "waited_s", Shape::int(0, MOST), "How long it has waited, in seconds."),
    waiting(Id::Queue, "queue", Shape::text(NAME), "The queue it waits in."),
    waiting(Id::Open, "open", Shape::BOOL, "Whether that queue is open now."),
    waiting(Id::Waiting, "waiting", Shape::int(0, MOST), "How many wait in that queue."),
];

/// The names a condition may use, and, as far as they are told, the values they can have.
///
/// ```
/// use policy_cel::{Condition, Environment};
/// let intake = Environment::intake();
/// let faults = Condition::compile("waited_s > 60", &intake).unwrap_err();
/// assert_eq!(
///     faults[0].to_string(),
///     "1:1: `waited_s` is known only while a conversation waits, and conditions are answered when it comes in",
/// );
/// let told = Environment::step().with_values("queue", ["billing", "support"]);
/// let faults = Condition::compile("queue == 'biling'", &told).unwrap_err();
/// assert_eq!(faults[0].to_string(), "1:10: `queue` is never \"biling\"; did you mean `billing`?");
/// ```
#[derive(Debug, Clone)]
pub struct Environment {
    waiting: bool,
    /// By index of the name, what was told by the caller.
    values: Vec<(Id, Vec<String>)>,
}

impl Environment {
    /// For the conditions of intake rules: the conversation is not in a queue yet.
    #[must_use]
    pub fn intake() -> Self {
        Self { waiting: false, values: Vec::new() }
    }

    /// For the conditions of a queue's steps: every name.
    #[must_use]
    pub fn step() -> Self {
        Self { waiting: true, values: Vec::new() }
    }

    /// Tells that a string, or each string of a list, is always one of these (and, for those that may be unknown, "").
    /// A condition that compares it with something else is then refused. What is not a name of strings is ignored.
    #[must_use]
    pub fn with_values(mut self, path: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let known = TABLE.iter().find(|name| name.path == path);
        if let Some(name) = known.filter(|name| matches!(name.kind(), Kind::Text | Kind::Texts)) {
            let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
            values.sort_unstable();
            values.dedup();
            self.values.retain(|(id, _)| *id != name.id);
            self.values.push((name.id, values));
        }
        self
    }

    /// The names that can be used here.
    pub fn names(&self) -> impl Iterator<Item = &'static Name> + Clone + use<> {
        let waiting = self.waiting;
        TABLE.iter().filter(move |name| waiting || !name.waiting)
    }

    /// The names as a table in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from("| name | kind | bounds | what it is |\n|---|---|---|---|\n");
        for name in self.names() {
            // Writing to a string cannot fail.
            _ = writeln!(table, "| `{}` | {} | {} | {} |", name.path, name.kind(), name.bounds(), name.about);
        }
        table
    }

    pub(crate) fn find(&self, path: &str) -> Option<&'static Name> {
        self.names().find(|name| name.path == path)
    }

    /// The values a name can have, if they are told; "" is among those of what may be unknown.
    pub(crate) fn values(&self, id: Id) -> Option<Vec<Cow<'_, str>>> {
        if let Some((_, values)) = self.values.iter().find(|(known, _)| *known == id) {
            let unknown = matches!(id, Id::Language | Id::Intent).then_some(Cow::Borrowed(""));
            return Some(values.iter().map(|value| Cow::Borrowed(value.as_str())).chain(unknown).collect());
        }
        let fixed = by_id(id).values;
        (!fixed.is_empty()).then(|| fixed.iter().copied().map(Cow::Borrowed).collect())
    }

    /// Whether the name exists, but only while a conversation waits.
    pub(crate) fn only_while_waiting(&self, path: &str) -> bool {
        !self.waiting && TABLE.iter().any(|name| name.waiting && name.path == path)
    }
}

pub(crate) fn by_id(id: Id) -> &'static Name {
    &TABLE[id as usize]
}

/// The names of a set of bits, in the order of the table.
pub(crate) fn of_bits(bits: u32) -> impl Iterator<Item = &'static Name> {
    TABLE.iter().filter(move |name| bits & name.id.bit() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_its_ids() {
        for (index, name) in TABLE.iter().enumerate() {
            assert_eq!(name.id as usize, index, "{}", name.path);
            assert!(name.about.ends_with('.'), "{}", name.path);
        }
    }

    #[test]
    fn the_documentation_holds_the_table() {
        let docs = include_str!("lib.rs");
        for line in Environment::step().table().lines() {
            assert!(docs.contains(&format!("//! {line}")), "missing in lib.rs: {line}");
        }
    }

    #[test]
    fn what_is_known_later_is_not_there_at_intake() {
        assert!(Environment::intake().find("waiting").is_none());
        assert!(Environment::intake().only_while_waiting("waiting"));
        assert!(Environment::step().find("waiting").is_some());
    }
}
