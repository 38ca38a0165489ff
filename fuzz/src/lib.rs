//! What comes from outside, fed to what reads it. A target is a function over bytes that fails if the reader panics or
//! breaks its word: what it takes can be written and read again, what it refuses it says why, and no condition goes over
//! its budget.
//!
//! The tests play the committed corpus. `cargo xtask fuzz` looks for more with libFuzzer, and keeps what it finds in
//! `target/fuzz`; an input that broke something goes into the corpus with the change that mends it.

mod condition;
mod document;
mod frame;
mod html;
mod mail;
mod reply;
mod report;
mod request;
mod settings;

/// A reader of something from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    run: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "condition", run: condition::run },
    Target { name: "document", run: document::run },
    Target { name: "frame", run: frame::run },
    Target { name: "html", run: html::run },
    Target { name: "mail", run: mail::run },
    Target { name: "reply", run: reply::run },
    Target { name: "report", run: report::run },
    Target { name: "request", run: request::run },
    Target { name: "settings", run: settings::run },
];

impl Target {
    /// Feeds it; says whether the input was understood.
    ///
    /// # Panics
    /// If the reader breaks its word.
    #[must_use]
    pub fn run(&self, data: &[u8]) -> bool {
        (self.run)(data)
    }
}
