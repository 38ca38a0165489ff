//! Reports of those who do not follow RFC 3464: qmail, older Exchange and Exim, many gateways. Only what comes from a mail
//! system is read as one; the addresses are those that the text or the header names as failed. If in doubt it is no report, and
//! an agent sees the mail.

use std::sync::LazyLock;

use regex::Regex;

use super::super::headers::Headers;
use super::super::mail::{Mail, comparable};
use super::super::structure::Part;
use super::{Action, Delivery, Reason, Recipient, reason};

/// How much of a report is read, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// Words by which a mail system says that something was not delivered.
static FAILURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)undeliver|not (?:be )?deliver|non[- ]?deliver|deliver[a-z]* (?:status|fail|problem|error|report|has failed)|failed (?:to deliver|delivery|mail)|delivery .{0,30}fail|returned (?:mail|to sender|message)|failure (?:notice|notif|reasons)|mail (?:system )?error|bounce|could ?n[o']t be (?:delivered|sent)|did not reach|user unknown|unzustellbar|nicht zugestellt|non remis|échec|no se (?:ha podido|pudo) entregar|não (?:foi|pôde)|mancata consegna|unable to deliver|trouble delivering|error sending|permanent errors?\b|warning: (?:could not|message)|delivery (?:delayed|temporarily)|delayed|配信|送信エラー|送信できません|エラー|未送達|投递失败|退信",
    )
    .ok()
});

/// Where a report begins to quote the mail that it is about.
const QUOTES: [&str; 15] = [
    "unsent message follows",
    "--- below this line is a copy",
    "------ this is a copy of",
    "original message follows",
    "--- original message",
    "----- original message",
    "------- returned message",
    "--- returned message",
    "----- message header follows",
    "--- message header",
    "----- original mail",
    "--- below the next line",
    "copy of your message",
    "original headers",
    "message header --",
];

/// Reads a report from free text.
pub(super) fn read(top: &Part<'_>, mail: &Mail, original: Option<&Headers>) -> Option<Delivery> {
    let failed: Vec<String> = top.headers.all("X-Failed-Recipients").flat_map(addresses).collect();
    if failed.is_empty() && !is_from_mail_system(top, mail) {
        return None;
    }
    let text = told(mail);
    let about = format!("{}\n{text}", mail.subject);
    if failed.is_empty() && !FAILURE.as_ref().is_some_and(|it| it.is_match(&about)) {
        return None;
    }
    let own: Vec<String> = mail.to.iter().chain(&mail.from).map(|it| comparable(&it.address)).collect();
    let named = if failed.is_empty() { recipients(text, &own) } else { failed };
    // The text names nobody: the mail that is given back says whom it was for.
    let named = if named.is_empty() {
        let given_back = Headers::of_block(&mail.text[text.len()..]);
        let to = original.and_then(|it| it.first("To")).or_else(|| given_back.first("To"));
        to.map(addresses).unwrap_or_default().into_iter().take(1).collect()
    } else {
        named
    };
    if named.is_empty() {
        return None;
    }
    let recipients = named.into_iter().map(|address| recipient(address, text, &about)).collect();
    Some(Delivery { recipients, guessed: true, ..Delivery::default() })
}

/// Whether it comes from a mail system: the null sender, or the names that those have.
fn is_from_mail_system(top: &Part<'_>, mail: &Mail) -> bool {
    let from = mail.from.first();
    let local =
        from.map(|it| it.address.split('@').next().unwrap_or_default().to_lowercase()).unwrap_or_default();
    let name = from.map(|it| it.name.to_lowercase()).unwrap_or_default();
    let daemon = [
        "post_master",
        "mailer-daemon",
        "mailer_daemon",
        "mailerdaemon",
        "postmaster",
        "mdaemon",
        "mail-daemon",
        "mailsystem",
        "bounce-notification",
    ];
    let daemon = daemon.iter().any(|it| local.contains(it) || name.contains(it))
        || name.contains("mail delivery")
        || name.contains("mail deliver");
    let report = top.is("multipart", "report")
        && top.kind.param("report-type").is_some_and(|it| it.eq_ignore_ascii_case("delivery-status"));
    let replied = top
        .headers
        .first("Auto-Submitted")
        .is_some_and(|it| it.to_ascii_lowercase().starts_with("auto-replied"));
    // Some systems write from an address that nobody reads, and say whom they could not reach.
    let unread = local.starts_with("no-reply") || local.starts_with("noreply");
    let says = mail.text.to_lowercase().contains("could not be delivered to:");
    daemon || report || (unread && says) || (mail.return_path.as_deref() == Some("") && !replied)
}

/// What the report itself says, without the mail that it gives back.
fn told(mail: &Mail) -> &str {
    let text = &mail.text[..mail.text.floor_char_boundary(TEXT_MAX)];
    let lower = text.to_ascii_lowercase();
    let by_mark = QUOTES.iter().filter_map(|it| lower.find(it)).min();
    let by_field =
        ["\nreceived: ", "\nreturn-path: ", "\nmessage-id: "].iter().filter_map(|it| lower.find(it)).min();
    let end = by_mark.into_iter().chain(by_field).filter(|it| *it > 40).min().unwrap_or(text.len());
    &text[..end]
}

/// The addresses that a text names, apart from who wrote and who reads it.
fn recipients(text: &str, own: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        let start = line.trim_start();
        // Fields of servers and senders name other addresses.
        let lower = start.to_ascii_lowercase();
        if [
            "from",
            "mail from",
            "for further",
            "sender",
            "original sender",
            "contact",
            "for assistance",
            "please",
            "reporting",
            "message-id",
            "x-",
        ]
        .iter()
        .any(|it| lower.starts_with(it))
        {
            continue;
        }
        for address in addresses(line) {
            let plain = comparable(&address);
            if !own.contains(&plain)
                && !plain.starts_with("postmaster@")
                && !found.iter().any(|it| comparable(it) == plain)
            {
                found.push(address);
            }
        }
    }
    found
}

/// What looks like an address.
fn addresses(text: &str) -> Vec<String> {
    let outside = |it: char| {
        it.is_whitespace()
            || matches!(
                it,
                '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | '"' | '\'' | ':' | '\u{300c}' | '\u{300d}'
            )
    };
    let pieces = text.split(outside).map(|it| it.trim_matches(['.', '*', '`']));
    pieces
        .filter(|it| {
            it.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && domain.contains('.')
                    && domain.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-'))
            })
        })
        .map(str::to_owned)
        .collect()
}

fn recipient(address: String, text: &str, about: &str) -> Recipient {
    let at = text.find(address.as_str()).unwrap_or(0);
    let near = &text[at..text.floor_char_boundary(at + 600)];
    let status = [near, about].into_iter().find_map(|it| {
        let found = reason::sharpen((0, 0, 0), it);
        (found.0 != 0).then_some(found)
    });
    let delayed = about.to_ascii_lowercase();
    let delayed = delayed.contains("warning: ")
        || delayed.contains("delayed")
        || delayed.contains("will retry")
        || delayed.contains("still trying");
    // Who gave up after many tries was never refused for good.
    let passing = delayed || about.to_ascii_lowercase().contains("retry time");
    let status = status.unwrap_or(if passing { (4, 0, 0) } else { (5, 0, 0) });
    let reason = Reason::of_report(near, about, status);
    let action = if delayed && status.0 == 4 { Action::Delayed } else { Action::Failed };
    let diagnostic = near.split_whitespace().collect::<Vec<_>>().join(" ");
    let diagnostic = diagnostic[..diagnostic.floor_char_boundary(300)].to_owned();
    Recipient { address, action, status, diagnostic, reason }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read as read_mail};
    use super::super::Report;
    use super::*;

    fn delivery(raw: &str) -> Delivery {
        match read_mail(raw.as_bytes(), &Limits::default()).report {
            Some(Report::Delivery(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn qmail_is_read() {
        let found = delivery(
            "From: MAILER-DAEMON@mx.example\r\nTo: me@hub.example\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program.\r\n\
             I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n<gone@shop.example>:\r\n\
             Sorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nTo: other@shop.example\r\n",
        );
        assert!(found.guessed);
        assert_eq!(found.recipients.len(), 1);
        assert_eq!(
            (found.recipients[0].address.as_str(), found.recipients[0].status),
            ("gone@shop.example", (5, 1, 1))
        );
        assert!(found.recipients[0].unreachable());
    }

    #[test]
    fn the_header_may_name_who_failed() {
        let found = delivery(
            "From: Mail Delivery System <x@mx.example>\r\nX-Failed-Recipients: a@shop.example, b@shop.example\r\n\r\nmailbox full",
        );
        assert_eq!(found.recipients.iter().map(|it| it.reason).collect::<Vec<_>>(), [Reason::MailboxFull; 2]);
    }
}
