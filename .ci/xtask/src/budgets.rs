//! What a page may weigh: the scripts it loads before it can be used, packed with gzip, in bytes.
//!
//! A page's scripts are those that its HTML names, `modulepreload` included; what it loads later, on a click, is free.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::tree;

/// A page by the name of its HTML file, and its budget. A customer's page gets the least.
const PAGES: [(&str, usize); 3] = [("widget", 25_000), ("console", 90_000), ("dashboard", 60_000)];
/// The script that a company puts into its own pages.
const EMBED: (&str, usize) = ("embed", 2_000);

/// The step of the gate.
pub(crate) fn check() -> Result<String> {
    let dist = tree::root().join("web/dist");
    let files = files(&dist).context("web/dist: `npm run build` makes it")?;
    let mut told = Vec::new();
    let mut over = Vec::new();
    for (page, budget) in PAGES {
        let html = find(&files, page, "html").with_context(|| format!("web/dist has no {page}.html"))?;
        let text = std::fs::read_to_string(html)?;
        let mut bytes = 0;
        for script in scripts(&text) {
            let name = Path::new(script).file_name().context("a script has a name")?;
            let file = files.iter().find(|file| file.file_name() == Some(name));
            bytes +=
                packed(file.with_context(|| format!("{page}.html names {script}, which is not there"))?)?;
        }
        ensure!(bytes > 0, "{page}.html names no script");
        told.push(format!("{page} {bytes}"));
        over.extend((bytes > budget).then(|| format!("{page}: {bytes} bytes, more than {budget}")));
    }
    let (name, budget) = EMBED;
    let bytes = packed(find(&files, name, "js").context("web/dist has no embed.js")?)?;
    told.push(format!("{name} {bytes}"));
    over.extend((bytes > budget).then(|| format!("{name}: {bytes} bytes, more than {budget}")));
    ensure!(over.is_empty(), "{}", over.join("; "));
    Ok(format!("bytes packed: {}", told.join(", ")))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// `<name>.<ending>`, or `<name>/index.<ending>`, or `<name>-<hash>.<ending>`.
fn find<'a>(files: &'a [PathBuf], name: &str, ending: &str) -> Option<&'a PathBuf> {
    files.iter().find(|file| {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = file.parent().and_then(Path::file_name);
        let named = stem == name
            || stem.starts_with(&format!("{name}-"))
            || (stem == "index" && folder == Some(name.as_ref()));
        named && file.extension().is_some_and(|found| found == ending)
    })
}

/// Scripts that an HTML text names.
fn scripts(html: &str) -> Vec<&str> {
    html.split('<')
        .filter(|tag| tag.starts_with("script") || (tag.starts_with("link") && tag.contains("modulepreload")))
        .flat_map(|tag| tag.split(['"', '\'']))
        .filter(|value| value.ends_with(".js"))
        .collect()
}

fn packed(file: &Path) -> Result<usize> {
    let bytes = std::fs::read(file)?;
    let mut gzip = Command::new("gzip")
        .args(["-9", "-n", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run gzip")?;
    let mut input = gzip.stdin.take().context("gzip has no standard input")?;
    let writing = std::thread::spawn(move || input.write_all(&bytes));
    let output = gzip.wait_with_output()?;
    ensure!(writing.join().is_ok_and(|written| written.is_ok()) && output.status.success(), "gzip failed");
    Ok(output.stdout.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_a_page_are_found() {
        let html = r#"<link rel="stylesheet" href="/a.css"><link rel="modulepreload" href="/assets/b-1.js">
            <script type="module" src='/assets/a-1.js'></script><p>"c.js"</p><link rel="prefetch" href="d.js">"#;
        assert_eq!(scripts(html), ["/assets/b-1.js", "/assets/a-1.js"]);
    }

    #[test]
    fn pages_are_found_by_their_names() {
        let files: Vec<PathBuf> =
            ["d/console/index.html", "d/embed-x1.js", "d/widget.html", "d/widgets.html"]
                .map(PathBuf::from)
                .into();
        assert_eq!(find(&files, "widget", "html"), Some(&files[2]));
        assert_eq!(find(&files, "console", "html"), Some(&files[0]));
        assert_eq!(find(&files, "embed", "js"), Some(&files[1]));
        assert_eq!(find(&files, "dashboard", "html"), None);
    }

    #[test]
    fn packing_makes_it_smaller() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.js");
        std::fs::write(&file, "x".repeat(300_000)).expect("written");
        assert!((20..5_000).contains(&packed(&file).expect("packed")));
    }
}
