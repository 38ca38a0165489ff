//! What can go wrong, said so that the reader knows what is safe and what to do.

use std::path::PathBuf;

use crate::{Level, Position, ShardId};

/// Why a batch was not acknowledged. Nothing of it is in the log, but for `Failed`: then nobody knows until the next start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another writer was faster.
    #[error("the log is at {last:?}, the writer expected {expected:?}: another owner writes this shard")]
    Fenced {
        /// What the writer expected.
        expected: Position,
        /// Where the log is.
        last: Position,
    },
    /// No space is left.
    #[error("the disk is full: make room, the store goes on by itself")]
    Full,
    /// Too many batches wait.
    #[error("the store cannot keep up: try again")]
    Busy,
    /// Writing or syncing failed: what the disk holds is not known, so the store takes nothing more.
    #[error("the store cannot write ({detail}): check the disk, then start again")]
    Failed {
        /// The cause.
        detail: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The batch can never be taken.
    #[error("the batch has more than 16 MiB, or a row's key has not 1 to 65,535 bytes: split it")]
    TooLarge,
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store or a file cannot be read.
    #[error("the store cannot be read: {0}")]
    Io(String),
    /// A record is damaged.
    #[error("record {} of shard {} is damaged ({detail}): restore a backup", .position.0, .shard.0)]
    Damaged {
        /// Of which shard.
        shard: ShardId,
        /// At which position.
        position: Position,
        /// What is wrong.
        detail: String,
    },
    /// A position that does not fit the log.
    #[error("shard {} is at {}, which does not fit {}: nothing was changed", .shard.0, .last.0, .asked.0)]
    Position {
        /// Of which shard.
        shard: ShardId,
        /// What was asked for.
        asked: Position,
        /// Where the log is.
        last: Position,
    },
    /// The records between the newest good snapshot and the log are gone.
    #[error("shard {} has records from {} on, its newest readable snapshot is at {}: restore a backup", .shard.0, .first.0, .after.0)]
    Gap {
        /// Of which shard.
        shard: ShardId,
        /// Where reading was to begin.
        after: Position,
        /// Where the log begins.
        first: Position,
    },
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such level.
    #[error(
        "there is no level {0:?}: use memory, os or disk; with Redis: redis, redis+replica or redis+disk"
    )]
    Level(String),
    /// Another process has it.
    #[error("the data folder {0} is in use by another process: stop that one first")]
    Locked(PathBuf),
    /// A move into it broke off.
    #[error("a move into {0} is not finished: run the same `switchboard migrate` again")]
    Unfinished(String),
    /// Another move into it broke off.
    #[error(
        "{0} holds an unfinished move of something else: what is to be moved has changed since, or other workspaces were \
         named. Empty it, then begin again"
    )]
    OtherMove(String),
    /// What is to be filled is in use.
    #[error("{0} is not empty: a store is moved into an empty one only")]
    NotEmpty(String),
    /// Written by a newer program.
    #[error("the data folder was written by a newer version (format {0}): start that version")]
    Newer(String),
    /// A journal is damaged before its end, and whole batches follow.
    #[error(
        "{journal} is damaged at byte {at}, and acknowledged batches follow it, so nothing was cut off: check the disk and restore a backup"
    )]
    Damaged {
        /// Which file.
        journal: PathBuf,
        /// Where.
        at: u64,
    },
    /// The level needs Redis, and none was named.
    #[error("the level {0} needs Redis: say where it is with `redis.urls`")]
    NoRedis(Level),
    /// Redis cannot be used, or must not be as it is.
    #[error("Redis at {place}: {detail}")]
    Redis {
        /// Where, without password.
        place: String,
        /// What is wrong and what to set.
        detail: String,
    },
    /// It cannot be read or written.
    #[error("the data folder {path} cannot be opened: {detail}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}
