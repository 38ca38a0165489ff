//! Why a command was not carried out. Nothing has changed then.

/// The user asked for something that is not possible; it is no fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such thing, or not this workspace's.
    #[error("there is no such {0} here")]
    NotFound(&'static str),
    /// Another one holds it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The state has moved on.
    #[error("{0}")]
    Conflict(&'static str),
    /// A value is out of its bounds.
    #[error("{0}")]
    Invalid(&'static str),
    /// The queue holds as many as the policy allows.
    #[error("the queue is full: try again later")]
    Full,
}
