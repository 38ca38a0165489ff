//! The form in which a model is kept: numbers as the step from the one before, so that most take a byte or two.

use serde::{Deserialize, Serialize};

use super::Linear;
use crate::features::Shape;
use crate::wrong::Damaged;

/// What is written.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    shape: Shape,
    steps: Vec<u32>,
    /// In 64ths, which is finer than it matters.
    idf: Vec<u16>,
    #[serde(with = "bytes")]
    weights: Vec<i8>,
    scale: Vec<f32>,
    bias: Vec<f32>,
}

/// Rounded as it will be read again, so that a model does the same before and after it was written.
pub(super) fn rounded(idf: f32) -> f32 {
    (idf * 64.0).round().clamp(0.0, 65_535.0) / 64.0
}

impl From<Linear> for Wire {
    fn from(model: Linear) -> Self {
        let mut before = 0;
        let steps = model.keys.iter().map(|key| key - core::mem::replace(&mut before, *key)).collect();
        Self {
            shape: model.shape,
            steps,
            idf: model.idf.iter().map(|idf| (idf * 64.0) as u16).collect(),
            weights: model.weights,
            scale: model.scale,
            bias: model.bias,
        }
    }
}

impl TryFrom<Wire> for Linear {
    type Error = Damaged;

    fn try_from(wire: Wire) -> Result<Self, Damaged> {
        let mut keys = Vec::with_capacity(wire.steps.len());
        let mut last = 0u32;
        for step in wire.steps {
            last = last.checked_add(step).ok_or(Damaged)?;
            keys.push(last);
        }
        let idf = wire.idf.iter().map(|idf| f32::from(*idf) / 64.0).collect();
        Self::new(wire.shape, keys, idf, wire.weights, wire.scale, wire.bias)
    }
}

/// Weights as one run of bytes.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(weights: &[i8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&weights.iter().map(|weight| weight.to_le_bytes()[0]).collect::<Vec<u8>>())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<i8>, D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        Ok(bytes.iter().map(|byte| i8::from_le_bytes([*byte])).collect())
    }
}
