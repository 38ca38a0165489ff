//! What becomes of mail that goes out: acknowledged once, shown as far as it got, sent again when somebody asks, and never to
//! an address that is known to be none.

use protocol::{
    ClientFrame, Code, ContactPointView, FailedMailView, FileBody, HistoryBody, MailInput, MailState,
    MailView, ServerFrame, SessionEvent,
};
use tests::Client;

use super::desk::{Desk, field, letter, take_next};
use crate::steps;

/// Waits until a mail of ours stands so.
async fn reached(agent: &mut Client, state: MailState) -> MailView {
    agent
        .wait("how far the mail got", |frame| match frame {
            ServerFrame::Event { event: SessionEvent::Message { message, .. }, .. } => {
                message.mail.as_deref().filter(|it| it.state == Some(state)).cloned()
            }
            _ => None,
        })
        .await
}

/// The contact points of the conversation in hand, once there are so many.
async fn points(agent: &mut Client, count: usize) -> Vec<ContactPointView> {
    agent
        .event("where the customer can be written to", |event| match event {
            SessionEvent::Conversation { conversation } => {
                Some(conversation.contact_points.clone()).filter(|it| it.len() == count)
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn an_acknowledgement_goes_once_and_answers_nobody() {
    let desk = Desk::open_with("acknowledge = true").await;
    let first = letter("ann@shop.test", "a1", "Parcel", "", "Where is it?");
    desk.deliver("support@hub.test", &first).await;
    let handed = desk.handed(1).await;
    let (recipient, mail) = &handed[0];
    assert_eq!(recipient, "ann@shop.test");
    assert_eq!(field(mail, "Auto-Submitted"), "auto-replied");
    assert_eq!(field(mail, "X-Auto-Response-Suppress"), "All");
    assert_eq!(field(mail, "In-Reply-To"), "<a1@shop.test>");
    assert!(mail.contains("We have received your message"), "{mail}");
    assert!(mail.contains("You are number 1 in line"), "{mail}");
    assert_eq!(desk.senders(), [""], "from nobody, so that nothing answers it");

    // More in the same matter, and what comes back of our own, is not acknowledged.
    desk.deliver("support@hub.test", &letter("ann@shop.test", "a2", "Re: Parcel", "", "Please!")).await;
    let reply_to = field(mail, "Reply-To");
    let reply_to = reply_to.rsplit('<').next().unwrap_or_default().trim_end_matches('>');
    desk.deliver(reply_to, &letter("ann@shop.test", "a3", "Re: Parcel", "", "It is urgent")).await;
    desk.deliver("support@hub.test", mail).await;

    // A program that answers everything and says of itself that it is none.
    for round in 0..12 {
        let id = format!("loop{round}");
        let from =
            letter("robot@shop.test", &id, "Ticket", "", &format!("We have your mail. Ticket {round}"));
        desk.deliver("support@hub.test", &from).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    let handed = desk.handed.lock().expect("nobody panicked").clone();
    let to = |who: &str| handed.iter().filter(|(to, _)| to == who).count();
    assert_eq!(to("ann@shop.test"), 1, "one for the conversation");
    assert!((1..=3).contains(&to("robot@shop.test")), "{} mails to a robot", to("robot@shop.test"));
}

#[tokio::test]
async fn a_mail_has_subject_copies_files_and_a_quote() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "s1", "Bill", "", "Please send it")).await;
    let (conversation, _) = take_next(&mut agent).await;
    let path = format!("/api/v1/conversations/{conversation}/files?name=../bill%20%C3%A9.txt");
    let added = desk.agent.api.send("POST", &path, &[("content-type", "text/plain")], "100 EUR").await;
    let file: FileBody = added.json();
    assert_eq!((added.status, file.size, file.name.as_str()), (201, 7, "bill é.txt"));

    let mail = MailInput {
        subject: Some("Your bill".to_owned()),
        cc: vec!["books@shop.test".to_owned()],
        bcc: vec!["quiet@shop.test".to_owned()],
        quote: true,
        files: vec![file.id],
        ..MailInput::default()
    };
    let send = |id: &str, mail: MailInput| ClientFrame::Mail {
        id: id.to_owned(),
        conversation,
        contact_point: None,
        text: "Here it is".to_owned(),
        mail: Box::new(mail),
    };
    agent.ask(send("bill", mail)).await.expect("it is taken");
    let shown = reached(&mut agent, MailState::Sent).await;
    assert_eq!(
        (shown.subject.as_str(), shown.cc.as_slice()),
        ("Your bill", ["books@shop.test".to_owned()].as_slice())
    );
    assert_eq!((shown.files.len(), shown.files[0].size), (1, 7));
    let handed = desk.handed(1).await;
    let (_, mail) = &handed[0];
    assert_eq!(
        (field(mail, "Subject").as_str(), field(mail, "Cc").as_str()),
        ("Your bill", "books@shop.test")
    );
    assert!(!mail.contains("quiet@shop.test"), "a hidden copy stays hidden");
    for part in ["Here it is", "-- \r\nYour shop", "Ann wrote:", "> Please send it", "filename"] {
        assert!(mail.contains(part), "{part:?} is not in {mail}");
    }
    assert_eq!(desk.recipients(), ["ann@shop.test", "books@shop.test", "quiet@shop.test"]);

    // Who was named takes part from then on.
    let reply_to = field(mail, "Reply-To");
    let reply_to = reply_to.rsplit('<').next().unwrap_or_default().trim_end_matches('>');
    desk.deliver(reply_to, &letter("books@shop.test", "s2", "Re: Your bill", "", "Booked")).await;
    steps::message(&mut agent, "Booked").await;

    for (wrong, why) in [
        (MailInput { subject: Some("a\r\nBcc: x@y.test".to_owned()), ..MailInput::default() }, "subject"),
        (MailInput { cc: vec!["x@y.test\r\nX: y".to_owned()], ..MailInput::default() }, "addresses"),
        (MailInput { files: vec!["nothing".to_owned()], ..MailInput::default() }, "files"),
    ] {
        assert_eq!(agent.ask(send(why, wrong)).await.expect_err("it is refused"), Code::Invalid, "{why}");
    }
}

#[tokio::test]
async fn a_bounce_is_shown_and_the_address_is_left_alone_until_somebody_asks() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("moved@shop.test", "b1", "Hi", "", "Anybody?")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "Here we are").await;
    reached(&mut agent, MailState::Sent).await;
    let handed = desk.handed(1).await;
    let id = field(&handed[0].1, "Message-ID");
    let report = |action: &str, status: &str, said: &str| {
        format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.shop.test\nTo: support@hub.test\nMessage-ID: <{action}@mx.shop.test>\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.shop.test\n\n\
             Final-Recipient: rfc822; moved@shop.test\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {said}\n\n--b\n\
             Content-Type: text/rfc822-headers\n\nMessage-ID: {id}\n\n--b--\n"
        )
    };
    desk.deliver("support@hub.test", &report("delayed", "4.4.1", "451 later")).await;
    assert!(reached(&mut agent, MailState::Delayed).await.why.is_some_and(|it| it.contains("451 later")));
    desk.deliver("support@hub.test", &report("failed", "5.1.1", "550 no such user")).await;
    assert!(
        reached(&mut agent, MailState::Failed).await.why.is_some_and(|it| it.contains("550 no such user"))
    );

    // Nothing more goes there by itself.
    let refused = agent.ask(ClientFrame::Send {
        id: "again".to_owned(),
        conversation: Some(conversation),
        contact_point: None,
        text: "Hello?".to_owned(),
    });
    assert_eq!(refused.await.expect_err("it is refused"), Code::Invalid);

    // A person says so: it is sent once more, as the same mail.
    let history: HistoryBody =
        desk.agent.api.get(&format!("/api/v1/conversations/{conversation}/messages")).await.json();
    let seq = history.messages.last().map(|it| it.seq).expect("the answer");
    let failed =
        async || -> Vec<FailedMailView> { desk.workspace.admin.get("/api/v1/mail/failed").await.json() };
    let listed = failed().await;
    assert_eq!((listed.len(), listed[0].seq, listed[0].state), (1, seq, MailState::Failed));
    assert!(listed[0].why.as_ref().is_some_and(|it| it.contains("no such user")), "{listed:?}");
    assert_eq!(desk.agent.api.get("/api/v1/mail/failed").await.status, 403, "for who oversees");
    let path = format!("/api/v1/conversations/{conversation}/messages/{seq}/send-again");
    assert_eq!(desk.agent.api.post(&path, &serde_json::json!({})).await.status, 202);
    reached(&mut agent, MailState::Sent).await;
    let handed = desk.handed(2).await;
    assert_eq!(field(&handed[1].1, "Message-ID"), id);
    assert_eq!(desk.agent.api.post(&path, &serde_json::json!({})).await.status, 409, "it has not failed");
    assert!(failed().await.is_empty(), "it got further");
}

#[tokio::test]
async fn what_comes_back_goes_to_another_contact_point_that_the_customer_wrote_from() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("gone@shop.test", "e1", "Parcel", "", "Where is it?")).await;
    let (conversation, _) = take_next(&mut agent).await;
    let shown = points(&mut agent, 1).await;
    let (gone, address) = (shown[0].id, shown[0].address.clone());
    assert_eq!((address.as_deref(), shown[0].trouble.as_deref()), (Some("gone@shop.test"), None));

    // A colleague is named and writes too, and would like the answers elsewhere.
    let copy = MailInput { cc: vec!["home@shop.test".to_owned()], ..MailInput::default() };
    let frame = |id: &str, contact_point, text: &str, mail: MailInput| ClientFrame::Mail {
        id: id.to_owned(),
        conversation,
        contact_point,
        text: text.to_owned(),
        mail: Box::new(mail),
    };
    agent.ask(frame("copy", None, "To both of you", copy)).await.expect("it is taken");
    reached(&mut agent, MailState::Failed).await;
    let shown = points(&mut agent, 1).await;
    assert_eq!((shown[0].id, shown[0].trouble.as_deref()), (gone, Some("unreachable")));
    let id = field(&desk.handed(1).await[0].1, "Message-ID");
    let more = format!("In-Reply-To: {id}\nReply-To: desk@shop.test\n");
    desk.deliver("support@hub.test", &letter("home@shop.test", "e2", "Re: Parcel", &more, "Here I am")).await;
    let shown = points(&mut agent, 2).await;
    let home = shown[1].id;
    assert_eq!(shown[1].address.as_deref(), Some("desk@shop.test"), "where the answer will really go");
    assert_eq!((shown[0].id, shown[0].trouble.as_deref()), (gone, Some("unreachable")));

    let failed: Vec<FailedMailView> = desk.workspace.admin.get("/api/v1/mail/failed").await.json();
    let elsewhere: Vec<_> = failed[0].elsewhere.iter().map(|it| it.address.as_deref()).collect();
    assert_eq!(elsewhere, [Some("desk@shop.test")]);

    // What is refused at the one goes to the other, and so does what comes after it.
    let refused = agent.ask(frame("gone", Some(gone), "Again", MailInput::default())).await;
    assert_eq!(refused.expect_err("it is refused"), Code::Invalid);
    agent.ask(frame("home", Some(home), "To you", MailInput::default())).await.expect("it is taken");
    agent.say(Some(conversation), "And more").await;
    let handed = desk.handed(3).await;
    let to: Vec<_> = handed.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["home@shop.test", "desk@shop.test", "desk@shop.test"]);
    let history: HistoryBody =
        desk.agent.api.get(&format!("/api/v1/conversations/{conversation}/messages")).await.json();
    let named: Vec<_> = history.messages.iter().map(|it| it.contact_point).collect();
    assert_eq!(named, [gone, gone, home, home, home]);

    // Nothing goes to where this customer has never written from.
    let mut visitor = desk.workspace.visitor().await;
    let mut chat = visitor.connect().await;
    let (other, ..) = chat.say(None, "Somebody else").await;
    let path = format!("/api/v1/conversations/{other}/messages");
    let history: HistoryBody = desk.workspace.admin.get(&path).await.json();
    let theirs = history.messages[0].contact_point;
    let frame = ClientFrame::Send {
        id: "theirs".to_owned(),
        conversation: Some(conversation),
        contact_point: Some(theirs),
        text: "Hello?".to_owned(),
    };
    assert_eq!(agent.ask(frame).await.expect_err("it is refused"), Code::Conflict);
}

#[tokio::test]
async fn a_program_that_answers_everything_is_known_again_after_a_restart() {
    let mut desk = Desk::open_with("acknowledge = true").await;
    // Nobody proves its address, so that each of its mails begins a conversation.
    let robot = |id: &str| {
        let mail = letter("robot@shop.test", id, "Ticket", "", &format!("We have your mail. Ticket {id}"));
        mail.split_once('\n').map(|(_, it)| it.to_owned()).unwrap_or_default()
    };
    let to = |desk: &Desk, who: &str| {
        let handed = desk.handed.lock().expect("nobody panicked");
        handed.iter().filter(|(to, _)| to == who).count()
    };
    for id in ["r1", "r2", "r3", "r4"] {
        let said = desk.deliver("support@hub.test", &robot(id)).await;
        assert!(said.starts_with("250"), "{said}");
    }
    desk.handed(3).await;
    desk.restart().await;
    desk.deliver("support@hub.test", &robot("r5")).await;
    // What comes later is answered later: then nothing more goes to the program.
    desk.deliver("support@hub.test", &letter("ann@shop.test", "p1", "Parcel", "", "Where is it?")).await;
    desk.handed(4).await;
    assert_eq!((to(&desk, "robot@shop.test"), to(&desk, "ann@shop.test")), (3, 1));
}
