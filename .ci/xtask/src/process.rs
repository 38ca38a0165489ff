//! Runs a program in its own process group with a time limit, shows what it prints, and leaves nothing of it behind.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::report::say;
use crate::step::Program;

/// How long a group may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// Lines under way from the program to the screen; a full queue makes the program wait.
const LINES_MAX: usize = 256;

/// A process group that is ended when this is dropped.
pub(crate) struct Group {
    leader: Option<Pid>,
}

impl Group {
    /// The group that this child leads.
    pub(crate) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader }
    }

    /// Asks all processes of the group to end.
    pub(crate) fn ask(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        // An error says that nobody is left in the group, which is what is wanted.
        self.leader.map(|leader| kill_process_group(leader, signal).ok());
    }

    /// How many processes of the group still run.
    pub(crate) fn alive(&self) -> usize {
        let Some(leader) = self.leader else { return 0 };
        let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
        entries
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
            .filter(|stat| runs_in(stat, leader.as_raw_nonzero().get()))
            .count()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Whether a line of `/proc/<id>/stat` is of a process in this group that is not already dead.
fn runs_in(stat: &str, group: i32) -> bool {
    // The name stands in brackets and may hold anything: the fields begin after the last one.
    let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields.get(2).is_some_and(|id| *id == group.to_string()) && !matches!(fields.first(), Some(&"Z" | &"X"))
}

/// The command of a program, in a group of its own.
pub(crate) fn command(program: &Program) -> Command {
    let mut command = Command::new(&program.file);
    command
        .args(&program.arguments)
        .current_dir(&program.folder)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    for (name, value) in &program.variables {
        command.env(name, value);
    }
    command
}

/// Runs a program to its end and hands each line it prints to `line`.
pub(crate) async fn run(program: &Program, mut line: impl FnMut(Stream, &str)) -> Result<ExitStatus> {
    let mut child = command(program)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}: is it installed?", program.file.display()))?;
    let group = Group::of(&child);
    let (sender, mut lines) = mpsc::channel(LINES_MAX);
    forward(child.stdout.take(), Stream::Out, sender.clone());
    forward(child.stderr.take(), Stream::Error, sender);

    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let end = tokio::time::sleep(program.limit);
    tokio::pin!(end);
    let status = loop {
        tokio::select! {
            Some((stream, text)) = lines.recv() => line(stream, &text),
            status = child.wait() => break status.context("cannot wait for the program")?,
            () = &mut end => {
                stop(&mut child, &group).await;
                bail!("not done after {} s: ended", program.limit.as_secs());
            }
            _ = interrupt.recv() => return interrupted(&mut child, &group).await,
            _ = terminate.recv() => return interrupted(&mut child, &group).await,
        }
    };
    let left = left_behind(&group).await;
    drop(group);
    // What is still in the pipes; a process outside the group may hold them open, so this ends by itself.
    while let Ok(Some((stream, text))) = tokio::time::timeout(Duration::from_secs(1), lines.recv()).await {
        line(stream, &text);
    }
    if left > 0 {
        bail!("left {left} process(es) behind: ended");
    }
    Ok(status)
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

fn forward(
    pipe: Option<impl AsyncRead + Unpin + Send + 'static>,
    stream: Stream,
    sender: mpsc::Sender<(Stream, String)>,
) {
    let Some(pipe) = pipe else { return };
    tokio::spawn(async move {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            bytes.clear();
            if sender.send((stream, text)).await.is_err() {
                return;
            }
        }
    });
}

/// Children of a program that has ended get a moment to end too.
async fn left_behind(group: &Group) -> usize {
    for _ in 0..20 {
        if group.alive() == 0 {
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    group.alive()
}

/// Ends a child and its group: first asked, then made to. Nobody of the group runs afterwards.
pub(crate) async fn stop(child: &mut Child, group: &Group) {
    group.ask();
    let asked = tokio::time::timeout(GRACE, child.wait()).await;
    if asked.is_err() || left_behind(group).await > 0 {
        group.signal(Signal::KILL);
        child.wait().await.ok();
        left_behind(group).await;
    }
}

async fn interrupted(child: &mut Child, group: &Group) -> Result<ExitStatus> {
    stop(child, group).await;
    say("interrupted");
    std::process::exit(130);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, limit: Duration) -> (Result<ExitStatus>, Vec<String>) {
        let mut program = Program::new("sh", ["-c", script]);
        program.limit = limit;
        let mut lines = Vec::new();
        let status = run(&program, |_, text| lines.push(text.to_owned())).await;
        (status, lines)
    }

    #[tokio::test]
    async fn lines_and_status_come_back() {
        let (status, lines) = shell("echo one; echo two >&2; exit 3", Duration::from_secs(10)).await;
        assert_eq!(status.expect("ran").code(), Some(3));
        assert!(lines.contains(&"one".to_owned()) && lines.contains(&"two".to_owned()), "{lines:?}");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_its_children() {
        let (status, lines) = shell("sleep 600 & echo $!; wait", Duration::from_secs(1)).await;
        assert!(status.expect_err("was ended").to_string().contains("not done after 1 s"));
        let child = lines.first().expect("the child's id");
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "still runs: {stat}");
    }

    #[tokio::test]
    async fn a_process_left_behind_is_a_failure() {
        let (status, _) = shell("sleep 600 >/dev/null 2>&1 & exit 0", Duration::from_secs(20)).await;
        assert!(status.expect_err("left one").to_string().contains("left 1 process"));
    }

    #[test]
    fn names_with_brackets_do_not_confuse() {
        assert!(runs_in("12 (a) b (c)) S 1 77 77 0", 77));
        assert!(!runs_in("12 (a) Z 1 77 77 0", 77));
        assert!(!runs_in("12 (a) S 1 78 77 0", 77));
    }
}
