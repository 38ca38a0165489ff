//! Reads how many tests passed and failed out of what test programs print.

/// Tests of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    /// Passed.
    pub(crate) passed: u32,
    /// Failed.
    pub(crate) failed: u32,
}

impl Count {
    /// Adds what a line tells, if it tells something: the closing lines of cargo's tests, vitest and the browser tests.
    pub(crate) fn read(&mut self, line: &str) {
        let line = plain(line);
        let line = line.trim();
        let Some(summary) = line
            .strip_prefix("test result: ")
            .or_else(|| line.strip_prefix("Tests "))
            .or_else(|| closing(line))
        else {
            return;
        };
        self.passed += before(summary, "passed");
        self.failed += before(summary, "failed");
    }
}

/// `12 passed, 0 failed` and nothing else.
fn closing(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words.as_slice(), [_, "passed,", _, "failed"]).then_some(line)
}

/// The number right before a word.
fn before(text: &str, word: &str) -> u32 {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// The text without terminal colours.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Count {
        let mut count = Count::default();
        for line in lines {
            count.read(line);
        }
        count
    }

    #[test]
    fn cargo_tests_are_summed() {
        let count = counted(&[
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!(count, Count { passed: 7, failed: 2 });
    }

    #[test]
    fn vitest_and_browser_tests_are_read() {
        assert_eq!(counted(&["      Tests  1 failed | 11 passed (12)"]), Count { passed: 11, failed: 1 });
        assert_eq!(
            counted(&["\u{1b}[2m      Tests \u{1b}[22m \u{1b}[32m5 passed\u{1b}[39m (5)"]),
            Count { passed: 5, failed: 0 }
        );
        assert_eq!(counted(&["9 passed, 1 failed"]), Count { passed: 9, failed: 1 });
    }

    #[test]
    fn talk_about_tests_is_not_counted() {
        assert_eq!(counted(&["Test Files  2 passed (2)", "3 passed, as before", "passed"]), Count::default());
    }
}
