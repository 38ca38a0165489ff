//! HTML of strangers: made fit to be shown ([`clean`]), and made plain text ([`to_text`]).

mod clean;
mod prepare;
mod style;
mod text;
mod tokens;

pub use clean::{Cleaned, Images, clean};
pub use text::to_text;

/// Plain text as HTML, lines kept.
#[must_use]
pub fn of_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    html.push_str("<div style=\"white-space:pre-wrap\">");
    prepare::escape(&mut html, text);
    html.push_str("</div>");
    html
}
