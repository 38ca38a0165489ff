//! Plain pipelines of what the server's log writes to Redis, without its fence, its script and its answers to each append: for
//! each shard the same `XADD` and `HSET`, as many appends together as the server's log has. Runs as a child process.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use super::log::{BODY, Logged, RECORD, SHARDS};
use crate::rng::Rng;

/// What to write.
#[derive(Debug, Clone, Args)]
pub(crate) struct PipelineArgs {
    /// The address of Redis
    #[arg(long)]
    redis: String,
    /// Appends together in one pipeline of a shard
    #[arg(long)]
    group: usize,
    /// How long
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

/// Writes for a while.
pub(crate) async fn write(arguments: &PipelineArgs) -> Result<Logged> {
    let client = ::redis::Client::open(format!("redis://{}", arguments.redis)).context("--redis")?;
    let connection = client.get_multiplexed_async_connection().await.context("Redis cannot be reached")?;
    let group = arguments.group.max(1);
    let started = Instant::now();
    let until = started + Duration::try_from_secs_f64(arguments.seconds).context("--seconds")?;
    let shards: Vec<_> = (0..SHARDS)
        .map(|shard| {
            let mut connection = connection.clone();
            tokio::spawn(async move {
                let mut rng = Rng::new(u64::from(shard), "bodies");
                let mut noise = |bytes: usize| -> Vec<u8> {
                    std::iter::repeat_with(|| rng.next().to_le_bytes()).flatten().take(bytes).collect()
                };
                let (entry, body) = (noise(group * RECORD), noise(BODY));
                let conversations: Vec<_> = (0..group)
                    .map(|_| [format!("plain:{{{shard}}}:transcripts:").as_bytes(), &noise(32)].concat())
                    .collect();
                let log = format!("plain:{{{shard}}}:log");
                let mut turns = 0_u64;
                while Instant::now() < until {
                    let mut pipe = ::redis::pipe();
                    pipe.cmd("XADD").arg(&log).arg("*").arg("r").arg(&entry[..]).ignore();
                    for conversation in &conversations {
                        pipe.cmd("HSET")
                            .arg(&conversation[..])
                            .arg(&turns.to_be_bytes())
                            .arg(&body[..])
                            .ignore();
                    }
                    pipe.exec_async(&mut connection).await?;
                    turns += 1;
                }
                anyhow::Ok(turns)
            })
        })
        .collect();
    let mut turns = 0;
    for shard in shards {
        turns += shard.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
    Ok(Logged { per_s: (turns * group as u64) as f64 / started.elapsed().as_secs_f64(), group: group as f64 })
}
