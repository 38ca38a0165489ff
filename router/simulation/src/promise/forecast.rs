//! Many draws, summed up: the mean wait of each who waits and of newcomers, and how far it spreads.

use std::collections::BTreeMap;

use engine::state::Basis;
use policy::id::ConversationId;
use policy::matching::Needs;

use super::present::Present;
use super::replay::{Drawn, draw};
use super::wait::Wait;

/// Steps of all draws together; a step is a few microseconds, so that an estimate stays below ten milliseconds.
const STEPS: usize = 3_000;
/// Draws, whatever they take, and where more tell nothing new.
const DRAWS: (usize, usize) = (4, 48);
/// Of one who waits so many draws weigh as much as what the class says of the spread.
const STEADY: f64 = 12.0;

/// The waits of a present, as they were estimated.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Of each who waits; who is not here is not served as things stand.
    pub waiting: BTreeMap<ConversationId, Wait>,
    /// Of one who came now, by class, with how many come a second.
    pub newcomers: BTreeMap<Needs, (Wait, f64)>,
    /// How often it was played.
    pub draws: usize,
    /// How much was done for it.
    pub steps: usize,
}

impl Forecast {
    /// Of one who came to a queue now: of the class of which most come.
    #[must_use]
    pub fn newcomer(&self, queue: &str) -> Option<Wait> {
        let of = self.newcomers.iter().filter(|(needs, _)| &*needs.queue == queue).map(|(_, of)| of);
        of.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(wait, _)| *wait)
    }
}

/// Estimates all waits of a present. The same present and seed give the same estimate.
#[must_use]
pub fn forecast(present: &Present, seed: u64) -> Forecast {
    let mut drawn: Vec<Drawn> = Vec::new();
    let mut steps = 0;
    while drawn.len() < DRAWS.1 && (drawn.len() < DRAWS.0 || steps + steps / drawn.len() <= STEPS) {
        let next = draw(present, seed, drawn.len() as u64, STEPS);
        steps += next.steps;
        drawn.push(next);
        if drawn.len() < DRAWS.0 && steps > 2 * STEPS {
            break;
        }
    }
    let sums = Sums::of(present, &drawn);
    let lines = present.waiting.iter().enumerate();
    let waiting = lines.filter_map(|(one, line)| Some((line.conversation, sums.wait(one)?))).collect();
    let classes = present.classes.iter().zip(present.waiting.len()..);
    let newcomer =
        |class: &super::present::Class, one| Some((class.needs.clone(), (sums.wait(one)?, class.rate)));
    let newcomers = classes.filter_map(|(class, one)| newcomer(class, one)).collect();
    Forecast { waiting, newcomers, draws: drawn.len(), steps }
}

/// Mean and variance of each, over the draws.
struct Sums {
    each: Vec<Option<(f64, f64)>>,
    class: Vec<usize>,
    /// Variance by mean, of each class: where every wait is a sum of like times, it is the same for all of a line.
    dispersion: Vec<f64>,
    weight: f64,
}

impl Sums {
    fn of(present: &Present, drawn: &[Drawn]) -> Self {
        let many = drawn.len() as f64;
        let tracked = present.waiting.len() + present.classes.len();
        let moments = |one: usize| {
            let waits: Vec<f64> = drawn.iter().filter_map(|it| it.waits[one]).collect();
            // Who is not served in nearly every draw is promised nothing.
            if waits.len() * 10 < drawn.len() * 9 {
                return None;
            }
            let mean = waits.iter().sum::<f64>() / waits.len() as f64;
            let squares: f64 = waits.iter().map(|wait| (wait - mean).powi(2)).sum();
            Some((mean, squares / (waits.len() as f64 - 1.0).max(1.0)))
        };
        let each: Vec<_> = (0..tracked).map(moments).collect();
        let class: Vec<usize> =
            present.waiting.iter().map(|line| line.class).chain(0..present.classes.len()).collect();
        let mut sums = vec![(0.0, 0.0); present.classes.len()];
        for (moments, class) in each.iter().zip(&class) {
            if let Some((mean, variance)) = moments {
                sums[*class].0 += variance;
                sums[*class].1 += mean;
            }
        }
        let dispersion = sums.into_iter().map(|(variance, mean)| variance / f64::max(mean, 1e-9)).collect();
        Self { each, class, dispersion, weight: many / (many + STEADY) }
    }

    fn wait(&self, one: usize) -> Option<Wait> {
        let (mean_s, own) = self.each[one]?;
        let shared = self.dispersion[self.class[one]] * mean_s;
        let variance = self.weight * own + (1.0 - self.weight) * shared;
        Some(Wait { mean_s, variance, basis: Basis::Played })
    }
}
