//! Who should get a conversation, on which channel, and until when. Pure rules: no clock, no I/O, no threads, no
//! randomness, no floating point, no hash order. Time comes in as an argument.
//!
//! A [`Policy`] says what a conversation needs; a [`Pool`] finds who serves it:
//!
//! ```
//! use policy::id::{AgentId, ConversationId};
//! use policy::time::{Span, Timestamp};
//! use policy::{AgentProfile, Arrival, Document, Policy, Pool, Standing, Waiting};
//!
//! let policy = Policy::compile(&Document::default()).unwrap();
//! let (ana, at) = (AgentId::from_bits(1), Timestamp(0));
//! let mut pool = Pool::new(policy.weights());
//! pool.put_agent(ana, &AgentProfile { capacity: 3, ..AgentProfile::default() }, at);
//! pool.set_standing(ana, Standing::Online, at);
//!
//! let routing = policy.route(&Arrival { channel: "web_chat", language: Some("es"), topics: &[], holds: &[] });
//! let conversation = ConversationId::from_bits(7);
//! pool.wait(Waiting {
//!     conversation,
//!     needs: routing.needs,
//!     priority: routing.priority,
//!     since: at,
//!     passed_over: Span::seconds(1_800),
//!     known_agent: None,
//!     reserved: None,
//!     refused: Vec::new(),
//!     preferred: None,
//! });
//! let decision = pool.choose_agent(conversation, at).unwrap();
//! assert_eq!(decision.agent, ana);
//! ```
// The schema derives (used by the generators of documents only) expand to std paths.
#![cfg_attr(not(feature = "schema"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod breaks;
pub mod disclose;
pub mod document;
mod fixed;
mod hours;
pub mod id;
pub mod matching;
mod policy;
pub mod spelling;
pub mod time;

pub use breaks::{Break, Breaks, BreaksDoc};
pub use disclose::{Audience, Disclosed, Field, Grants, Purpose, Withheld, disclose};
pub use document::{Document, Fault, Rule, Weights};
pub use matching::{
    Able, AgentProfile, Decision, Lost, Needs, Pool, Preferred, Room, Score, Settings, Standing, Terms,
    Trigger, Waiting,
};
pub use policy::{Arrival, Policy, Queue, Routing, Step};
