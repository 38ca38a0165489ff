//! What somebody may have meant who wrote a name that there is not: the nearest of those that there are.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Letters behind this one are not compared.
const LONGEST: usize = 64;

/// `; did you mean `x`?` with the nearest of the known names, or a few of them, or nothing if there are none: the end of
/// a sentence that says that there is no such name. A name is near if at most half of its letters must change.
///
/// ```
/// use policy::spelling::nearest;
///
/// assert_eq!(nearest("Chanel", ["channel", "mood"].into_iter()), "; did you mean `channel`?");
/// assert_eq!(nearest("zzz", ["channel", "mood"].into_iter()), "; there are `channel`, `mood`");
/// ```
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let close = known
        .clone()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(wrong.chars().count()) / 2)
        .min();
    if let Some((_, name)) = close {
        return format!("; did you mean `{name}`?");
    }
    let mut few: Vec<&str> = known.take(6).collect();
    match few.len() {
        0 => String::new(),
        1 => format!("; there is `{}`", few.concat()),
        6 => {
            few.pop();
            format!("; there are `{}` and others", few.join("`, `"))
        }
        _ => format!("; there are `{}`", few.join("`, `")),
    }
}

/// How many letters must change to make one word of the other, without regard to case (Levenshtein 1966). Only the first
/// 64 letters count.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).take(LONGEST).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().flat_map(char::to_lowercase).take(LONGEST).enumerate() {
        let mut next = vec![index + 1];
        for (column, other) in right.iter().enumerate() {
            let swap = row[column] + usize::from(one != *other);
            next.push(swap.min(row[column + 1] + 1).min(next[column] + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_letters() {
        for (a, b, letters) in
            [("level", "levle", 2), ("", "abc", 3), ("same", "Same", 0), ("größe", "grosse", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (letters, letters), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_name_is_named_or_a_few_or_none() {
        let known = ["channel", "language", "mood", "queue", "skill", "topic"];
        assert_eq!(nearest("Chanel", known.into_iter()), "; did you mean `channel`?");
        assert_eq!(
            nearest("zzz", known.into_iter()),
            "; there are `channel`, `language`, `mood`, `queue`, `skill` and others"
        );
        assert_eq!(nearest("zzz", known.into_iter().take(2)), "; there are `channel`, `language`");
        assert_eq!(nearest("zzz", known.into_iter().take(1)), "; there is `channel`");
        assert_eq!(nearest("zzz", core::iter::empty()), "");
    }
}
