//! Settings: built-in, then one TOML file, then the environment (`SWITCHBOARD__SECTION__KEY`), then flags. Everything that
//! is wrong is told in one run, with its place and the nearest name.

mod faults;
mod settings;

use std::path::{Path, PathBuf};

use log_store::Level;
use toml::Value;

pub use faults::{ConfigErrors, Fault};
pub use settings::{Cidr, Config, Limits, LogFormat, LogSettings, Retention, Sessions, Snapshots, Tls};

/// What flags say; they win.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<std::net::SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--level`
    pub level: Option<String>,
}

impl Config {
    /// Reads settings from all places.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigErrors> {
        let mut faults = Vec::new();
        let mut table = toml::Table::new();
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => table = faults::read(path, &text, &mut faults),
                Err(error) => faults.push(Fault::at(&path.display().to_string(), error.to_string())),
            }
        }
        let mut load_limits = false;
        for (name, value) in environment {
            if name == "SWITCHBOARD_LIMITS" && value == "load" {
                load_limits = true;
            } else if let Some(path) = name.strip_prefix("SWITCHBOARD__") {
                set_from_environment(&mut table, &name, path, &value, &mut faults);
            }
        }
        faults::check_names(&table, &mut faults);
        let mut config = match Value::Table(table).try_into::<Self>() {
            Ok(config) => config,
            Err(error) => {
                if faults.is_empty() {
                    faults.push(Fault::at("settings", error.message().to_owned()));
                }
                Self::default()
            }
        };
        if load_limits {
            config.limits.raise_for_load();
        }
        if let Some(listen) = overrides.listen {
            config.listen = listen;
        }
        if let Some(data) = overrides.data {
            config.data = data;
        }
        if let Some(level) = overrides.level {
            config.level = level;
        }
        config.check(&mut faults);
        if faults.is_empty() { Ok(config) } else { Err(ConfigErrors(faults)) }
    }

    /// How to open the store.
    ///
    /// # Errors
    /// If the level is not one.
    pub fn store_options(&self) -> anyhow::Result<log_store::Options> {
        Ok(log_store::Options {
            path: self.data.clone(),
            level: self.level.parse::<Level>()?,
            archive_days: self.retention.events_days,
        })
    }
}

fn set_from_environment(
    table: &mut toml::Table,
    name: &str,
    path: &str,
    value: &str,
    faults: &mut Vec<Fault>,
) {
    let keys: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
    let Some((last, sections)) = keys.split_last() else { return };
    let mut here = table;
    for section in sections {
        let entry = here.entry(section.clone()).or_insert_with(|| Value::Table(toml::Table::new()));
        let Value::Table(inner) = entry else {
            faults.push(Fault::at(name, format!("`{section}` is no section")));
            return;
        };
        here = inner;
    }
    // A number, a truth value or a list is written as in TOML; everything else is text.
    let text = format!("value = {value}");
    let parsed = text.parse::<toml::Table>().ok().and_then(|mut it| it.remove("value"));
    here.insert(last.clone(), parsed.unwrap_or_else(|| Value::String(value.to_owned())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switchboard.toml");
        std::fs::write(&path, text).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Some(&path), environment, Overrides::default())
            .map_err(|errors| errors.to_string().replace(&folder.path().display().to_string(), "."))
    }

    #[test]
    fn nothing_at_all_is_a_good_configuration() {
        let config = Config::load(None, std::iter::empty(), Overrides::default()).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.level, "disk");
    }

    #[test]
    fn later_places_win() {
        let config =
            load("level = \"os\"\n[limits]\nframes_per_s = 3", &[("SWITCHBOARD__LIMITS__FRAMES_PER_S", "7")]);
        let config = config.unwrap();
        assert_eq!((config.level.as_str(), config.limits.frames_per_s), ("os", 7));
    }

    #[test]
    fn every_unknown_key_is_told_with_its_place_and_the_nearest_name() {
        let error = load("levle = \"os\"\n\n[limits]\nframes_per_sec = 3\n[sesions]\n", &[]).unwrap_err();
        assert_eq!(
            error,
            "./switchboard.toml:1:1: unknown key `levle`: did you mean `level`?\n\
             ./switchboard.toml:4:1: unknown key `limits.frames_per_sec`: did you mean `limits.frames_per_s`?\n\
             ./switchboard.toml:5:2: unknown key `sesions`: did you mean `sessions`?"
        );
    }

    #[test]
    fn wrong_values_are_told() {
        assert!(load("level = \"paper\"", &[]).unwrap_err().contains("there is no level \"paper\""));
        assert!(load("listen = 4", &[]).unwrap_err().contains("invalid type"));
        assert!(load("listen = ", &[]).unwrap_err().starts_with("./switchboard.toml:1:"));
        assert!(load("trusted_proxies = [\"10.0.0.0/64\"]", &[]).unwrap_err().contains("10.0.0.0/64"));
    }
}
