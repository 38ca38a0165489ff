//! Bytes in, a [`Mail`] out. Which parts are the text and which are attachments is decided as RFC 8621, section 4.1.4, says.
//! Nothing fails and nothing is lost: what cannot be read as a part is kept as an attachment, and what cannot be read as a
//! mail is its text.

use super::headers::Headers;
use super::mail::{Attachment, Mail};
use super::structure::{Part, parts};
use super::{automatic, bounce, charset, fields, html, names, reply, thread, transfer};

/// How much of one mail is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Parts within parts.
    pub depth: usize,
    /// Parts in all; what is beyond stays in one piece.
    pub parts: usize,
    /// Bytes of text that are shown; all of it stays in the mail itself.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 30, parts: 500, text_bytes: 2 << 20 }
    }
}

/// Reads a mail.
#[must_use]
pub fn read(raw: &[u8], limits: &Limits) -> Mail {
    let top = parts(raw, limits);
    let headers = &top.headers;
    let bodies = bodies(&top);
    let mailboxes = |name| headers.all(name).flat_map(fields::mailboxes).collect::<Vec<_>>();
    let ids = |name| headers.all(name).flat_map(thread::ids).collect::<Vec<_>>();
    let mut mail = Mail {
        message_id: ids("Message-ID").into_iter().next(),
        in_reply_to: ids("In-Reply-To"),
        references: ids("References"),
        from: mailboxes("From"),
        sender: mailboxes("Sender").into_iter().next(),
        reply_to: mailboxes("Reply-To"),
        to: mailboxes("To"),
        cc: mailboxes("Cc"),
        delivered_to: ["Delivered-To", "X-Original-To", "Envelope-To"]
            .into_iter()
            .flat_map(|name| headers.all(name))
            .map(bare)
            .collect(),
        return_path: headers.first("Return-Path").map(bare),
        subject: headers.first("Subject").map(fields::text).unwrap_or_default(),
        date_ms: headers.all("Date").find_map(fields::date_ms),
        text: bodies.text,
        html: bodies.html,
        attachments: bodies.attachments,
        parts_left_out: top.walk().iter().any(|it| it.left_whole),
        ..Mail::default()
    };
    if mail.text.len() > limits.text_bytes {
        mail.text.truncate(mail.text.floor_char_boundary(limits.text_bytes));
    }
    mail.text.retain(|it| it != '\0');
    mail.split = reply::split(&mail.text);
    mail.report = bounce::read(&top, &mail);
    mail.automatic = automatic::judge(headers, &mail);
    mail.headers = top.headers;
    mail
}

/// An address without its angle brackets.
fn bare(address: &str) -> String {
    address.trim_matches(['<', '>', ' ']).to_owned()
}

/// The fields and the text of a mail within a mail, such as the one that a report gives back.
pub(super) fn head_of(raw: &[u8]) -> Headers {
    Headers::of_head(super::structure::split_head(raw).0)
}

#[derive(Default)]
struct Bodies {
    text: String,
    html: Option<String>,
    attachments: Vec<Attachment>,
}

/// Which parts are shown, by RFC 8621: where both lists are open a part goes into both.
#[derive(Default)]
struct Chosen<'p, 'a> {
    text: Vec<&'p Part<'a>>,
    html: Vec<&'p Part<'a>>,
    attached: Vec<&'p Part<'a>>,
}

/// Whether a list still takes parts.
#[derive(Clone, Copy)]
struct Open {
    text: bool,
    html: bool,
}

impl<'p, 'a> Chosen<'p, 'a> {
    fn choose(&mut self, siblings: &'p [Part<'a>], within: &str, in_alternative: bool, mut open: Open) {
        let (texts, htmls) = (self.text.len(), self.html.len());
        for (at, part) in siblings.iter().enumerate() {
            if !part.children.is_empty() {
                let alternative = in_alternative || part.kind.subtype == "alternative";
                self.choose(&part.children, &part.kind.subtype, alternative, open);
                continue;
            }
            let (plain, html) = (is_plain(part), part.is("text", "html"));
            let media = matches!(part.kind.kind.as_str(), "image" | "audio" | "video");
            let first = at == 0 || (within != "related" && (media || part.name().is_none()));
            if part.is_attached() || part.left_whole || !(plain || html || media) || !first {
                self.attached.push(part);
                continue;
            }
            if within == "alternative" {
                match (plain, html) {
                    (true, _) => self.text.push(part),
                    (_, true) => self.html.push(part),
                    _ => self.attached.push(part),
                }
                continue;
            }
            if in_alternative {
                open.html &= !plain;
                open.text &= !html;
            }
            if media {
                self.attached.push(part);
                continue;
            }
            if open.text {
                self.text.push(part);
            }
            if open.html {
                self.html.push(part);
            }
            // What has a name is looked for among the attachments.
            if part.name().is_some() || !(open.text || open.html) {
                self.attached.push(part);
            }
        }
        if within == "alternative" && open.text && open.html {
            if self.text.len() == texts {
                self.text.extend_from_slice(&self.html[htmls..]);
            } else if self.html.len() == htmls {
                self.html.extend_from_slice(&self.text[texts..]);
            }
        }
    }
}

/// What is not typed, or typed in a way that says nothing, is read as text.
fn is_plain(part: &Part<'_>) -> bool {
    part.is("text", "plain") || (part.kind.subtype.is_empty() && part.name().is_none())
}

/// The text, the HTML and the rest.
fn bodies(top: &Part<'_>) -> Bodies {
    let mut chosen = Chosen::default();
    chosen.choose(std::slice::from_ref(top), "mixed", false, Open { text: true, html: true });
    let mut bodies = Bodies::default();
    for part in &chosen.text {
        let text = text_of(part);
        let text = if part.is("text", "html") { html::to_text(&text) } else { transfer::unflow(part, text) };
        if !bodies.text.is_empty() && !bodies.text.ends_with('\n') {
            bodies.text.push('\n');
        }
        bodies.text.push_str(&text);
    }
    if chosen.html.iter().any(|it| it.is("text", "html")) {
        let shown = chosen.html.iter().map(|part| {
            let text = text_of(part);
            if part.is("text", "html") { text } else { html::of_text(&text) }
        });
        bodies.html = Some(shown.collect());
    }
    if bodies.text.trim().is_empty()
        && let Some(html) = &bodies.html
    {
        bodies.text = html::to_text(html);
    }
    for part in chosen.attached {
        let mut it = attachment(part, bodies.attachments.len() + 1);
        it.inline = it.inline && is_shown_in(bodies.html.as_deref().unwrap_or_default(), &it);
        bodies.attachments.push(it);
    }
    bodies
}

/// Whether HTML shows an attachment by its id. Some programs call everything inline, and what is nowhere shown has to be listed.
fn is_shown_in(html: &str, it: &Attachment) -> bool {
    let picture = it.media_type.starts_with("image/") && it.media_type != "image/svg+xml";
    let named = |id: &String| !id.is_empty() && html.contains(&format!("cid:{id}"));
    picture && it.content_id.as_ref().is_some_and(named)
}

/// A text part's text.
pub(super) fn text_of(part: &Part<'_>) -> String {
    charset::decode(&transfer::content(part), part.kind.param("charset"))
}

fn attachment(part: &Part<'_>, number: usize) -> Attachment {
    let content = transfer::content(part).into_owned();
    let media_type = part.kind.name();
    let subject = part.is("message", "rfc822").then(|| head_of(&content).first("Subject").map(fields::text));
    let by_subject = subject.flatten().filter(|it| !it.is_empty());
    let field = |name| part.headers.first(name);
    let name = part.name().and_then(names::clean);
    let name = name
        .or_else(|| names::clean(&format!("{}.eml", by_subject?.replace(['/', '\\'], "-"))))
        .or_else(|| names::clean(field("Content-Location")?).filter(|it| it.contains('.')))
        .unwrap_or_else(|| names::by_type(number, &media_type));
    let content_id = field("Content-ID").map(|it| it.trim_matches(['<', '>', ' ']).to_owned());
    let inline = content_id.is_some() || part.disposition.as_ref().is_some_and(|it| it.kind == "inline");
    Attachment { name, media_type, content_id, inline: inline && !part.is_attached(), content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invitations_and_outlooks_own_form_are_kept_as_attachments() {
        let raw = b"From: ann@shop.example\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
            --m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
            --a\r\n\r\nPlease come\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>Please come</p>\r\n\
            --a\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n--a--\r\n\
            --m\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+Ig==\r\n--m--\r\n";
        let mail = read(raw, &Limits::default());
        assert_eq!(mail.text.trim(), "Please come");
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<p>Please come</p>"));
        let kept: Vec<_> =
            mail.attachments.iter().map(|it| (it.name.as_str(), it.media_type.as_str())).collect();
        assert_eq!(kept, [("attachment-1.ics", "text/calendar"), ("winmail.dat", "application/ms-tnef")]);
        assert!(mail.attachments[0].content.starts_with(b"BEGIN:VCALENDAR"));
        assert_eq!(mail.attachments[1].content, [0x78, 0x9f, 0x3e, 0x22]);
    }

    #[test]
    fn what_the_text_does_not_show_is_listed() {
        let raw = b"From: ann@shop.example\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
            --m\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:one@x\">\r\n\
            --m\r\nContent-Type: image/png\r\nContent-ID: <one@x>\r\n\r\nx\r\n\
            --m\r\nContent-Type: image/png\r\nContent-ID: <two@x>\r\n\r\nx\r\n\
            --m\r\nContent-Type: application/pdf\r\nContent-Disposition: inline; filename=bill.pdf\r\n\r\nx\r\n--m--\r\n";
        let inline: Vec<_> = read(raw, &Limits::default()).attachments.iter().map(|it| it.inline).collect();
        assert_eq!(inline, [true, false, false]);
    }
}
