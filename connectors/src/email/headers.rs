//! The header of a mail as a list: names repeat, order tells who wrote what, nothing is dropped.

use super::charset;

/// Fields kept; a mail with more is not read for what stands behind them.
const FIELDS_MAX: usize = 2_000;

/// The fields of a header, top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<Field>);

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as written.
    pub name: String,
    /// Its value on one line, not decoded.
    pub value: String,
}

impl Headers {
    /// The fields of a head: what stands before the empty line, as bytes.
    #[must_use]
    pub(super) fn of_head(head: &[u8]) -> Self {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        for line in head.split(|it| matches!(it, b'\r' | b'\n')).filter(|it| !it.is_empty()) {
            if matches!(line[0], b' ' | b'\t') {
                if let Some((_, value)) = fields.last_mut() {
                    value.extend_from_slice(line);
                }
            } else if let Some(colon) = line.iter().position(|it| *it == b':') {
                if fields.len() == FIELDS_MAX {
                    break;
                }
                let name = String::from_utf8_lossy(line[..colon].trim_ascii()).into_owned();
                fields.push((name, line[colon + 1..].to_vec()));
            }
        }
        let fields = fields.into_iter();
        Self(fields.map(|(name, value)| Field { name, value: one_line(&value) }).collect())
    }

    /// The fields of a block of text such as those in a report of delivery: `Name: value`, folded or not.
    #[must_use]
    pub fn of_block(block: &str) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for line in block.lines().take(FIELDS_MAX) {
            if line.starts_with([' ', '\t']) {
                if let Some(last) = fields.last_mut() {
                    last.value.push(' ');
                    last.value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':')
                && !name.trim().is_empty()
                && !name.trim().contains(char::is_whitespace)
            {
                fields.push(Field { name: name.trim().to_owned(), value: value.trim().to_owned() });
            }
        }
        Self(fields)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// The values of a field, top to bottom; case does not count in a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value.as_str())
    }

    /// The topmost value of a field.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value.as_str())
    }
}

/// A value as text. What is not UTF-8 is read as it looks.
fn one_line(value: &[u8]) -> String {
    charset::guess(value).chars().filter(|it| *it != '\0').collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_one_line() {
        let fields = Headers::of_head(b"Subject: one\r\n two\r\nSUBJECT: caf\xe9\r\n");
        assert_eq!(fields.all("subject").collect::<Vec<_>>(), ["one two", "café"]);
    }

    #[test]
    fn blocks_are_read_folded_or_not() {
        let fields =
            Headers::of_block("Action: failed\r\nDiagnostic-Code: smtp; 550\r\n  gone\r\nno field\r\n");
        assert_eq!(fields.first("action"), Some("failed"));
        assert_eq!(fields.first("Diagnostic-code"), Some("smtp; 550 gone"));
        assert_eq!(fields.iter().count(), 2);
    }
}
