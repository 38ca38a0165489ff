//! Mail: replies, structure, reports, verdicts on senders. What counts as right is white space apart the same text, the same
//! names, the same recipients with the same class.

use connectors::email::bounce::{Recipient, Report};
use connectors::email::{Limits, Mail, automatic::Automatic, names, read, reply, verdict};
use serde_json::{Value, json};

use super::Reader;
use super::reading::{Judged, Reading, short, squeezed};
use super::samples::Sample;

pub(super) fn reader(folder: &str) -> Option<Reader> {
    let name = folder.rsplit('/').next().unwrap_or_default();
    let under = folder.split('/').next().unwrap_or_default();
    Some(match (under, name) {
        ("email", "replies") => replies,
        ("email", "talon") => talon,
        ("email", "bounces") => bounces,
        ("email", "recorded") => recorded,
        ("email", "mime") => bodies,
        ("email", "mime-cpython") => leaves,
        ("email", "auth") => auth,
        (_, "eml") => manifest,
        _ => return None,
    })
}

/// What was read of a mail.
fn reading(mail: &Mail) -> Reading {
    let kind = match (&mail.report, mail.automatic) {
        (Some(Report::Delivery(_)), _) => "bounce",
        (Some(Report::Complaint(_)), _) => "complaint",
        (None, Some(automatic)) => automatic.name(),
        (None, None) => "mail",
    };
    let media = mail.attachments.iter().map(|it| {
        json!({ "name": it.name, "type": it.media_type, "bytes": it.content.len(), "inline": it.inline })
    });
    Reading {
        kind: kind.to_owned(),
        ids: mail.message_id.iter().cloned().collect(),
        sender: mail.from.first().map(|it| it.address.clone()),
        at: mail.date_ms,
        text: mail.split.visible(),
        media: media.collect(),
        verdict: match &mail.report {
            Some(Report::Delivery(it)) => it.recipients.iter().map(told).collect(),
            Some(Report::Complaint(it)) => json!({ "kind": it.kind, "recipient": it.recipient }),
            None => Value::Null,
        },
    }
}

fn told(it: &Recipient) -> Value {
    let (class, subject, detail) = it.status;
    json!({
        "recipient": it.address, "action": it.action.name(), "status": format!("{class}.{subject}.{detail}"),
        "reason": it.reason.name(), "hard": it.unreachable(),
    })
}

fn mail(sample: &Sample) -> Mail {
    read(&sample.bytes, &Limits::default())
}

fn string<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Texts of answers; signatures are not shown.
fn replies(sample: &Sample) -> Judged {
    let text = reply::split(&String::from_utf8_lossy(&sample.bytes)).visible();
    visible(Reading { kind: "mail".to_owned(), text, ..Reading::default() }, sample)
}

/// Answers of real programs; here signatures are shown, only quotes are not.
fn talon(sample: &Sample) -> Judged {
    if sample.file.ends_with(".html") {
        let text = connectors::email::html::to_text(&connectors::email::charset::guess(&sample.bytes));
        let text = reply::split(&text).without_quotes();
        return visible(Reading { kind: "mail".to_owned(), text, ..Reading::default() }, sample);
    }
    let mail = mail(sample);
    visible(Reading { text: mail.split.without_quotes(), ..reading(&mail) }, sample)
}

fn visible(reading: Reading, sample: &Sample) -> Judged {
    let expected = string(&sample.expected, "visible");
    let same = squeezed(&reading.text) == squeezed(expected);
    let shown = short(&reading.text);
    let mut judged = Judged::of(reading);
    judged.expect(same, || format!("shows {shown} for {}", short(expected)));
    judged
}

fn recipients(mail: &Mail) -> &[Recipient] {
    match &mail.report {
        Some(Report::Delivery(it)) => &it.recipients,
        _ => &[],
    }
}

/// Reports of many systems: each recipient with the class of its status, and whether the address is no good.
fn bounces(sample: &Sample) -> Judged {
    let mail = mail(sample);
    let mut judged = Judged::of(reading(&mail));
    let kind = judged.reading.kind.clone();
    let Some(expected) = sample.expected.get("expected").and_then(Value::as_array) else {
        if sample.file.starts_with("arf") {
            judged.expect(kind == "complaint", || format!("is a complaint, read as {kind}"));
        }
        return judged;
    };
    if expected.iter().all(|it| string(it, "reason") == "vacation") {
        let replied = mail.automatic == Some(Automatic::Reply);
        judged.expect(replied, || format!("answers by itself, read as {kind}"));
        return judged;
    }
    let found = recipients(&mail);
    judged.expect(found.len() == expected.len(), || {
        format!("{} recipients for {}", found.len(), expected.len())
    });
    judged
        .expect(found.iter().all(|it| it.address.contains('@')), || "a recipient has no address".to_owned());
    for (found, expected) in found.iter().zip(expected) {
        let hard = expected.get("hard").and_then(Value::as_bool).unwrap_or_default();
        let is_hard = found.unreachable();
        judged.expect(is_hard == hard, || {
            format!("hard {is_hard} ({}) for {hard} ({})", found.reason.name(), string(expected, "reason"))
        });
        let class = string(expected, "status").chars().next().and_then(|it| it.to_digit(10));
        let same = class.is_none_or(|it| it == u32::from(found.status.0));
        judged.expect(same, || format!("status {:?} for {}", found.status, string(expected, "status")));
    }
    judged
}

/// Reports and answers recorded from real servers, field by field.
fn recorded(sample: &Sample) -> Judged {
    let mail = mail(sample);
    let mut judged = Judged::of(reading(&mail));
    let expected = &sample.expected;
    judged.expect(mail.subject == string(expected, "subject"), || format!("subject {:?}", mail.subject));
    let delivered = mail.delivered_to.iter().any(|it| it == string(expected, "delivered_to"));
    judged.expect(delivered, || format!("delivered to {:?}", mail.delivered_to));
    judged.expect(mail.automatic.is_some(), || "not seen to be automatic".to_owned());
    let found: Vec<Value> = recipients(&mail).iter().map(told).collect();
    let told = list(expected, "recipients");
    let same = found.len() == told.len()
        && found.iter().zip(told).all(|(found, told)| {
            string(told, "final").ends_with(string(found, "recipient"))
                && string(told, "action") == string(found, "action")
                && string(told, "status") == string(found, "status")
        });
    judged.expect(same, || format!("recipients {found:?}"));
    if let Some(Report::Delivery(it)) = &mail.report {
        let bare = string(expected, "original_message_id").trim_matches(['<', '>']);
        judged.expect(it.original.as_deref().unwrap_or_default() == bare, || {
            format!("original {:?}", it.original)
        });
        let envelope = expected.get("envid").and_then(Value::as_str);
        judged.expect(it.envelope_id.as_deref() == envelope, || format!("envelope {:?}", it.envelope_id));
    }
    judged
}

/// Everything that a mail says or carries, without white space: what is in none of it is lost.
fn all_of(mail: &Mail) -> String {
    let mut all = squeezed(&mail.text);
    if let Some(html) = &mail.html {
        all.push_str(&squeezed(html));
    }
    for it in &mail.attachments {
        all.push_str(&squeezed(&connectors::email::charset::guess(&it.content)));
    }
    all
}

fn has_name(mail: &Mail, name: &str) -> bool {
    let name = names::clean(name);
    name.is_none() || mail.attachments.iter().any(|it| Some(&it.name) == name.as_ref())
}

/// Bodies, attachments and addresses as another parser's authors expect them.
fn bodies(sample: &Sample) -> Judged {
    let mail = mail(sample);
    let mut judged = Judged::of(reading(&mail));
    let (expected, all) = (&sample.expected, all_of(&mail));
    for text in list(expected, "text").iter().chain(list(expected, "html")).filter_map(Value::as_str) {
        judged.expect(all.contains(&squeezed(text)), || format!("lacks the text {}", short(text)));
    }
    for name in list(expected, "attachments").iter().map(|it| string(it, "name")) {
        judged.expect(has_name(&mail, name), || format!("lacks the attachment {name:?}"));
    }
    for (key, found) in [("from", &mail.from), ("to", &mail.to), ("reply_to", &mail.reply_to)] {
        for address in list(expected, key).iter().map(|it| string(it, "address")) {
            judged
                .expect(found.iter().any(|it| it.address == address), || format!("{key} lacks {address:?}"));
        }
    }
    if let Some(subject) = expected.get("subject").and_then(Value::as_str) {
        judged.expect(squeezed(&mail.subject) == squeezed(subject), || format!("subject {:?}", mail.subject));
    }
    if let Some(id) = expected.get("message_id").and_then(Value::as_str) {
        judged.expect(mail.message_id.as_deref() == Some(id), || format!("id {:?}", mail.message_id));
    }
    judged
}

/// The leaves that CPython finds, those within mails within the mail too.
fn leaves(sample: &Sample) -> Judged {
    let mail = mail(sample);
    let mut judged = Judged::of(reading(&mail));
    let (expected, all) = (&sample.expected, all_of(&mail));
    for leaf in list(expected, "leaves") {
        if let Some(text) = leaf.get("text").and_then(Value::as_str) {
            judged.expect(all.contains(&squeezed(text)), || format!("lacks the text {}", short(text)));
        }
        let name = string(leaf, "filename");
        judged.expect(has_name(&mail, name), || format!("lacks the attachment {name:?}"));
    }
    let subject = string(expected, "Subject");
    judged.expect(squeezed(&mail.subject) == squeezed(subject), || format!("subject {:?}", mail.subject));
    let id = string(expected, "Message-ID").trim().trim_matches(['<', '>']);
    judged
        .expect(mail.message_id.as_deref().unwrap_or_default() == id, || format!("id {:?}", mail.message_id));
    for (key, found) in [("From", &mail.from), ("To", &mail.to)] {
        let told = string(expected, key);
        // Where the field stands twice that reader takes one of them; all are kept here.
        let known = found.iter().any(|it| told.contains(&it.address));
        judged.expect(known || told.is_empty(), || format!("{key} {found:?} for {told:?}"));
    }
    judged
}

/// Fields of servers that looked at the sender; what breaks the grammar is no result.
fn auth(sample: &Sample) -> Judged {
    let header = string(&sample.expected, "header");
    let value = header.split_once(':').map_or(header, |(_, it)| it);
    let found = verdict::parse(value);
    let told = found.as_ref().map(|it| {
        let results = it.results.iter().map(|it| {
            let properties: serde_json::Map<String, Value> =
                it.properties.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            json!({ "method": it.method, "result": it.result, "properties": properties })
        });
        json!({ "authserv_id": it.server, "results": results.collect::<Vec<_>>() })
    });
    let mut judged = Judged::of(Reading {
        kind: "authentication_results".to_owned(),
        verdict: told.clone().unwrap_or(Value::Null),
        ..Reading::default()
    });
    if sample.expected.get("error").is_some() {
        judged.expect(told.is_none(), || "breaks the grammar and is believed".to_owned());
    } else {
        let told = told.unwrap_or(Value::Null);
        judged.expect(told["authserv_id"] == sample.expected["authserv_id"], || {
            format!("server {}", told["authserv_id"])
        });
        judged
            .expect(told["results"] == sample.expected["results"], || format!("results {}", told["results"]));
    }
    judged
}

/// Mails of a manifest, which says what CPython makes of them: at least as many attachments, and the subject.
fn manifest(sample: &Sample) -> Judged {
    let mail = mail(sample);
    let mut judged = Judged::of(reading(&mail));
    let expected: usize = string(&sample.expected, "attachments").parse().unwrap_or(0);
    let found = mail.attachments.len();
    judged.expect(found >= expected, || format!("{found} attachments for {expected}"));
    // Where that reader found no subject or broke its letters the column is a hint and no truth.
    let subject = string(&sample.expected, "subject");
    let told = !subject.is_empty() && !subject.contains(char::REPLACEMENT_CHARACTER);
    let same = squeezed(&mail.subject) == squeezed(subject);
    judged.expect(same || !told, || format!("subject {:?} for {subject:?}", mail.subject));
    judged
}
