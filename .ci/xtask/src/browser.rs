//! Starts the demo as a user would, and runs a program against it with its links in `SWITCHBOARD_LINKS`.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::count::Count;
use crate::process::{self, Group};
use crate::report;
use crate::step::Program;
use crate::tree;

/// A release build starts in well under a second; a laden machine gets more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Runs the program against a demo of its own, in a fresh folder on a free port.
pub(crate) async fn run(program: &Program, count: &mut Count) -> Result<String> {
    let data = tempfile::tempdir().context("cannot make a folder for the demo's data")?;
    let mut demo = Program::new(
        tree::release("switchboard"),
        ["demo", "--quiet-demo", "--json", "--listen", "127.0.0.1:0", "--data"],
    );
    demo.arguments.push(data.path().into());
    let mut child = process::command(&demo)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", demo.file.display()))?;
    let group = Group::of(&child);
    let stdout = child.stdout.take().context("the demo has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let links = match tokio::time::timeout(START_LIMIT, lines.next_line()).await {
        Ok(Ok(Some(links))) => links,
        Ok(_) => bail!("the demo ended before it was ready"),
        Err(_) => bail!("the demo was not ready after {} s", START_LIMIT.as_secs()),
    };
    let mut with_links = Program::new(&program.file, &program.arguments)
        .with("SWITCHBOARD_LINKS", links)
        .with("SWITCHBOARD_BIN", tree::release("switchboard").display().to_string())
        .with("SWITCHBOARD_MAIL_SERVERS", tree::release("examples/mail_servers").display().to_string());
    with_links.folder.clone_from(&program.folder);
    with_links.limit = program.limit;
    let result = report::shown(&with_links, count).await;
    process::stop(&mut child, &group).await;
    result
}
