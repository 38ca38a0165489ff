//! What lies in `deploy/` speaks of things that there are.

use std::collections::BTreeSet;
use std::path::Path;

use log_store::Health;
use router::metrics::Metrics;

/// The names of our metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let letter = |it: char| it.is_ascii_lowercase() || it == '_';
    text.split(|it: char| !letter(it)).filter(|word| word.starts_with("switchboard_")).collect()
}

#[test]
fn every_metric_on_a_board_or_in_an_alert_exists() {
    let text = Metrics::new().encode(0, 0, &Health::default());
    let families: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(families.len() > 20, "{families:?}");
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    for file in ["prometheus/alerts.yml", "grafana/switchboard.json"] {
        let text = std::fs::read_to_string(deploy.join(file)).unwrap();
        let names = named(&text);
        assert!(names.len() >= 5, "{file} names {names:?}");
        for name in names {
            let family =
                ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            let there = families.contains(name) || family.is_some_and(|family| families.contains(family));
            assert!(there, "{file} names {name}, which there is not");
        }
    }
}

#[test]
fn the_board_is_json_with_panels() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/grafana/switchboard.json");
    let board: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(board["panels"].as_array().unwrap().len(), 8);
}
