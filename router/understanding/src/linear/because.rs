//! Why a class won: what each word, with the runs of characters in it, added to its score beyond the other classes.

use super::{Linear, Sight};
use crate::text::Text;

/// So many reasons are told.
const REASONS: usize = 3;

impl Linear {
    /// The words and pairs of words that speak most for `winner`, the strongest first. `rivals` are the classes that it is
    /// compared with: what speaks for all of them alike is no reason.
    pub(crate) fn because(&self, text: &Text, sight: &Sight, winner: usize, rivals: &[usize]) -> Vec<String> {
        let mut by_place: Vec<((u16, u8), f32)> = Vec::new();
        for seen in &sight.0 {
            let row = self.row(seen.row);
            let weight = |class: usize| f32::from(row[class]) * self.scale[class];
            let best = rivals.iter().filter(|rival| **rival != winner);
            let count = best.clone().count().max(1) as f32;
            let against: f32 = best.map(|rival| weight(*rival)).sum::<f32>() / count;
            by_place.push(((seen.hit.from, seen.hit.words), seen.value * (weight(winner) - against)));
        }
        by_place.sort_unstable_by_key(|(place, _)| *place);
        let mut reasons: Vec<((u16, u8), f32)> = by_place
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same[0].0, same.iter().map(|(_, part)| part).sum()))
            .filter(|(_, part)| *part > 0.0)
            .collect();
        reasons.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut told: Vec<((u16, u8), String)> = Vec::new();
        for (place, _) in reasons {
            if told.len() == REASONS {
                break;
            }
            // A word is not told again as a part of a pair, nor twice.
            let overlaps = |other: &(u16, u8)| {
                place.0 < other.0 + u16::from(other.1) && other.0 < place.0 + u16::from(place.1)
            };
            let from = usize::from(place.0);
            let phrase = text.phrase(from..from + usize::from(place.1));
            if !told.iter().any(|(other, words)| overlaps(other) || *words == phrase) {
                told.push((place, phrase));
            }
        }
        told.into_iter().map(|(_, phrase)| phrase).collect()
    }
}
