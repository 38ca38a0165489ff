//! A mailbox is read over IMAP: each mail once, also over restarts of the server and new numbering.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use connectors::email::imap::{Cursor, Fetched, ImapMailbox, Settings};
use connectors::email::{Limits, read};

use crate::PATIENCE;
use crate::mail::Mail;
use crate::server::support;

fn mailbox(mail: &Mail, mail_bytes: usize, history: bool) -> ImapMailbox {
    ImapMailbox::new(Settings {
        server: mail.imap_server(),
        credentials: support(),
        folder: "INBOX".to_owned(),
        history,
        mail_bytes,
        patience: Duration::from_secs(2),
    })
}

fn letter(number: usize) -> String {
    format!(
        "From: Ann <ann@shop.test>\nTo: support@hub.test\nMessage-ID: <m{number}@shop.test>\nSubject: Letter {number}\n\nHello {number}.\n.dotted\n"
    )
}

/// Fetches, again after whatever passes, until there are so many mails or time is up.
async fn collect(mailbox: &ImapMailbox, cursor: &mut Option<Cursor>, count: usize) -> Vec<Fetched> {
    let until = Instant::now() + PATIENCE;
    let mut mails = Vec::new();
    while mails.len() < count {
        assert!(Instant::now() < until, "{} of {count} mails", mails.len());
        match mailbox.fetch(cursor.as_ref()).await {
            Ok((more, next)) => {
                mails.extend(more);
                *cursor = Some(next);
                mailbox.settle().await.ok();
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    mails
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mail_is_taken_once() {
    let Some(mail) = Mail::start() else { return };
    let boxed = mailbox(&mail, 1 << 20, true);
    let mut cursor = None;
    for number in 0..5 {
        mail.deliver("ann@shop.test", "support@hub.test", &letter(number));
    }
    let first = collect(&boxed, &mut cursor, 5).await;
    // Mails on their way at once come in any order.
    let mails = first.iter().map(|it| read(&it.raw, &Limits::default()));
    let one = mails.into_iter().find(|it| it.subject == "Letter 0").expect("it is there");
    assert_eq!(one.text.trim_end().replace("\r\n", "\n"), "Hello 0.\n.dotted");
    assert_eq!(one.delivered_to, ["support@hub.test"]);

    // New mail is told while the mailbox waits.
    let waiting = tokio::spawn(async move {
        let mails = collect(&boxed, &mut cursor, 1).await;
        (boxed, cursor, mails, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    mail.deliver("ann@shop.test", "support@hub.test", &letter(5));
    let (boxed, mut cursor, mails, _) = waiting.await.expect("it waits");
    assert_eq!(mails.len(), 1);

    // The server goes and comes back.
    mail.kill_dovecot();
    mail.deliver("ann@shop.test", "support@hub.test", &letter(6));
    assert_eq!(collect(&boxed, &mut cursor, 1).await.len(), 1);

    // All numbers are new: everything is read again, and known by its ids.
    let before = cursor.expect("a cursor").validity;
    mail.kill_dovecot();
    mail.renumber("support@hub.test");
    tokio::time::sleep(Duration::from_secs(1)).await;
    mail.kill_dovecot();
    let again = collect(&boxed, &mut cursor, 7).await;
    assert_ne!(cursor.expect("a cursor").validity, before);
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for it in &again {
        *ids.entry(read(&it.raw, &Limits::default()).message_id.expect("an id")).or_default() += 1;
    }
    assert!(ids.len() == 7 && ids.values().all(|it| *it == 1), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mail_is_left_and_large_mail_is_cut() {
    let Some(mail) = Mail::start() else { return };
    mail.deliver("ann@shop.test", "support@hub.test", &letter(0));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let boxed = mailbox(&mail, 4_096, false);
    let (none, first) = boxed.fetch(None).await.expect("the mailbox opens");
    assert!(none.is_empty());
    mail.deliver("ann@shop.test", "support@hub.test", &format!("{}{}", letter(1), "x\n".repeat(10_000)));
    let mut cursor = Some(first);
    let mails = collect(&boxed, &mut cursor, 1).await;
    assert!(mails[0].header_only && mails[0].raw.len() < 4_096);
    assert_eq!(read(&mails[0].raw, &Limits::default()).subject, "Letter 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told() {
    let Some(mail) = Mail::start() else { return };
    let mut wrong = support();
    wrong.secret = "guess".to_owned();
    let boxed = ImapMailbox::new(Settings {
        server: mail.imap_server(),
        credentials: wrong,
        folder: "INBOX".to_owned(),
        history: true,
        mail_bytes: 4_096,
        patience: Duration::from_secs(1),
    });
    let refused = boxed.fetch(None).await.expect_err("it is refused");
    assert!(matches!(refused, connectors::ConnectorError::Refused(_)), "{refused:?}");
    assert!(!refused.to_string().contains("guess"));
}
