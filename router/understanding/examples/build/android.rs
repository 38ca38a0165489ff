//! The texts of an Android application: `values/strings.xml` is English, `values-da/strings.xml` Danish.

use std::path::Path;

use crate::Outcome;

/// The language of a file and its texts; none where it is no file of texts.
pub(crate) fn texts(path: &Path) -> Outcome<Option<(String, Vec<String>)>> {
    let name = |path: Option<&Path>| -> String {
        path.and_then(|path| path.file_name())
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    if !name(Some(path)).ends_with("strings.xml") {
        return Ok(None);
    }
    let folder = name(path.parent());
    let Some(code) = (if folder == "values" { Some("en") } else { folder.strip_prefix("values-") }) else {
        return Ok(None);
    };
    let code = match code {
        "iw" => "he",
        "in" => "id",
        "no" => "nb",
        "b+sr+Latn" => "sr",
        "pt-rBR" | "pt-rPT" => "pt",
        "es-rUS" => "es",
        "fr-rCA" => "fr",
        code => code,
    };
    let file = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    Ok(Some((code.to_owned(), elements(&without_comments(&file)))))
}

fn without_comments(file: &str) -> String {
    let mut rest = file;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}

/// What stands in `<string>` and `<item>`.
fn elements(file: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for (open, close) in [("<string ", "</string>"), ("<item", "</item>")] {
        for element in file.split(open).skip(1) {
            let Some((attributes, inside)) = element.split_once('>') else { continue };
            let Some((inside, _)) = inside.split_once(close) else { continue };
            if !attributes.contains("translatable=\"false\"") && !inside.starts_with(['@', '?']) {
                let text = clean(inside);
                if text.chars().count() >= 2 && !text.contains("://") {
                    texts.push(text);
                }
            }
        }
    }
    texts
}

/// Without tags, escapes and places for arguments.
fn clean(inside: &str) -> String {
    let mut text = String::new();
    let mut chars = inside.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '<' => {
                chars.by_ref().find(|char| *char == '>');
                text.push(' ');
            }
            '&' => {
                let entity: String = chars.by_ref().take_while(|char| *char != ';').collect();
                text.push(match entity.as_str() {
                    "apos" | "#39" => '\'',
                    "quot" => '"',
                    _ => ' ',
                });
            }
            '\\' => match chars.next() {
                Some(quoted @ ('\'' | '"')) => text.push(quoted),
                Some('u') => {
                    chars.by_ref().take(4).for_each(drop);
                    text.push(' ');
                }
                _ => text.push(' '),
            },
            '%' => {
                // Up to the letter that ends it: %1$s, %d.
                let ends = |char: &char| {
                    !char.is_ascii_digit() && !matches!(char, '$' | '.' | '-' | ',' | '#' | '+')
                };
                while chars.peek().is_some_and(|char| !ends(char)) {
                    chars.next();
                }
                chars.next();
                text.push(' ');
            }
            char => text.push(char),
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches('"').to_owned()
}
