//! Reports of those who do not follow RFC 3464: qmail, older Exchange and Exim, many gateways. Only what comes from a mail
//! system is read as one; the addresses are those that the text or the header names as failed. If in doubt it is no report, and
//! an agent sees the mail.

use std::sync::LazyLock;

use regex::Regex;

use super::super::headers::Headers;
use super::super::mail::{Mail, comparable};
use super::super::structure::Part;
use super::{Action, Delivery, Reason, Recipient, dsn, reason};

/// How much of a report is read, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// Words by which a mail system says that something was not delivered.
static FAILURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)undeliver|not (?:be )?deliver|non[- ]?deliver|deliver[a-z]* (?:status|fail|problem|error|report|has failed)|failed (?:to deliver|delivery|mail)|delivery .{0,30}fail|returned (?:mail|to sender|message)|failure (?:notice|notif|reasons)|mail (?:system )?error|bounce|could ?n[o']t be (?:delivered|sent)|did not reach|user unknown|unzustellbar|nicht zugestellt|non remis|échec|no se (?:ha podido|pudo) entregar|não (?:foi|pôde)|mancata consegna|unable to deliver|trouble delivering|(?:invalid|unknown) (?:user|recipient) address|no such user|error sending|permanent errors?\b|warning: (?:could not|message)|delivery (?:delayed|temporarily)|delayed|配信|送信エラー|送信できません|エラー|未送達|投递失败|退信",
    )
    .ok()
});

/// Words by which a list says that it did not take a mail, and the address in the same sentence.
static REFUSED_BY_LIST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:not (?:a )?(?:member|subscriber)|not subscribed|not allowed to post|rejected by|duplicated message-id)[^.@]{0,80}?(\S+@\S+)",
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
    if let Some(list) = refusing_list(top, mail) {
        let recipients = vec![recipient(list, told(mail), &mail.subject, true)];
        return Some(Delivery { recipients, guessed: true, ..Delivery::default() });
    }
    let failed: Vec<String> = top.headers.all("X-Failed-Recipients").flat_map(addresses).collect();
    if failed.is_empty() && !is_from_mail_system(top, mail) {
        return None;
    }
    let text = told(mail);
    let about = format!("{}\n{text}", mail.subject);
    if failed.is_empty() && !FAILURE.as_ref().is_some_and(|it| it.is_match(&about)) {
        return None;
    }
    // A part for the fields that lost its boundary.
    if text.to_ascii_lowercase().contains("final-recipient:") {
        let read = dsn::read(text, text);
        if read.recipients.iter().any(|it| it.address.contains('@')) {
            return Some(Delivery { guessed: true, ..read });
        }
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
    let alone = named.len() == 1;
    let recipients = named.into_iter().map(|address| recipient(address, text, &about, alone)).collect();
    Some(Delivery { recipients, guessed: true, ..Delivery::default() })
}

/// The mailing list that did not take a mail of ours: its manager says so, and names it.
fn refusing_list(top: &Part<'_>, mail: &Mail) -> Option<String> {
    let from = mail.from.first()?.address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let manager = ["-admin", "-owner", "-request", "-bounces"].iter().any(|it| from.ends_with(it))
        || from.starts_with("owner-");
    let of_list = ["X-MLServer", "X-Mailman-Version", "X-BeenThere", "List-Id", "List-Post"];
    if !manager || of_list.iter().all(|it| top.headers.first(it).is_none()) {
        return None;
    }
    let said = REFUSED_BY_LIST.as_ref()?.captures(told(mail))?;
    addresses(said.get(1)?.as_str()).into_iter().next()
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

/// How lines begin that name senders, and whom to ask; fields of servers too.
const OTHERS: [&str; 12] = [
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
    "if you",
];

/// The addresses that a text names, apart from who wrote, who reads it, and whom it tells to ask.
fn recipients(text: &str, own: &[String]) -> Vec<String> {
    let is_of_others = |line: &str| {
        let lower = line.trim_start().to_ascii_lowercase();
        OTHERS.iter().any(|it| lower.starts_with(it))
    };
    let (others, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|it| is_of_others(it));
    let others: Vec<String> = others.into_iter().flat_map(addresses).map(|it| comparable(&it)).collect();
    let mut found: Vec<String> = Vec::new();
    for address in lines.into_iter().flat_map(addresses) {
        let plain = comparable(&address);
        let known = own.contains(&plain) || others.contains(&plain) || plain.starts_with("postmaster@");
        if !known && !found.iter().any(|it| comparable(it) == plain) {
            found.push(address);
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

/// What is said of one recipient. Where it is not the only one, what stands by its address counts and nothing else.
fn recipient(address: String, text: &str, about: &str, alone: bool) -> Recipient {
    let at = text.find(address.as_str()).unwrap_or(0);
    let near = &text[at..text.floor_char_boundary(at + 600)];
    let near = if alone { near } else { up_to_the_next(near, &address) };
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
    let reason = Reason::of_report(near, if alone { about } else { "" }, status);
    let action = if delayed && status.0 == 4 { Action::Delayed } else { Action::Failed };
    let diagnostic = near.split_whitespace().collect::<Vec<_>>().join(" ");
    let diagnostic = diagnostic[..diagnostic.floor_char_boundary(300)].to_owned();
    Recipient { address, action, status, diagnostic, reason }
}

/// A text up to the line that names somebody else.
fn up_to_the_next<'t>(text: &'t str, address: &str) -> &'t str {
    let own = comparable(address);
    let mut starts = text.match_indices('\n').map(|(end, _)| end + 1);
    let is_next = |start: &usize| {
        let line = text[*start..].lines().next().unwrap_or_default();
        let named = addresses(line);
        !named.is_empty() && named.iter().all(|it| comparable(it) != own)
    };
    &text[..starts.find(is_next).unwrap_or(text.len())]
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

    #[test]
    fn each_recipient_has_its_own_reason() {
        let found = delivery(
            "From: MAILER-DAEMON@mx.example\r\nSubject: Delivery status notification: error\r\n\r\nAn error has occurred:\r\n\r\n\
             full@shop.example: 550 5.2.2 <full@shop.example>... Mailbox full\r\ngone@shop.example: 550 5.1.1 <gone@shop.example>... User unknown\r\n",
        );
        let reasons: Vec<_> = found.recipients.iter().map(|it| (it.reason, it.status)).collect();
        assert_eq!(reasons, [(Reason::MailboxFull, (5, 2, 2)), (Reason::UserUnknown, (5, 1, 1))]);
    }

    #[test]
    fn whom_to_ask_is_no_recipient() {
        let found = delivery(
            "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\n\r\nFor further assistance, contact <help@mx.example>\r\n\r\n\
             Ask <help@mx.example>.\r\n\r\n<gone@shop.example>: said: 550 User unknown\r\n",
        );
        let named: Vec<_> = found.recipients.iter().map(|it| it.address.as_str()).collect();
        assert_eq!(named, ["gone@shop.example"]);
    }

    #[test]
    fn fields_that_lost_their_part_are_read() {
        let found = delivery(
            "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n\r\nSorry <late@shop.example>\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
             Final-Recipient: rfc822;late@shop.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n",
        );
        let [late] = found.recipients.as_slice() else { panic!("one recipient") };
        assert_eq!((late.address.as_str(), late.action), ("late@shop.example", Action::Delayed));
    }

    #[test]
    fn a_list_says_that_it_took_nothing() {
        let found = delivery(
            "From: news-admin@lists.example\r\nX-MLServer: some 4.0\r\nSubject: You are not member\r\n\r\n\
             You are not a member of this mailing list <news@lists.example>.\r\n\r\nWrite to news-ctl@lists.example.\r\n",
        );
        let [list] = found.recipients.as_slice() else { panic!("one recipient") };
        assert_eq!(
            (list.address.as_str(), list.action, list.unreachable()),
            ("news@lists.example", Action::Failed, false)
        );
        let person = "From: ann@shop.example\r\n\r\nI am not a member of this list news@lists.example.\r\n";
        assert_eq!(read_mail(person.as_bytes(), &Limits::default()).report, None);
    }
}
