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
    /// The end of the node: Redis has it, and writes it to its disk within a second or two.
    Redis,
    /// The end of the node and of Redis's primary: a replica has it too.
    RedisReplica,
    /// The end of the node, and of Redis with what it had not written yet: the node's own disk has it too.
    RedisDisk,
}

impl Level {
    /// Whether the log is on Redis.
    #[must_use]
    pub fn on_redis(self) -> bool {
        matches!(self, Self::Redis | Self::RedisReplica | Self::RedisDisk)
    }

    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Disk => "disk",
            Self::Redis => "redis",
            Self::RedisReplica => "redis+replica",
            Self::RedisDisk => "redis+disk",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text {
            "memory" => Ok(Self::Memory),
            "os" => Ok(Self::Os),
            "disk" => Ok(Self::Disk),
            "redis" => Ok(Self::Redis),
            "redis+replica" => Ok(Self::RedisReplica),
            "redis+disk" => Ok(Self::RedisDisk),
            other => Err(OpenError::Level(other.to_owned())),
        }
    }
}
