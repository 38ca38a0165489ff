//! Understanding, on the machine and without a network: which language a message is in, what it wants, how it sounds.
//!
//! Text in, labels out; a label has its version, a confidence in thousandths, and the words that spoke for it. A message is
//! read once ([`text::Text`]) and costs some tens of microseconds, however long it is. There is no clock, no I/O and no
//! randomness here: models are compiled in or handed in as bytes, times are arguments.
//!
//! | module | what it is |
//! |---|---|
//! | [`text`] | a message, read once: words, marks, capitals |
//! | `features`, `linear`, `calibrate` | hashed n-grams, a linear model over them, probabilities from its scores |
//! | [`language`] | script, then a small model that ships; hints and an allow-list |
//! | [`intent`] | a model trained from a workspace's own examples, with out-of-scope |
//! | [`mood`] | valence and arousal from words and circumstances; how they fade |
//!
//! Nothing in here may be logged: labels and their reasons are made of somebody's words.

mod calibrate;
mod features;
pub mod intent;
pub mod language;
mod linear;
pub mod mood;
pub mod text;
mod wrong;

pub use wrong::{Damaged, Unfit};

/// Reads the models that ship, so that no message waits for it.
pub fn warm_up() {
    language::warm_up();
    mood::warm_up();
}
