//! Names of attachments: what a stranger calls a file becomes what it may be called here.

/// The longest name kept, in characters.
const LENGTH: usize = 120;

/// A name without path, control characters or characters that turn the reading direction; `None` if nothing is left.
#[must_use]
pub fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|piece| !piece.trim().is_empty())?;
    let kept: String = last
        .chars()
        .map(|it| if it.is_whitespace() { ' ' } else { it })
        .filter(|it| {
            !it.is_control() && !turns_direction(*it) && !matches!(it, '<' | '>' | '"' | '|' | '*' | '?')
        })
        .collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    if kept.is_empty() {
        return None;
    }
    Some(shorten(kept))
}

/// Marks and overrides of direction, and characters without width: they make `gpj.exe` read as `exe.jpg`.
fn turns_direction(it: char) -> bool {
    matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

/// Keeps the ending, since that says what it is.
fn shorten(name: &str) -> String {
    let length = name.chars().count();
    if length <= LENGTH {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, it)| it).filter(|it| it.chars().count() <= 10);
    let room = LENGTH - ending.map_or(0, |it| it.chars().count() + 1);
    let mut short: String = name.chars().take(room).collect();
    if let Some(ending) = ending {
        short.push('.');
        short.push_str(ending);
    }
    short
}

/// The name of something that came without one.
#[must_use]
pub fn by_type(number: usize, media_type: &str) -> String {
    let ending = match media_type {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/vcard" | "text/x-vcard" => "vcf",
        "message/rfc822" | "message/global" => "eml",
        "application/ms-tnef" => "dat",
        "application/pgp-signature" => "asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pdf" => "pdf",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => "bin",
    };
    format!("attachment-{number}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_paths_and_tricks() {
        let cleaned = |name| clean(name).unwrap_or_default();
        assert_eq!(cleaned("../../etc/passwd"), "passwd");
        assert_eq!(cleaned("C:\\Users\\ann\\bill.pdf"), "bill.pdf");
        assert_eq!(cleaned("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(cleaned("two\r\nlines\0.txt"), "two  lines.txt");
        assert_eq!(cleaned(".htaccess"), "htaccess");
        assert_eq!(cleaned("Überweisung 12.pdf"), "Überweisung 12.pdf");
        assert_eq!(clean(" / "), None);
    }

    #[test]
    fn long_names_keep_their_ending() {
        let short = clean(&format!("{}.pdf", "é".repeat(300))).unwrap_or_default();
        assert_eq!(short.chars().count(), LENGTH);
        assert!(short.ends_with(".pdf"));
    }
}
