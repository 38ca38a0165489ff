//! The configuration: TOML, and behind a line `---` variables of the environment. What is taken can be written and is
//! taken again; what is refused says where.

use router::config::{Config, Overrides};

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (file, variables) = text.split_once("\n---\n").unwrap_or((text, ""));
    let environment: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("SWITCHBOARD__{name}"), value.to_owned()))
        .collect();
    match Config::parse(file, environment.into_iter(), Overrides::default()) {
        Ok(config) => {
            let written = toml::to_string(&config).expect("settings that were taken can be written");
            let again = Config::parse(&written, std::iter::empty(), Overrides::default());
            assert_eq!(again.as_ref(), Ok(&config), "{written}");
            true
        }
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused without a reason");
            for fault in &errors.0 {
                assert!(fault.to_string().contains(": "), "a fault without a place: {fault}");
            }
            false
        }
    }
}
