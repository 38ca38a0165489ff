//! Errors of an evaluation: values to be counted and shown, never a reason to stop.

use crate::BUDGET;
use crate::fault::Position;

/// Why a condition could not be answered for a conversation.
///
/// The rule of such a condition does not hold and routing goes on with the next one: an error falls through, it never
/// drops a conversation. The caller counts it and shows it beside the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {cause}", at.line, at.column)]
#[non_exhaustive]
pub struct EvaluationError {
    /// Where in the condition.
    pub at: Position,
    /// Why.
    pub cause: Cause,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// A division or a remainder by zero.
    #[error("division by zero; ask whether the divisor is 0 first")]
    DivisionByZero,
    /// A number beyond 64 bits.
    #[error("the number is too large")]
    Overflow,
    /// An index that a list does not have.
    #[error("the list has no such element; ask for its size first")]
    NoSuchElement,
    /// A string that is no number.
    #[error("the string is not a whole number; ask for its form with `matches` first")]
    NotANumber,
    /// More steps than the budget, which only facts beyond their bounds can need.
    #[error(
        "it needs more steps than the budget of {BUDGET}; what is known of the conversation is too large"
    )]
    OverBudget,
    /// A string or a list that is too large.
    #[error("the string or the list becomes too large")]
    TooLarge,
    /// A value of another kind than was checked.
    #[error("a value is of another kind than was checked; this is a fault of Switchboard, please report it")]
    Unchecked,
}

impl Cause {
    /// Whether the other side of `&&` and `||` may still decide; what is over a bound ends the evaluation.
    pub(crate) fn is_absorbed(self) -> bool {
        matches!(self, Self::DivisionByZero | Self::Overflow | Self::NoSuchElement | Self::NotANumber)
    }
}
