//! The relay that takes our mail: SMTP submission (RFC 6409). Connections are used again; each recipient gets an answer of its
//! own. A connection that breaks after the content was sent and before it was answered leaves a mail of which nobody knows
//! whether it went out: that is said so, and never doubled silently.

use std::fmt::Write as _;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials as Login, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::super::net::{Credentials, Security, Server};
use crate::connector::ConnectorError;

/// Time for one answer, and for that to the content (RFC 5321, section 4.5.3.2, asks for ten minutes).
const ANSWER: Duration = Duration::from_secs(60);
const CONTENT: Duration = Duration::from_secs(600);
/// Connections that are kept.
const KEPT: usize = 4;
/// How long one is kept without work; servers cut after five minutes.
const IDLE: Duration = Duration::from_secs(60);

/// A relay.
pub struct Relay {
    server: Server,
    credentials: Option<Credentials>,
    /// Our own name, as greetings have it.
    host: String,
    kept: Mutex<Vec<Connection>>,
}

/// A connection that greeted and signed in.
struct Connection {
    smtp: AsyncSmtpConnection,
    /// Whether the relay makes reports of delivery on request (RFC 3461).
    reports: bool,
    since: Instant,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The recipient.
    pub recipient: String,
    /// Taken, or why not.
    pub result: Result<(), ConnectorError>,
}

impl Relay {
    /// A relay; nothing is connected yet.
    #[must_use]
    pub fn new(server: Server, credentials: Option<Credentials>, host: String) -> Self {
        Self { server, credentials, host, kept: Mutex::new(Vec::new()) }
    }

    /// Hands a mail over. `envelope_id` comes back in reports of delivery where the relay makes them.
    ///
    /// # Errors
    /// What concerns the whole mail; nothing of it went out, unless it is [`ConnectorError::Unknown`].
    pub async fn send(
        &self,
        sender: &str,
        recipients: &[String],
        envelope_id: &str,
        mail: &[u8],
    ) -> Result<Vec<Sent>, ConnectorError> {
        for text in recipients.iter().map(String::as_str).chain([sender, envelope_id]) {
            if text.chars().any(|it| it.is_control() || it.is_whitespace() || matches!(it, '<' | '>')) {
                return Err(ConnectorError::Refused(
                    "an address has characters that no address has".to_owned(),
                ));
            }
        }
        let mut connection = self.connection().await?;
        let sent = transact(&mut connection, sender, recipients, envelope_id, mail).await;
        if matches!(sent, Ok(_) | Err(ConnectorError::Refused(_))) && !connection.smtp.has_broken() {
            let mut kept = self.kept.lock().await;
            if kept.len() < KEPT {
                kept.push(Connection { since: Instant::now(), ..connection });
            }
        }
        sent
    }

    /// A kept connection that still answers, or a new one.
    async fn connection(&self) -> Result<Connection, ConnectorError> {
        loop {
            let Some(mut kept) = self.kept.lock().await.pop() else { break };
            if kept.since.elapsed() < IDLE
                && matches!(timeout(ANSWER, kept.smtp.command("RSET\r\n")).await, Ok(Ok(_)))
            {
                return Ok(kept);
            }
        }
        match timeout(ANSWER, self.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            // Who signs in, or the certificate, is refused: no mail is at fault, so each waits until that is mended.
            Ok(Err(_)) | Err(_) => Err(ConnectorError::Wait { retry_ms: 10_000 }),
        }
    }

    async fn connect(&self) -> Result<Connection, ConnectorError> {
        let hello = ClientId::Domain(self.host.clone());
        let at = (self.server.host.as_str(), self.server.port);
        let tls = || self.tls();
        let immediate = if self.server.security == Security::Tls { Some(tls()?) } else { None };
        let connected = AsyncSmtpConnection::connect_tokio1(at, Some(ANSWER), &hello, immediate, None).await;
        let mut connection = connected.map_err(|error| answer_of(&error))?;
        if self.server.security == Security::StartTls {
            // Without it nothing is said: a server that does not offer it may be somebody in between.
            connection.starttls(tls()?, &hello).await.map_err(|error| answer_of(&error))?;
        }
        if let Some(who) = &self.credentials {
            let mechanisms: &[Mechanism] =
                if who.oauth { &[Mechanism::Xoauth2] } else { &[Mechanism::Plain, Mechanism::Login] };
            let login = Login::new(who.user.clone(), who.secret.clone());
            connection.auth(mechanisms, &login).await.map_err(|error| answer_of(&error))?;
        }
        // The library keeps only the abilities that it uses itself, so they are asked for again.
        let greeted =
            connection.command(format!("EHLO {hello}\r\n")).await.map_err(|error| answer_of(&error))?;
        let reports = greeted.message().any(|it| it.trim().eq_ignore_ascii_case("DSN"));
        Ok(Connection { smtp: connection, reports, since: Instant::now() })
    }

    fn tls(&self) -> Result<TlsParameters, ConnectorError> {
        let unusable =
            |what: &str| ConnectorError::Refused(format!("the relay's certificates cannot be used: {what}"));
        let mut builder = TlsParameters::builder(self.server.host.clone());
        if let Some(path) = &self.server.ca {
            let pem = std::fs::read(path).map_err(|error| unusable(&error.to_string()))?;
            builder = builder
                .add_root_certificate(Certificate::from_pem(&pem).map_err(|_| unusable("they are no PEM"))?);
        }
        builder.build().map_err(|_| unusable("TLS cannot be set up"))
    }
}

/// One mail over one connection.
async fn transact(
    connection: &mut Connection,
    sender: &str,
    recipients: &[String],
    envelope_id: &str,
    mail: &[u8],
) -> Result<Vec<Sent>, ConnectorError> {
    let dsn = connection.reports;
    let connection = &mut connection.smtp;
    let info = connection.server_info();
    let mut from = format!("MAIL FROM:<{sender}>");
    if info.supports_feature(Extension::EightBitMime) {
        from.push_str(" BODY=8BITMIME");
    }
    if !recipients.iter().all(|it| it.is_ascii()) {
        if !info.supports_feature(Extension::SmtpUtfEight) {
            return Err(ConnectorError::Refused("the relay takes no addresses beyond ASCII".to_owned()));
        }
        from.push_str(" SMTPUTF8");
    }
    if dsn {
        // Writing to a string does not fail.
        write!(from, " RET=HDRS ENVID={}", xtext(envelope_id)).map_err(|_| ConnectorError::Unknown)?;
    }
    say(connection, format!("{from}\r\n")).await?;
    let mut sent = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let notify = if dsn { " NOTIFY=FAILURE,DELAY" } else { "" };
        let result = say(connection, format!("RCPT TO:<{recipient}>{notify}\r\n")).await;
        sent.push(Sent { recipient: recipient.clone(), result });
    }
    if sent.iter().all(|it| it.result.is_err()) {
        return Ok(sent);
    }
    say(connection, "DATA\r\n".to_owned()).await?;
    // From here on a silence leaves it open whether the mail went out.
    match timeout(CONTENT, connection.message(mail)).await {
        Ok(Ok(_)) => Ok(sent),
        Ok(Err(error)) if error.status().is_some() => Err(answer_of(&error)),
        Ok(Err(_)) | Err(_) => Err(ConnectorError::Unknown),
    }
}

async fn say(connection: &mut AsyncSmtpConnection, line: String) -> Result<(), ConnectorError> {
    match timeout(ANSWER, connection.command(line)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(answer_of(&error)),
        Err(_) => Err(ConnectorError::Wait { retry_ms: 10_000 }),
    }
}

/// 5xx is a refusal; everything else passes.
fn answer_of(error: &lettre::transport::smtp::Error) -> ConnectorError {
    if error.is_permanent() {
        let text: String = error.to_string().chars().filter(|it| !it.is_control()).take(300).collect();
        ConnectorError::Refused(text)
    } else {
        ConnectorError::Wait { retry_ms: 10_000 }
    }
}

/// The form of an envelope id in a parameter (RFC 3461, section 4).
fn xtext(text: &str) -> String {
    text.bytes()
        .filter(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_' | b'@'))
        .map(char::from)
        .collect()
}
