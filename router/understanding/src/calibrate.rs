//! From scores to probabilities, by what was right on examples that the scores did not come from.

/// One number for all classes: probabilities are the softmax of the scores times this (temperature scaling: Guo and others,
/// On Calibration of Modern Neural Networks, ICML 2017). It does not change which class is first.
pub(crate) fn sharpness(held_out: &[(Vec<f32>, usize)]) -> f32 {
    if held_out.is_empty() {
        return 1.0;
    }
    // The loss has one valley in the logarithm of the number; thirds are cut off until it is found.
    let loss = |log: f32| -> f64 {
        let sharpness = log.exp();
        held_out
            .iter()
            .map(|(scores, right)| -f64::from(softmax(scores, sharpness)[*right].max(1e-9).ln()))
            .sum()
    };
    let (mut low, mut high) = (-3.0f32, 4.0f32);
    for _ in 0..30 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f32::midpoint(low, high).exp()
}

/// Probabilities that sum to one.
pub(crate) fn softmax(scores: &[f32], sharpness: f32) -> Vec<f32> {
    let most = scores.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    let powers: Vec<f32> = scores.iter().map(|score| ((score - most) * sharpness).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// A line from a score to log-odds (Platt, 1999), found by Newton's method with a little weight decay.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Line {
    pub(crate) slope: f32,
    pub(crate) offset: f32,
}

impl Line {
    pub(crate) fn fit(held_out: &[(f32, bool)]) -> Self {
        let (mut slope, mut offset) = (1.0f64, 0.0f64);
        const DECAY: f64 = 1e-3;
        for _ in 0..50 {
            let (mut gs, mut go, mut hss, mut hso, mut hoo) =
                (DECAY * slope, DECAY * offset, DECAY, 0.0, DECAY);
            for (score, right) in held_out {
                let score = f64::from(*score);
                let p = 1.0 / (1.0 + (-(slope * score + offset)).exp());
                let (miss, weight) = (p - f64::from(u8::from(*right)), p * (1.0 - p));
                gs += miss * score;
                go += miss;
                hss += weight * score * score;
                hso += weight * score;
                hoo += weight;
            }
            let determinant = hss * hoo - hso * hso;
            if determinant <= f64::EPSILON {
                break;
            }
            let (by_slope, by_offset) =
                ((hoo * gs - hso * go) / determinant, (hss * go - hso * gs) / determinant);
            slope -= by_slope.clamp(-2.0, 2.0);
            offset -= by_offset.clamp(-2.0, 2.0);
            if by_slope.abs() + by_offset.abs() < 1e-9 {
                break;
            }
        }
        Self { slope: slope as f32, offset: offset as f32 }
    }

    /// The log-odds of a score.
    pub(crate) fn odds(&self, score: f32) -> f32 {
        self.slope * score + self.offset
    }
}

/// The probability of log-odds.
pub(crate) fn probability(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

/// A probability as a whole number of thousandths.
pub(crate) fn per_mille(probability: f32) -> u16 {
    (probability.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_comes_from_being_wrong() {
        let sure = vec![(vec![3.0, 0.0], 0); 50];
        let mut mixed = sure.clone();
        mixed.extend(vec![(vec![3.0, 0.0], 1); 50]);
        assert!(sharpness(&sure) > 10.0, "always right: as sharp as may be");
        let half = softmax(&[3.0, 0.0], sharpness(&mixed));
        assert!((half[0] - 0.5).abs() < 0.05, "right every second time: {half:?}");
    }

    #[test]
    fn a_line_finds_the_odds() {
        let seen: Vec<(f32, bool)> = (0..1000)
            .map(|at| (if at % 2 == 0 { 1.0 } else { -1.0 }, at % 10 < if at % 2 == 0 { 9 } else { 2 }))
            .collect();
        let line = Line::fit(&seen);
        let told = |score| probability(line.odds(score));
        let share = |score: f32| {
            let of: Vec<_> = seen.iter().filter(|(other, _)| *other == score).collect();
            of.iter().filter(|(_, right)| *right).count() as f32 / of.len() as f32
        };
        assert!((told(1.0) - share(1.0)).abs() < 0.01 && (told(-1.0) - share(-1.0)).abs() < 0.01);
    }

    #[test]
    fn thousandths_stay_within_bounds() {
        assert_eq!((per_mille(-1.0), per_mille(0.1234), per_mille(7.0)), (0, 123, 1000));
        assert_eq!(per_mille(f32::NAN), 0);
    }
}
