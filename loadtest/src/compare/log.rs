//! Durable appends a second at `Log::append`: 512 producers on the default 16 shards, each waiting for its own, at level
//! `disk`, or at level `redis`. A row's key is a conversation and the number of its message, as in the server. Runs as a child process, as the
//! yardstick does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use log_store::redis::{Place, RedisLog};
use log_store::{Batch, Level, Log, Options, Position, ShardId, Table, Write};
use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// An event's bytes.
pub(crate) const RECORD: usize = 300;
/// A sealed body's bytes.
pub(crate) const BODY: usize = 200;
/// Shards that they share, as a server has them by default.
pub(crate) const SHARDS: u16 = 16;
/// Bytes of one append, for the yardstick.
pub(crate) const APPEND_BYTES: usize = RECORD + BODY;

/// What to append.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogArgs {
    /// The data folder
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// The address of a Redis to append to instead
    #[arg(long)]
    pub(crate) redis: Option<String>,
    /// Producers
    #[arg(long, default_value_t = 512)]
    pub(crate) producers: u16,
    /// How long
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
}

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Logged {
    pub(crate) per_s: f64,
    /// Appends that one commit took on average.
    pub(crate) group: f64,
}

/// Appends for a while.
pub(crate) async fn append(arguments: &LogArgs) -> Result<Logged> {
    let level = if arguments.redis.is_some() { Level::Redis } else { Level::Disk };
    let options = Options { path: arguments.folder.clone(), level, archive_days: 30 };
    let log: Arc<dyn Log> = match &arguments.redis {
        Some(redis) => {
            let place = Place::single(&format!("redis://{redis}"));
            // It waits by itself, which a task of ours must not.
            let opened = tokio::task::spawn_blocking(move || RedisLog::open(&options, &place));
            Arc::new(opened.await?.context("the log on Redis")?)
        }
        None => log_store::open(&options).context("the log")?,
    };
    let started = Instant::now();
    let until = started + Duration::try_from_secs_f64(arguments.seconds).context("--seconds")?;
    // What a shard's task does: it numbers its appends, and several are under way at once.
    let lasts: Vec<_> = (0..SHARDS).map(|_| Arc::new(Mutex::new(Position(0)))).collect();
    let producers: Vec<_> = (0..arguments.producers)
        .map(|number| {
            let shard = number % SHARDS;
            let last = Arc::clone(&lasts[usize::from(shard)]);
            tokio::spawn(produce(Arc::clone(&log), number, ShardId(shard), last, until))
        })
        .collect();
    let mut appends = 0u64;
    for producer in producers {
        appends += producer.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let health = log.health();
    tokio::task::spawn_blocking(move || log.close()).await?;
    #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
    Ok(Logged {
        per_s: appends as f64 / seconds,
        group: health.appends as f64 / health.commits.max(1) as f64,
    })
}

/// One producer with a conversation of its own.
async fn produce(
    log: Arc<dyn Log>,
    number: u16,
    shard: ShardId,
    last: Arc<Mutex<Position>>,
    until: Instant,
) -> Result<u64> {
    let mut rng = Rng::new(u64::from(number), "bodies");
    let mut noise = |bytes: usize| -> Vec<u8> {
        std::iter::repeat_with(|| rng.next().to_le_bytes()).flatten().take(bytes).collect()
    };
    // A workspace and a conversation.
    let (conversation, record, body) = (noise(32), noise(RECORD), noise(BODY));
    let mut appends = 0u64;
    while Instant::now() < until {
        let key = [conversation.as_slice(), &appends.to_be_bytes()].concat();
        let writes = vec![Write::Put { table: Table::Transcripts, key, value: body.clone() }];
        let records = vec![record.clone()];
        let append = {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let append = log.append(Batch { shard, expected: *last, records, writes });
            last.0 += 1;
            append
        };
        append.await?;
        appends += 1;
    }
    Ok(appends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn producers_that_wait_are_grouped() {
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            LogArgs { folder: folder.path().join("data"), redis: None, producers: 16, seconds: 0.2 };
        let done = append(&arguments).await.unwrap();
        assert!(done.per_s > 0.0);
        assert!(done.group > 1.0 && done.group <= 16.0, "{}", done.group);
    }
}
