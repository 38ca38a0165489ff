//! A Redis for a server under test: started in a folder of its own on a free port, and ended with it.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::fail::Missing;

const READY_MAX: Duration = Duration::from_secs(20);

/// A Redis with a journal. It is killed when dropped.
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    _child: Child,
    /// A copy of it, where the level asks for one.
    _replica: Option<Box<Redis>>,
}

impl Redis {
    /// Starts one, and a replica of it if wanted.
    pub(crate) async fn start(with_replica: bool) -> Result<Self> {
        let mut primary = Self::start_with(&[]).await?;
        if with_replica {
            let port = primary.port.to_string();
            let replica = Self::start_with(&["--replicaof", "127.0.0.1", &port]).await?;
            primary._replica = Some(Box::new(replica));
            // It connects within a second; the server refuses to start before.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        Ok(primary)
    }

    async fn start_with(arguments: &[&str]) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("loadtest-redis-").tempdir().context("no folder for Redis")?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--dir"])
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Missing("redis-server: install the system's package `redis-server`".to_owned()).into());
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
        Ok(Self { port, folder, _child: child, _replica: None })
    }

    /// What tells a server to use it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("SWITCHBOARD__REDIS__URLS", format!("redis://127.0.0.1:{}", self.port)),
            ("SWITCHBOARD__REDIS__KEYS", self.folder.path().join("nodes").display().to_string()),
        ]
    }
}
