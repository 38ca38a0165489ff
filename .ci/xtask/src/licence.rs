//! Reads a licence expression (SPDX) and says whether a list of allowed licences satisfies it.

/// Whether one can comply with `expression` by licences for which `allowed` says yes.
///
/// `None` where the expression cannot be read. The old form `MIT/Apache-2.0` is read as `OR`.
pub(crate) fn satisfied(expression: &str, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, at: 0 };
    let answer = reader.any(allowed)?;
    (reader.at == words.len()).then_some(answer)
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    fn took(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
        let mut answer = self.all(allowed)?;
        while self.took("OR") {
            answer |= self.all(allowed)?;
        }
        Some(answer)
    }

    fn all(&mut self, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
        let mut answer = self.one(allowed)?;
        while self.took("AND") {
            answer &= self.one(allowed)?;
        }
        Some(answer)
    }

    fn one(&mut self, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
        if self.took("(") {
            let answer = self.any(allowed)?;
            return self.took(")").then_some(answer);
        }
        let name = *self.words.get(self.at)?;
        if matches!(name, ")" | "OR" | "AND" | "WITH") {
            return None;
        }
        self.at += 1;
        if self.took("WITH") {
            let exception = *self.words.get(self.at)?;
            self.at += 1;
            return Some(allowed(&format!("{name} WITH {exception}")));
        }
        Some(allowed(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        let allowed = |name: &str| matches!(name, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception");
        for (expression, answer) in [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("MIT OR GPL-3.0", Some(true)),
            ("MIT AND GPL-3.0", Some(false)),
            ("MIT/Apache-2.0", Some(true)),
            ("ISC AND (GPL-3.0 OR MIT)", Some(true)),
            ("(MIT OR ISC) AND GPL-3.0", Some(false)),
            ("GPL-3.0 AND ISC OR MIT", Some(true)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Apache-2.0", Some(false)),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT MIT", None),
            ("", None),
        ] {
            assert_eq!(satisfied(expression, &allowed), answer, "{expression}");
        }
    }
}
