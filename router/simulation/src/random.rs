//! Random numbers by seed: one independent stream for each purpose and each thing, so that what is drawn for one never
//! depends on how much was drawn for another (common random numbers).

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The times at which a class arrives.
    Arrivals = 1,
    /// Work, patience and outcome of one contact.
    Fate = 2,
    /// When bursts begin and end.
    Bursts = 3,
    /// When an agent walks off and comes back.
    Presence = 4,
    /// How long a customer of recorded traffic would have waited.
    Patience = 7,
    /// How long an agent of recorded traffic takes to answer an offer.
    Answer = 8,
    /// One draw of a promise.
    Promise = 5,
    /// Who is asked for the promise.
    Asked = 6,
}

/// SplitMix64: it passes the usual batteries, and any state is a good one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream(u64);

/// A rest is drawn by trying wholes, so often at most.
const RESTS_TRIED: u32 = 16;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of one thing for one purpose.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, thing: u64) -> Self {
        let start = mix(seed.wrapping_add(GOLDEN));
        let start = mix(start ^ (purpose as u64).wrapping_mul(GOLDEN));
        Self(mix(start ^ mix(thing.wrapping_add(GOLDEN))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Between 0 and 1, and never either of them.
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// Log-normally distributed with this mean and coefficient of variation.
    pub fn log_normal(&mut self, mean: f64, cv: f64) -> f64 {
        let variance = (cv * cv).ln_1p();
        mean * (variance.sqrt() * self.normal() - variance / 2.0).exp()
    }

    /// What is left of a time of this mean and coefficient of variation of which so much has passed: exponential where the
    /// coefficient is about 1, else log-normal.
    pub fn rest(&mut self, mean: f64, cv: f64, passed: f64) -> f64 {
        if (0.85..1.15).contains(&cv) {
            return self.exponential(mean);
        }
        for _ in 0..RESTS_TRIED {
            let whole = self.log_normal(mean, cv);
            if whole > passed {
                return whole - passed;
            }
        }
        // It has gone on for longer than nearly all do: as much again as an ordinary one.
        self.exponential(mean)
    }

    /// One of so many; 0 where there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_each_argument() {
        let draw = |seed, purpose, thing| {
            let mut stream = Stream::new(seed, purpose, thing);
            (0..4).map(|_| stream.next()).collect::<Vec<_>>()
        };
        let one = draw(1, Purpose::Fate, 1);
        assert_eq!(one, draw(1, Purpose::Fate, 1));
        for other in [draw(2, Purpose::Fate, 1), draw(1, Purpose::Arrivals, 1), draw(1, Purpose::Fate, 2)] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn means_and_spreads_are_those_asked_for() {
        let mut stream = Stream::new(7, Purpose::Fate, 0);
        let many = 200_000;
        let moments = |draws: Vec<f64>| {
            let mean = draws.iter().sum::<f64>() / f64::from(many);
            let variance = draws.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / f64::from(many);
            (mean, variance.sqrt() / mean)
        };
        let (mean, cv) = moments((0..many).map(|_| stream.exponential(3.0)).collect());
        assert!((mean - 3.0).abs() < 0.03 && (cv - 1.0).abs() < 0.01, "{mean} {cv}");
        let (mean, cv) = moments((0..many).map(|_| stream.log_normal(3.0, 0.5)).collect());
        assert!((mean - 3.0).abs() < 0.02 && (cv - 0.5).abs() < 0.01, "{mean} {cv}");
        assert!((0..1_000).all(|_| stream.below(3) < 3));
        assert_eq!(stream.below(0), 0);
    }
}
