//! Builds the pages into `OUT_DIR/pages`, and lists them in `OUT_DIR/pages.rs`, to be embedded. Without Node the build
//! still succeeds, with a page that says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=SWITCHBOARD_PAGES");
    println!("cargo:rerun-if-changed=build.rs");
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    watch(&web);
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let out = folder.join("pages");
    let made = match env::var_os("SWITCHBOARD_PAGES") {
        Some(folder) => {
            println!("cargo:rerun-if-changed={}", Path::new(&folder).display());
            drop(fs::remove_dir_all(&out));
            copy(Path::new(&folder), &out).map_err(|error| format!("SWITCHBOARD_PAGES: {error}"))
        }
        None => build(&web, &out),
    };
    if let Err(reason) = made {
        println!(
            "cargo:warning=the pages are not built ({reason}): install Node 20.19 or later with npm, then build again"
        );
        let notice = "<!doctype html><meta charset=utf-8><title>Switchboard</title><p>The pages are not built into this \
                      program: install Node 20.19 or later with npm, then build it again. The API works.";
        // Try again with the next build: a path that is not there always counts as changed.
        println!("cargo:rerun-if-changed={}", out.join("not-built").display());
        // Nothing of an earlier build stays beside the notice.
        drop(fs::remove_dir_all(&out));
        drop(fs::create_dir_all(&out));
        drop(fs::write(out.join("index.html"), notice));
    }
    let mut files = Vec::new();
    list(&out, "", &mut files);
    files.sort();
    let rows: String =
        files.iter().map(|(name, path)| format!("    ({name:?}, include_bytes!({path:?})),\n")).collect();
    let table = format!("static FILES: [(&str, &[u8]); {}] = [\n{rows}];\n", files.len());
    if let Err(error) = fs::write(folder.join("pages.rs"), table) {
        println!("cargo:error=the list of pages cannot be written: {error}");
    }
}

/// All files in a folder: the name under which each is served, and where it is.
fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, entry.path()));
        }
    }
}

/// Everything in `web/` but what is installed or only tests it; a folder stands for all that is in it.
fn watch(web: &Path) {
    // Also while it is missing: then it is looked for at each build.
    println!("cargo:rerun-if-changed={}", web.join("package.json").display());
    let Ok(entries) = fs::read_dir(web) else { return };
    for entry in entries.flatten() {
        if !matches!(entry.file_name().to_str(), Some("node_modules" | "dist" | "test")) {
            println!("cargo:rerun-if-changed={}", entry.path().display());
        }
    }
}

fn build(web: &Path, out: &Path) -> Result<(), String> {
    if !web.join("package.json").exists() {
        return Err("there is no web/package.json".into());
    }
    let npm = |arguments: &[&str]| -> Result<(), String> {
        let output = Command::new("npm")
            .args(arguments)
            .current_dir(web)
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = text.lines().rev().take(6).collect();
        Err(format!(
            "npm {}: {}",
            arguments.join(" "),
            lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
        ))
    };
    let (lock, installed) = (web.join("package-lock.json"), web.join("node_modules/.package-lock.json"));
    let time = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    if time(&installed) < time(&lock) || !web.join("node_modules/.bin/vite").exists() {
        npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    }
    let target = out.display().to_string();
    npm(&["run", "build", "--", "--outDir", &target, "--emptyOutDir"])
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
