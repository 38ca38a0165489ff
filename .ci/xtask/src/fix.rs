//! The verbs that write: `fix` formats and applies what clippy can, `types` writes what is generated.

use anyhow::{Context as _, Result, ensure};

use crate::step::{Step, Work, cargo};
use crate::{asyncapi, openapi, tree, types};

/// A file that is generated: its path in the checkout, and the text it must have.
struct Generated {
    path: &'static str,
    text: fn() -> String,
}

const GENERATED: [Generated; 3] = [
    Generated { path: "web/src/protocol.ts", text: types::text },
    Generated { path: "docs/asyncapi.json", text: asyncapi::text },
    Generated { path: "docs/openapi.json", text: openapi::text },
];

/// The steps of `fix`.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = generate();
    steps.push(cargo(
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged", "--quiet"],
        20,
    ));
    steps.push(cargo("fmt", &["fmt", "--all"], 2));
    steps
}

/// The steps of `types`.
pub(crate) fn generate() -> Vec<Step> {
    vec![Step { name: "generate", work: Work::Look(write) }]
}

fn write() -> Result<String> {
    let mut written = Vec::new();
    for file in &GENERATED {
        let path = tree::root().join(file.path);
        let text = (file.text)();
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", file.path))?;
            written.push(file.path);
        }
    }
    Ok(if written.is_empty() { "all up to date".to_owned() } else { format!("wrote {}", written.join(", ")) })
}

/// Whether the generated files in the checkout are what would be generated now.
pub(crate) fn fresh() -> Result<String> {
    let mut stale = Vec::new();
    for file in &GENERATED {
        let text = (file.text)();
        let found = std::fs::read_to_string(tree::root().join(file.path)).unwrap_or_default();
        if found != text {
            let line = found.lines().zip(text.lines()).take_while(|(old, new)| old == new).count() + 1;
            stale.push(format!("{} (from line {line})", file.path));
        }
    }
    ensure!(stale.is_empty(), "out of date: {}; `cargo xtask types` writes them anew", stale.join(", "));
    Ok(format!("{} files", GENERATED.len()))
}
