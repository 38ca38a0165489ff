//! `check`: what is wrong with the configuration or the store, before it does harm.

use std::time::Instant;

use anyhow::Context;
use log_store::{Level, Log, Options, Position, ShardId};

use super::say;
use crate::cli;
use crate::config::{Config, Overrides};
use crate::shard;

/// `switchboard check`
pub(super) fn check(arguments: &cli::Check) -> anyhow::Result<()> {
    let config =
        Config::load(arguments.config.as_deref(), crate::config::environment(), Overrides::default())?;
    let Some(data) = &arguments.data else { return say("the configuration is good") };
    let options =
        Options { path: data.clone(), level: Level::Os, archive_days: config.retention.events_days };
    let started = Instant::now();
    let log = log_store::open(&options)?;
    let open_s = started.elapsed().as_secs_f64();
    let mut events = 0u64;
    let started = Instant::now();
    for number in 0..config.shards {
        events += scan(&*log, ShardId(number))?;
    }
    let scan_s = started.elapsed().as_secs_f64();
    let mut replay_s = 0.0;
    for number in 0..config.shards {
        let shard = ShardId(number);
        let started = Instant::now();
        let recovered = shard::recover(shard, &*log).with_context(|| format!("shard {number}"))?;
        replay_s += started.elapsed().as_secs_f64();
        // The slow way, on purpose; a start does not do it.
        if let Some(violation) = engine::invariant::check_state(&recovered.engine).first() {
            anyhow::bail!("shard {number}: {} is broken: {}", violation.invariant, violation.detail);
        }
    }
    log.close();
    if arguments.json {
        let told = serde_json::json!({
            "events": events, "open_s": open_s, "scan_s": scan_s, "replay_s": replay_s,
        });
        return say(&told.to_string());
    }
    say(&format!(
        "the store is good: opened in {open_s:.3} s; {events} events after the snapshots, read in {scan_s:.3} s, \
         replayed in {replay_s:.3} s"
    ))
}

/// Reads every record after the newest snapshot without looking at it.
fn scan(log: &dyn Log, shard: ShardId) -> anyhow::Result<u64> {
    let from = log.snapshot(shard)?.map_or(Position(0), |snapshot| snapshot.position);
    let mut events = 0;
    let mut bytes = 0usize;
    log.replay(shard, from, &mut |_, record| {
        events += 1;
        bytes += record.len();
        true
    })?;
    tracing::debug!(bytes, "scanned");
    Ok(events)
}
