//! Our mail goes out over Postfix, and comes back as a report where it cannot be delivered.

use std::time::Duration;

use connectors::ConnectorError;
use connectors::email::bounce::{Action, Report};
use connectors::email::imap::{ImapMailbox, Settings};
use connectors::email::outbound::{Draft, Relay, compose};
use connectors::email::thread::Threads;
use connectors::email::{Limits, read};
use policy::id::ConversationId;

use crate::PATIENCE;
use crate::mail::Mail;
use crate::server::support;

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_taken_and_reports_find_their_mail() {
    let Some(mail) = Mail::start() else { return };
    let threads = Threads::new(b"a secret");
    let conversation = ConversationId::from_bits(77);
    let reply_to = threads.reply_address("support@hub.test", conversation).expect("room");
    let relay = Relay::new(mail.relay_server(), Some(support()), "hub.test".to_owned());
    for (seq, to) in [(1, "ann@shop.test"), (2, "ghost@bounce.test")] {
        let draft = Draft {
            message_id: threads.message_id(conversation, seq, "hub.test"),
            from: ("Support".to_owned(), "support@hub.test".to_owned()),
            reply_to: Some(reply_to.clone()),
            to: vec![to.to_owned()],
            subject: "Re: Grüße".to_owned(),
            text: "hello\n.\nthere\n".to_owned(),
            at_ms: 1_700_000_000_000,
            ..Draft::default()
        };
        let raw = compose(&draft).expect("written");
        let sent = relay.send(&reply_to, &[to.to_owned()], &format!("env-{seq}"), &raw).await.expect("taken");
        assert_eq!(sent[0].result, Ok(()));
    }
    let nobody =
        relay.send(&reply_to, &["nobody@hub.test".to_owned()], "env-3", b"Subject: x\r\n\r\nx\r\n").await;
    let nobody = nobody.expect("an answer for the recipient");
    assert!(matches!(nobody[0].result, Err(ConnectorError::Refused(_))), "{nobody:?}");

    // The report comes to the reply address, and names mail and recipient.
    let boxed = ImapMailbox::new(Settings {
        server: mail.imap_server(),
        credentials: support(),
        folder: "INBOX".to_owned(),
        history: true,
        mail_bytes: 1 << 20,
        patience: Duration::from_secs(10),
    });
    let (mut mails, mut cursor) = (Vec::new(), None);
    let until = std::time::Instant::now() + PATIENCE;
    while mails.is_empty() && std::time::Instant::now() < until {
        let (more, next) = boxed.fetch(cursor.as_ref()).await.expect("the mailbox opens");
        (mails, cursor) = (more, Some(next));
    }
    let report = read(&mails[0].raw, &Limits::default());
    let found = threads.refers_to(&report, &[]).map(|it| it.conversation);
    assert_eq!(found, Some(conversation));
    let Some(Report::Delivery(delivery)) = report.report else { panic!("no report") };
    assert_eq!(delivery.envelope_id.as_deref(), Some("env-2"));
    let original = delivery.original.expect("it names the mail");
    assert_eq!(threads.by_message_id(&original), Some((conversation, 2)));
    assert_eq!(
        (delivery.recipients[0].address.as_str(), delivery.recipients[0].action),
        ("ghost@bounce.test", Action::Failed)
    );
    assert!(delivery.recipients[0].unreachable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_not_there_is_waited_for() {
    let server = connectors::email::net::Server {
        host: "localhost".to_owned(),
        port: 1,
        security: connectors::email::net::Security::Plain,
        ca: None,
    };
    let relay = Relay::new(server, None, "hub.test".to_owned());
    let sent = relay.send("a@hub.test", &["b@shop.test".to_owned()], "e", b"x").await;
    assert!(matches!(sent, Err(ConnectorError::Wait { .. })), "{sent:?}");
}
