//! Every source of the corpus says in its last lines what is to come of it: `//> holds sometimes`, `//> always`,
//! `//> never`, or each fault with its place. A source that begins with `//! intake` is an intake rule's.

use std::fs;
use std::path::Path;

use policy_cel::{BUDGET, Condition, Environment};

#[test]
fn every_source_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 100, "the corpus has only {} sources", files.len());
    let mut wrong = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//> ")).collect();
        let source = text.split("//> ").next().unwrap().trim_end();
        let found = outcome(source);
        if found != expected {
            wrong += &format!("{}:\n  says  {expected:?}\n  comes {found:?}\n", file.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn outcome(source: &str) -> Vec<String> {
    let intake = source.starts_with("//! intake");
    let environment = if intake { Environment::intake() } else { Environment::step() };
    match Condition::compile(source, &environment) {
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
        Ok(condition) => {
            assert!(condition.cost() <= BUDGET, "{source}");
            let word = match (condition.always(), condition.never()) {
                (false, false) => "holds sometimes",
                (true, false) => "always",
                (false, true) => "never",
                (true, true) => "both, which cannot be",
            };
            vec![word.to_owned()]
        }
    }
}
