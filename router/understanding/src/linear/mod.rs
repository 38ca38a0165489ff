//! A linear model over hashed features: for every feature a row with one small number for each class.
//!
//! ```text
//!   text ──> hits ──> rows (tf · idf, each block of length one) ──> Σ value · row ──> one score for each class
//!                                                         └───────> the same sum by word: why
//! ```
//!
//! Rows lie side by side, so that scoring a message reads one strip of memory a feature. Weights are kept in eight bits
//! with a scale for each class: a quarter of the memory, and no measurable loss.

mod because;
mod train;
mod wire;

use serde::{Deserialize, Serialize};

use crate::features::{Block, Hit, Shape};
use crate::text::Text;
use crate::wrong::Damaged;

pub(crate) use train::{Example, Settings, train};

/// No model has more features; what is rarer is left out.
pub(crate) const MOST_ROWS: usize = 65_535;
/// No model has more weights: 16 MiB.
pub(crate) const MOST_WEIGHTS: usize = 16 << 20;

/// A trained model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "wire::Wire", into = "wire::Wire")]
pub(crate) struct Linear {
    shape: Shape,
    /// The features it knows, in ascending order; the place is the row.
    keys: Vec<u32>,
    /// How telling a feature is, whatever the class: rare ones are more so.
    idf: Vec<f32>,
    weights: Vec<i8>,
    /// For each class, what a weight of one stands for.
    scale: Vec<f32>,
    bias: Vec<f32>,
    /// For each hashed number its row and one, or zero.
    index: Vec<u16>,
}

/// What a model knows of a text: every place of every feature, the places of a feature beside each other.
pub(crate) struct Sight(Vec<Seen>);

/// A feature of a text that the model knows.
#[derive(Debug, Clone, Copy)]
struct Seen {
    row: usize,
    value: f32,
    hit: Hit,
}

impl Linear {
    fn new(
        shape: Shape,
        keys: Vec<u32>,
        idf: Vec<f32>,
        weights: Vec<i8>,
        scale: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, Damaged> {
        let classes = scale.len();
        let sound = (8..=22).contains(&shape.bits)
            && keys.len() <= MOST_ROWS
            && keys.windows(2).all(|pair| pair[0] < pair[1])
            && keys.last().is_none_or(|last| *last < 1 << shape.bits)
            && idf.len() == keys.len()
            && bias.len() == classes
            && Some(weights.len()) == keys.len().checked_mul(classes)
            && [&idf, &scale, &bias].into_iter().flatten().all(|number| number.is_finite());
        if !sound {
            return Err(Damaged);
        }
        let mut index = vec![0u16; 1 << shape.bits];
        for (row, key) in keys.iter().enumerate() {
            index[*key as usize] = u16::try_from(row + 1).map_err(|_| Damaged)?;
        }
        Ok(Self { shape, keys, idf, weights, scale, bias, index })
    }

    /// The number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.scale.len()
    }

    /// The number of features it knows.
    pub(crate) fn rows(&self) -> usize {
        self.keys.len()
    }

    /// Looks at a text.
    pub(crate) fn see(&self, text: &Text) -> Sight {
        let known = |hit: Hit| {
            let row = self.index[hit.key as usize];
            (row > 0).then(|| Seen { row: usize::from(row) - 1, value: 0.0, hit })
        };
        let mut seen: Vec<Seen> = self.shape.hits(text).into_iter().filter_map(known).collect();
        seen.sort_unstable_by_key(|seen| (seen.row, seen.hit.from));
        values(&mut seen, |row| self.idf[row]);
        Sight(seen)
    }

    /// One score for each class.
    pub(crate) fn scores(&self, text: &Text) -> Vec<f32> {
        self.scores_of(&self.see(text))
    }

    fn row(&self, row: usize) -> &[i8] {
        let classes = self.classes();
        &self.weights[row * classes..(row + 1) * classes]
    }

    /// One score for each class, of what was seen.
    pub(crate) fn scores_of(&self, sight: &Sight) -> Vec<f32> {
        let mut sums = vec![0.0f32; self.classes()];
        for same in sight.0.chunk_by(|a, b| a.row == b.row) {
            let value: f32 = same.iter().map(|seen| seen.value).sum();
            for (sum, weight) in sums.iter_mut().zip(self.row(same[0].row)) {
                *sum += value * f32::from(*weight);
            }
        }
        for ((sum, scale), bias) in sums.iter_mut().zip(&self.scale).zip(&self.bias) {
            *sum = *sum * scale + bias;
        }
        sums
    }
}

/// Gives each place its share of its feature's value: `1 + ln(count)` times how telling it is, and each block of length one.
fn values(seen: &mut [Seen], idf: impl Fn(usize) -> f32) {
    let mut squares = [0.0f32; 2];
    for same in seen.chunk_by_mut(|a, b| a.row == b.row) {
        let count = same.len() as f32;
        let value = (1.0 + count.ln()) * idf(same[0].row);
        squares[same[0].hit.block as usize] += value * value;
        for seen in same {
            seen.value = value / count;
        }
    }
    let lengths = squares.map(|square| if square > 0.0 { square.sqrt() } else { 1.0 });
    for same in seen.chunk_by_mut(|a, b| a.row == b.row) {
        let length = lengths[same[0].hit.block as usize];
        for seen in same {
            seen.value /= length;
        }
    }
}

const _: () = assert!(Block::Words as usize == 0 && Block::Chars as usize == 1);
