//! What stands around the words: how they are written, how often the customer has come, how long it took, how it ended.
//! Each adds a stated number to the log-odds of being upset, and all together no more than [`MOST`].

use super::Reason;
use crate::text::Text;

/// All circumstances together add no more than this to the log-odds.
pub(super) const MOST: f32 = 2.0;

/// Each contact after the first, three of them at most.
const CONTACT: f32 = 0.5;
/// An earlier conversation without a solution, two of them at most.
const UNSOLVED: f32 = 0.6;
/// The wait was longer than was meant; twice that where it was three times as long.
const WAITED: f32 = 0.4;
/// Two words in capitals, or more.
const CAPITALS: f32 = 0.6;
/// Three exclamation and question marks, or more.
const MARKS: f32 = 0.3;

/// What is known beside the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Conversations of this customer lately, this one among them.
    pub contacts: u32,
    /// Those of them that ended without a solution.
    pub unsolved: u32,
    /// For how long the customer has waited, in seconds.
    pub waited_s: u32,
    /// For how long a customer was meant to wait, in seconds; zero where nothing was meant.
    pub target_s: u32,
}

impl Circumstances {
    /// What speaks for being upset, with its log-odds.
    pub(super) fn reasons(&self, text: &Text) -> Vec<(Reason, f32)> {
        let mut reasons = Vec::new();
        let again = self.contacts.saturating_sub(1).min(3);
        if again > 0 {
            reasons.push((Reason::Contacts(self.contacts), CONTACT * again as f32));
        }
        if self.unsolved > 0 {
            reasons.push((Reason::Unsolved(self.unsolved), UNSOLVED * self.unsolved.min(2) as f32));
        }
        if self.target_s > 0 && self.waited_s > self.target_s {
            let long = self.waited_s / 3 >= self.target_s;
            reasons.push((Reason::Waited(self.waited_s), if long { 2.0 * WAITED } else { WAITED }));
        }
        if text.shouted_words() >= 2 {
            reasons.push((Reason::Capitals(text.shouted_words()), CAPITALS));
        }
        if text.marks() >= 3 {
            reasons.push((Reason::Marks(text.marks()), MARKS));
        }
        reasons
    }
}

/// What reasons add in all.
pub(super) fn bounded(reasons: &[(Reason, f32)]) -> f32 {
    reasons.iter().map(|(_, odds)| odds).sum::<f32>().min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_and_all_are_bounded() {
        let quiet = Text::read("hello");
        assert!(Circumstances::default().reasons(&quiet).is_empty());
        assert!(Circumstances { contacts: 1, ..Circumstances::default() }.reasons(&quiet).is_empty());
        let all = Circumstances { contacts: u32::MAX, unsolved: u32::MAX, waited_s: u32::MAX, target_s: 1 };
        let reasons = all.reasons(&Text::read("WHERE IS IT?!!"));
        assert_eq!(reasons.len(), 5);
        assert!((bounded(&reasons) - MOST).abs() < f32::EPSILON);
    }
}
