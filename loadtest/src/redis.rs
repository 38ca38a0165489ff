//! A Redis for servers under test: started in a folder of its own on a free port, and ended with them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::fail::Missing;

const READY_MAX: Duration = Duration::from_secs(20);

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
            let begun = Instant::now();
            while !replica.say("INFO replication").await?.contains("master_link_status:up") {
                if begun.elapsed() > READY_MAX {
                    bail!("the replica does not reach its primary");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            primary.replica = Some(Box::new(replica));
        }
        Ok(primary)
    }

    async fn start_as(arguments: &[&str]) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-redis-").tempdir().context("no folder for Redis")?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let child = launch(port, folder.path(), &arguments).await?;
        Ok(Self { port, folder, arguments, child, replica: None })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
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
    let child = match child {
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
        if begun.elapsed() > READY_MAX {
            bail!("redis-server did not come up");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(child)
}
