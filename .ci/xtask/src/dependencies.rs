//! Checks what we depend on by `.ci/deny.toml`: licences, banned crates, duplicate versions, sources.
//!
//! The file has the form that `cargo deny` reads, and `cargo deny --config .ci/deny.toml check` may be run beside this.
//! The gate does not need that program: building it takes longer than the rest of a quick check, while the three
//! questions above are answered by `cargo metadata` in a second and without a network. Advisories do need a database
//! from outside; they are checked where `cargo deny` is installed, and are said to be skipped where it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::licence;
use crate::tree;

/// What we run on.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Our rules; fields that only `cargo deny` reads are left to it.
#[derive(Deserialize)]
pub(crate) struct Rules {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Named>,
    #[serde(default)]
    skip: Vec<Named>,
}

/// A crate, as `name` or `name@version`, and why it stands here.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// What `cargo metadata` says of a package.
#[derive(Deserialize, Clone)]
pub(crate) struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// The step of the gate.
pub(crate) fn check() -> Result<String> {
    let path = tree::root().join(".ci/deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rules: Rules = toml::from_str(&text).context(".ci/deny.toml")?;
    let packages = packages()?;
    let faults = faults(&rules, &packages);
    ensure!(faults.is_empty(), "{} fault(s):\n  {}", faults.len(), faults.join("\n  "));
    Ok(format!("{} packages", packages.len()))
}

/// The advisories step: by `cargo deny` where it is installed, else plainly not.
pub(crate) fn advisories() -> Result<String> {
    let installed =
        Command::new("cargo-deny").arg("--version").output().is_ok_and(|output| output.status.success());
    if !installed {
        return Ok("skipped: the advisory database is read by cargo-deny, which is not installed".to_owned());
    }
    let output = Command::new("cargo-deny")
        .args(["--config", ".ci/deny.toml", "check", "advisories"])
        .current_dir(tree::root())
        .output()
        .context("cannot run cargo-deny")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("failed to fetch")
        || told.contains("failed to acquire")
        || told.contains("failed to clone")
    {
        return Ok("skipped: advisory database not reachable".to_owned());
    }
    ensure!(output.status.success(), "{}", told.trim());
    Ok("no advisory concerns us".to_owned())
}

/// The packages that are built for this workspace. `cargo metadata` knows their licences, but also lists packages of
/// features that are off; `cargo tree` knows which are built.
fn packages() -> Result<Vec<Package>> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM])?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--locked",
        "--target",
        PLATFORM,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    let built: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    ensure!(built.len() > 50, "cargo tree names only {} packages", built.len());
    let is_built = |package: &Package| built.contains(&(package.name.as_str(), package.version.as_str()));
    Ok(metadata.packages.into_iter().filter(is_built).collect())
}

/// Of a line such as `serde v1.0.228 (proc-macro)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(arguments).current_dir(tree::root()).output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo {}: {}",
        arguments[0],
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("cargo printed no text")
}

/// Everything that is wrong, one line each.
pub(crate) fn faults(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
        faults.extend(licence_fault(&rules.licenses, package));
        faults.extend(source_fault(&rules.sources, package));
        if let Some(ban) = rules.bans.deny.iter().find(|ban| names(&ban.name, package)) {
            faults.push(format!("{} {} is banned: {}", package.name, package.version, ban.reason));
        }
    }
    for (name, versions) in &versions {
        let skipped = |version: &&&str| {
            rules.bans.skip.iter().any(|skip| skip.name == **name || skip.name == format!("{name}@{version}"))
        };
        if versions.iter().filter(|version| !skipped(version)).count() > 1 {
            faults.push(format!("{name} is there in several versions: {versions:?}"));
        }
    }
    faults.extend(stale(rules, packages, &versions));
    faults
}

fn names(rule: &str, package: &Package) -> bool {
    match rule.split_once('@') {
        Some((name, version)) => name == package.name && version == package.version,
        None => rule == package.name,
    }
}

fn licence_fault(rules: &Licences, package: &Package) -> Option<String> {
    let id = format!("{} {}", package.name, package.version);
    let Some(expression) = &package.license else { return Some(format!("{id} names no licence")) };
    let allowed = |name: &str| {
        rules.allow.iter().any(|allowed| allowed == name)
            || rules.exceptions.iter().any(|exception| {
                exception.name == package.name && exception.allow.iter().any(|allowed| allowed == name)
            })
    };
    match licence::satisfied(expression, &allowed) {
        Some(true) => None,
        Some(false) => Some(format!("{id} is under {expression}, which is not allowed")),
        None => Some(format!("{id}: the licence `{expression}` cannot be read")),
    }
}

fn source_fault(rules: &Sources, package: &Package) -> Option<String> {
    // No source: a package of this checkout.
    let source = package.source.as_ref()?;
    let registry = source.strip_prefix("registry+").unwrap_or(source);
    let allowed = rules.allow_registry.iter().any(|allowed| allowed == registry);
    (!allowed).then(|| format!("{} {} comes from {source}", package.name, package.version))
}

/// Exceptions that nothing needs any more are taken out, so that the list stays honest.
fn stale(rules: &Rules, packages: &[Package], versions: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut faults = Vec::new();
    for skip in &rules.bans.skip {
        let name = skip.name.split('@').next().unwrap_or(&skip.name);
        let needed = packages.iter().any(|package| names(&skip.name, package))
            && versions.get(name).is_some_and(|versions| versions.len() > 1);
        if !needed {
            faults.push(format!(
                "bans.skip names {}, which is not doubled (any more): {}",
                skip.name, skip.reason
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "odd", allow = ["Zlib"] }]
        [bans]
        deny = [{ crate = "openssl", reason = "one TLS library" }]
        skip = [{ crate = "twice@1.0.0", reason = "until its users have moved" }]
        [sources]
        allow-registry = ["https://example.org/index"]
    "#;

    fn package(name: &str, version: &str, license: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some(license.to_owned()),
            source: Some("registry+https://example.org/index".to_owned()),
        }
    }

    fn judged(extra: Package) -> Vec<String> {
        let rules = toml::from_str(RULES).expect("rules");
        let twice = [package("twice", "1.0.0", "MIT"), package("twice", "2.0.0", "MIT")];
        faults(&rules, &[twice.as_slice(), &[extra]].concat())
    }

    #[test]
    fn sound_packages_have_no_fault() {
        assert_eq!(judged(package("plain", "1.0.0", "GPL-3.0 OR MIT")), Vec::<String>::new());
        assert_eq!(judged(package("odd", "1.0.0", "Zlib")), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found() {
        assert!(judged(package("plain", "1.0.0", "Zlib"))[0].contains("not allowed"));
        assert!(judged(package("plain", "1.0.0", "MIT OR"))[0].contains("cannot be read"));
        assert!(judged(Package { license: None, ..package("plain", "1.0.0", "") })[0].contains("no licence"));
        assert!(judged(package("openssl", "1.0.0", "MIT"))[0].contains("banned: one TLS library"));
        assert!(judged(package("twice", "3.0.0", "MIT"))[0].contains("several versions"));
        let elsewhere = Package {
            source: Some("git+https://example.org/x".to_owned()),
            ..package("plain", "1.0.0", "MIT")
        };
        assert!(judged(elsewhere)[0].contains("comes from git+"));
    }

    #[test]
    fn lines_of_the_tree_are_read() {
        assert_eq!(
            name_and_version("serde_derive v1.0.228 (proc-macro) (*)"),
            Some(("serde_derive", "1.0.228"))
        );
        assert_eq!(name_and_version(""), None);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_fault() {
        let rules = toml::from_str(RULES).expect("rules");
        let faults = faults(&rules, &[package("twice", "1.0.0", "MIT")]);
        assert!(faults[0].contains("not doubled"), "{faults:?}");
    }
}
