//! A mail becomes a conversation, the answer goes out as mail, and the answer to that comes back into the same conversation.
//! The mail server's side is played here, word by word; real mail servers are spoken to in the connectors' own tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use policy::id::ConversationId;
use protocol::{ClientFrame, DeliveryState, HistoryBody, ServerFrame, SessionEvent};
use tests::{Agent, Client, PATIENCE, Server, Workspace};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::steps;

/// What a relay was handed: recipient and mail.
type Handed = Arc<Mutex<Vec<(String, String)>>>;

/// A relay that takes everything but mail to `gone@`.
async fn relay() -> (u16, Handed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let handed = Handed::default();
    let kept = Arc::clone(&handed);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&kept)));
        }
    });
    (port, handed)
}

async fn serve(stream: TcpStream, handed: Handed) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 relay.test ESMTP\r\n").await?;
    let mut recipient = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 relay.test",
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                if recipient.starts_with("gone@") { "550 5.1.1 no such user" } else { "250 fine" }
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") && stream.read_line(&mut mail).await? > 0 {}
                handed.lock().expect("nobody panicked").push((recipient.clone(), mail));
                "250 taken"
            }
            _ => "250 fine",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// A desk that gets mail.
struct Desk {
    server: Server,
    workspace: Workspace,
    agent: Agent,
    lmtp: SocketAddr,
    handed: Handed,
}

impl Desk {
    async fn open() -> Self {
        let mut server = Server::start().await;
        let workspace = server.workspace("shop", None).await;
        let agent = workspace.agent("ana").await;
        let (port, handed) = relay().await;
        let lmtp =
            TcpListener::bind("127.0.0.1:0").await.expect("a port is free").local_addr().expect("an address");
        server.kill().await;
        let account = format!(
            "SWITCHBOARD__EMAIL=[{{ workspace = \"{}\", address = \"support@hub.test\", name = \"Support\", own_server = \"mx.hub.test\", relay = {{ host = \"127.0.0.1\", port = {port}, security = \"plain\" }} }}]",
            workspace.keys.id
        );
        let listener = format!("SWITCHBOARD__MAIL_LISTENER__LISTEN={lmtp}");
        server.start_again_under(&["env", &account, &listener]).await;
        Self { server, workspace, agent, lmtp, handed }
    }

    /// Hands a mail over by LMTP; the last answer.
    async fn deliver(&self, to: &str, mail: &str) -> String {
        let mut stream = BufReader::new(TcpStream::connect(self.lmtp).await.expect("it listens for mail"));
        let body = mail.replace('\n', "\r\n");
        let mut last = String::new();
        for line in [
            String::new(),
            "LHLO mx.hub.test\r\n".to_owned(),
            "MAIL FROM:<bounces@shop.test>\r\n".to_owned(),
            format!("RCPT TO:<{to}>\r\n"),
            "DATA\r\n".to_owned(),
            format!("{body}\r\n.\r\n"),
        ] {
            stream.get_mut().write_all(line.as_bytes()).await.expect("written");
            loop {
                last.clear();
                assert!(
                    stream.read_line(&mut last).await.expect("an answer") > 0,
                    "it says nothing to {line:?}"
                );
                if last.as_bytes().get(3) == Some(&b' ') {
                    break;
                }
            }
        }
        last
    }

    /// The mails that the relay has, once there are so many.
    async fn handed(&self, count: usize) -> Vec<(String, String)> {
        let until = Instant::now() + PATIENCE;
        loop {
            let handed = self.handed.lock().expect("nobody panicked").clone();
            if handed.len() >= count {
                return handed;
            }
            assert!(
                Instant::now() < until,
                "the relay has {} of {count} mails; the log:\n{}",
                handed.len(),
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn texts(&self, conversation: ConversationId) -> Vec<String> {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
        let history: HistoryBody = self.workspace.admin.get(&path).await.json();
        steps::texts(&history.messages).into_iter().map(str::to_owned).collect()
    }
}

fn letter(from: &str, id: &str, subject: &str, more: &str, text: &str) -> String {
    format!(
        "Authentication-Results: mx.hub.test; dmarc=pass header.from=shop.test\nFrom: Ann <{from}>\nTo: support@hub.test\n\
         Message-ID: <{id}@shop.test>\nSubject: {subject}\n{more}\n{text}\n"
    )
}

/// Takes the next offer, whatever it is of.
async fn take_next(agent: &mut Client) -> (ConversationId, String) {
    let offer = agent
        .event("an offer", |event| match event {
            SessionEvent::Offer { offer } => Some(offer.clone()),
            _ => None,
        })
        .await;
    let id = agent.id();
    agent.ask(ClientFrame::Accept { id, offer: offer.id }).await.expect("a standing offer can be accepted");
    let text = offer.conversation.messages.first().and_then(|it| it.text.clone()).unwrap_or_default();
    (offer.conversation.id, text)
}

fn field(mail: &str, name: &str) -> String {
    let unfolded = mail.replace("\r\n ", " ");
    let line =
        unfolded.lines().find(|it| it.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
    line.map_or_else(String::new, |it| it[name.len() + 1..].trim().to_owned())
}

#[tokio::test]
async fn mail_and_answers_stay_in_one_conversation() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    let first = letter("ann@shop.test", "m1", "Parcel", "", "Where is it?\n\n-- \nAnn");
    assert!(desk.deliver("support@hub.test", &first).await.starts_with("250"));
    let (conversation, text) = take_next(&mut agent).await;
    assert_eq!(text, "Parcel\n\nWhere is it?");

    // The same mail again, as after a broken connection.
    assert!(desk.deliver("support@hub.test", &first).await.starts_with("250"));
    // A vacation reply is no message.
    let away = letter("ann@shop.test", "m2", "Away", "Auto-Submitted: auto-replied\n", "I am away");
    assert!(desk.deliver("support@hub.test", &away).await.starts_with("250"));
    assert_eq!(desk.texts(conversation).await, ["Parcel\n\nWhere is it?"]);

    agent.say(Some(conversation), "On its way").await;
    let handed = desk.handed(1).await;
    let (recipient, mail) = &handed[0];
    assert_eq!(
        (recipient.as_str(), field(mail, "In-Reply-To").as_str()),
        ("ann@shop.test", "<m1@shop.test>")
    );
    assert_eq!(
        (field(mail, "Subject").as_str(), field(mail, "References").as_str()),
        ("Re: Parcel", "<m1@shop.test>")
    );
    let reply_to =
        field(mail, "Reply-To").rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned();
    assert!(reply_to.starts_with("support+t"), "{mail}");

    // The answer comes to the reply address, and is shown without what it quotes.
    let answer = letter(
        "ann@shop.test",
        "m3",
        "Re: Parcel",
        "",
        "Thanks!\n\nOn 1 May 2024, Support wrote:\n> On its way",
    );
    assert!(desk.deliver(&reply_to, &answer).await.starts_with("250"));
    steps::message(&mut agent, "Thanks!").await;
    assert_eq!(desk.texts(conversation).await, ["Parcel\n\nWhere is it?", "On its way", "Thanks!"]);

    // Who only knows the address is not let in.
    let stranger = letter("eve@shop.test", "m4", "Re: Parcel", "", "Let me in");
    assert!(desk.deliver(&reply_to, &stranger).await.starts_with("250"));
    let (other, _) = take_next(&mut agent).await;
    assert_ne!(other, conversation);
    assert_eq!(desk.texts(conversation).await.len(), 3);

    // Nobody here.
    assert!(desk.deliver("nobody@hub.test", &first).await.starts_with('5'));
}

#[tokio::test]
async fn what_a_relay_refuses_is_shown_as_failed() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("gone@shop.test", "g1", "Hi", "", "Anybody?")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "Here we are").await;
    agent
        .wait("that the answer failed", |frame| match frame {
            ServerFrame::Event { event: SessionEvent::Message { message, .. }, .. } => {
                (message.delivery == DeliveryState::Failed).then_some(())
            }
            _ => None,
        })
        .await;
    assert!(desk.handed.lock().expect("nobody panicked").is_empty());
}

#[tokio::test]
async fn mail_survives_a_kill_and_answers_go_out_once() {
    let mut desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "k1", "One", "", "first")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "answer").await;
    desk.handed(1).await;
    desk.server.kill().await;
    agent.vanish();
    // Without its accounts: what was stored is what counts.
    desk.server.start_again().await;
    assert_eq!(desk.texts(conversation).await, ["One\n\nfirst", "answer"]);
    tokio::time::sleep(tests::QUIET).await;
    assert_eq!(desk.handed.lock().expect("nobody panicked").len(), 1);
}
