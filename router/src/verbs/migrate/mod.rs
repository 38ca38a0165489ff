//! `switchboard migrate`: workspaces from a data folder to Redis, and back. Nobody serves from either meanwhile; the source is
//! left as it is; in the end the target is compared with it.

mod alone;
mod plan;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use log_store::embedded::EmbeddedLog;
use log_store::migrate::{Content, Filler, copy_files, copy_keys};
use log_store::redis::RedisLog;
use log_store::{Level, Log, Options, Table, Tuning, Vault};
use tokio::runtime::Handle;

use self::alone::Alone;
use self::plan::{Chosen, Plan};
use super::say;
use super::store::workspace_named;
use crate::accounts::Accounts;
use crate::cli;
use crate::config::{Config, Overrides};
use crate::shard;

/// `switchboard migrate`
pub(super) async fn migrate(arguments: cli::Migrate) -> anyhow::Result<()> {
    let config =
        Config::load(arguments.config.as_deref(), crate::config::environment(), Overrides::default())?;
    ensure!(config.redis.is_set(), "the configuration names no Redis: set `redis.urls`");
    let handle = Handle::current();
    let moved = tokio::task::spawn_blocking(move || {
        let names = arguments.workspaces;
        match (arguments.from, arguments.to) {
            (Some(from), _) => to_redis(&config, &from, &names, &handle),
            (None, Some(to)) => from_redis(&config, &to, &names, &handle),
            // The command line takes one of them.
            (None, None) => Ok(()),
        }
    });
    moved.await?
}

fn options(config: &Config, data: &Path) -> Options {
    Options { path: data.to_path_buf(), level: Level::Disk, archive_days: config.retention.events_days }
}

fn apart(config: &Config, data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("{}", config.data.display()))?;
    let same = data.canonicalize().is_ok_and(|data| config.data.canonicalize().is_ok_and(|it| it == data));
    ensure!(
        !same,
        "{} is also the data folder of the node on Redis: name another one with `data` in its configuration",
        data.display()
    );
    Ok(())
}

fn open_redis(config: &Config) -> anyhow::Result<Arc<RedisLog>> {
    Ok(Arc::new(RedisLog::open(&config.store_options()?, &config.redis.place())?))
}

/// The workspaces of these names; all if there are no names.
fn chosen(config: &Config, log: &Arc<dyn Log>, names: &[String], handle: &Handle) -> anyhow::Result<Chosen> {
    let accounts = handle.block_on(Accounts::open(Arc::clone(log), config.sessions.sign_in_hours, None))?;
    if names.is_empty() {
        return Ok(Chosen::default());
    }
    let ids = names.iter().map(|name| workspace_named(&accounts, name).map(|it| it.id));
    Ok(Chosen(Some(ids.collect::<anyhow::Result<BTreeSet<_>>>()?)))
}

fn to_redis(config: &Config, data: &Path, names: &[String], handle: &Handle) -> anyhow::Result<()> {
    ensure!(data.join("store").is_dir(), "there is no store in {}", data.display());
    apart(config, data)?;
    let from = log_store::open(&options(config, data))?;
    // An erasure that was cut short is finished first.
    drop(Vault::open(data, Arc::clone(&from))?);
    let plan = Plan::of(&*from, chosen(config, &from, names, handle)?, config.shards, true)?;
    let mut alone = handle.block_on(Alone::target(config, open_redis(config)?, &plan.which))?;
    let to = Arc::clone(&alone.log);
    let moved = (|| {
        copy_keys(data, config.keys())?;
        let mut filler = Filler::new(&*to, false, shard::prefer, handle.clone());
        plan.begin(&mut filler)?;
        handle.block_on(alone.lease())?;
        let expected = fill(&plan, &*from, &*to, filler)?;
        let files = copy_files(data, &config.data, config.blobs(), &|name| plan.wants_file(name))?;
        compare(&plan, &*to, &expected)?;
        handle.block_on(alone.still())?;
        Ok::<_, anyhow::Error>((expected, files))
    })();
    handle.block_on(alone.leave(moved.is_ok()))?;
    to.close();
    from.close();
    let (content, files) = moved?;
    tell(
        &plan,
        &content,
        files,
        &data.display().to_string(),
        &format!("Redis at {}", config.redis.place().shown()),
    )
}

fn from_redis(config: &Config, data: &Path, names: &[String], handle: &Handle) -> anyhow::Result<()> {
    apart(config, data)?;
    let mut alone = handle.block_on(Alone::source(config, open_redis(config)?))?;
    let moved = (|| {
        let from: Arc<dyn Log> = Arc::clone(&alone.log) as _;
        ensure!(
            !from.homes()?.is_empty(),
            "there is nothing on Redis below the prefix {}",
            config.redis.prefix
        );
        drop(Vault::open(config.keys(), Arc::clone(&from))?);
        let plan = Plan::of(&*from, chosen(config, &from, names, handle)?, config.shards, false)?;
        let options = options(config, data);
        let to = EmbeddedLog::open_for_move(&options, &Tuning::default(), &plan.which)?;
        copy_keys(config.keys(), data)?;
        let mut filler = Filler::new(&to, true, shard::prefer, handle.clone());
        plan.begin(&mut filler)?;
        filler.clear(Table::Dedupe)?;
        let expected = fill(&plan, &*from, &to, filler)?;
        let mut files = copy_files(&config.data, data, data, &|name| plan.wants_file(name))?;
        if config.shares_blobs() {
            files += copy_files(config.blobs(), data, data, &|name| plan.wants_file(name))?;
        }
        compare(&plan, &to, &expected)?;
        handle.block_on(alone.still())?;
        to.close();
        to.moved(data)?;
        Ok::<_, anyhow::Error>((plan, expected, files))
    })();
    handle.block_on(alone.leave(false))?;
    alone.log.close();
    let (plan, content, files) = moved?;
    tell(
        &plan,
        &content,
        files,
        &format!("Redis at {}", config.redis.place().shown()),
        &data.display().to_string(),
    )
}

/// Moves records, rows and states; says what the target must hold.
fn fill(plan: &Plan, from: &dyn Log, to: &dyn Log, mut filler: Filler<'_>) -> anyhow::Result<Content> {
    plan.fill(from, &mut filler)?;
    let expected = filler.finish()?;
    plan.keep_states(to)?;
    Ok(expected)
}

/// Whether the target holds what it must, and comes to the same states.
fn compare(plan: &Plan, to: &dyn Log, expected: &Content) -> anyhow::Result<()> {
    let differs = expected.differs(&Content::of(to)?.tidied());
    ensure!(
        differs.is_empty(),
        "it holds something else than what was moved: {}. Empty it, then begin again",
        differs.join("; ")
    );
    for (shard, (position, hash)) in &plan.states {
        let recovered = shard::recover(*shard, to).with_context(|| format!("shard {}", shard.0))?;
        let found = shard::state_hash(&recovered.engine.to_snapshot()?);
        ensure!(
            (recovered.position, found) == (*position, *hash),
            "shard {} comes to state {found:016x} at {}, and not to {hash:016x} at {}",
            shard.0,
            recovered.position.0,
            position.0
        );
    }
    Ok(())
}

fn tell(plan: &Plan, content: &Content, files: u64, from: &str, to: &str) -> anyhow::Result<()> {
    for (shard, (position, hash)) in &plan.states {
        let events = content.records.get(shard).map_or(0, |run| run.count);
        say(&format!("shard {}: {events} events up to {}, state {hash:016x}", shard.0, position.0))?;
    }
    for (table, sum) in &content.rows {
        say(&format!("{}: {} rows", table.name(), sum.count))?;
    }
    let events: u64 = content.records.values().map(|run| run.count).sum();
    let rows: u64 = content.rows.values().map(|sum| sum.count).sum();
    say(&format!(
        "moved {events} events, {rows} rows and {files} files to {to}, and compared them. {from} is as it was: keep it until you \
         have seen the new one serve"
    ))
}
