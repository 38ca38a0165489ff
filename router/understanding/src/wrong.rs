//! What may go wrong: examples that no model can be made of, and bytes that are no model.

/// A model that was read is none: cut short, changed, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no model of this version; train it again from its examples")]
pub struct Damaged;

/// Examples that no model can be trained on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing can be told apart.
    #[error("{0} intents with examples: give at least two intents, with two examples each")]
    TooFewIntents(usize),
    /// An intent that nothing can be learned of.
    #[error("the intent {0:?} has {1} examples: give at least two")]
    TooFewExamples(String, usize),
    /// Training would take too long.
    #[error("{given} examples in {intents} intents: give at most {most} examples and {most_intents} intents")]
    TooMany {
        /// Examples given.
        given: usize,
        /// Intents given.
        intents: usize,
        /// Examples taken.
        most: usize,
        /// Intents taken.
        most_intents: usize,
    },
}
