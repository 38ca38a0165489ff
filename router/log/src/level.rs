//! Levels: what an acknowledgement survives.

use std::fmt;
use std::str::FromStr;

use crate::OpenError;

/// What an acknowledgement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: it is in memory.
    Memory,
    /// The end of the process: it was written.
    Os,
    /// The end of the machine: it was synced, as far as the device keeps its word.
    Disk,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Disk => "disk",
        })
    }
}

impl FromStr for Level {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text {
            "memory" => Ok(Self::Memory),
            "os" => Ok(Self::Os),
            "disk" => Ok(Self::Disk),
            other => Err(OpenError::Level(other.to_owned())),
        }
    }
}
