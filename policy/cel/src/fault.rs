//! What is wrong with a condition: a place, and what would be right there. Faults are found when a policy is loaded,
//! never while conversations are routed.

/// A place in a source: the line and the character of it, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character of the line, not the byte.
    pub column: u32,
}

impl Position {
    /// The place of a byte of the source; its end where there is no such byte.
    pub(crate) fn of_byte(source: &str, byte: usize) -> Self {
        let before = source.get(..byte).unwrap_or(source);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        Self { line: one_more(line), column: one_more(column) }
    }
}

fn one_more(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX - 1) + 1
}

/// One thing that is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {detail}", at.line, at.column)]
#[non_exhaustive]
pub struct Fault {
    /// Where.
    pub at: Position,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl Fault {
    pub(crate) fn new(at: Position, detail: impl Into<String>) -> Self {
        Self { at, detail: detail.into() }
    }

    /// The fault with the line it is in and a mark beneath the place, for a terminal.
    #[must_use]
    pub fn shown(&self, source: &str) -> String {
        let line = usize::try_from(self.at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let text = source.split('\n').nth(line).unwrap_or_default().trim_end();
        let before = usize::try_from(self.at.column.saturating_sub(1)).unwrap_or(0);
        let space: String = text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{text}\n{space}^ {}", self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters() {
        let source = "a ==\n  \"ü\" + x";
        let byte = source.find('+').unwrap();
        assert_eq!(Position::of_byte(source, byte), Position { line: 2, column: 7 });
        assert_eq!(Position::of_byte(source, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of_byte(source, 999), Position { line: 2, column: 10 });
    }

    #[test]
    fn a_fault_points_at_its_place() {
        let fault = Fault::new(Position { line: 1, column: 8 }, "there is no name `x`");
        assert_eq!(fault.shown("\"ü\" == x"), "\"ü\" == x\n       ^ there is no name `x`");
        assert_eq!(fault.to_string(), "1:8: there is no name `x`");
    }
}
