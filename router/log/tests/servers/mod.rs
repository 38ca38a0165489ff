//! Real `redis-server` processes in folders of their own, on free ports, ended with the test.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// One server.
pub(crate) struct Redis {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    arguments: Vec<String>,
    child: Child,
}

pub(crate) fn free_port() -> u16 {
    // Below the range that the system hands out by itself, so that nobody is given it meanwhile; a Cluster adds 10,000.
    let mut port = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap();
    loop {
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && claim(port) {
            return port;
        }
        port += 1;
    }
}

/// Each port is given once in a process.
fn claim(port: u16) -> bool {
    static GIVEN: std::sync::Mutex<Vec<u16>> = std::sync::Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap();
    let new = !given.contains(&port);
    given.push(port);
    new
}

/// Whether there is a Redis to test with; says so where not.
pub(crate) fn there() -> bool {
    let there = Command::new("redis-server").arg("--version").output().is_ok();
    if !there {
        drop(writeln!(std::io::stderr(), "skipped: redis-server is not installed"));
    }
    there
}

impl Redis {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let child = spawn(port, folder.path(), &arguments);
        Self { port, folder, arguments, child }
    }

    /// With a journal, as production has it.
    pub(crate) fn durable() -> Self {
        Self::start(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.child = spawn(self.port, self.folder.path(), &self.arguments);
    }

    /// What `redis-cli` answers.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    pub(crate) fn cli_until(&self, arguments: &[&str], wanted: &str) {
        let begun = Instant::now();
        while !self.cli(arguments).contains(wanted) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{arguments:?} never said {wanted}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // One that was stopped must go on to die.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--dir"])
        .arg(folder)
        .args(["--save", "", "--loglevel", "warning"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "redis-server did not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
