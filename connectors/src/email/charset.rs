//! Text out of bytes, whatever their label says: labels are read as browsers read them (the WHATWG's Encoding Standard),
//! and a label that cannot be true gives way to what the bytes look like.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Bytes that a guess looks at.
const SAMPLE: usize = 64 * 1024;

/// The text of bytes that are labelled with a charset; never fails.
#[must_use]
pub fn decode(bytes: &[u8], label: Option<&str>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    let label = label.map(|it| it.trim().trim_matches(['"', '\'']));
    if label.is_some_and(|it| it.to_ascii_lowercase().contains("utf-7")) {
        return charset_decoder(b"utf-7").map_or_else(|| guess(bytes), |decode| decode(bytes));
    }
    let Some(encoding) = label.and_then(|it| Encoding::for_label(it.as_bytes())) else {
        return guess(bytes);
    };
    // Text in a single-byte charset is hardly ever valid UTF-8 by chance; text that was labelled by habit often is.
    if encoding == WINDOWS_1252
        && !bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.to_owned();
    }
    match encoding.decode_without_bom_handling(bytes) {
        (text, false) => text.into_owned(),
        (text, true) => {
            let other = guess(bytes);
            if damage(&other) < damage(&text) { other } else { text.into_owned() }
        }
    }
}

/// The text of bytes that nothing is known about.
#[must_use]
pub fn guess(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // ISO-2022-JP is ASCII to the eye.
        if !bytes.windows(2).any(|two| two == b"\x1b$") {
            return text.to_owned();
        }
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, sample.len() == bytes.len());
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    if damaged && encoding != UTF_8 {
        let plain = WINDOWS_1252.decode_without_bom_handling(bytes).0;
        if damage(&plain) < damage(&text) {
            return plain.into_owned();
        }
    }
    text.into_owned()
}

fn damage(text: &str) -> usize {
    text.chars().filter(|it| *it == char::REPLACEMENT_CHARACTER).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_browsers_read_them() {
        assert_eq!(decode(b"caf\xe9 \x93hi\x94", Some("iso-8859-1")), "café \u{201c}hi\u{201d}");
        assert_eq!(decode(b"\xc4\xe3\xba\xc3", Some("gb2312")), "你好");
        assert_eq!(decode(b"\xbe\xc8\xb3\xe7", Some("ks_c_5601-1987")), "안녕");
        assert_eq!(decode(b"\x1b$B$3$s\x1b(B", Some("iso-2022-jp")), "こん");
        assert_eq!(decode(b"+AOk-t+AOk-", Some("unicode-1-1-utf-7")), "été");
    }

    #[test]
    fn labels_that_lie_give_way() {
        assert_eq!(decode("Grüße".as_bytes(), Some("iso-8859-1")), "Grüße");
        assert_eq!(decode("Grüße".as_bytes(), Some("us-ascii")), "Grüße");
        assert_eq!(decode(b"Gr\xfc\xdfe aus K\xf6ln", Some("utf-8")), "Grüße aus Köln");
        assert_eq!(decode("übel".as_bytes(), Some("no-such-charset")), "übel");
        assert_eq!(decode(b"\xff\xfeh\0i\0", Some("utf-8")), "hi");
        assert_eq!(decode(b"\x1b$B$3$s\x1b(B", None), "こん");
    }
}
