//! Reports of delivery in the form of RFC 3464: a block of fields for the mail, then one for each recipient.

use super::super::headers::Headers;
use super::{Action, Delivery, Reason, Recipient, reason};

/// Reads the status part. `words` is what the report tells people: it is asked for the reason where the fields are silent.
pub(super) fn read(status: &str, words: &str) -> Delivery {
    let mut delivery = Delivery::default();
    let blocks: Vec<Headers> = blocks(status).iter().map(|it| Headers::of_block(it)).collect();
    let alone = blocks.iter().filter(|it| it.first("Final-Recipient").is_some()).count() <= 1;
    for fields in &blocks {
        if let Some(id) = fields.first("Original-Envelope-Id") {
            delivery.envelope_id = Some(id.to_owned());
        }
        if let Some(recipient) = recipient(fields, words, alone) {
            delivery.recipients.push(recipient);
        }
    }
    delivery
}

/// What stands between blank lines.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            blocks.push(String::new());
        } else if let Some(block) = blocks.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}

fn recipient(fields: &Headers, words: &str, alone: bool) -> Option<Recipient> {
    let told = ["Final-Recipient", "Original-Recipient", "X-Actual-Recipient"]
        .into_iter()
        .find_map(|it| fields.first(it));
    let action = fields.first("Action").unwrap_or_default();
    if told.is_none() && action.is_empty() {
        return None;
    }
    let diagnostic = fields.first("Diagnostic-Code").unwrap_or_default().to_owned();
    let status = reason::status(fields.first("Status").unwrap_or_default()).unwrap_or_default();
    let status = reason::sharpen(status, &diagnostic);
    let action = match action.split([' ', '(', ';']).next().unwrap_or_default().to_ascii_lowercase().as_str()
    {
        "delayed" | "deferred" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" => Action::Relayed,
        "expanded" => Action::Expanded,
        "failed" | "failure" | "failed-permanently" => Action::Failed,
        _ if status.0 == 2 => Action::Delivered,
        _ => Action::Failed,
    };
    let address = told.map(address).unwrap_or_default();
    let reason = Reason::of_report(&diagnostic, about(words, &address, alone), status);
    Some(Recipient { address, action, status, diagnostic, reason })
}

/// What the words say of one recipient: all of them where the report is about one only, else the lines from its address up to
/// the next one.
fn about<'w>(words: &'w str, address: &str, alone: bool) -> &'w str {
    let at = if alone || address.is_empty() { 0 } else { words.find(address).unwrap_or(0) };
    let rest = &words[at..words.floor_char_boundary(at + 4_000)];
    if alone {
        return rest;
    }
    let mut lines = rest.match_indices('\n').map(|(end, _)| end + 1);
    let next = lines.find(|start| rest[*start..].lines().next().is_some_and(|line| line.contains('@')));
    &rest[..next.unwrap_or(rest.len())]
}

/// `rfc822; <ann@example.com>` without its type and brackets.
fn address(value: &str) -> String {
    let bare = value.split_once(';').map_or(value, |(_, it)| it).trim();
    bare.trim_matches(['<', '>', ' ', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_missing_are_made_up_for() {
        let found = read(
            "Reporting-MTA: dns; x\n\nFinal-Recipient: <a@b.example>\nAction: failed\nDiagnostic-Code: smtp; 552 5.2.2 full\n",
            "",
        );
        assert_eq!(found.recipients[0].address, "a@b.example");
        assert_eq!(
            (found.recipients[0].status, found.recipients[0].reason),
            ((5, 2, 2), Reason::MailboxFull)
        );
        assert!(read("Reporting-MTA: dns; x\n", "").recipients.is_empty());
    }
}
