//! Durable appends per second against a bare file, and replay against a bare scan of the store. One JSON object.
//!
//! `append_rate [SECONDS] [ROUNDS] [RECORDS]`, in turn A B A B: 512 producers on 16 shards wait for their appends at level
//! `disk` (300-byte records, each with a sealed body of 200 bytes as a row); then the same producers wait on a committer
//! that only writes the same bytes to a file and syncs it, in groups of the same mean size; then one loop of such groups
//! with no producer at all.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use log_store::{Batch, Level, Options, Position, ShardId, Table, Write};
use tokio::sync::{mpsc, oneshot};

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PRODUCERS: u16 = 512;
const SHARDS: u16 = 16;
const RECORD: usize = 300;
const BODY: usize = 200;
const ROW_KEY: usize = 24;

type Failure = Box<dyn Error + Send + Sync>;

/// Appends per second and appends a sync.
struct Rate {
    per_s: f64,
    group: f64,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().map_or(Ok(3.0), |it| it.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |it| it.parse())?;
    let folder = std::env::current_dir()?.join(format!("append-rate-{}", std::process::id()));
    let outcome = measure(&folder, Duration::from_secs_f64(seconds), rounds, records);
    fs::remove_dir_all(&folder)?;
    writeln!(std::io::stdout(), "{}", outcome?)?;
    Ok(())
}

fn measure(folder: &Path, time: Duration, rounds: usize, records: u64) -> Result<serde_json::Value, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut ours, mut raw, mut bare, mut groups) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let store = folder.join(format!("store-{round}"));
        let rate = runtime.block_on(log_rate(&store, time))?;
        let group = rate.group.max(1.0);
        let beside = runtime.block_on(raw_rate(&folder.join(format!("raw-{round}")), time, group))?;
        let alone = bare_rate(&folder.join(format!("bare-{round}")), time, group)?;
        ours.push(rate.per_s);
        raw.push(beside.per_s);
        bare.push(alone);
        groups.push([rate.group, beside.group]);
        fs::remove_dir_all(&store)?;
    }
    let replay = runtime.block_on(replay_rate(&folder.join("replay"), records, rounds))?;
    let medians = [median(&ours), median(&raw), median(&bare)];
    Ok(serde_json::json!({
        "producers": PRODUCERS, "shards": SHARDS, "record_bytes": RECORD, "body_bytes": BODY, "rounds": rounds,
        "cores": std::thread::available_parallelism()?.get(),
        "append_per_s": ours, "raw_per_s": raw, "bare_loop_per_s": bare, "groups": groups,
        "ratio": medians[0] / medians[1], "ratio_bare_loop": medians[0] / medians[2],
        "replay": replay,
    }))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
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

fn row_key(producer: u16, at: u64) -> Vec<u8> {
    let mut key = vec![0; ROW_KEY];
    key[..2].copy_from_slice(&producer.to_be_bytes());
    key[16..].copy_from_slice(&at.to_be_bytes());
    key
}

/// Producers at `Log::append`.
async fn log_rate(path: &Path, time: Duration) -> Result<Rate, Failure> {
    let log = log_store::open(&Options { path: path.into(), level: Level::Disk, archive_days: 1 })?;
    let stop = Arc::new(AtomicBool::new(false));
    // What a shard's task does: it numbers its appends, and several are under way at once.
    let lasts: Arc<Vec<Mutex<Position>>> = Arc::new((0..SHARDS).map(|_| Mutex::default()).collect());
    let started = Instant::now();
    let before = log.health();
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
                Ok::<_, log_store::AppendError>(count)
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
    let commits = log.health().commits - before.commits;
    log.close();
    Ok(Rate { per_s: per_second(count, took), group: per_second(count, Duration::from_secs(commits.max(1))) })
}

/// The same producers before a committer that only writes and syncs.
async fn raw_rate(path: &Path, time: Duration, group: f64) -> Result<Rate, Failure> {
    let (queue, mut waiting) = mpsc::channel::<(Vec<u8>, Vec<u8>, oneshot::Sender<()>)>(8_192);
    let mut file = File::create(path)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a group of some hundreds")]
    let most = group.round() as usize;
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&syncs);
    let committer = std::thread::spawn(move || {
        let (mut bytes, mut answers) = (Vec::new(), Vec::new());
        while let Some(first) = waiting.blocking_recv() {
            let mut next = Some(first);
            while let Some((record, row, answer)) = next {
                bytes.extend_from_slice(&record);
                bytes.extend_from_slice(&row);
                answers.push(answer);
                next = if answers.len() < most { waiting.try_recv().ok() } else { None };
            }
            file.write_all(&bytes)?;
            file.sync_data()?;
            counted.fetch_add(1, Ordering::Relaxed);
            bytes.clear();
            // A producer that has gone needs no answer.
            answers.drain(..).for_each(|answer: oneshot::Sender<()>| answer.send(()).unwrap_or_default());
        }
        Ok::<_, std::io::Error>(())
    });
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let (queue, stop) = (queue.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (record, body) = (noise(RECORD, producer.into()), noise(BODY + ROW_KEY, producer.into()));
                let mut count = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    let (answer, told) = oneshot::channel();
                    if queue.send((record.clone(), body.clone(), answer)).await.is_err()
                        || told.await.is_err()
                    {
                        break;
                    }
                    count += 1;
                }
                count
            })
        })
        .collect();
    drop(queue);
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    for producer in producers {
        count += producer.await?;
    }
    let took = started.elapsed();
    committer.join().map_err(|_| "the raw committer ended badly")??;
    fs::remove_file(path)?;
    let syncs = syncs.load(Ordering::Relaxed).max(1);
    Ok(Rate { per_s: per_second(count, took), group: per_second(count, Duration::from_secs(syncs)) })
}

/// No producers at all: a loop that writes a group and syncs it.
fn bare_rate(path: &Path, time: Duration, group: f64) -> Result<f64, Failure> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a group of some hundreds")]
    let group = group.round() as usize;
    let bytes = noise((RECORD + BODY + ROW_KEY) * group, 7);
    let mut file = File::create(path)?;
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < time {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += group as u64;
    }
    let rate = per_second(count, started.elapsed());
    fs::remove_file(path)?;
    Ok(rate)
}

/// Opening and replaying against scanning the same bytes in plain files.
async fn replay_rate(folder: &Path, records: u64, rounds: usize) -> Result<serde_json::Value, Failure> {
    let options = Options { path: folder.join("store"), level: Level::Os, archive_days: 1 };
    let log = log_store::open(&options)?;
    let shard = ShardId(0);
    let mut last = Position(0);
    while last.0 < records {
        // A shard under load appends some tens of events at once.
        let batch = (0..64).map(|at| noise(RECORD, last.0 + at)).collect();
        last = log.append(Batch { shard, expected: last, records: batch, writes: Vec::new() }).await?;
    }
    log.close();
    drop(log);
    let (mut opened, mut replayed, mut scanned) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let started = Instant::now();
        let log = log_store::open(&options)?;
        opened.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let (mut count, mut bytes) = (0u64, 0usize);
        log.replay(shard, Position(0), &mut |_, record| {
            count += 1;
            bytes += record.len();
            true
        })?;
        replayed.push(started.elapsed().as_secs_f64());
        if count != last.0 {
            return Err(format!("{count} of {} records came back", last.0).into());
        }
        log.close();
        drop(log);
        let started = Instant::now();
        let read = scan(&options.path.join("store"))?;
        scanned.push(started.elapsed().as_secs_f64());
        if read < bytes as u64 {
            return Err("the scan missed a part of the store".into());
        }
    }
    let medians = [median(&opened), median(&replayed), median(&scanned)];
    Ok(serde_json::json!({
        "records": last.0, "open_s": medians[0], "replay_s": medians[1], "raw_scan_s": medians[2],
        "ratio": medians[2] / medians[1], "ratio_with_open": medians[2] / (medians[0] + medians[1]),
    }))
}

/// Reads every file below a folder and adds up its bytes.
fn scan(folder: &Path) -> Result<u64, Failure> {
    let mut read = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read += scan(&path)?;
        } else {
            let bytes = fs::read(&path)?;
            read += std::hint::black_box(bytes.len()) as u64;
        }
    }
    Ok(read)
}
