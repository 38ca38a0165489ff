//! Measures for how long a snapshot keeps a shard from its commands, with many open conversations: written on the shard's own
//! task, and beside it as the server does. Prints one JSON line.
//!
//! `cargo run --release -p router --example snapshot_pause [CONVERSATIONS]`

#![expect(clippy::print_stdout, reason = "the line it prints is what it is for")]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use engine::{Command, CommandKind, Engine};
use log_store::{Batch, Level, Log, Options, Position, ShardId};
use policy::Document;
use policy::id::{CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::time::Timestamp;
use router::shard::{state_hash, write_snapshot};
use tokio::runtime::Runtime;

const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(1);
const SHARD: ShardId = ShardId(0);
/// Commands of one append while conversations are opened.
const GROUP: u64 = 500;

/// A shard without its task: an engine whose events go to the log.
struct Shard<'a> {
    engine: Engine,
    log: &'a dyn Log,
    position: Position,
    turn: u64,
    runtime: Runtime,
}

impl Shard<'_> {
    fn commands(&mut self, kinds: impl IntoIterator<Item = CommandKind>) -> Result<()> {
        let mut events = Vec::new();
        for kind in kinds {
            self.turn += 1;
            let at = Timestamp(1_700_000_000_000 + i64::try_from(self.turn)?);
            let command = Command { id: CommandId::from_bits(self.turn.into()), workspace: WORKSPACE, kind };
            self.engine.handle(at, &command, &mut events)?;
        }
        let records = events.iter().map(engine::record::write).collect::<Result<Vec<_>, _>>()?;
        let batch = Batch { shard: SHARD, expected: self.position, records, writes: Vec::new() };
        self.position = self.runtime.block_on(self.log.append(batch))?;
        Ok(())
    }

    /// A message of a customer, who has a conversation from the first one on.
    fn message(&self, customer: u64, number: u64) -> CommandKind {
        CommandKind::ReceiveMessage {
            customer: CustomerId::from_bits(customer.into()),
            contact_point: ContactPointId::from_bits(customer.into()),
            channel: "web_chat".into(),
            to: None,
            new: ConversationId::from_bits(customer.into()),
            message: MessageId::from_bits(u128::from(number) << 64 | u128::from(customer)),
            size: 120,
            language: Some("de".into()),
            topics: Vec::new(),
            known_agent: None,
            holds: Vec::new(),
        }
    }

    /// Goes on with single messages as long as `goes_on` says so; the longest that one took.
    fn longest(&mut self, customers: u64, goes_on: impl Fn() -> bool) -> Result<Duration> {
        let mut longest = Duration::ZERO;
        while goes_on() {
            let message = self.message(self.turn % customers, self.turn);
            let begun = Instant::now();
            self.commands([message])?;
            longest = longest.max(begun.elapsed());
        }
        Ok(longest)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn main() -> Result<()> {
    let customers: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let log =
        log_store::open(&Options { path: folder.path().join("data"), level: Level::Os, archive_days: 30 })?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut shard = Shard { engine: Engine::new(), log: &*log, position: Position(0), turn: 0, runtime };
    let document: Document = toml::from_str("[queues.main]\nmax_waiting = 10_000_000\n")?;
    shard.commands([
        CommandKind::CreateWorkspace,
        CommandKind::InstallPolicy { version: 1, document: Box::new(document) },
    ])?;
    for from in (0..customers).step_by(usize::try_from(GROUP)?) {
        let messages: Vec<_> =
            (from..(from + GROUP).min(customers)).map(|customer| shard.message(customer, 0)).collect();
        shard.commands(messages)?;
    }
    // As it was done before: the task makes it, writes it and trims the log.
    let begun = Instant::now();
    let bytes = shard.engine.to_snapshot()?;
    let (position, state_hash_now) = (shard.position, state_hash(&bytes));
    let size = bytes.len();
    log.put_snapshot(SHARD, &log_store::Snapshot { position, state_hash: state_hash_now, bytes })?;
    log.trim(SHARD)?;
    let on_task = begun.elapsed();
    // Nothing beside the commands, then a snapshot beside them.
    let until = Instant::now() + on_task.max(Duration::from_secs(1));
    let alone = shard.longest(customers, || Instant::now() < until)?;
    let (beside, took, covered) = std::thread::scope(|scope| {
        let log = &*log;
        let snapshot = scope.spawn(move || {
            let begun = Instant::now();
            write_snapshot(SHARD, log, &Mutex::new(())).map(|covered| (begun.elapsed(), covered))
        });
        let longest = shard.longest(customers, || !snapshot.is_finished())?;
        let written = snapshot.join().ok().context("the snapshot ended badly")?;
        let (took, covered) = written.map_err(anyhow::Error::msg)?;
        anyhow::Ok((longest, took, covered))
    })?;
    ensure!(covered > position, "the snapshot covers nothing new");
    // What was written beside the task is what the task has.
    write_snapshot(SHARD, &*log, &Mutex::new(())).map_err(anyhow::Error::msg)?;
    let newest = log.snapshot(SHARD)?.context("no snapshot was kept")?;
    let same = newest.position == shard.position && newest.bytes == shard.engine.to_snapshot()?;
    ensure!(same, "the state beside the task is another one");
    println!(
        "{{\"conversations\":{customers},\"snapshot_bytes\":{size},\"on_task_pause_ms\":{:.1},\
         \"beside_longest_command_ms\":{:.2},\"alone_longest_command_ms\":{:.2},\"beside_took_ms\":{:.1}}}",
        milliseconds(on_task),
        milliseconds(beside),
        milliseconds(alone),
        milliseconds(took),
    );
    log.close();
    Ok(())
}
