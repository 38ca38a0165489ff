//! A desk that gets mail: the server with an account of email, and the mail server's side of it, played word by word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use policy::id::ConversationId;
use protocol::{ClientFrame, HistoryBody, SessionEvent};
use tests::{Agent, Client, PATIENCE, Server, Workspace};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::steps;

/// What a relay was handed: recipient and mail.
pub(crate) type Handed = Arc<Mutex<Vec<(String, String)>>>;

/// The envelopes of those mails: sender and recipients.
type Envelopes = Arc<Mutex<Vec<(String, Vec<String>)>>>;

/// A relay that takes everything but mail to `gone@`.
pub(crate) async fn relay() -> (u16, Handed, Envelopes) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let handed = Handed::default();
    let envelopes = Envelopes::default();
    let (kept, kept_envelopes) = (Arc::clone(&handed), Arc::clone(&envelopes));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&kept), Arc::clone(&kept_envelopes)));
        }
    });
    (port, handed, envelopes)
}

async fn serve(stream: TcpStream, handed: Handed, envelopes: Envelopes) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 relay.test ESMTP\r\n").await?;
    let (mut sender, mut recipients) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 relay.test",
            "MAIL" => {
                sender = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                recipients.clear();
                "250 fine"
            }
            "RCPT" => {
                let recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                if recipient.starts_with("gone@") {
                    "550 5.1.1 no such user"
                } else {
                    recipients.push(recipient);
                    "250 fine"
                }
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") && stream.read_line(&mut mail).await? > 0 {}
                let first = recipients.first().cloned().unwrap_or_default();
                let envelope = (sender.clone(), recipients.clone());
                envelopes.lock().expect("nobody panicked").push(envelope);
                handed.lock().expect("nobody panicked").push((first, mail));
                "250 taken"
            }
            _ => "250 fine",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// A desk that gets mail.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) workspace: Workspace,
    pub(crate) agent: Agent,
    lmtp: SocketAddr,
    settings: [String; 2],
    pub(crate) handed: Handed,
    envelopes: Envelopes,
}

impl Desk {
    /// One that acknowledges nothing.
    pub(crate) async fn open() -> Self {
        Self::open_with("acknowledge = false, signature = \"Your shop\"").await
    }

    /// One with these settings of its account.
    pub(crate) async fn open_with(settings: &str) -> Self {
        Self::open_under(None, settings).await
    }

    /// One under a policy, with these settings of its account.
    pub(crate) async fn open_under(policy: Option<&str>, settings: &str) -> Self {
        let mut server = Server::start().await;
        let workspace = server.workspace("shop", policy).await;
        let agent = workspace.agent("ana").await;
        let (port, handed, envelopes) = relay().await;
        let lmtp =
            TcpListener::bind("127.0.0.1:0").await.expect("a port is free").local_addr().expect("an address");
        server.kill().await;
        let settings = settings_of(&workspace, settings, port, lmtp);
        server.start_again_under(&["env", &settings[0], &settings[1]]).await;
        Self { server, workspace, agent, lmtp, settings, handed, envelopes }
    }

    /// Kills the server and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.server.kill().await;
        self.server.start_again_under(&["env", &self.settings[0], &self.settings[1]]).await;
    }

    /// Hands a mail over by LMTP; the last answer.
    pub(crate) async fn deliver(&self, to: &str, mail: &str) -> String {
        deliver(self.lmtp, to, mail).await
    }

    /// Whom the newest mail went to.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let envelopes = self.envelopes.lock().expect("nobody panicked");
        envelopes.last().map(|(_, to)| to.clone()).unwrap_or_default()
    }

    /// Whom the mails came from, by their envelopes.
    pub(crate) fn senders(&self) -> Vec<String> {
        let envelopes = self.envelopes.lock().expect("nobody panicked");
        envelopes.iter().map(|(from, _)| from.clone()).collect()
    }

    /// The mails that the relay has, once there are so many.
    pub(crate) async fn handed(&self, count: usize) -> Vec<(String, String)> {
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

    pub(crate) async fn texts(&self, conversation: ConversationId) -> Vec<String> {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
        let history: HistoryBody = self.workspace.admin.get(&path).await.json();
        steps::texts(&history.messages).into_iter().map(str::to_owned).collect()
    }
}

/// The settings of an account of email, and of the listener.
pub(crate) fn settings_of(workspace: &Workspace, more: &str, relay: u16, lmtp: SocketAddr) -> [String; 2] {
    let account = format!(
        "SWITCHBOARD__EMAIL=[{{ workspace = \"{}\", address = \"support@hub.test\", name = \"Support\", {more}, own_server = \"mx.hub.test\", relay = {{ host = \"127.0.0.1\", port = {relay}, security = \"plain\" }} }}]",
        workspace.keys.id
    );
    [account, format!("SWITCHBOARD__MAIL_LISTENER__LISTEN={lmtp}")]
}

/// Hands a mail over by LMTP; the last answer.
pub(crate) async fn deliver(lmtp: SocketAddr, to: &str, mail: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(lmtp).await.expect("it listens for mail"));
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
            assert!(stream.read_line(&mut last).await.expect("an answer") > 0, "it says nothing to {line:?}");
            if last.as_bytes().get(3) == Some(&b' ') {
                break;
            }
        }
    }
    last
}

/// A mail of somebody whose address is proven.
pub(crate) fn letter(from: &str, id: &str, subject: &str, more: &str, text: &str) -> String {
    format!(
        "Authentication-Results: mx.hub.test; dmarc=pass header.from=shop.test\nFrom: Ann <{from}>\nTo: support@hub.test\n\
         Message-ID: <{id}@shop.test>\nSubject: {subject}\n{more}\n{text}\n"
    )
}

/// Takes the next offer, whatever it is of.
pub(crate) async fn take_next(agent: &mut Client) -> (ConversationId, String) {
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

/// A field of a mail.
pub(crate) fn field(mail: &str, name: &str) -> String {
    let unfolded = mail.replace("\r\n ", " ");
    let line =
        unfolded.lines().find(|it| it.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
    line.map_or_else(String::new, |it| it[name.len() + 1..].trim().to_owned())
}
