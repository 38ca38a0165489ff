//! Why a run came to no end.

use engine::Rejection;

/// Why a run came to no end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The engine refused what the world asked for.
    #[error("scenario {scenario}: the engine refused {what}: {rejection}")]
    Refused {
        /// Which scenario.
        scenario: String,
        /// What was asked.
        what: &'static str,
        /// What it said.
        rejection: Rejection,
    },
    /// Somebody is never served.
    #[error("scenario {scenario}: {waiting} conversations were not served in 30 days after the last arrival")]
    Unserved {
        /// Which scenario.
        scenario: String,
        /// How many.
        waiting: usize,
    },
    /// The engine wakes and wakes and time stands still.
    #[error("scenario {scenario}: the engine asks to be woken at the same moment for ever")]
    Restless {
        /// Which scenario.
        scenario: String,
    },
}
