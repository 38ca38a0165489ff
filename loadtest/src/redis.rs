//! A Redis for servers under test: started in a folder of its own on a free port, and ended with them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::fail::Missing;
use crate::report::say;

const READY_MAX: Duration = Duration::from_secs(20);
const PORT_TRIES: usize = 3;

/// A Redis with a journal. It is killed when dropped.
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    child: Child,
    /// A copy of it, where one is asked for.
    replica: Option<Box<Redis>>,
}

impl Redis {
    /// Starts one, and a replica of it if wanted.
    pub(crate) async fn start(with_replica: bool) -> Result<Self> {
        let mut primary = Self::start_as(&[]).await?;
        if with_replica {
            let replica = Self::start_as(&["--replicaof", "127.0.0.1", &primary.port.to_string()]).await?;
            replica.until("INFO replication", "master_link_status:up").await?;
            primary.replica = Some(Box::new(replica));
        }
        Ok(primary)
    }

    async fn start_as(arguments: &[&str]) -> Result<Self> {
        let mut tries = 0;
        loop {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            match Self::start_at(port, arguments).await {
                // Another program may have taken the port meanwhile.
                Err(error) if tries < PORT_TRIES && !error.is::<Missing>() => {
                    say(&format!("once more, on another port: {error:#}"));
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn start_at(port: u16, arguments: &[&str]) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-redis-").tempdir().context("no folder for Redis")?;
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let child = launch(port, folder.path(), &arguments).await?;
        Ok(Self { port, folder, arguments, child, replica: None })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The process.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn replica(&self) -> Option<&Self> {
        self.replica.as_deref()
    }

    /// The folder of the keys that all nodes share.
    pub(crate) fn keys(&self) -> String {
        self.folder.path().join("nodes").display().to_string()
    }

    /// What tells a server to use it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("SWITCHBOARD__REDIS__URLS".to_owned(), format!("redis://{}", self.address())),
            ("SWITCHBOARD__REDIS__KEYS".to_owned(), self.keys()),
        ]
    }

    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("Redis had ended by itself")
    }

    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.child = launch(self.port, self.folder.path(), &self.arguments).await?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.context("Redis has ended")?, signal).context("Redis takes no signal")
    }

    /// Makes a replica the primary.
    pub(crate) async fn promote(&self) -> Result<()> {
        let said = self.say("REPLICAOF NO ONE").await?;
        if said.starts_with("+OK") { Ok(()) } else { bail!("the replica was not promoted: {said}") }
    }

    /// Says a line until the answer has these words.
    async fn until(&self, line: &str, words: &str) -> Result<()> {
        let begun = Instant::now();
        while !self.say(line).await?.contains(words) {
            if begun.elapsed() > READY_MAX {
                bail!("Redis never said {words}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Says a line, and reads what comes at once.
    async fn say(&self, line: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address()).await.context("Redis cannot be reached")?;
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        let mut answer = vec![0; 16 << 10];
        let count = tokio::time::timeout(READY_MAX, stream.read(&mut answer))
            .await
            .context("Redis says nothing")??;
        answer.truncate(count);
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Primaries and replicas of a Cluster, each as many.
const CLUSTER: usize = 3;
/// A primary that does not answer for so long is replaced by its replica.
const NODE_TIMEOUT_MS: &str = "1000";

/// A Cluster of three primaries, each with a replica. It is killed when dropped.
pub(crate) struct RedisCluster {
    servers: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one.
    pub(crate) async fn start() -> Result<Self> {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", NODE_TIMEOUT_MS];
        let mut servers = Vec::new();
        for _ in 0..2 * CLUSTER {
            servers.push(Redis::start_at(free_port()?, &arguments).await?);
        }
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(servers.iter().map(|it| it.address().to_string()));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]).kill_on_drop(true);
        let created = create.stdin(Stdio::null()).output().await.context("redis-cli cannot be started")?;
        if !created.status.success() {
            bail!("the Cluster was not made: {}", String::from_utf8_lossy(&created.stdout));
        }
        let cluster = Self { servers };
        for server in &cluster.servers {
            server.until("CLUSTER INFO", "cluster_state:ok").await?;
        }
        for replica in &cluster.servers[CLUSTER..] {
            replica.until("INFO replication", "master_link_status:up").await?;
        }
        Ok(cluster)
    }

    /// What tells a server to use it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let urls: Vec<_> = self.servers.iter().map(|it| format!("redis://{}", it.address())).collect();
        vec![
            ("SWITCHBOARD__REDIS__URLS".to_owned(), urls.join(",")),
            ("SWITCHBOARD__REDIS__TOPOLOGY".to_owned(), "cluster".to_owned()),
            ("SWITCHBOARD__REDIS__KEYS".to_owned(), self.servers[0].keys()),
        ]
    }

    /// Kills a primary while its replica is behind, and waits until that one has taken its place.
    pub(crate) async fn fail_over(&mut self, primary: usize, behind: Duration) -> Result<()> {
        let port = self.servers[primary % CLUSTER].port;
        let mut replica = None;
        for (at, server) in self.servers.iter().enumerate().skip(CLUSTER) {
            if server.say("INFO replication").await?.contains(&format!("master_port:{port}\r")) {
                replica = Some(at);
            }
        }
        let replica = replica.context("the primary has no replica")?;
        self.servers[replica].signal(Signal::STOP)?;
        tokio::time::sleep(behind).await;
        self.servers[primary % CLUSTER].kill().await?;
        self.servers[replica].signal(Signal::CONT)?;
        self.servers[replica].until("INFO replication", "role:master").await?;
        self.servers[replica].until("CLUSTER INFO", "cluster_state:ok").await
    }
}

/// A port that a Cluster can use: ten thousand above it must be one too.
fn free_port() -> Result<u16> {
    let first = 20_000 + u16::try_from(std::process::id() % 8_000)?;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 8_000;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return Ok(port);
        }
    }
}

async fn launch(port: u16, folder: &Path, arguments: &[String]) -> Result<Child> {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--dir"])
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(
                Missing("redis-server: install the system's package `redis-server`".to_owned()).into()
            );
        }
        Err(error) => return Err(error).context("redis-server cannot be started"),
    };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("redis-server ended at once: {status}");
        }
        if begun.elapsed() > READY_MAX {
            bail!("redis-server did not come up");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(child)
}
