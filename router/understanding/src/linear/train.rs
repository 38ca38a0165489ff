//! Training: one class against the rest, with squared hinge loss, by dual coordinate descent.
//!
//! Source: Hsieh, Chang, Lin, Keerthi, Sundararajan, A Dual Coordinate Descent Method for Large-scale Linear SVM, ICML 2008
//! (algorithm 3, L2-loss, with shrinking). What is drawn at random is drawn by a fixed seed: the same examples give the
//! same model.

use super::{Linear, MOST_ROWS, MOST_WEIGHTS, Seen, values, wire};
use crate::features::Shape;
use crate::text::Text;

/// A text, and whether it is of a class.
pub(crate) trait Example {
    fn text(&self) -> &Text;
    fn is(&self, class: usize) -> bool;
}

/// How to train.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) shape: Shape,
    /// A feature that fewer examples have is left out.
    pub(crate) at_least: u32,
    /// The price of an error against the size of the weights (C).
    pub(crate) price: f32,
    /// Passes over the examples at most.
    pub(crate) passes: u32,
    /// No more features than this.
    pub(crate) most_rows: usize,
}

/// The features that a model will have.
struct Chosen {
    keys: Vec<u32>,
    idf: Vec<f32>,
}

/// Trains a model. Without an example or a class it is one that knows nothing.
pub(crate) fn train<E: Example>(examples: &[E], classes: usize, settings: &Settings) -> Linear {
    let most = settings.most_rows.min(MOST_ROWS).min(MOST_WEIGHTS / classes.max(1));
    let chosen = choose(examples, settings, most);
    let matrix = Matrix::new(examples, settings.shape, &chosen);
    let rows = chosen.keys.len();
    let mut weights = vec![0i8; rows * classes];
    let (mut scale, mut bias) = (vec![0.0; classes], vec![0.0; classes]);
    let mut solver = Solver::new(&matrix, rows, settings);
    for class in 0..classes {
        solver.solve(|at| examples[at].is(class));
        let largest = solver.weights[..rows].iter().fold(0.0f32, |most, weight| most.max(weight.abs()));
        scale[class] = largest / 127.0;
        bias[class] = solver.weights[rows];
        if largest > 0.0 {
            for (row, weight) in solver.weights[..rows].iter().enumerate() {
                weights[row * classes + class] = (weight / scale[class]).round() as i8;
            }
        }
    }
    Linear::new(settings.shape, chosen.keys, chosen.idf, weights, scale, bias).expect(
        "lengths come from the same counts, and sums of finite numbers within these bounds are finite",
    )
}

fn choose<E: Example>(examples: &[E], settings: &Settings, most: usize) -> Chosen {
    let mut counts = vec![0u32; 1 << settings.shape.bits];
    for example in examples {
        let mut keys: Vec<u32> = settings.shape.hits(example.text()).iter().map(|hit| hit.key).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            counts[key as usize] += 1;
        }
    }
    let mut chosen: Vec<(u32, u32)> = (0u32..)
        .zip(&counts)
        .filter(|(_, count)| **count >= settings.at_least)
        .map(|(key, count)| (key, *count))
        .collect();
    if chosen.len() > most {
        chosen.sort_unstable_by_key(|(key, count)| (core::cmp::Reverse(*count), *key));
        chosen.truncate(most);
        chosen.sort_unstable();
    }
    let all = examples.len() as f32;
    let idf = |count: u32| wire::rounded(((1.0 + all) / (1.0 + count as f32)).ln() + 1.0);
    Chosen {
        idf: chosen.iter().map(|(_, count)| idf(*count)).collect(),
        keys: chosen.into_iter().map(|(key, _)| key).collect(),
    }
}

/// The examples as rows and values, one after the other.
struct Matrix {
    starts: Vec<usize>,
    cells: Vec<(u32, f32)>,
    squares: Vec<f32>,
}

impl Matrix {
    fn new<E: Example>(examples: &[E], shape: Shape, chosen: &Chosen) -> Self {
        let mut index = vec![0u32; 1 << shape.bits];
        for (row, key) in (1u32..).zip(&chosen.keys) {
            index[*key as usize] = row;
        }
        let mut matrix = Self { starts: vec![0], cells: Vec::new(), squares: Vec::new() };
        for example in examples {
            let known = shape.hits(example.text()).into_iter().filter_map(|hit| {
                let row = index[hit.key as usize];
                (row > 0).then(|| Seen { row: row as usize - 1, value: 0.0, hit })
            });
            let mut seen: Vec<Seen> = known.collect();
            seen.sort_unstable_by_key(|seen| (seen.row, seen.hit.from));
            values(&mut seen, |row| chosen.idf[row]);
            let mut square = 1.0;
            for same in seen.chunk_by(|a, b| a.row == b.row) {
                let value: f32 = same.iter().map(|seen| seen.value).sum();
                square += value * value;
                matrix.cells.push((same[0].row as u32, value));
            }
            matrix.starts.push(matrix.cells.len());
            matrix.squares.push(square);
        }
        matrix
    }

    fn row(&self, example: usize) -> &[(u32, f32)] {
        &self.cells[self.starts[example]..self.starts[example + 1]]
    }
}

/// The weights of one class while they are sought; the last one is the bias.
struct Solver<'a> {
    matrix: &'a Matrix,
    weights: Vec<f32>,
    duals: Vec<f32>,
    order: Vec<u32>,
    /// One part of the diagonal: 1 / 2C.
    soft: f32,
    passes: u32,
}

/// Good enough: the gradients of one pass lie within this.
const EPSILON: f32 = 0.1;

impl<'a> Solver<'a> {
    fn new(matrix: &'a Matrix, rows: usize, settings: &Settings) -> Self {
        Self {
            matrix,
            weights: vec![0.0; rows + 1],
            duals: vec![0.0; matrix.squares.len()],
            order: Vec::with_capacity(matrix.squares.len()),
            soft: 0.5 / settings.price,
            passes: settings.passes,
        }
    }

    fn solve(&mut self, is: impl Fn(usize) -> bool) {
        let examples = self.duals.len();
        let signs: Vec<f32> = (0..examples).map(|at| if is(at) { 1.0 } else { -1.0 }).collect();
        self.weights.fill(0.0);
        self.duals.fill(0.0);
        self.order.clear();
        self.order.extend((0u32..).take(examples));
        let mut dice = 0x5eed_u64;
        let mut active = examples;
        let (mut high_before, mut passes) = (f32::INFINITY, 0);
        while passes < self.passes {
            passes += 1;
            let (mut high, mut low) = (f32::NEG_INFINITY, f32::INFINITY);
            let mut at = 0;
            while at < active {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let other = at + ((dice >> 33) as usize) % (active - at);
                self.order.swap(at, other);
                let example = self.order[at] as usize;
                let gradient = signs[example] * self.margin(example) - 1.0 + self.duals[example] * self.soft;
                if self.duals[example] <= 0.0 && gradient > high_before {
                    // It is far on the right side: passed by until the end.
                    active -= 1;
                    self.order.swap(at, active);
                    continue;
                }
                at += 1;
                let projected = if self.duals[example] <= 0.0 { gradient.min(0.0) } else { gradient };
                (high, low) = (high.max(projected), low.min(projected));
                if projected.abs() > 1e-12 {
                    self.step(example, signs[example], gradient);
                }
            }
            if high - low <= EPSILON {
                if active == examples {
                    break;
                }
                (active, high_before) = (examples, f32::INFINITY);
            } else {
                high_before = if high <= 0.0 { f32::INFINITY } else { high };
            }
        }
    }

    fn margin(&self, example: usize) -> f32 {
        let bias = self.weights[self.weights.len() - 1];
        self.matrix
            .row(example)
            .iter()
            .fold(bias, |sum, (row, value)| sum + self.weights[*row as usize] * value)
    }

    fn step(&mut self, example: usize, sign: f32, gradient: f32) {
        let before = self.duals[example];
        let after = (before - gradient / (self.matrix.squares[example] + self.soft)).max(0.0);
        self.duals[example] = after;
        let by = (after - before) * sign;
        for (row, value) in self.matrix.row(example) {
            self.weights[*row as usize] += by * value;
        }
        let bias = self.weights.len() - 1;
        self.weights[bias] += by;
    }
}
