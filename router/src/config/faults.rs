//! What is wrong in a configuration: every fault of one run, each with its place and, for a wrong key, the nearest name.

use std::fmt;

use policy::spelling::distance;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    place: String,
    detail: String,
}

impl Fault {
    pub(super) fn at(place: &str, detail: String) -> Self {
        Self { place: place.to_owned(), detail }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)
    }
}

/// All faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Fault>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// What is said of a key that there is not.
pub(super) fn unknown(key: &str, known: &[String]) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    // The right key in the wrong section is nearer than any misspelling.
    let elsewhere = known.iter().find(|name| last(name) == last(key));
    let nearest = known
        .iter()
        .min_by_key(|name| distance(name, key))
        .filter(|name| distance(name, key) <= 1 + key.chars().count() / 4);
    match elsewhere.or(nearest) {
        Some(name) => format!("unknown key `{key}`: did you mean `{name}`?"),
        None => format!("unknown key `{key}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_if_it_is_near() {
        let known = ["level".to_owned(), "limits.frames_per_s".to_owned()];
        assert_eq!(unknown("levl", &known), "unknown key `levl`: did you mean `level`?");
        assert_eq!(
            unknown("frames_per_s", &known),
            "unknown key `frames_per_s`: did you mean `limits.frames_per_s`?"
        );
        assert_eq!(unknown("colour", &known), "unknown key `colour`");
    }
}
