//! What lies in `deploy/` speaks of things that there are.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of our metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let letter = |it: char| it.is_ascii_lowercase() || it == '_';
    text.split(|it: char| !letter(it)).filter(|word| word.starts_with("switchboard_")).collect()
}

#[test]
fn every_metric_on_a_board_or_in_an_alert_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // As they are registered: one that has nothing to say yet is not shown.
    let registered = std::fs::read_to_string(root.join("src/metrics.rs")).unwrap();
    for file in ["prometheus/alerts.yml", "grafana/switchboard.json"] {
        let text = std::fs::read_to_string(root.join("../deploy").join(file)).unwrap();
        let names = named(&text);
        assert!(names.len() >= 5, "{file} names {names:?}");
        for name in names {
            let own = name.trim_start_matches("switchboard_");
            let family = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| own.strip_suffix(end));
            let there =
                [Some(own), family].into_iter().flatten().any(|it| registered.contains(&format!("\"{it}\"")));
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
