//! libFuzzer over one target, whose name stands in `SWITCHBOARD_FUZZ`.

#![no_main]

use std::sync::OnceLock;

use fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fn named() -> Target {
    let name = std::env::var("SWITCHBOARD_FUZZ").unwrap_or_default();
    let names = TARGETS.map(|target| target.name).join(", ");
    *TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("SWITCHBOARD_FUZZ names no target: there are {names}"))
}

fuzz_target!(|data: &[u8]| {
    // Understood or not: the corpus grows by what is new in either.
    let _ = TARGET.get_or_init(named).run(data);
});
