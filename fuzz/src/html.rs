//! HTML of strangers: whatever it is, what is left after cleaning cannot run.

use std::collections::BTreeMap;

use connectors::email::html::{Images, clean, to_text};

/// What would begin something that runs, loads or posts.
const FORBIDDEN: [&str; 14] = [
    "<script",
    "<style",
    "<iframe",
    "<object",
    "<embed",
    "<form",
    "<input",
    "<base",
    "<meta",
    "<link",
    "<svg",
    "<math",
    "<!--",
    "<template",
];

/// Whether anything is left of it.
pub(crate) fn run(data: &[u8]) -> bool {
    let html = String::from_utf8_lossy(data);
    let cleaned = clean(&html, Images::Blocked, &BTreeMap::new()).html;
    let lower = cleaned.to_ascii_lowercase();
    for tag in FORBIDDEN {
        assert!(!lower.contains(tag), "{tag} is left in {cleaned:?}");
    }
    !to_text(&html).is_empty() && !cleaned.is_empty()
}
