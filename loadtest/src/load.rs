//! `loadtest load`: pairs of customer and agent who write at intended times, whether or not the other side has answered
//! (open loop). Latencies count from the intended time, so that a stall is not hidden by clients that wait; only the
//! coarseness of the client's own timer is left out.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use crate::dialogs::{Dialogue, Side, Turn};
use crate::fail::Usage;
use crate::journal::digest;
use crate::playback::{self, Wanted};
use crate::report::Common;
use crate::rng::Rng;
use crate::roster::CAPACITY;
use crate::sabotage::Kind;
use crate::spawn::Which;

/// Flags of `load`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many pairs of customer and agent
    #[arg(long, default_value_t = 100)]
    pairs: usize,
    /// Messages a second, of all pairs together
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// For how long
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How many agents; each holds three conversations [default: one for each pair]
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

/// Bytes of a message.
const TEXT_LEN: usize = 200;
/// Customers come within this time, and have an agent before the clock of the open loop begins.
const WARM_UP: Duration = Duration::from_secs(2);

/// Runs it; says whether everything was correct.
pub(crate) async fn run(arguments: Arguments) -> Result<bool> {
    let above = |value: f64| value.is_finite() && value > 0.0;
    if arguments.pairs == 0 || !above(arguments.rate) || !above(arguments.seconds) {
        return Err(Usage("--pairs, --rate and --seconds must be above 0".to_owned()).into());
    }
    let agents = arguments.agents.unwrap_or(arguments.pairs);
    if agents * (CAPACITY as usize) < arguments.pairs {
        let text = format!(
            "{agents} agents hold {CAPACITY} conversations each, fewer than {} pairs",
            arguments.pairs
        );
        return Err(Usage(text).into());
    }
    let mut rng = Rng::new(arguments.common.seed, "load");
    let dialogues: Vec<Dialogue> = (0..arguments.pairs)
        .map(|pair| dialogue(pair, arguments.rate / arguments.pairs as f64, arguments.seconds, &mut rng))
        .collect();
    let between = WARM_UP / 2 / u32::try_from(arguments.pairs)?;
    let arrivals = (0..arguments.pairs).map(|pair| between * u32::try_from(pair).unwrap_or(0)).collect();
    let wanted = Wanted { dialogues, agents, arrivals, open: Some(WARM_UP), sabotage: arguments.sabotage };
    playback::run("load", &arguments.common, &arguments.which, wanted).await
}

/// One pair's messages: customer and agent in turn, as a Poisson process of `rate` a second.
fn dialogue(pair: usize, rate: f64, seconds: f64, rng: &mut Rng) -> Dialogue {
    let mut turns = Vec::new();
    let mut at = 0.0;
    let mut gap = 0.0;
    let mut side = Side::Customer;
    loop {
        let mut text = format!("{pair}-{} ", turns.len());
        while text.len() < TEXT_LEN {
            text.push('x');
        }
        let digest = digest(&text);
        turns.push(Turn { side, gap: Duration::from_secs_f64(gap), text, digest });
        gap = rng.exponential(1.0 / rate);
        at += gap;
        if at >= seconds {
            return Dialogue { needs: BTreeSet::new(), turns };
        }
        side = if side == Side::Customer { Side::Agent } else { Side::Customer };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_writes_at_its_rate() {
        let dialogue = dialogue(3, 50.0, 20.0, &mut Rng::new(1, "t"));
        assert!((850..1150).contains(&dialogue.turns.len()), "{}", dialogue.turns.len());
        assert!(dialogue.turns.iter().all(|turn| turn.text.len() == TEXT_LEN));
        assert!(dialogue.span() < Duration::from_secs(20));
        assert_eq!(dialogue.turns[0].side, Side::Customer);
        assert_eq!(dialogue.turns[1].side, Side::Agent);
    }
}
