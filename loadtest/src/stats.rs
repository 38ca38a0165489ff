//! What is said of few figures: medians, and how sure a median is.

use anyhow::Result;

use crate::figures::Times;
use crate::rng::Rng;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 4_000;

/// Latencies of samples in microseconds.
pub(crate) fn times(samples: &[u64]) -> Result<Times> {
    let mut times = Times::new()?;
    samples.iter().for_each(|sample| times.record(*sample));
    Ok(times)
}

/// The median; 0 where there is nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The 95 % bootstrap interval of the median.
pub(crate) fn interval(values: &[f64], seed: u64) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mut rng = Rng::new(seed, "bootstrap");
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let again: Vec<f64> = values.iter().map(|_| values[rng.below(values.len())]).collect();
            median(&again)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    (medians[RESAMPLES * 25 / 1_000], medians[RESAMPLES * 975 / 1_000])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_even_and_odd_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn the_interval_holds_the_median_and_narrows_with_agreement() {
        let spread = [0.5, 0.9, 1.0, 1.2, 1.6];
        let (low, high) = interval(&spread, 1);
        assert!(low <= 1.0 && high >= 1.0 && high - low > 0.2, "{low} {high}");
        assert_eq!(interval(&[1.1; 5], 1), (1.1, 1.1));
        assert_eq!(interval(&spread, 1), interval(&spread, 1), "same seed, same interval");
    }
}
