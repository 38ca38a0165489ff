//! The server under test: started beside this program's own executable on a free port and in a fresh folder, or one that
//! runs already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use protocol::DemoLinks;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::api::Api;
use crate::fail::Missing;
use crate::redis::Redis;

const READY_MAX: Duration = Duration::from_secs(60);

/// Where a spawned server keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// On disk, in one process.
    Embedded,
    /// In memory.
    Memory,
    /// On Redis.
    Redis,
}

/// What an acknowledgement survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nothing.
    Memory,
    /// The end of the process.
    Os,
    /// The end of the machine.
    Disk,
    /// The end of the node: Redis has it.
    Redis,
    /// The end of the node and of Redis's primary.
    #[value(name = "redis+replica")]
    RedisReplica,
    /// The end of the node, and of Redis with what it had not written yet.
    #[value(name = "redis+disk")]
    RedisDisk,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Os => "os",
            Self::Disk => "disk",
            Self::Redis => "redis",
            Self::RedisReplica => "redis+replica",
            Self::RedisDisk => "redis+disk",
        }
    }
}

/// Which server to test.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Which {
    /// Start a server with this store and stop it afterwards [default: embedded]
    #[arg(long, value_enum, conflicts_with = "url")]
    pub(crate) spawn: Option<Store>,
    /// The server's program, instead of the one beside this one
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    pub(crate) server_bin: Option<PathBuf>,
    /// What an acknowledgement must survive [default: disk; memory with --spawn memory, redis+disk with --spawn redis]
    #[arg(long, value_enum, conflicts_with = "url")]
    pub(crate) level: Option<Level>,
    /// Use a server that runs already, in a workspace of its own
    #[arg(long, requires = "token")]
    pub(crate) url: Option<String>,
    /// The operator's token for that server
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

impl Which {
    /// The level of a server that is spawned.
    pub(crate) fn level(&self) -> Level {
        let default = match self.spawn {
            Some(Store::Memory) => Level::Memory,
            Some(Store::Redis) => Level::RedisDisk,
            Some(Store::Embedded) | None => Level::Disk,
        };
        self.level.unwrap_or(default)
    }

    /// The server's program, built first in a checkout of the sources.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        match &self.server_bin {
            Some(path) => Ok(path.clone()),
            None => beside(),
        }
    }
}

/// A server to talk to.
pub(crate) struct Target {
    pub(crate) api: Api,
    pub(crate) operator: String,
    /// The level as said.
    pub(crate) level: String,
    /// The server, if this program started it.
    pub(crate) server: Option<Server>,
}

impl Target {
    /// Starts a server or finds the running one.
    pub(crate) async fn find(which: &Which) -> Result<Self> {
        if let (Some(url), Some(token)) = (&which.url, &which.token) {
            let address = resolve(url).await?;
            let (api, operator) = (Api::new(address), token.clone());
            return Ok(Self { api, operator, level: "as configured".to_owned(), server: None });
        }
        let program = which.program()?;
        let server = Server::start(&program, which.level(), &[]).await?;
        Ok(Self {
            api: Api::new(server.address),
            operator: server.operator.clone(),
            level: which.level().name().to_owned(),
            server: Some(server),
        })
    }

    /// How the limits stand, for the result.
    pub(crate) fn limits(&self) -> serde_json::Value {
        match self.server {
            Some(_) => serde_json::json!({"SWITCHBOARD_LIMITS": "load"}),
            None => serde_json::json!({"SWITCHBOARD_LIMITS": "as configured"}),
        }
    }

    /// Stops the server, if this program started it.
    pub(crate) async fn stop(mut self) {
        if let Some(server) = &mut self.server {
            server.stop().await;
        }
    }
}

/// A server that this program started. It is killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) operator: String,
    /// How long it took until it was ready.
    pub(crate) ready: Duration,
    program: PathBuf,
    level: Level,
    prefix: Vec<String>,
    child: Child,
    folder: TempDir,
    /// What it is told beside its arguments.
    environment: Vec<(String, String)>,
    /// What its log is on, at a level of Redis.
    _redis: Option<Redis>,
}

impl Server {
    /// Starts one in a fresh folder, behind the words of `prefix` if there are any.
    pub(crate) async fn start(program: &Path, level: Level, prefix: &[String]) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-").tempdir().context("no folder for the data")?;
        Self::start_in(folder, program, level, prefix).await
    }

    /// Starts one in this folder, whose `data` it keeps.
    pub(crate) async fn start_in(
        folder: TempDir,
        program: &Path,
        level: Level,
        prefix: &[String],
    ) -> Result<Self> {
        let redis = match level {
            Level::Memory | Level::Os | Level::Disk => None,
            Level::Redis | Level::RedisDisk => Some(Redis::start(false).await?),
            Level::RedisReplica => Some(Redis::start(true).await?),
        };
        let environment = redis.as_ref().map_or_else(Vec::new, Redis::environment);
        let started = Instant::now();
        let (child, links) =
            launch(program, folder.path(), "127.0.0.1:0", level, prefix, &environment).await?;
        let address = address_of(&links.api)?;
        Ok(Self {
            address,
            operator: links.sign_in.token,
            ready: started.elapsed(),
            program: program.to_owned(),
            level,
            prefix: prefix.to_vec(),
            child,
            folder,
            environment,
            _redis: redis,
        })
    }

    /// Starts a node in a fresh folder, and tells it these settings.
    pub(crate) async fn start_with(
        program: &Path,
        level: Level,
        environment: Vec<(String, String)>,
    ) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-").tempdir().context("no folder for the data")?;
        let started = Instant::now();
        let (child, links) = launch(program, folder.path(), "127.0.0.1:0", level, &[], &environment).await?;
        Ok(Self {
            address: address_of(&links.api)?,
            operator: links.sign_in.token,
            ready: started.elapsed(),
            program: program.to_owned(),
            level,
            prefix: Vec::new(),
            child,
            folder,
            environment,
            _redis: None,
        })
    }

    /// From its next start on it runs this program.
    pub(crate) fn becomes(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let id =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let id = id.context("the server has ended")?;
        rustix::process::kill_process(id, signal).context("the server takes no signal")
    }

    /// Where it logs.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Where it keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it without a word.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("the server had ended by itself")
    }

    /// Starts it again on the same address and folder.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let listen = self.address.to_string();
        let started = Instant::now();
        let (child, links) =
            launch(&self.program, self.folder.path(), &listen, self.level, &self.prefix, &self.environment)
                .await?;
        self.child = child;
        self.operator = links.sign_in.token;
        self.ready = started.elapsed();
        Ok(())
    }

    /// Asks it to end and waits for it.
    pub(crate) async fn stop(&mut self) {
        let id =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It may have ended just now; then there is nothing to ask.
            rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        }
        if tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await.is_err() {
            self.child.kill().await.ok();
        }
    }
}

async fn launch(
    program: &Path,
    folder: &Path,
    listen: &str,
    level: Level,
    prefix: &[String],
    environment: &[(String, String)],
) -> Result<(Child, DemoLinks)> {
    let log_path = folder.join("log");
    let log = std::fs::File::options().create(true).append(true).open(&log_path)?;
    let mut command = match prefix.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let mut child = command
        .args(["demo", "--quiet-demo", "--json", "--listen", listen, "--level", level.name(), "--data"])
        .arg(folder.join("data"))
        .env("SWITCHBOARD_LIMITS", "load")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("the server {} cannot be started", program.display()))?;
    let stdout = child.stdout.take().context("the server has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    match tokio::time::timeout(READY_MAX, lines.next_line()).await {
        Ok(Ok(Some(line))) => {
            let links =
                serde_json::from_str(&line).context("the server printed something else than its links")?;
            Ok((child, links))
        }
        _ => {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(5).collect();
            bail!("the server did not come up; the end of its log:\n{}", tail.join("\n"))
        }
    }
}

/// The `switchboard` beside this program. In a checkout of the sources it is built first, so that it is never older than
/// they are.
fn beside() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program has no path")?;
    let mut folder = own.parent().context("this program lies in no folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().context("the build folder has no parent")?;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = folder.parent();
    if sources.join("Cargo.toml").exists()
        && target.is_some_and(|target| target.join("CACHEDIR.TAG").exists())
    {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = std::process::Command::new(cargo);
        build.args(["build", "--quiet", "--package", "router", "--bin", "switchboard"]).current_dir(sources);
        build.stdout(Stdio::null());
        if folder.ends_with("release") {
            build.arg("--release");
        }
        match build.status() {
            Ok(status) if status.success() => {}
            Ok(_) => bail!("the server does not build"),
            Err(_) => {
                return Err(
                    Missing("cargo, to build the server; or name one with --server-bin".to_owned()).into()
                );
            }
        }
    }
    let program = folder.join("switchboard");
    if !program.exists() {
        return Err(Missing(format!("{}: build it, or name one with --server-bin", program.display())).into());
    }
    Ok(program)
}

fn address_of(api: &str) -> Result<SocketAddr> {
    let rest = api.strip_prefix("http://").context("only plain http:// addresses can be tested")?;
    let host = rest.split('/').next().unwrap_or(rest);
    host.parse().with_context(|| format!("not an address: {host}"))
}

async fn resolve(url: &str) -> Result<SocketAddr> {
    let rest = url.strip_prefix("http://").context("only plain http:// addresses can be tested")?;
    let host = rest.split('/').next().unwrap_or(rest);
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut found = tokio::net::lookup_host(&host).await.with_context(|| format!("no such host: {host}"))?;
    found.next().with_context(|| format!("no such host: {host}"))
}
