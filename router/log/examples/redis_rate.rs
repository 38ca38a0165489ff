//! Fenced appends per second with their side writes, against a plain pipeline of the same writes. One JSON object.
//!
//! `redis_rate [SECONDS] [ROUNDS] [appendfsync]`, in turn A B A B on one fresh `redis-server`: 512 producers on 16 shards wait
//! for their appends at level `redis` (300-byte records, each with a sealed body of 200 bytes as a row); then one client
//! sends the same XADD and HSET of each, in pipelines of the same mean size, with no fence and nobody waiting.

use std::error::Error;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use log_store::redis::{Place, RedisLog};
use log_store::{AppendError, Batch, Level, Log as _, Options, Position, ShardId, Table, Write};

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PRODUCERS: u16 = 512;
const SHARDS: u16 = 16;
const RECORD: usize = 300;
const BODY: usize = 200;
const ROW_KEY: usize = 40;

type Failure = Box<dyn Error + Send + Sync>;

struct Server {
    port: u16,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn server(folder: &Path, sync: &str) -> Result<Server, Failure> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            sync,
            "--dir",
        ])
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()?;
    let server = Server { port, child };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > Duration::from_secs(10) {
            return Err("redis-server did not come up".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(server)
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().map_or(Ok(3.0), |it| it.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let sync = arguments.next().unwrap_or_else(|| "everysec".to_owned());
    let folder = std::env::current_dir()?.join(format!("redis-rate-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = measure(&folder, Duration::from_secs_f64(seconds), rounds, &sync);
    std::fs::remove_dir_all(&folder)?;
    writeln!(std::io::stdout(), "{}", outcome?)?;
    Ok(())
}

fn measure(folder: &Path, time: Duration, rounds: usize, sync: &str) -> Result<serde_json::Value, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut ours, mut plain, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let folder = folder.join(round.to_string());
        std::fs::create_dir_all(&folder)?;
        let server = server(&folder, sync)?;
        let (rate, group) = runtime.block_on(log_rate(&folder, &server, time))?;
        let beside = runtime.block_on(plain_rate(&server, time, group))?;
        ours.push(rate);
        plain.push(beside);
        groups.push(group);
        drop(server);
        std::fs::remove_dir_all(&folder)?;
    }
    let mut ratios: Vec<f64> = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain).collect();
    ratios.sort_by(f64::total_cmp);
    Ok(serde_json::json!({
        "producers": PRODUCERS, "shards": SHARDS, "record_bytes": RECORD, "body_bytes": BODY, "rounds": rounds,
        "appendfsync": sync, "cores": std::thread::available_parallelism()?.get(),
        "append_per_s": ours, "plain_per_s": plain, "groups": groups,
        "ratio": ratios.get(rounds / 2), "low": ratios.first(), "high": ratios.last(), "reach": 0.9,
    }))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut step).flatten().take(bytes).collect()
}

/// As the key of a message: workspace and conversation, then its number.
fn row_key(producer: u16, at: u64) -> Vec<u8> {
    let mut key = vec![0; ROW_KEY];
    key[..2].copy_from_slice(&producer.to_be_bytes());
    key[32..].copy_from_slice(&at.to_be_bytes());
    // A conversation has some tens of messages.
    key[24..32].copy_from_slice(&(at / 32).to_be_bytes());
    key
}

/// Producers at `Log::append`: appends per second, and the mean number of appends in a round trip.
async fn log_rate(folder: &Path, server: &Server, time: Duration) -> Result<(f64, f64), Failure> {
    let options = Options { path: folder.into(), level: Level::Redis, archive_days: 1 };
    let place = Place::single(&format!("redis://127.0.0.1:{}", server.port));
    let log = Arc::new(RedisLog::open(&options, &place)?);
    let stop = Arc::new(AtomicBool::new(false));
    let lasts: Arc<Vec<Mutex<Position>>> = Arc::new((0..SHARDS).map(|_| Mutex::default()).collect());
    let started = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let (log, stop, lasts) = (Arc::clone(&log), Arc::clone(&stop), Arc::clone(&lasts));
            tokio::spawn(async move {
                let (record, body) = (noise(RECORD, producer.into()), noise(BODY, producer.into()));
                let shard = producer % SHARDS;
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    let key = row_key(producer, count);
                    let writes = vec![Write::Put { table: Table::Transcripts, key, value: body.clone() }];
                    let records = vec![record.clone()];
                    let append = {
                        let mut last =
                            lasts[usize::from(shard)].lock().unwrap_or_else(PoisonError::into_inner);
                        let append =
                            log.append(Batch { shard: ShardId(shard), expected: *last, records, writes });
                        last.0 += 1;
                        append
                    };
                    append.await?;
                    count += 1;
                }
                Ok::<_, AppendError>(count)
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    for producer in producers {
        count += producer.await??;
    }
    let took = started.elapsed();
    let commits = log.health().commits.max(1);
    log.close();
    Ok((per_second(count, took), per_second(count, Duration::from_secs(commits))))
}

/// One client that sends the same writes in pipelines, and waits for each pipeline alone.
async fn plain_rate(server: &Server, time: Duration, group: f64) -> Result<f64, Failure> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a group of some hundreds")]
    let group = group.round().max(1.0) as u64;
    let (record, body) = (noise(RECORD, 7), noise(BODY, 7));
    let (mut count, started) = (0u64, Instant::now());
    while started.elapsed() < time {
        let mut pipeline = redis::pipe();
        for at in count..count + group {
            let producer = u16::try_from(at % u64::from(PRODUCERS))?;
            let shard = producer % SHARDS;
            let key = row_key(producer, at / u64::from(PRODUCERS));
            let mut hash = format!("plain:{{{shard}}}:transcripts:").into_bytes();
            hash.extend_from_slice(&key[..32]);
            let log = format!("plain:{{{shard}}}:log");
            pipeline.cmd("XADD").arg(log).arg(format!("0-{}", at + 1)).arg("r").arg(&record).ignore();
            pipeline.cmd("HSET").arg(hash).arg(&key[32..]).arg(&body).ignore();
        }
        pipeline.exec_async(&mut connection).await?;
        count += group;
    }
    Ok(per_second(count, started.elapsed()))
}
