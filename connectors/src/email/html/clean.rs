//! Cleaning by an allow-list: what is not known to be harmless goes. No script, style sheet, form, frame, event handler or
//! `javascript:` address is left; pictures from elsewhere stay away until somebody asks for them, since fetching one tells its
//! owner that the mail was read. The page that shows the result adds a sandboxed frame and a content security policy.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::prepare::prepare;
use ammonia::{Builder, UrlRelative};

/// The most HTML that is cleaned, in bytes; what is beyond is cut, and the text of the mail has all of it.
const LENGTH: usize = 4 << 20;

/// What style may say: letters and boxes, nothing that is placed over something else and nothing that is fetched.
const STYLES: [&str; 50] = [
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "clear",
    "color",
    "direction",
    "display",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
];

/// Attributes of old that only place and colour.
const ATTRIBUTES: [&str; 12] = [
    "align",
    "valign",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "dir",
    "face",
    "lang",
    "size",
    "style",
];

/// Whether pictures from elsewhere are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// They are left out, and counted.
    Blocked,
    /// Somebody asked for them.
    Shown,
}

/// HTML that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// It.
    pub html: String,
    /// Pictures from elsewhere that it has, shown or not.
    pub remote_images: usize,
}

/// Cleans HTML. `inline` has the addresses of pictures that the mail brings along, by their content ids.
#[must_use]
pub fn clean(html: &str, images: Images, inline: &BTreeMap<String, String>) -> Cleaned {
    let remote = Arc::new(AtomicUsize::new(0));
    let filter = Filter { images, inline: inline.clone(), remote: Arc::clone(&remote) };
    let mut builder = Builder::default();
    builder
        .add_tags(["address", "big", "font", "main", "nobr", "section", "tfoot"])
        // What stands folded together would not be seen.
        .rm_tags(["map", "area", "details", "summary"])
        .add_clean_content_tags(["title", "template", "noembed", "noframes", "iframe", "object"])
        .add_generic_attributes(ATTRIBUTES)
        .add_tag_attributes("td", ["height", "nowrap", "width"])
        .add_tag_attributes("th", ["height", "nowrap", "width"])
        .add_tag_attributes("table", ["height", "width"])
        .filter_style_properties(STYLES.into_iter().collect())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "data", "cid"]))
        .url_relative(UrlRelative::Deny)
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |tag, attribute, value| filter.judge(tag, attribute, value));
    let html = prepare(&html[..html.floor_char_boundary(LENGTH)], &builder.clone_tags());
    let html = builder.clean(&html).to_string();
    Cleaned { html, remote_images: remote.load(Ordering::Relaxed) }
}

/// What stands in an attribute that is allowed as such.
struct Filter {
    images: Images,
    inline: BTreeMap<String, String>,
    remote: Arc<AtomicUsize>,
}

impl Filter {
    fn judge<'v>(&self, tag: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
        let address = value.trim_start();
        let scheme = address.split_once(':').map(|(it, _)| it.to_ascii_lowercase()).unwrap_or_default();
        match (tag, attribute) {
            ("img", "src") => match scheme.as_str() {
                "cid" => {
                    let id = address[4..].trim().trim_matches(['<', '>']).replace("%40", "@");
                    self.inline.get(&id).map(|it| Cow::Owned(it.clone()))
                }
                "data" => is_picture(address).then_some(Cow::Borrowed(value)),
                "http" | "https" => {
                    self.remote.fetch_add(1, Ordering::Relaxed);
                    (self.images == Images::Shown).then_some(Cow::Borrowed(value))
                }
                _ => None,
            },
            (_, "href" | "cite") if matches!(scheme.as_str(), "data" | "cid") => None,
            // No property that is allowed fetches anything; a value that tries is no value.
            (_, "style") if value.to_ascii_lowercase().contains("url(") => None,
            _ => Some(Cow::Borrowed(value)),
        }
    }
}

/// Whether an address holds a picture itself. SVG is a program.
fn is_picture(address: &str) -> bool {
    let kind = address[5..].split([';', ',']).next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "image/png" | "image/jpeg" | "image/jpg" | "image/gif" | "image/webp")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(html: &str) -> String {
        clean(html, Images::Blocked, &BTreeMap::new()).html
    }

    #[test]
    fn what_could_run_goes_and_the_words_stay() {
        let html = "<p onclick=x()>hi <script>x()</script><a href=\"javascript:x()\">there</a><style>p{}</style></p>";
        assert!(!cleaned(html).contains("x()"), "{}", cleaned(html));
        assert_eq!(super::super::to_text(&cleaned(html)), "hi there");
        assert_eq!(cleaned("<form action=/x><input value=y>words</form>"), "<div>words</div>");
        assert_eq!(cleaned("<base href=//evil><meta http-equiv=refresh>w"), "w");
    }

    #[test]
    fn style_keeps_letters_and_boxes() {
        let html = "<p style=\"color:red;position:fixed;background:url(//x)\">w</p>";
        assert!(!cleaned(html).contains("position") && !cleaned(html).contains("url"));
        assert!(cleaned("<b style='color:red;top:0'>w</b>").contains("color:red"));
    }

    #[test]
    fn pictures_from_elsewhere_wait() {
        let html = "<img src='https://x.example/a.png' alt=a><img src='CID:one@mail'><img src='cid:two'>";
        let inline = BTreeMap::from([("one@mail".to_owned(), "data:image/png;base64,AA==".to_owned())]);
        let blocked = clean(html, Images::Blocked, &inline);
        assert_eq!((blocked.remote_images, blocked.html.contains("x.example")), (1, false));
        // What the mail brings along is there in any case.
        assert!(blocked.html.contains("base64,AA==") && !blocked.html.contains("cid:"), "{}", blocked.html);
        let shown = clean(html, Images::Shown, &inline);
        assert!(shown.html.contains("https://x.example/a.png"));
    }

    #[test]
    fn data_is_a_picture_or_nothing() {
        assert!(cleaned("<img src='data:image/png;base64,AA=='>").contains("data:image/png"));
        assert!(!cleaned("<img src='data:image/svg+xml,<svg/>'>").contains("data:"));
        assert!(!cleaned("<a href='data:text/html,x'>w</a>").contains("data:"));
    }
}
