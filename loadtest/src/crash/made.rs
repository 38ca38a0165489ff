//! Dialogues made for crashing: quick, in bursts, each text its own, so that at any moment something is on its way.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::dialogs::{Dialogue, Side, Turn};
use crate::journal::digest;
use crate::rng::Rng;

/// Dialogues at once.
pub(crate) const DIALOGUES: usize = 24;
/// Turns of one.
const TURNS: usize = 160;
/// The longest run of turns of one side.
const BURST: usize = 5;
/// The mean pause before a turn, in seconds.
const PAUSE_S: f64 = 0.006;
/// The only skill.
const SKILL: &str = "anything";

/// Makes a round's dialogues.
pub(crate) fn dialogues(seed: u64) -> Vec<Dialogue> {
    many(seed, DIALOGUES)
}

/// Makes so many dialogues.
pub(crate) fn many(seed: u64, count: usize) -> Vec<Dialogue> {
    let mut rng = Rng::new(seed, "dialogues");
    (0..count).map(|number| dialogue(number, &mut rng)).collect()
}

fn dialogue(number: usize, rng: &mut Rng) -> Dialogue {
    let mut turns = Vec::with_capacity(TURNS + BURST);
    let mut side = Side::Customer;
    while turns.len() < TURNS {
        for _ in 0..=rng.below(BURST) {
            let padding = "x".repeat(rng.below(300));
            let text = format!("{number}-{} {padding}", turns.len()).trim().to_owned();
            let gap = Duration::from_secs_f64(rng.exponential(PAUSE_S));
            turns.push(Turn { side, gap, digest: digest(&text), text });
        }
        side = match side {
            Side::Customer => Side::Agent,
            Side::Agent => Side::Customer,
        };
    }
    Dialogue { needs: BTreeSet::from([SKILL.to_owned()]), turns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_and_the_customer_begins() {
        let dialogues = dialogues(3);
        let texts: BTreeSet<_> =
            dialogues.iter().flat_map(|dialogue| dialogue.turns.iter().map(|turn| &turn.text)).collect();
        assert_eq!(texts.len(), dialogues.iter().map(|dialogue| dialogue.turns.len()).sum::<usize>());
        assert!(dialogues.iter().all(|dialogue| dialogue.turns[0].side == Side::Customer));
        assert!(dialogues.iter().all(|dialogue| dialogue.turns.iter().any(|turn| turn.side == Side::Agent)));
    }
}
