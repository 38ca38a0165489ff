//! A step of the gate: a name, what it does, and how long that may take.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

/// One named step.
pub(crate) struct Step {
    /// Its name, as given on the command line.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) work: Work,
}

/// What a step does.
pub(crate) enum Work {
    /// Runs one program.
    Program(Program),
    /// Looks at something in this process and says in a line what it found.
    Look(fn() -> Result<String>),
    /// Runs one load test and judges its one JSON object.
    Load(Program, fn(&serde_json::Value, i32) -> Result<String>),
    /// Starts the demo server and runs this program with its links.
    WithDemo(Program),
}

/// A program with its arguments.
pub(crate) struct Program {
    /// The file or the name on the path.
    pub(crate) file: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<std::ffi::OsString>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// Variables set for it.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// After this time it is ended, and the step has failed.
    pub(crate) limit: Duration,
}

impl Program {
    /// A program in the checkout's root, with ten minutes.
    pub(crate) fn new(
        file: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        Self {
            file: file.into(),
            arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(),
            folder: crate::tree::root(),
            variables: Vec::new(),
            limit: Duration::from_secs(600),
        }
    }

    /// In this folder of the checkout.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.folder = crate::tree::root().join(folder);
        self
    }

    /// With this many minutes.
    pub(crate) fn minutes(mut self, minutes: u64) -> Self {
        self.limit = Duration::from_secs(minutes * 60);
        self
    }

    /// With this variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// A step that runs cargo.
pub(crate) fn cargo(name: &'static str, arguments: &[&str], minutes: u64) -> Step {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Step { name, work: Work::Program(Program::new(cargo, arguments).minutes(minutes)) }
}

/// A step that runs npm in a folder.
pub(crate) fn npm(name: &'static str, folder: &str, arguments: &[&str], minutes: u64) -> Step {
    Step { name, work: Work::Program(Program::new("npm", arguments).within(folder).minutes(minutes)) }
}
