//! The whole way with a real Postfix and Dovecot: each mail is one message whatever is killed meanwhile, and a mail is on the
//! agent's screen about when a mail program would tell of it. Both tell their figures; `SWITCHBOARD_MAILS` says with how many
//! mails (60 and 40 unless it is set). Where the servers cannot be started the tests say "skipped".

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use policy::id::ConversationId;
use protocol::{AgentInput, ClientFrame, HistoryBody, SessionEvent};
use tests::{Agent, Client, Server, Workspace};

use mail::Mail;

#[expect(dead_code, reason = "the connectors' tests use the rest of it")]
#[path = "../../../connectors/tests/servers/mail.rs"]
mod mail;

/// How long anything may take on a laden machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Something is killed so often.
const KILL_EVERY: Duration = Duration::from_secs(5);
/// Mails a second that are sent meanwhile.
const PACE: u32 = 20;
/// Conversations that the agent has room for.
const ROOM: u32 = 8;
/// Mails of one sender: more within an hour would look like a program.
const OF_ONE: usize = 40;

fn mails(unless_set: usize) -> usize {
    std::env::var("SWITCHBOARD_MAILS").ok().and_then(|it| it.parse().ok()).unwrap_or(unless_set)
}

/// The server with a mailbox on the real ones.
struct Desk {
    mail: Arc<Mail>,
    server: Server,
    workspace: Workspace,
    agent: Agent,
    settings: Vec<String>,
}

impl Desk {
    async fn open() -> Option<Self> {
        let mail = Arc::new(Mail::start()?);
        let mut server = Server::start().await;
        let workspace = server.workspace("shop", None).await;
        let room = |it: &mut AgentInput| it.capacity = ROOM;
        let agent = workspace.agent_with("ana", room).await;
        let password = mail.path("password");
        std::fs::write(&password, "secret\n").expect("a file can be written");
        let reached = |port: u16| {
            format!(
                "host = \"localhost\", port = {port}, security = \"starttls\", ca = \"{}\", user = \"support@hub.test\", \
                 password_file = \"{}\"",
                mail.path("server.pem").display(),
                password.display()
            )
        };
        let account = format!(
            "SWITCHBOARD__EMAIL=[{{ workspace = \"{}\", address = \"support@hub.test\", own_server = \"mx.hub.test\", \
             acknowledge = false, imap = {{ history = true, server = {{ {} }} }}, relay = {{ {} }} }}]",
            workspace.keys.id,
            reached(mail.imap),
            reached(mail.submission)
        );
        server.kill().await;
        let settings = vec!["env".to_owned(), account];
        let mut desk = Self { mail, server, workspace, agent, settings };
        desk.start().await;
        Some(desk)
    }

    async fn start(&mut self) {
        let prefix: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        self.server.start_again_under(&prefix).await;
    }
}

fn letter(sender: usize, number: usize) -> String {
    format!(
        "Authentication-Results: mx.hub.test; dmarc=pass header.from=shop.test\nFrom: c{sender}@shop.test\n\
         To: support@hub.test\nMessage-ID: <n{number}@shop.test>\nSubject: Order {number}\n\nmail number {number}\n"
    )
}

/// Takes an offer, whatever it is of.
async fn take(agent: &mut Client) -> ConversationId {
    let offer = agent
        .event("an offer", |event| match event {
            SessionEvent::Offer { offer } => Some(offer.clone()),
            _ => None,
        })
        .await;
    let id = agent.id();
    agent.ask(ClientFrame::Accept { id, offer: offer.id }).await.expect("a standing offer can be accepted");
    offer.conversation.id
}

/// How often each text stands in these conversations.
async fn told(desk: &Desk, conversations: &[ConversationId]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for conversation in conversations {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=200");
        let history: HistoryBody = desk.workspace.admin.get(&path).await.json();
        for text in history.messages.into_iter().filter_map(|it| it.text) {
            *found.entry(text).or_default() += 1;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_one_message_whatever_is_killed() {
    let Some(mut desk) = Desk::open().await else { return };
    let count = mails(60);
    let senders = count.div_ceil(OF_ONE);
    let mail = Arc::clone(&desk.mail);
    let sending = std::thread::spawn(move || {
        for number in 0..count {
            let sender = number % senders;
            mail.deliver(&format!("c{sender}@shop.test"), "support@hub.test", &letter(sender, number));
            std::thread::sleep(Duration::from_secs(1) / PACE);
        }
    });
    let mut kills = 0;
    while !sending.is_finished() || kills < 2 {
        tokio::time::sleep(KILL_EVERY).await;
        if kills % 2 == 0 {
            desk.server.kill().await;
            desk.start().await;
        } else {
            let mail = Arc::clone(&desk.mail);
            tokio::task::spawn_blocking(move || mail.kill_dovecot()).await.expect("it starts again");
        }
        kills += 1;
    }
    sending.join().expect("Postfix took them all");

    let mut agent = desk.agent.online().await;
    let mut conversations = BTreeSet::new();
    while conversations.len() < senders {
        // One that is set aside makes room for the next, and comes again if more of its mail does.
        let conversation = take(&mut agent).await;
        conversations.insert(conversation);
        let id = agent.id();
        agent
            .ask(ClientFrame::Park { id, conversation, until_ms: None })
            .await
            .expect("what is held can be parked");
        // A session may say twenty things a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let conversations: Vec<_> = conversations.into_iter().collect();
    let mut found = told(&desk, &conversations).await;
    let mut until = Instant::now() + PATIENCE;
    while found.len() < count && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = told(&desk, &conversations).await;
        if now.len() > found.len() {
            until = Instant::now() + PATIENCE;
        }
        found = now;
    }
    // What comes twice comes late.
    tokio::time::sleep(Duration::from_secs(5)).await;
    found = told(&desk, &conversations).await;
    let doubled = found.values().filter(|it| **it > 1).count();
    say(&format!("{count} mails, {kills} kills: {} lost, {doubled} doubled", count - found.len()));
    assert_eq!((found.len(), doubled), (count, 0), "the log:\n{}", desk.server.log());
}

/// Tells when a mailbox grows, as a bare mail program does that waits with IDLE: nothing is read, nothing is stored.
fn idle(mail: &Mail, seen: mpsc::Sender<Instant>) {
    let mut stream = TcpStream::connect(("127.0.0.1", mail.imap)).expect("Dovecot listens");
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    for (command, end) in [
        ("", "* OK"),
        ("a LOGIN support@hub.test secret\r\n", "a OK"),
        ("b SELECT INBOX\r\n", "b OK"),
        ("c IDLE\r\n", "+ "),
    ] {
        stream.write_all(command.as_bytes()).expect("written");
        loop {
            line.clear();
            assert!(lines.read_line(&mut line).expect("an answer") > 0, "no answer to {command:?}");
            if line.starts_with(end) {
                break;
            }
        }
    }
    std::thread::spawn(move || {
        loop {
            line.clear();
            if !matches!(lines.read_line(&mut line), Ok(1..)) {
                return;
            }
            if line.contains("EXISTS") && seen.send(Instant::now()).is_err() {
                return;
            }
        }
    });
}

/// Hands a mail to Dovecot; when that says that it is delivered.
fn deliver_at_once(mail: &Mail, text: &str) -> Instant {
    let mut stream = TcpStream::connect(("127.0.0.1", mail.lmtp)).expect("Dovecot listens");
    stream.set_nodelay(true).expect("a connection takes options");
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut at = Instant::now();
    let body = text.replace('\n', "\r\n");
    for command in [
        String::new(),
        "LHLO mx.hub.test\r\n".to_owned(),
        "MAIL FROM:<c0@shop.test>\r\n".to_owned(),
        "RCPT TO:<support@hub.test>\r\n".to_owned(),
        "DATA\r\n".to_owned(),
        format!("{body}.\r\n"),
    ] {
        at = Instant::now();
        stream.write_all(command.as_bytes()).expect("written");
        let mut line = String::new();
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            assert!(lines.read_line(&mut line).expect("an answer") > 0, "no answer to {command:?}");
        }
    }
    // The last command held the whole mail: from then on it may be seen.
    at
}

fn percentile(values: &mut [Duration], share: usize) -> f64 {
    values.sort_unstable();
    values[(values.len() - 1) * share / 100].as_secs_f64() * 1e3
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_on_the_screen_about_when_a_mail_program_tells_of_it() {
    let Some(desk) = Desk::open().await else { return };
    let count = mails(40);
    let mut agent = desk.agent.online().await;
    let (seen, told) = mpsc::channel();
    idle(&desk.mail, seen);
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for number in 0..count {
        let sender = number / OF_ONE;
        while told.try_recv().is_ok() {}
        let at = deliver_at_once(&desk.mail, &letter(sender, number));
        if number % OF_ONE == 0 {
            // The first of each sender is an offer; the others are messages of that conversation.
            take(&mut agent).await;
        } else {
            crate::steps::message(&mut agent, &format!("mail number {number}")).await;
            ours.push(at.elapsed());
            bare.push(told.recv_timeout(PATIENCE).expect("the bare client is told") - at);
        }
        // As mails come, and not one behind the other: IDLE is taken up again meanwhile.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let figures = [50, 99].map(|it| (percentile(&mut ours, it), percentile(&mut bare, it)));
    say(&format!(
        "from the mail server to the agent's socket, {count} mails: p50 {:.1} ms (bare IDLE client {:.1}), p99 {:.1} ms ({:.1})",
        figures[0].0, figures[0].1, figures[1].0, figures[1].1
    ));
    assert_eq!(ours.len(), bare.len());
}

#[expect(clippy::print_stderr, reason = "a figure is told where tests speak")]
fn say(text: &str) {
    eprintln!("{text}");
}
