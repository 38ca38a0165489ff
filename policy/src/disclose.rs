//! The one door for outgoing data (invariant 7). Whoever writes to a session, connector, bot or webhook accepts
//! [`Disclosed`] only, and only [`disclose`] makes one, so that a way round the rules does not compile.
//!
//! What may go out, by field; "granted" means that the purpose is live in the customer's grants at this moment:
//!
//! | audience   | routing | body, name, contact point | facts                 | labels  |
//! |------------|---------|---------------------------|-----------------------|---------|
//! | customer   | always  | always                    | always                | always  |
//! | agent      | always  | granted                   | granted, and see below | granted |
//! | bot        | always  | granted                   | granted, and see below | granted |
//! | channel    | always  | granted                   | never                 | never   |
//! | webhook    | always  | granted, never for service | granted, never for service | granted, never for service |
//! | operations | always  | never                     | never                 | granted, never for service |
//!
//! *Routing* is ids, states and numbers: nobody's words. *Facts* outlive the matter they were given in, so beside the
//! purpose at hand the customer must have granted [`Purpose::MemoryOfFacts`]. A webhook is another company's program and
//! operations look at many customers at once: writing in for an answer does not cover either.
//!
//! ```
//! use policy::disclose::{Audience, Field, Grants, Purpose, disclose};
//!
//! let grants = Grants::by_writing_in();
//! let text = disclose(Audience::Agent, Purpose::Service, &grants, &[Field::MessageBody], "My parcel is late").unwrap();
//! assert_eq!(*text.get(), "My parcel is late");
//! assert!(disclose(Audience::Webhook, Purpose::Service, &grants, &[Field::MessageBody], "My parcel is late").is_err());
//! ```
//!
//! There is no other way to make one:
//!
//! ```compile_fail,E0423
//! let forged = policy::disclose::Disclosed("My parcel is late");
//! ```
//!
//! ```compile_fail,E0616
//! # use policy::disclose::{Audience, Grants, Purpose, disclose};
//! let mut small = disclose(Audience::Webhook, Purpose::Service, &Grants::default(), &[], "").unwrap();
//! small.0 = "My parcel is late";
//! ```

use serde::{Deserialize, Serialize};

/// Who would receive the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Audience {
    /// The person the data is about.
    Customer,
    /// A person who serves the customer.
    Agent,
    /// A program that serves the customer.
    Bot,
    /// The provider that carries a message to the customer.
    Channel,
    /// Another company's program.
    Webhook,
    /// Dashboards and reports.
    Operations,
}

/// What the data would be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Answering the matter the customer wrote in about.
    Service,
    /// Writing to the customer first.
    ProactiveNotice,
    /// Asking how it was.
    Feedback,
    /// Keeping what the customer said for later matters.
    MemoryOfFacts,
    /// Learning from many conversations.
    Analysis,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Service, Self::ProactiveNotice, Self::Feedback, Self::MemoryOfFacts, Self::Analysis];

    const fn bit(self) -> u8 {
        match self {
            Self::Service => 1,
            Self::ProactiveNotice => 1 << 1,
            Self::Feedback => 1 << 2,
            Self::MemoryOfFacts => 1 << 3,
            Self::Analysis => 1 << 4,
        }
    }
}

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field {
    /// Ids, states and numbers: nobody's words.
    Routing,
    /// What someone wrote.
    MessageBody,
    /// What the customer is called.
    CustomerName,
    /// An address of the customer.
    ContactPoint,
    /// What is remembered of the customer.
    Facts,
    /// Language, intent and mood, read from someone's words.
    Labels,
}

/// The purposes that a customer has granted, on one contact point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(u8);

impl Grants {
    /// What a customer grants by writing in: service, nothing else.
    #[must_use]
    pub const fn by_writing_in() -> Self {
        Self(Purpose::Service.bit())
    }

    /// Adds a purpose.
    pub fn grant(&mut self, purpose: Purpose) {
        self.0 |= purpose.bit();
    }

    /// Takes a purpose back; it counts from the next [`disclose`] on.
    pub fn withdraw(&mut self, purpose: Purpose) {
        self.0 &= !purpose.bit();
    }

    /// Whether a purpose is granted.
    #[must_use]
    pub const fn holds(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }
}

/// Data that may go out to the audience it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    /// The data.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The data, for writing it out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Why data may not go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// The customer has not granted the purpose, or has withdrawn it.
    #[error("{field:?} may not go out: the customer has not granted {purpose:?}; ask the customer first")]
    NotGranted {
        /// The first field that is held back.
        field: Field,
        /// The purpose that would have to be granted.
        purpose: Purpose,
    },
    /// No grant covers it.
    #[error(
        "{field:?} may not go out to {audience:?} for {purpose:?}: no grant covers it; leave the field out"
    )]
    Never {
        /// The first field that is held back.
        field: Field,
        /// Who would have received it.
        audience: Audience,
        /// What for.
        purpose: Purpose,
    },
}

/// Lets data out if every field in it may go to this audience for this purpose under these grants.
///
/// `fields` names every kind of data that `value` holds.
///
/// # Errors
/// The first field that may not go out, and why; nothing goes out then.
pub fn disclose<T>(
    audience: Audience,
    purpose: Purpose,
    grants: &Grants,
    fields: &[Field],
    value: T,
) -> Result<Disclosed<T>, Withheld> {
    for &field in fields {
        judge(audience, purpose, *grants, field)?;
    }
    Ok(Disclosed(value))
}

/// The table above, for one field.
fn judge(audience: Audience, purpose: Purpose, grants: Grants, field: Field) -> Result<(), Withheld> {
    let covered = match (audience, field) {
        (_, Field::Routing) | (Audience::Customer, _) => return Ok(()),
        (Audience::Agent | Audience::Bot, _) => true,
        (Audience::Channel, Field::MessageBody | Field::CustomerName | Field::ContactPoint) => true,
        (Audience::Channel, Field::Facts | Field::Labels) => false,
        (Audience::Webhook, _) | (Audience::Operations, Field::Labels) => purpose != Purpose::Service,
        (Audience::Operations, _) => false,
    };
    if !covered {
        return Err(Withheld::Never { field, audience, purpose });
    }
    let memory = (field == Field::Facts).then_some(Purpose::MemoryOfFacts);
    match [Some(purpose), memory].into_iter().flatten().find(|purpose| !grants.holds(*purpose)) {
        Some(purpose) => Err(Withheld::NotGranted { field, purpose }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIENCES: [Audience; 6] = [
        Audience::Customer,
        Audience::Agent,
        Audience::Bot,
        Audience::Channel,
        Audience::Webhook,
        Audience::Operations,
    ];
    const FIELDS: [Field; 6] = [
        Field::Routing,
        Field::MessageBody,
        Field::CustomerName,
        Field::ContactPoint,
        Field::Facts,
        Field::Labels,
    ];

    /// The table of the module's page, a row an audience, a letter a field: `+` always, `g` granted, `m` granted and
    /// memory granted, `s` as `g` but never for service, `t` as `m` but never for service, `-` never.
    const TABLE: [&[u8; 6]; 6] = [b"++++++", b"+gggmg", b"+gggmg", b"+ggg--", b"+sssts", b"+----s"];

    fn expected(cell: u8, purpose: Purpose, grants: Grants) -> bool {
        let granted = grants.holds(purpose);
        let memory = grants.holds(Purpose::MemoryOfFacts);
        let beyond = purpose != Purpose::Service;
        match cell {
            b'+' => true,
            b'g' => granted,
            b'm' => granted && memory,
            b's' => granted && beyond,
            b't' => granted && memory && beyond,
            _ => false,
        }
    }

    #[test]
    fn every_cell_of_the_table_under_every_set_of_grants() {
        for (audience, row) in AUDIENCES.into_iter().zip(TABLE) {
            for (field, &cell) in FIELDS.into_iter().zip(row) {
                for purpose in Purpose::ALL {
                    for grants in (0..32).map(Grants) {
                        let out = disclose(audience, purpose, &grants, &[field], ()).is_ok();
                        assert_eq!(
                            out,
                            expected(cell, purpose, grants),
                            "{audience:?} {purpose:?} {field:?} {grants:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn one_field_that_may_not_go_holds_all_back() {
        let grants = Grants::by_writing_in();
        let fields = [Field::Routing, Field::MessageBody, Field::Facts];
        let held = disclose(Audience::Bot, Purpose::Service, &grants, &fields, "body and facts");
        assert_eq!(held, Err(Withheld::NotGranted { field: Field::Facts, purpose: Purpose::MemoryOfFacts }));
        let fine = disclose(Audience::Bot, Purpose::Service, &grants, &fields[..2], "body").unwrap();
        assert_eq!(fine.into_inner(), "body");
    }

    #[test]
    fn writing_in_grants_service_only_and_grants_can_be_withdrawn() {
        let mut grants = Grants::by_writing_in();
        assert!(
            Purpose::ALL.into_iter().all(|purpose| grants.holds(purpose) == (purpose == Purpose::Service))
        );
        grants.grant(Purpose::Feedback);
        grants.withdraw(Purpose::Service);
        assert!(
            Purpose::ALL.into_iter().all(|purpose| grants.holds(purpose) == (purpose == Purpose::Feedback))
        );
        assert!(disclose(Audience::Agent, Purpose::Service, &grants, &[Field::MessageBody], ()).is_err());
    }
}
