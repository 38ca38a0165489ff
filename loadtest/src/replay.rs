//! `loadtest replay`: plays recorded dialogues and has the checker judge them.

use std::path::PathBuf;

use anyhow::Result;

use crate::dialogs;
use crate::fail::Usage;
use crate::playback::{self, Wanted};
use crate::report::Common;
use crate::sabotage::Kind;
use crate::spawn::Which;
use crate::stage;

const AGENTS: usize = 48;

/// Flags of `replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Dialogues, one JSON object a line
    file: PathBuf,
    /// Divide the recorded gaps by this
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Play only so many dialogues
    #[arg(long)]
    limit: Option<usize>,
    /// How many agents [default: 48; with --sabotage overload so few that they fill up]
    #[arg(long)]
    agents: Option<usize>,
    /// Corrupt exactly one frame on its way: the checker must find exactly that
    #[arg(long, value_enum)]
    sabotage: Option<Kind>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
}

/// Runs it; says whether everything was correct.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    if !(arguments.speed > 0.0 && arguments.speed.is_finite()) {
        return Err(Usage("--speed must be above 0".to_owned()).into());
    }
    let dialogues = dialogs::read(&arguments.file, arguments.speed, arguments.limit)?;
    let agents = arguments.agents.unwrap_or_else(|| agents_of(arguments.sabotage, dialogues.len())).max(1);
    let arrivals = stage::arrivals(&dialogues, agents, arguments.common.seed);
    let wanted = Wanted { dialogues, agents, arrivals, open: None, sabotage: arguments.sabotage };
    playback::run("replay", &arguments.common, &arguments.which, wanted).await
}

/// So many that slots are scarce where an agent must be full, else 48.
fn agents_of(sabotage: Option<Kind>, dialogues: usize) -> usize {
    match sabotage {
        Some(Kind::Overload) => (dialogues / 6).clamp(4, AGENTS),
        _ => AGENTS,
    }
}
