//! Fuzzing: the package `fuzz` built so that libFuzzer sees which ways its inputs take, and each of its targets run for a
//! while. Stable Rust does it all: the coverage is a pass of LLVM's, libFuzzer comes with `libfuzzer-sys`.

use crate::step::{Program, Step, Work, cargo};
use crate::tree;

/// The targets, as `fuzz/src/lib.rs` names them.
const TARGETS: [(&str, &str); 9] = [
    ("fuzz-condition", "condition"),
    ("fuzz-document", "document"),
    ("fuzz-frame", "frame"),
    ("fuzz-html", "html"),
    ("fuzz-mail", "mail"),
    ("fuzz-reply", "reply"),
    ("fuzz-report", "report"),
    ("fuzz-request", "request"),
    ("fuzz-settings", "settings"),
];

/// What LLVM writes into the program: counters of the ways taken, their places, and what is compared.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// For so long each, in seconds, unless `SWITCHBOARD_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 600;

/// Builds the fuzzer and runs every target.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![build()];
    steps.extend(TARGETS.map(|(step, target)| run(step, target)));
    steps
}

/// A named target keeps the flags away from build scripts and macros, which run on their own.
fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn build() -> Step {
    let triple = triple();
    let folder = tree::target().join("fuzz").display().to_string();
    let arguments = ["build", "--profile", "fuzz", "--package", "fuzz", "--features", "libfuzzer"];
    let places = ["--target", triple.as_str(), "--target-dir", folder.as_str()];
    let mut step = cargo("fuzz-build", &[&arguments[..], &places[..]].concat(), 40);
    if let Work::Program(program) = &mut step.work {
        program.variables.push(("RUSTFLAGS", COVERAGE.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    step
}

fn run(step: &'static str, target: &str) -> Step {
    let seconds = std::env::var("SWITCHBOARD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds: u64 = seconds.unwrap_or(SECONDS);
    let folder = tree::target().join("fuzz");
    // libFuzzer writes what it finds into the first folder and reads the others.
    let found = folder.join("corpus").join(target);
    let mut arguments = vec![
        format!("-max_total_time={seconds}"),
        "-max_len=4096".to_owned(),
        "-timeout=10".to_owned(),
        "-rss_limit_mb=2048".to_owned(),
        "-print_final_stats=1".to_owned(),
        format!("-artifact_prefix={}/{target}-", folder.display()),
        format!("-dict={}", tree::root().join("fuzz/words").join(target).display()),
        found.display().to_string(),
        tree::root().join("fuzz/corpus").join(target).display().to_string(),
    ];
    if target == "condition" {
        arguments.push(tree::root().join("policy/cel/corpus").display().to_string());
    }
    let program = folder.join(triple()).join("fuzz").join("fuzz");
    // It wants its folder to be there; that it cannot be made shows when it starts.
    std::fs::create_dir_all(&found).ok();
    let program = Program::new(program, arguments).minutes(seconds / 60 + 5);
    Step { name: step, work: Work::Program(program.with("SWITCHBOARD_FUZZ", target)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_step_a_corpus_and_its_words() {
        let source = std::fs::read_to_string(tree::root().join("fuzz/src/lib.rs")).expect("the targets");
        assert_eq!(source.matches("name: \"").count(), TARGETS.len());
        for (step, target) in TARGETS {
            assert_eq!(step, format!("fuzz-{target}"));
            assert!(source.contains(&format!("name: \"{target}\"")), "{target}");
            for beside in ["corpus", "words"] {
                assert!(tree::root().join("fuzz").join(beside).join(target).exists(), "{beside}/{target}");
            }
        }
    }
}
