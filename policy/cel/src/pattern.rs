//! Regexes, compiled once when a policy is loaded and bounded in size. They run in time linear in the string, whatever
//! the pattern; there is no backtracking.

use regex::{Regex, RegexBuilder};

/// Longer patterns are refused, in bytes.
const LONGEST: usize = 512;
/// The most memory of a compiled pattern, and of its table of states, in bytes.
const LARGEST: usize = 256 << 10;
/// Groups are nested at most so deep.
const DEEPEST: u32 = 32;
/// Steps of starting a search.
pub(crate) const SEARCH: u64 = 16;
/// So many bytes of a string are searched in one step.
pub(crate) const SEARCHED_A_STEP: u64 = 4;

/// A compiled regex.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn compile(source: &str) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!(
                "the regex has {} bytes, {LONGEST} are the most; ask for a part of it",
                source.len()
            ));
        }
        let built =
            RegexBuilder::new(source).size_limit(LARGEST).dfa_size_limit(LARGEST).nest_limit(DEEPEST).build();
        match built {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(format!("the regex needs more than {LARGEST} bytes; use smaller repetitions"))
            }
            Err(error) => {
                // The last line says what; those above draw the pattern.
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let what = last.trim_start_matches("error:").trim();
                Err(format!("the regex does not compile: {what}"))
            }
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_bounded() {
        for source in ["(a{1000}){1000}", "((\\w{60}){60}){60}", "[a-z]{9999}{9999}"] {
            let error = Pattern::compile(source).unwrap_err();
            assert!(error.contains("needs more than"), "{source}: {error}");
        }
        assert!(Pattern::compile(&"(".repeat(40)).unwrap_err().contains("does not compile"));
        assert!(Pattern::compile(&"a".repeat(513)).unwrap_err().contains("513 bytes"));
        assert_eq!(
            Pattern::compile("a(b").err().as_deref(),
            Some("the regex does not compile: unclosed group")
        );
    }

    /// A search that tries every way would not end before the stars do.
    #[test]
    fn what_ruins_backtracking_does_no_harm() {
        let text = "a".repeat(4_096);
        for (source, found) in [
            ("(a+)+$", true),
            ("(a|aa)+b$", false),
            ("(a*)*b", false),
            ("(.*a){20}b", false),
            ("^(a?){64}a{64}b", false),
            ("(([a-z])+.)+[A-Z]([a-z])+$", false),
        ] {
            assert_eq!(Pattern::compile(source).unwrap().is_match(&text), found, "{source}");
        }
    }
}
