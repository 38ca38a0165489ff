//! Who should get a conversation, on which channel, and until when. Pure rules: no clock, no I/O, no threads, no
//! randomness, no floating point, no hash order. Time comes in as an argument.
// The schema derives (used by the generators of documents only) expand to std paths.
#![cfg_attr(not(feature = "schema"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod id;
pub mod time;
