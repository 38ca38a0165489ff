//! A real `redis-server` in a folder of its own, on a free port, ended with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The variable that runs every test's server on Redis: `SWITCHBOARD_TEST_STORE=redis`.
const STORE: &str = "SWITCHBOARD_TEST_STORE";

/// A Redis with a journal, as production has it.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: TempDir,
    child: Child,
    /// What every node on it is set to.
    settings: Vec<(String, String)>,
}

impl Redis {
    /// Whether one can be started here; a test that cannot run without says that it was skipped.
    #[must_use]
    #[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
    pub fn there() -> bool {
        let there = Command::new("redis-server").arg("--version").output().is_ok();
        if !there {
            println!("skipped: redis-server is not installed");
        }
        there
    }

    /// Whether every server of these tests shall be on Redis.
    #[must_use]
    pub fn wanted() -> bool {
        std::env::var_os(STORE).is_some_and(|store| store == "redis")
    }

    /// Starts one.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one whose nodes have these settings, named as in `SWITCHBOARD__NAME`.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| (format!("SWITCHBOARD__{name}"), (*value).to_owned()))
            .collect();
        let folder = tempfile::tempdir().expect("a folder for Redis can be made");
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
        let port = free.expect("there is a free port").port();
        let child = spawn(port, folder.path());
        Self { port, folder, child, settings }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The folder of the keys that all nodes on it share.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("nodes")
    }

    /// What every node on it is set to.
    #[must_use]
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Says something to it by `redis-cli`, and gives what it answers.
    ///
    /// # Panics
    /// Where it cannot be said.
    #[must_use]
    pub fn cli(&self, words: &[&str]) -> String {
        let said = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8_lossy(&said.expect("redis-cli can be started").stdout).into_owned()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("Redis runs"), signal).expect("a running child takes signals");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(port: u16, folder: &Path) -> Child {
    let child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--dir",
        ])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server can be started");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "redis-server did not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
