//! Queue-and-idleness ratio, after Gurvich and Whitt: the rule `queue_ratio` asks the team whose free places lie most above
//! their share, and serves the class that does with those who wait. Free places are shared equally over the teams, so that
//! the team with the most of them is asked; those who wait by rate × target, so that waits go as targets do.

use super::classes::Class;
use super::pool::Pool;
use super::profiles::{Fit, Profile};

/// Shares are compared in millionths of a conversation.
const WHOLE: i128 = 1_000_000;

/// The free places of a team for conversations of a class.
pub(super) fn free_places(team: &Profile, fit: &Fit) -> i64 {
    i64::try_from(team.slots(fit.channel, fit.effort, fit.beside).free).unwrap_or(i64::MAX)
}

impl Pool {
    /// How far those who wait in a class lie above its share of all who wait.
    pub(super) fn above_ratio(&self, number: u32) -> i64 {
        let share = |class: &Class| i128::from(class.rate) * i128::from(class.terms.target.0.max(1));
        let (mut waiting, mut shares) = (0i128, 0i128);
        for (_, class) in self.classes.iter() {
            waiting += i128::from(class.waiting);
            shares += share(class);
        }
        let class = &self.classes[number];
        let due = waiting * share(class) * WHOLE / shares.max(1);
        i64::try_from(i128::from(class.waiting) * WHOLE - due).unwrap_or(i64::MAX)
    }
}
