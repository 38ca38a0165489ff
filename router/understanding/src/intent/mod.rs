//! What a customer wants: one of the intents that a workspace has given examples of, or none of them.
//!
//! Trained from the workspace's own examples in seconds. A fifth of them is held out first, to learn how sure the scores may
//! be and from what score on a text is out of scope; then the model is trained on all.

mod train;

use serde::{Deserialize, Serialize};

use crate::calibrate::{per_mille, softmax};
use crate::linear::Linear;
use crate::text::Text;
use crate::wrong::Damaged;

pub use train::{MOST_EXAMPLES, MOST_INTENTS};

/// Examples of this intent fit no intent. They need not be given; if they are, they sharpen the border.
pub const OUT_OF_SCOPE: &str = "oos";

/// The version of what this file does; a model of another version is not read.
pub const VERSION: u16 = 1;

/// A text that is known to have an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The intent's name; [`OUT_OF_SCOPE`] for none.
    pub intent: String,
    /// What a customer wrote.
    pub text: String,
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The intent; none where the text is out of scope.
    pub name: Option<String>,
    /// The nearest intent, whether or not it is near enough.
    pub nearest: String,
    /// The probability of the nearest intent, in thousandths.
    pub confidence: u16,
    /// The words that spoke most for the nearest intent, the strongest first.
    pub because: Vec<String>,
    /// The version of the model; see [`Intents::version`].
    pub version: u32,
}

/// A workspace's model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Intents {
    format: u16,
    version: u32,
    names: Vec<String>,
    linear: Linear,
    sharpness: f32,
    /// Below this score a text is out of scope.
    floor: f32,
}

impl Intents {
    /// What a text wants.
    ///
    /// ```
    /// use understanding::intent::{Example, Intents};
    /// use understanding::text::Text;
    ///
    /// let example = |intent: &str, text: &str| Example { intent: intent.into(), text: text.into() };
    /// let intents = Intents::train(&[
    ///     example("parcel", "where is my parcel"),
    ///     example("parcel", "my parcel has not arrived yet"),
    ///     example("refund", "I want my money back"),
    ///     example("refund", "please refund the order"),
    /// ])?;
    /// let intent = intents.label(&Text::read("Has my parcel arrived?"));
    /// assert_eq!(intent.nearest, "parcel");
    /// assert!(intent.because.iter().any(|words| words.contains("parcel")));
    /// # Ok::<(), understanding::Unfit>(())
    /// ```
    #[must_use]
    pub fn label(&self, text: &Text) -> Intent {
        let sight = self.linear.see(text);
        let scores = self.linear.scores_of(&sight);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let first = order[0];
        let rivals = &order[..order.len().min(4)];
        let in_scope = scores[first] >= self.floor && !text.is_empty();
        let confidence = if text.is_empty() { 0 } else { per_mille(softmax(&scores, self.sharpness)[first]) };
        Intent {
            name: in_scope.then(|| self.names[first].clone()),
            nearest: self.names[first].clone(),
            confidence,
            because: self.linear.because(text, &sight, first, rivals),
            version: self.version,
        }
    }

    /// Names of the intents, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A number that changes with the examples: two models of the same examples have the same.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How many features the model knows.
    #[must_use]
    pub fn features(&self) -> usize {
        self.linear.rows()
    }

    /// The model as bytes.
    ///
    /// # Errors
    /// None in practice: memory is all that writing needs.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Damaged> {
        postcard::to_allocvec(self).map_err(|_| Damaged)
    }

    /// A model from bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are something else, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let model: Self = postcard::from_bytes(bytes).map_err(|_| Damaged)?;
        let sound = model.format == VERSION
            && model.names.len() == model.linear.classes()
            && !model.names.is_empty()
            && model.sharpness.is_finite()
            && model.floor.is_finite();
        if sound { Ok(model) } else { Err(Damaged) }
    }
}
