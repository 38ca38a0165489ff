//! The `style` of an element: what would fetch something goes, and a background keeps its colour, without which light letters
//! would stand on white.

/// Words of the `background` property that are no colours.
const NO_COLOURS: [&str; 27] = [
    "none",
    "repeat",
    "no-repeat",
    "repeat-x",
    "repeat-y",
    "round",
    "space",
    "scroll",
    "fixed",
    "local",
    "top",
    "bottom",
    "left",
    "right",
    "center",
    "cover",
    "contain",
    "auto",
    "border-box",
    "padding-box",
    "content-box",
    "text",
    "inherit",
    "initial",
    "unset",
    "revert",
    "transparent",
];

/// The declarations that fetch nothing.
pub(super) fn tame(style: &str) -> String {
    let mut tamed = String::new();
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let (property, value) = (property.trim().to_ascii_lowercase(), value.trim());
        let (property, value) = match property.as_str() {
            "background" => ("background-color".to_owned(), colour(value)),
            _ => (property, Some(value.to_owned()).filter(|it| is_plain(it))),
        };
        if let Some(value) = value {
            tamed.push_str(&format!("{property}:{value};"));
        }
    }
    tamed
}

/// Whether a value is whole, and calls nothing but colours.
fn is_plain(value: &str) -> bool {
    let quotes = |quote: char| value.matches(quote).count().is_multiple_of(2);
    let calls = value.match_indices('(').all(|(at, _)| is_colour_call(&value[..at]));
    let even = value.matches('(').count() == value.matches(')').count();
    let plain = !value.contains(['\\', '{', '}', '<', '@']) && !value.contains("/*");
    plain && calls && even && quotes('"') && quotes('\'')
}

fn is_colour_call(before: &str) -> bool {
    let before = before.to_ascii_lowercase();
    ["rgb", "rgba", "hsl", "hsla"].iter().any(|it| before.ends_with(it))
}

/// The colour among the words of a background.
fn colour(value: &str) -> Option<String> {
    let value = value.to_ascii_lowercase();
    if let Some(at) = ["rgb", "hsl"].iter().find_map(|it| value.find(it)) {
        let end = value[at..].find(')')?;
        let found = &value[at..=at + end];
        return is_plain(found).then(|| found.to_owned());
    }
    // What stands in an address is no word.
    let begin = value.find('(').map_or(value.len(), |at| value[..at].rfind([' ', ',']).unwrap_or(0));
    let end = value.rfind(')').map_or(value.len(), |at| at + 1);
    let words = value[..begin].split_whitespace().chain(value[end.max(begin)..].split_whitespace());
    let mut words = words.map(|it| it.trim_end_matches("!important"));
    let is_colour = |it: &&str| {
        let hex = it.strip_prefix('#').is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        hex || (!it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase()) && !NO_COLOURS.contains(it))
    };
    words.find(is_colour).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_keeps_its_colour() {
        for (style, kept) in [
            ("background:#036", "background-color:#036;"),
            ("BACKGROUND: #036 url(x.png) no-repeat;color:#fff", "background-color:#036;color:#fff;"),
            ("background:url(a b.png) repeat-x navy", "background-color:navy;"),
            ("background: rgba(0, 0, 0, 0.5) none", "background-color:rgba(0, 0, 0, 0.5);"),
            ("background:none", ""),
            ("background:u\\72l(x)", ""),
        ] {
            assert_eq!(tame(style), kept, "{style}");
        }
    }

    #[test]
    fn what_fetches_goes_and_the_rest_stays() {
        assert_eq!(tame("color:red;list-style:url(x);width:10px"), "color:red;width:10px;");
        assert_eq!(tame("background-image:u\\72l(x);font-family:'A B'"), "font-family:'A B';");
        assert_eq!(tame("color:expression(x());content:'a;b'"), "");
        assert_eq!(tame("color:rgb(1,2,3)"), "color:rgb(1,2,3);");
    }
}
