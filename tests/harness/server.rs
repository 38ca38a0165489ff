//! The server as a child process: started on a free port in a fresh folder, ended with the test, and started again on
//! the same port and folder where a test is about that.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::{DemoLinks, DemoSignIn};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::PATIENCE;
use crate::http::Api;
use crate::redis::Redis;

/// How long a node's hold on a shard lasts in tests; short, so that others take over soon.
pub const LEASE_MS: u64 = 1_000;

/// A running server: `switchboard demo` without simulated customers, or `switchboard serve` as somebody has set it up.
#[derive(Debug)]
pub struct Server {
    /// Where things are, as the demo printed them; of one that serves, the API and the operator's token.
    pub links: DemoLinks,
    /// The token of the link that makes the first admin, where nobody can sign in yet.
    pub set_up: Option<String>,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
    redis: Option<Arc<Redis>>,
    arguments: Vec<String>,
}

impl Server {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more arguments.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(Redis::wanted().then(Redis::start).map(Arc::new), arguments).await
    }

    /// Starts a node on this Redis, if one is given.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_on(redis: Option<Arc<Redis>>, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server's data can be made");
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (child, links) = spawn(folder.path(), "127.0.0.1:0", &arguments, &[], redis.as_deref()).await;
        let address = address(&links.api);
        Self { links, set_up: None, address, child, folder, redis, arguments }
    }

    /// Starts one in a folder of which `data` is the data folder already.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_in(folder: TempDir) -> Self {
        let (child, links) = spawn(folder.path(), "127.0.0.1:0", &[], &[], None).await;
        let address = address(&links.api);
        Self { links, set_up: None, address, child, folder, redis: None, arguments: Vec::new() }
    }

    /// Starts `switchboard serve` for the first time, with these settings (TOML).
    ///
    /// # Panics
    /// Where it does not come up, or prints something else than the link and the operator's token.
    pub async fn serve(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server's data can be made");
        let file = folder.path().join("switchboard.toml");
        let redis = Redis::wanted().then(Redis::start).map(Arc::new);
        // On Redis its own level holds.
        let kept = settings.lines().filter(|line| redis.is_none() || !line.starts_with("level"));
        std::fs::write(&file, kept.collect::<Vec<_>>().join("\n")).expect("the settings can be written");
        let mut command = Command::new(program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
        command.arg("--data").arg(folder.path().join("data"));
        let (child, mut lines) = launch(&mut command, folder.path(), redis.as_deref());
        let api = behind(&mut lines, "Switchboard listens on ", folder.path()).await;
        let link = behind(&mut lines, "/setup/?token=", folder.path()).await;
        behind(&mut lines, "The operator's token", folder.path()).await;
        let token = behind(&mut lines, "  ", folder.path()).await;
        let sign_in =
            DemoSignIn { name: String::new(), password: String::new(), token, widget_key: String::new() };
        let [widget, console, dashboard] = [const { String::new() }; 3];
        let address = address(&api);
        let links = DemoLinks { widget, console, dashboard, api, sign_in };
        Self { links, set_up: Some(link), address, child, folder, redis, arguments: Vec::new() }
    }

    /// The page origin from which clients of this server come.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The HTTP API without a token.
    #[must_use]
    pub fn anonymous(&self) -> Api {
        Api { address: self.address, token: None }
    }

    /// The HTTP API as the operator, who may create workspaces.
    #[must_use]
    pub fn operator(&self) -> Api {
        Api { address: self.address, token: Some(self.links.sign_in.token.clone()) }
    }

    /// The `switchboard` that tests run, for its other verbs.
    #[must_use]
    pub fn program() -> &'static Path {
        program()
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How much memory it holds, in KiB.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let id = self.child.id().expect("the server runs");
        let status =
            std::fs::read_to_string(format!("/proc/{id}/status")).expect("a running process has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .expect("the status names the resident size")
    }

    /// Kills it without a word, as a power cut would.
    ///
    /// # Panics
    /// Where it had already ended.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a running child can be killed");
    }

    /// Asks it to end, as a supervisor of services would.
    ///
    /// # Panics
    /// Where it had already ended.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// Where it had already ended.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("the server runs"), signal).expect("a running child takes signals");
    }

    /// Whether it has not ended yet.
    pub fn still_runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it still runs after `limit`.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(status) => status.expect("the child's status can be read"),
            Err(_) => panic!("the server still runs after {limit:?}; its log:\n{}", self.log()),
        }
    }

    /// Starts it again after its end, on the same port and folder.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_again(&mut self) {
        self.start_again_under(&[]).await;
    }

    /// Starts it again behind another program's command line, such as a tracer that makes system calls fail.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_again_under(&mut self, prefix: &[&str]) {
        let (child, links) = spawn(
            self.folder.path(),
            &self.address.to_string(),
            &self.arguments,
            prefix,
            self.redis.as_deref(),
        )
        .await;
        self.child = child;
        self.links = links;
    }
}

async fn spawn(
    folder: &Path,
    listen: &str,
    arguments: &[String],
    prefix: &[&str],
    redis: Option<&Redis>,
) -> (Child, DemoLinks) {
    let mut command = match prefix {
        [] => Command::new(program()),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program());
            command
        }
    };
    command.args(["demo", "--quiet-demo", "--json", "--listen", listen, "--data"]);
    command.arg(folder.join("data")).args(arguments);
    let (child, mut lines) = launch(&mut command, folder, redis);
    let line = behind(&mut lines, "", folder).await;
    let links = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("not the links of a demo: {error} in {line}"));
    (child, links)
}

fn launch(
    command: &mut Command,
    folder: &Path,
    redis: Option<&Redis>,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("the server's log can be opened");
    if let Some(redis) = redis {
        command
            .env("SWITCHBOARD__REDIS__URLS", redis.url())
            .env("SWITCHBOARD__REDIS__KEYS", redis.keys())
            .env("SWITCHBOARD__REDIS__BLOBS", redis.keys())
            .envs(redis.settings().iter().map(|(name, value)| (name, value)))
            .env("SWITCHBOARD__REDIS__LEASE_MS", LEASE_MS.to_string());
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the server's program can be started");
    let stdout = child.stdout.take().expect("standard output is a pipe");
    (child, BufReader::new(stdout).lines())
}

/// What stands behind these words in the next line that has them.
async fn behind(lines: &mut Lines<BufReader<ChildStdout>>, words: &str, folder: &Path) -> String {
    let found = tokio::time::timeout(PATIENCE, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, rest)) = line.split_once(words) {
                return Some(rest.to_owned());
            }
        }
        None
    });
    found.await.ok().flatten().unwrap_or_else(|| {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("the server did not come up; its log:\n{log}")
    })
}

fn address(api: &str) -> SocketAddr {
    let rest = api.strip_prefix("http://").unwrap_or_else(|| panic!("not a plain address: {api}"));
    let host = rest.split('/').next().unwrap_or(rest);
    host.parse().unwrap_or_else(|error| panic!("{error}: {host}"))
}

/// The `switchboard` of this build: `SWITCHBOARD_BIN`, else the one beside this test, built first so that it is never an
/// older one than the sources.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("SWITCHBOARD_BIN") {
            return PathBuf::from(path);
        }
        let test = std::env::current_exe().expect("this program has a path");
        // target/<profile>/deps/<test>
        let profile = test.ancestors().nth(2).expect("tests lie in the build folder").to_owned();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = std::process::Command::new(cargo);
        build.args(["build", "--quiet", "--package", "router"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.status().expect("cargo runs");
        assert!(built.success(), "the server does not build");
        profile.join("switchboard")
    })
}
