//! The server: its parts, built once and handed round; how it starts, and how it stops in order.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::http::HeaderMap;
use data_encoding::HEXLOWER;
use log_store::redis::RedisLog;
use log_store::{Level, Log, ShardId, Vault};
use policy::id::WorkspaceId;
use policy::time::Timestamp;
use protocol::DemoSignIn;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{Instrument, info};

use crate::accounts::Accounts;
use crate::api;
use crate::clock::Clock;
use crate::cluster::{self, Cluster, HandedMail, Keeper, Owner};
use crate::config::Config;
use crate::email;
use crate::files::{self, Files};
use crate::listen::{self, ReloadableTls};
use crate::metrics::Metrics;
use crate::pages;
use crate::pause::{self, Pause};
use crate::rates::{Rate, SourceLimit};
use crate::service::Supervisor;
use crate::session::Registry;
use crate::session::stream::RingLimits;
use crate::shard::{self, Handle, Parts, Shards, State, Stop};
use crate::tickets::Tickets;
use crate::trial::{self, Trials};
use crate::tried::Tried;

/// The parts that requests and sessions use.
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The log, for health.
    pub log: Arc<dyn Log>,
    /// What an acknowledgement survives.
    pub level: Level,
    /// Who may sign in.
    pub accounts: Arc<Accounts>,
    /// One-time keys for upgrades.
    pub tickets: Tickets,
    /// Sessions.
    pub registry: Arc<Registry>,
    /// Shards.
    pub shards: Shards,
    /// This node among the others, where there may be others.
    pub cluster: Option<Arc<Cluster>>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Policies that are tried in live use.
    pub trials: Trials,
    /// What the guards said of policies that were tried lately.
    pub tried: Tried,
    /// Channel accounts of email.
    pub email: Arc<email::Accounts>,
    /// Files beside the store.
    pub(crate) files: Files,
    /// Requests by source.
    pub requests: Arc<SourceLimit>,
    /// Whether the store takes nothing just now.
    pub pause: Pause,
    /// How to sign in, in demo mode only.
    pub demo: OnceLock<DemoSignIn>,
    clock: Clock,
    drain: watch::Sender<Option<Drain>>,
}

/// A drain under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drain {
    /// Retry times are spread over so many milliseconds.
    spread_ms: u32,
}

/// Tells a session that the server closes.
pub struct DrainSignal {
    drain: watch::Receiver<Option<Drain>>,
}

impl DrainSignal {
    /// Waits until the server closes; then says when this client should come back, in milliseconds, so that not all come
    /// at once.
    pub async fn closing(&mut self) -> u32 {
        match self.drain.wait_for(Option::is_some).await {
            Ok(drain) => {
                let spread = drain.map_or(0, |drain| drain.spread_ms);
                // Any spread will do: the low bits of a fresh id.
                let dice = u32::try_from(uuid::Uuid::now_v7().as_u128() & 0xffff).unwrap_or(0);
                500 + spread * dice / 0xffff
            }
            Err(_) => 1_000,
        }
    }
}

impl App {
    /// Whether a workspace's shard is here.
    #[must_use]
    pub fn is_here(&self, workspace: WorkspaceId) -> bool {
        self.shards.is_here(shard::shard_of(workspace, usize::from(self.config.shards)))
    }

    /// Who owns a workspace's shard.
    pub(crate) fn owner(&self, workspace: WorkspaceId) -> Owner {
        self.cluster.as_ref().map_or(Owner::Here, |cluster| cluster.owner(workspace))
    }

    /// Hands a mail on to the node that owns its workspace; says whether it is durable there.
    pub(crate) async fn hand_on_mail(&self, node: &str, mail: HandedMail) -> bool {
        match &self.cluster {
            Some(cluster) => cluster.hand_on_mail(node, mail).await,
            None => false,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the server closes.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.drain.borrow().is_some()
    }

    /// A session's ear for the drain.
    #[must_use]
    pub fn drain_signal(&self) -> DrainSignal {
        DrainSignal { drain: self.drain.subscribe() }
    }

    /// Whether clients reach us by TLS.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.config.tls.is_some()
            || self.config.public_url.as_deref().is_some_and(|url| url.starts_with("https:"))
    }

    /// Our own origin as the client must see it.
    #[must_use]
    pub fn own_origin(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(url) = &self.config.public_url {
            return Some(url.clone());
        }
        let host = headers.get(axum::http::header::HOST)?.to_str().ok()?;
        let scheme = if self.config.tls.is_some() { "https" } else { "http" };
        Some(crate::config::origin(&format!("{scheme}://{host}")))
    }
}

/// A server that runs.
pub struct Server {
    /// Its parts.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<watch::Sender<Stop>>,
    listening: watch::Sender<bool>,
    tasks: JoinSet<()>,
    shards: JoinSet<()>,
    vault: Arc<Vault>,
}

impl Server {
    /// Opens the store, recovers every shard, and listens.
    ///
    /// # Errors
    /// What is in the way, and what to do about it.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("cannot listen on {}: choose another address with --listen", config.listen)
        })?;
        let address = listener.local_addr()?;
        let opened = Arc::clone(&config);
        let (log, redis) = tokio::task::spawn_blocking(move || opened.open_store()).await??;
        let files = match log.level() {
            Level::Memory => Files::in_memory(),
            _ => Files::below(config.blobs()),
        };
        let segments = files.with_segments(log);
        let log = Arc::clone(&segments) as Arc<dyn Log>;
        let vault = Arc::new(Vault::open(config.keys(), Arc::clone(&log))?);
        let email = Arc::new(email::Accounts::new(&config, &vault)?);
        let cluster = match redis {
            Some(redis) => Some(join(&config, redis, &vault).await?),
            None => None,
        };
        let bus = cluster.as_ref().map(|cluster| cluster.bus.clone());
        let metrics = Arc::new(Metrics::new());
        let limits = RingLimits { events: config.sessions.ring_events, bytes: config.sessions.ring_bytes };
        let registry = Arc::new(Registry::new(config.limits.sessions, limits));
        let clock = Clock::default();
        let (stop, _) = watch::channel(Stop::Running);
        let stop = Arc::new(stop);
        let parts = Parts {
            config: Arc::clone(&config),
            log: Arc::clone(&log),
            vault: Arc::clone(&vault),
            registry: Arc::clone(&registry),
            metrics: Arc::clone(&metrics),
            segments: config.shares_blobs().then_some(segments),
            snapshots: shard::Turn::default(),
            clock: clock.clone(),
            email: Arc::clone(&email),
        };
        let shards_here = Shards::new(config.shards);
        let mut shards = match cluster {
            Some(_) => JoinSet::new(),
            None => start_shards(&parts, &stop, &shards_here).await?,
        };
        let rate = Rate::per_second(config.limits.requests_per_s, config.limits.requests_burst);
        let names = Arc::clone(&vault);
        let name =
            move |ip: IpAddr| HEXLOWER.encode(&names.dedupe_key(&[b"source", ip.to_string().as_bytes()]));
        let requests = Arc::new(SourceLimit::new(rate, bus.clone(), name));
        let app = Arc::new(App {
            accounts: Accounts::open(Arc::clone(&log), config.sessions.sign_in_hours, bus.clone()).await?,
            level: log.level(),
            trials: Trials::open(Arc::clone(&log))?,
            tried: Tried::default(),
            log,
            tickets: Tickets::new(i64::from(config.sessions.ticket_ms), bus),
            registry,
            shards: shards_here,
            cluster,
            metrics,
            email: Arc::clone(&email),
            files,
            requests,
            pause: Pause::default(),
            demo: OnceLock::new(),
            clock,
            drain: watch::channel(None).0,
            config,
        });
        let (listening, shutdown) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let tls = app.config.tls.as_ref().map(ReloadableTls::load).transpose()?;
        let routes = api::router(Arc::clone(&app)).merge(pages::router(&app));
        if let Some(cluster) = &app.cluster {
            tasks.spawn(cluster::receive(Arc::clone(&app), Arc::clone(cluster), routes.clone()));
            tasks.spawn(Arc::clone(cluster).tell_accounts(app.accounts.changes()));
            let (accounts, shards_here) = (Arc::clone(&app.accounts), app.shards.clone());
            let mut keeper =
                Keeper::new(Arc::clone(cluster), accounts, parts, shards_here, Arc::clone(&stop));
            keeper.turn().await?;
            keeper.opened().await;
            shards.spawn(keeper.run(stop.subscribe()));
        }
        tasks.spawn(listen::serve(
            listener,
            tls,
            routes,
            Arc::clone(&app.config),
            Arc::clone(&app.metrics),
            shutdown,
        ));
        tasks.spawn(sweep(Arc::clone(&app)));
        tasks.spawn(pause::run(Arc::clone(&app)));
        tasks.spawn(trial::run(Arc::clone(&app)));
        tasks.spawn(Arc::clone(&app.requests).run());
        email::start(&app, &email, &mut tasks).await?;
        Ok(Self { app, address, stop, listening, tasks, shards, vault })
    }

    /// The address for people: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.app.config.tls.is_some() { "https" } else { "http" };
        self.app.config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.address))
    }

    /// Waits until a signal or a failed log ends the server, then drains: no new sessions, open ones told to come back,
    /// shards written to the end, store closed. A second signal ends at once.
    ///
    /// # Errors
    /// If the log has failed.
    pub async fn run(self) -> anyhow::Result<()> {
        let supervisor = Supervisor::from_environment();
        let alive = tokio::spawn(supervisor.clone().keep_saying());
        supervisor.ready();
        let mut failed = self.stop.subscribe();
        let mut signals = Signals::new()?;
        let failure = tokio::select! {
            () = signals.next() => None,
            failure = failed.wait_for(|stop| matches!(stop, Stop::Failed(_))) => match failure.as_deref() {
                Ok(Stop::Failed(detail)) => Some(detail.clone()),
                _ => Some("the shards have gone".to_owned()),
            },
        };
        if let Some(detail) = failure {
            anyhow::bail!(
                "the log has failed, nothing more is acknowledged: {detail}. Check the disk, then start again"
            );
        }
        info!("draining: sessions are told to come back");
        supervisor.stopping();
        let ended = tokio::select! {
            () = self.drain() => Ok(()),
            () = signals.next() => {
                info!("second signal: ending at once");
                Ok(())
            }
        };
        alive.abort();
        ended
    }

    /// Stops in order.
    pub async fn drain(mut self) {
        let sessions = u32::try_from(self.app.registry.len()).unwrap_or(u32::MAX);
        // Twice what a thousand reconnects a second need.
        let spread_ms = sessions.saturating_mul(2).clamp(500, 30_000);
        self.app.drain.send_replace(Some(Drain { spread_ms }));
        self.listening.send_replace(true);
        // Sessions close by themselves on the signal; give them a moment to say goodbye.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.stop.send_replace(Stop::Closing);
        while self.shards.join_next().await.is_some() {}
        let log = Arc::clone(&self.app.log);
        drop(tokio::task::spawn_blocking(move || log.close()).await);
        self.tasks.shutdown().await;
        drop(self.vault);
        info!("closed");
    }
}

/// Joins the nodes on a Redis, if keys and number of shards are those of the others.
async fn join(config: &Config, redis: Arc<RedisLog>, vault: &Vault) -> anyhow::Result<Arc<Cluster>> {
    let cluster = Cluster::new(&config.redis.node, redis, config.shards, config.redis.hold());
    if let Some(before) = cluster.enter()? {
        // It has ended: this process is in its folder.
        cluster.bus.beat(&before, Duration::ZERO).await?;
    }
    if cluster.bus.look(cluster::MOVING).await?.is_some() {
        anyhow::bail!(
            "a move to or from this Redis is under way, or broke off: wait for its end, or run the same `switchboard migrate` \
             again"
        );
    }
    let shards = config.shards.to_string();
    if let Some(others) = cluster.bus.claim(cluster::SHARDS, shards.clone().into_bytes(), None).await?
        && others != shards.as_bytes()
    {
        let others = String::from_utf8_lossy(&others).into_owned();
        anyhow::bail!("Redis holds {others} shards, fixed at the first start: set `shards = {others}`");
    }
    let keys = vault.dedupe_key(&[b"which keys"]).to_vec();
    if cluster.bus.claim(cluster::KEYS, keys.clone(), None).await?.is_some_and(|others| others != keys) {
        anyhow::bail!(
            "the key files in {} are not those that the other nodes have: without them nothing can be read. Copy them \
             from another node, or name their folder with `redis.keys`",
            config.keys().join("keys").display()
        );
    }
    if config.shares_blobs() {
        let ours = files::name_of(config.blobs())?;
        if cluster.bus.claim(cluster::BLOBS, ours.clone(), None).await?.is_some_and(|others| others != ours) {
            anyhow::bail!(
                "the blob store in {} is not the one that the other nodes have: mount the same folder on all nodes, and name \
                 it with `redis.blobs`",
                config.blobs().join("blobs").display()
            );
        }
    }
    Ok(cluster)
}

async fn start_shards(
    parts: &Parts,
    stop: &Arc<watch::Sender<Stop>>,
    shards: &Shards,
) -> anyhow::Result<JoinSet<()>> {
    let mut recovering = Vec::new();
    for number in 0..parts.config.shards {
        let log = Arc::clone(&parts.log);
        recovering.push(tokio::task::spawn_blocking(move || shard::recover(ShardId(number), &*log)));
    }
    let mut tasks = JoinSet::new();
    for (number, recovered) in (0..parts.config.shards).zip(recovering) {
        let recovered = recovered.await?.with_context(|| format!("shard {number} cannot be recovered"))?;
        if recovered.replayed > 0 {
            info!(shard = number, replayed = recovered.replayed, "replayed");
        }
        let (handle, asks) = Handle::new(parts.config.limits.shard_queue);
        let state = State::new(ShardId(number), parts.clone(), recovered);
        let span = tracing::debug_span!(crate::telemetry::span::SHARD, number);
        tasks.spawn(shard::run(state, asks, Arc::clone(stop)).instrument(span));
        shards.put(number, handle);
    }
    Ok(tasks)
}

/// Once in a while: forgets sessions nobody came back to, and quiet sources.
async fn sweep(app: Arc<App>) {
    let resume = Duration::from_secs(u64::from(app.config.sessions.resume_s));
    let mut beat = tokio::time::interval(Duration::from_secs(10));
    loop {
        beat.tick().await;
        app.registry.sweep(resume);
        app.requests.sweep();
        app.accounts.sweep(app.now().0);
        app.tickets.sweep(app.now().0);
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
