//! Pairs that measure: one end writes, the other end hears. Either through the bare relay or through the server; the same
//! loop drives both.
//!
//! Times count from when a message was to be written, so that a sender that is held up does not flatter the figures; only
//! the coarseness of the timer itself is left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use crate::journal::micros;
use crate::wire::{Seen, Socket, number, see, text};

/// Messages that may be on their way in a pair when it is driven at full speed.
pub(crate) const IN_FLIGHT: usize = 16;
/// Clients confirm events this often.
const CONFIRM_EVENTS: u64 = 64;
/// Waking up this much too late is the timer's doing, not the other side's.
const TIMER: Duration = Duration::from_millis(2);
/// What is still on its way at the end is waited for this long.
const DRAIN: Duration = Duration::from_secs(10);
/// Times of the newest messages of a pair.
const TIMES: usize = 1 << 16;

/// From when the latency counts of a message that was due then and is written now.
pub(crate) fn counts_from(due: std::time::Instant, now: std::time::Instant) -> std::time::Instant {
    if now.saturating_duration_since(due) > TIMER { due } else { now }
}

/// What lies between the two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Between {
    /// The bare relay.
    Relay,
    /// The server; the conversation by its text form.
    Server(String),
}

/// A pair that is ready.
pub(crate) struct Pair {
    pub(crate) index: usize,
    pub(crate) writer: Socket,
    pub(crate) reader: Socket,
    pub(crate) between: Between,
    /// The number of the next message; numbers are never used twice.
    pub(crate) next: u64,
}

/// How messages are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many a second over all pairs, whatever happens: latencies count from when a message was to be written.
    Open(f64),
    /// As fast as [`IN_FLIGHT`] allows.
    Full,
}

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// From writing to hearing, in microseconds.
    pub(crate) relay_us: Vec<u64>,
    /// From writing to the acknowledgement, in microseconds.
    pub(crate) ack_us: Vec<u64>,
    pub(crate) heard: u64,
    pub(crate) seconds: f64,
}

impl Measured {
    /// Messages heard a second.
    pub(crate) fn per_s(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
        let heard = self.heard as f64;
        heard / self.seconds
    }
}

/// Drives all pairs for a while; gives them back.
pub(crate) async fn drive(pairs: Vec<Pair>, pace: Pace, seconds: f64) -> Result<(Vec<Pair>, Measured)> {
    let count = pairs.len();
    // A moment for all tasks to be there.
    let start = Instant::now() + Duration::from_millis(50);
    let end = start + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = pairs
        .into_iter()
        .enumerate()
        .map(|(at, pair)| {
            #[expect(clippy::cast_precision_loss, reason = "counts of a run")]
            let schedule = match pace {
                Pace::Open(per_s) => {
                    let gap = Duration::from_secs_f64(count as f64 / per_s);
                    // Spread over the gap, so that pairs do not write at one instant.
                    Some((start + gap.mul_f64(at as f64 / count as f64), gap))
                }
                Pace::Full => None,
            };
            tokio::spawn(drive_one(pair, schedule, start, end))
        })
        .collect();
    let mut back = Vec::with_capacity(count);
    let mut all = Measured { seconds, ..Measured::default() };
    for task in tasks {
        let (pair, measured) = task.await??;
        back.push(pair);
        all.relay_us.extend(measured.relay_us);
        all.ack_us.extend(measured.ack_us);
        all.heard += measured.heard;
    }
    Ok((back, all))
}

/// What the two ends of a pair know in common.
struct Course {
    start: Instant,
    end: Instant,
    /// When each message was to be written, in microseconds since the start.
    times: Vec<AtomicU64>,
    /// One past the last message; `u64::MAX` while writing goes on.
    last: AtomicU64,
    room: Semaphore,
}

impl Course {
    fn age(&self, number: u64) -> u64 {
        let at = self.times[slot(number)].load(Ordering::Relaxed);
        micros(self.start.elapsed()).saturating_sub(at)
    }
}

fn slot(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0) % TIMES
}

async fn drive_one(
    pair: Pair,
    schedule: Option<(Instant, Duration)>,
    start: Instant,
    end: Instant,
) -> Result<(Pair, Measured)> {
    let Pair { index, writer, reader, between, next } = pair;
    let known = Arc::new(Course {
        start,
        end,
        times: (0..TIMES).map(|_| AtomicU64::new(0)).collect(),
        last: AtomicU64::new(u64::MAX),
        room: Semaphore::new(IN_FLIGHT),
    });
    let hearing = tokio::spawn(hear(reader, between.clone(), Arc::clone(&known), next));
    let (writer, next, ack_us) = write(writer, index, &between, &known, schedule, next).await?;
    let (reader, relay_us, heard) = hearing.await??;
    Ok((Pair { index, writer, reader, between, next }, Measured { relay_us, ack_us, heard, seconds: 0.0 }))
}

/// Confirms events as a client must.
async fn confirm(socket: &mut Socket, seq: u64, confirmed: &mut u64) -> Result<()> {
    if seq.saturating_sub(*confirmed) >= CONFIRM_EVENTS {
        *confirmed = seq;
        socket.send(Message::text(format!(r#"{{"type":"ack","seq":{seq}}}"#))).await?;
    }
    Ok(())
}

async fn write(
    mut socket: Socket,
    index: usize,
    between: &Between,
    known: &Course,
    schedule: Option<(Instant, Duration)>,
    first: u64,
) -> Result<(Socket, u64, Vec<u64>)> {
    let mut next = first;
    let mut acked = first;
    let mut ack_us = Vec::new();
    let mut confirmed = 0;
    let mut due = schedule.map_or(known.start, |(first, _)| first);
    let server = matches!(between, Between::Server(_));
    loop {
        let now = Instant::now();
        let writing = if schedule.is_some() { due < known.end } else { now < known.end };
        if !writing {
            known.last.store(next, Ordering::Release);
            if !server || acked == next {
                return Ok((socket, next, ack_us));
            }
        }
        let incoming = tokio::select! {
            message = socket.next(), if server => Some(message),
            () = sleep_until(due), if writing && schedule.is_some() => None,
            permit = known.room.acquire(), if writing && schedule.is_none() => { permit?.forget(); None }
            () = sleep_until(known.end + DRAIN), if !writing => {
                anyhow::bail!("{} messages were not acknowledged within {} s", next - acked, DRAIN.as_secs());
            }
        };
        match incoming {
            None => {
                let now = Instant::now();
                let at = if schedule.is_some() {
                    counts_from(due.into_std(), now.into_std())
                } else {
                    now.into_std()
                };
                let since = at.saturating_duration_since(known.start.into_std());
                known.times[slot(next)].store(micros(since), Ordering::Relaxed);
                let line = match between {
                    Between::Relay => text(next),
                    Between::Server(conversation) => format!(
                        r#"{{"type":"send","id":"{index}-{next}","conversation":"{conversation}","text":"{}"}}"#,
                        text(next)
                    ),
                };
                socket.send(Message::text(line)).await?;
                next += 1;
                due += schedule.map_or(Duration::ZERO, |(_, gap)| gap);
            }
            Some(message) => {
                ensure!(message.is_some(), "the server closed a session");
                let Some(Ok(Message::Text(frame))) = message else { continue };
                match see(&frame) {
                    Seen::Accepted(id) => {
                        if let Some(number) = id.split_once('-').and_then(|(_, it)| it.parse().ok()) {
                            ack_us.push(known.age(number));
                            acked += 1;
                        }
                    }
                    Seen::Event { seq, .. } => confirm(&mut socket, seq, &mut confirmed).await?,
                    Seen::Other => {
                        ensure!(!frame.contains(r#""type":"rejected""#), "a message was rejected: {frame}");
                    }
                }
            }
        }
    }
}

async fn hear(
    mut socket: Socket,
    between: Between,
    known: Arc<Course>,
    first: u64,
) -> Result<(Socket, Vec<u64>, u64)> {
    let mut relay_us = Vec::new();
    let mut expected = first;
    let mut in_time = 0;
    let mut confirmed = 0;
    loop {
        if known.last.load(Ordering::Acquire) <= expected {
            return Ok((socket, relay_us, in_time));
        }
        // Looks up now and then, since the writer may have ended with nothing under way.
        let wake = Instant::now() + Duration::from_millis(100);
        let message = timeout_at(wake, socket.next()).await;
        let Ok(message) = message else {
            ensure!(Instant::now() < known.end + DRAIN, "message {expected} of a pair never came");
            continue;
        };
        ensure!(message.is_some(), "a reader was closed");
        let Some(Ok(Message::Text(frame))) = message else { continue };
        let came = match &between {
            Between::Relay => number(&frame),
            Between::Server(_) => match see(&frame) {
                Seen::Event { seq, text } => {
                    confirm(&mut socket, seq, &mut confirmed).await?;
                    text.and_then(number)
                }
                Seen::Accepted(_) | Seen::Other => None,
            },
        };
        if let Some(came) = came {
            ensure!(came == expected, "message {came} came where {expected} was due");
            expected += 1;
            relay_us.push(known.age(came));
            in_time += u64::from(Instant::now() < known.end);
            known.room.add_permits(1);
        }
    }
}
