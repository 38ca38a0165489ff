//! House rules as tests that read the source: what a reviewer would have to look for in every change, once and for all.
//!
//! A rule is a function from a file, or from the tree, to the faults it found; its tests show it failing on a sample.

mod direction;
mod headers;
mod length;
mod licences;
mod links;
mod names;
mod paths;
mod purity;
mod tree;
mod words;
