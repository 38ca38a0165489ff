//! From mean and spread of a wait to what is told.
//!
//! A wait is a sum of many times, so its distribution is taken as a gamma with that mean and variance. Its quantiles come
//! by the cube-root approximation of Wilson and Hilferty (1931): `k (1 − 1/(9k) + z / (3 √k))³` for shape `k`, good to two
//! per cent from `k = 1` on.

use engine::state::{Basis, Promise};

/// Waits above this are told as this: nobody believes more exact ones.
const WAIT_MAX_S: f64 = 24.0 * 3_600.0;
/// The 90th percentile of the normal distribution.
const Z90: f64 = 1.2816;

/// A wait from now on, in seconds, as it was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wait {
    /// The mean.
    pub mean_s: f64,
    /// The variance.
    pub variance: f64,
    /// Where it comes from.
    pub basis: Basis,
}

impl Wait {
    /// What is told of it: the 90th percentile corrected by an offset in millionths of a natural logarithm, both rounded as
    /// people say it.
    #[must_use]
    pub fn promise(&self, offset: i64) -> Promise {
        let (median, p90) = (self.quantile(0.0), self.quantile(Z90) * (offset as f64 / 1e6).exp());
        let p90_s = rounded(p90).max(rounded(median));
        Promise {
            median_s: rounded(median),
            p90_s,
            mean_s: self.mean_s.clamp(0.0, WAIT_MAX_S).round() as u32,
            basis: self.basis,
        }
    }

    /// The quantile that lies so many deviations of a normal distribution from its middle.
    fn quantile(&self, z: f64) -> f64 {
        let variance = self.variance.max(self.mean_s * 1e-3);
        let shape = (self.mean_s * self.mean_s / variance).clamp(1e-3, 1e9);
        let cube = (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt())).max(0.0);
        (self.mean_s * cube.powi(3)).clamp(0.0, WAIT_MAX_S)
    }
}

/// To what people say: 5 seconds up to a minute, half minutes up to five, minutes beyond.
#[must_use]
pub fn rounded(seconds: f64) -> u32 {
    let step = match seconds {
        ..=60.0 => 5.0,
        ..=300.0 => 30.0,
        _ => 60.0,
    };
    ((seconds / step).ceil().max(1.0) * step) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(mean_s: f64, variance: f64) -> Wait {
        Wait { mean_s, variance, basis: Basis::Played }
    }

    #[test]
    fn quantiles_are_the_gamma_distributions() {
        // Shape 1 is the exponential: median 0.693, 90th percentile 2.303 means; shape 10: 0.9669 and 1.4206.
        for (shape, median, p90) in [(1.0, 0.693, 2.303), (10.0, 0.9669, 1.4206)] {
            let it = wait(1_000.0, 1e6 / shape);
            assert!((it.quantile(0.0) / 1_000.0 - median).abs() <= median * 0.03, "{}", it.quantile(0.0));
            assert!((it.quantile(Z90) / 1_000.0 - p90).abs() <= p90 * 0.02, "{}", it.quantile(Z90));
        }
    }

    #[test]
    fn what_is_told_is_a_range_that_people_say() {
        let told = wait(100.0, 5_000.0).promise(0);
        assert_eq!((told.median_s, told.p90_s, told.mean_s), (90, 210, 100));
        assert!(wait(100.0, 5_000.0).promise(300_000).p90_s > told.p90_s);
        let least = wait(100.0, 5_000.0).promise(-1_500_000);
        assert_eq!(least.p90_s, least.median_s);
        assert_eq!(wait(0.0, 0.0).promise(0).p90_s, 5);
        assert_eq!(wait(1e9, 1e9).promise(0).p90_s, 86_400);
    }
}
