//! One connection of a mail server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::Request;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::super::net::{Stream, within};
use super::data::{self, Content};
use super::{Envelope, NotTaken, Protocol, Receiver, Settings};

/// Time for the next command.
const COMMAND: Duration = Duration::from_secs(120);
/// Time for the content of a mail.
const DATA: Duration = Duration::from_secs(300);
/// Bytes of a command (RFC 5321 asks for 512; extensions add to it).
const LINE_MAX: u64 = 4_096;
/// Commands that make no sense before the connection is closed.
const FAULTS_MAX: usize = 20;

/// Where the conversation stands.
#[derive(Default)]
struct Progress {
    helo: Option<String>,
    extended: bool,
    envelope: Option<Envelope>,
    faults: usize,
}

/// Says that there is no room.
pub(super) async fn turn_away(mut stream: TcpStream, settings: Arc<Settings>) {
    let answer = format!("421 4.3.2 {} is busy, try again in a moment\r\n", settings.host);
    // Who is turned away may be gone.
    drop(within(COMMAND, stream.write_all(answer.as_bytes())).await);
}

/// Serves one connection to its end.
pub(super) async fn run(
    stream: TcpStream,
    from: SocketAddr,
    settings: &Settings,
    receiver: &dyn Receiver,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(Box::new(stream) as Stream);
    let mut progress = Progress::default();
    let mut secured = false;
    let kind = if settings.protocol == Protocol::Lmtp { "LMTP" } else { "ESMTP" };
    answer(&mut stream, &format!("220 {} {kind}", settings.host)).await?;
    loop {
        let mut line = Vec::new();
        let read = within(COMMAND, async { (&mut stream).take(LINE_MAX).read_until(b'\n', &mut line).await })
            .await?;
        if read == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\r\n") {
            answer(&mut stream, "500 5.5.2 a line ends with CR LF and is not that long").await?;
            return Ok(());
        }
        let request = Request::parse(&mut line.iter()).map(Request::into_owned);
        let told = match request {
            Ok(Request::Quit) => {
                answer(&mut stream, "221 2.0.0 bye").await?;
                return Ok(());
            }
            Ok(Request::StartTls) if settings.tls.is_some() && !secured => {
                answer(&mut stream, "220 2.0.0 go on").await?;
                let Some(config) = settings.tls.clone() else { return Ok(()) };
                // What was sent before the handshake is not believed after it.
                let plain = stream.into_inner();
                let tls = within(COMMAND, TlsAcceptor::from(config).accept(plain)).await?;
                stream = BufReader::new(Box::new(tls) as Stream);
                progress = Progress::default();
                secured = true;
                continue;
            }
            Ok(Request::Data) => match progress.envelope.take() {
                Some(envelope) if !envelope.recipients.is_empty() => {
                    answer(&mut stream, "354 end with a dot on a line of its own").await?;
                    let content = within(DATA, data::read(&mut stream, settings.mail_bytes)).await?;
                    let told = deliver(envelope, content, &progress, from, settings, receiver).await;
                    answer(&mut stream, &told.join("\r\n")).await?;
                    continue;
                }
                kept => {
                    progress.envelope = kept;
                    fault(&mut progress, "503 5.5.1 name sender and recipient first")
                }
            },
            Ok(request) => handle(request, &mut progress, settings, receiver, secured),
            Err(_) => fault(&mut progress, "500 5.5.2 this is not understood"),
        };
        answer(&mut stream, &told).await?;
        if progress.faults > FAULTS_MAX {
            answer(&mut stream, "421 4.7.0 too many of these").await?;
            return Ok(());
        }
    }
}

async fn answer(stream: &mut BufReader<Stream>, text: &str) -> io::Result<()> {
    within(COMMAND, async {
        stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await?;
        stream.get_mut().flush().await
    })
    .await
}

fn fault(progress: &mut Progress, text: &str) -> String {
    progress.faults += 1;
    text.to_owned()
}

/// Commands that need nothing but an answer.
fn handle(
    request: Request<String>,
    progress: &mut Progress,
    settings: &Settings,
    receiver: &dyn Receiver,
    secured: bool,
) -> String {
    match request {
        Request::Lhlo { host } if settings.protocol == Protocol::Lmtp => {
            greet(host, progress, settings, secured)
        }
        Request::Ehlo { host } if settings.protocol == Protocol::Smtp => {
            greet(host, progress, settings, secured)
        }
        Request::Helo { host } if settings.protocol == Protocol::Smtp => {
            *progress = Progress { helo: Some(host), ..Progress::default() };
            format!("250 {}", settings.host)
        }
        Request::Mail { from } => {
            if progress.helo.is_none() || progress.envelope.is_some() {
                return fault(progress, "503 5.5.1 greet first, and name one sender");
            }
            if from.size > settings.mail_bytes {
                return format!("552 5.3.4 a mail has at most {} bytes here", settings.mail_bytes);
            }
            progress.envelope = Some(Envelope { sender: from.address, recipients: Vec::new() });
            "250 2.1.0 fine".to_owned()
        }
        Request::Rcpt { to } => {
            let Some(envelope) = &mut progress.envelope else {
                return fault(progress, "503 5.5.1 name the sender first");
            };
            if envelope.recipients.len() >= settings.recipients {
                return "452 4.5.3 too many recipients: send to the others in a mail of their own".to_owned();
            }
            if !receiver.knows(&to.address) {
                return fault(progress, "550 5.1.1 there is no such recipient here");
            }
            envelope.recipients.push(to.address);
            "250 2.1.5 fine".to_owned()
        }
        Request::Rset => {
            progress.envelope = None;
            "250 2.0.0 fine".to_owned()
        }
        Request::Noop { .. } => "250 2.0.0 fine".to_owned(),
        Request::Vrfy { .. } | Request::Expn { .. } => "252 2.5.2 send it, and we shall see".to_owned(),
        _ => fault(progress, "502 5.5.1 this is not done here"),
    }
}

fn greet(host: String, progress: &mut Progress, settings: &Settings, secured: bool) -> String {
    *progress = Progress { helo: Some(host), extended: true, ..Progress::default() };
    let mut lines =
        vec![settings.host.clone(), "PIPELINING".to_owned(), format!("SIZE {}", settings.mail_bytes)];
    if settings.tls.is_some() && !secured {
        lines.push("STARTTLS".to_owned());
    }
    lines.extend(["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"].map(str::to_owned));
    let last = lines.len() - 1;
    let lines = lines.into_iter().enumerate();
    lines
        .map(|(at, it)| format!("250{}{it}", if at == last { ' ' } else { '-' }))
        .collect::<Vec<_>>()
        .join("\r\n")
}

/// Hands a mail on; one answer for it, or one for each recipient.
async fn deliver(
    envelope: Envelope,
    content: Content,
    progress: &Progress,
    from: SocketAddr,
    settings: &Settings,
    receiver: &dyn Receiver,
) -> Vec<String> {
    let each = settings.protocol == Protocol::Lmtp;
    let answers = if each { envelope.recipients.len() } else { 1 };
    let raw = match content {
        Content::Whole(raw) => raw,
        Content::TooLarge => {
            return vec![format!("552 5.3.4 a mail has at most {} bytes here", settings.mail_bytes); answers];
        }
        Content::BareBreaks => {
            return vec!["550 5.6.11 lines end with CR LF and nothing else".to_owned(); answers];
        }
    };
    if !each {
        let raw = traced(&envelope, &raw, progress, from, settings);
        return vec![told(receiver.take(envelope, raw).await)];
    }
    let mut told_each = Vec::with_capacity(answers);
    for recipient in envelope.recipients {
        let one = Envelope { sender: envelope.sender.clone(), recipients: vec![recipient] };
        let raw = traced(&one, &raw, progress, from, settings);
        told_each.push(told(receiver.take(one, raw).await));
    }
    told_each
}

fn told(taken: Result<(), NotTaken>) -> String {
    match taken {
        Ok(()) => "250 2.0.0 it is stored".to_owned(),
        Err(NotTaken::Later) => "451 4.3.0 it cannot be stored just now, try again".to_owned(),
        Err(NotTaken::Unknown) => "550 5.1.1 there is no such recipient here".to_owned(),
    }
}

/// The mail with what we know of its way on top, as every server adds it.
fn traced(
    envelope: &Envelope,
    raw: &[u8],
    progress: &Progress,
    from: SocketAddr,
    settings: &Settings,
) -> Vec<u8> {
    let safe =
        |text: &str| text.chars().filter(|it| !it.is_control() && !it.is_whitespace()).collect::<String>();
    let mut mail = format!("Return-Path: <{}>\r\n", safe(&envelope.sender));
    for recipient in &envelope.recipients {
        mail.push_str(&format!("Delivered-To: {}\r\n", safe(recipient)));
    }
    let with = match (settings.protocol, progress.extended) {
        (Protocol::Lmtp, _) => "LMTP",
        (Protocol::Smtp, true) => "ESMTP",
        (Protocol::Smtp, false) => "SMTP",
    };
    let helo = safe(progress.helo.as_deref().unwrap_or_default());
    mail.push_str(&format!("Received: from {helo} ([{}]) by {} with {with}\r\n", from.ip(), settings.host));
    let mut bytes = mail.into_bytes();
    bytes.extend_from_slice(raw);
    bytes
}
