//! CEL behind the policy's conditions, with a guard layer: names and types are checked when a policy is loaded, cost is
//! bounded, regexes are compiled once.
#![forbid(unsafe_code)]

mod check;
mod condition;
mod environment;
mod evaluate;
mod facts;
mod fault;
mod lint;
mod node;
mod parse;
mod pattern;
mod shape;
mod value;

pub use condition::Condition;
pub use environment::{Environment, Name};
pub use evaluate::{Cause, EvaluationError};
pub use facts::{Customer, Facts};
pub use fault::{Fault, Position};
pub use shape::Kind;

/// The most steps an answer may take. A dearer condition is refused when the policy is loaded, and an evaluation gives up
/// there. A step takes some nanoseconds.
pub const BUDGET: u64 = 10_000;
