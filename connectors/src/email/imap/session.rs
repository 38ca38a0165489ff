//! A signed-in connection with a folder open.

use std::io;
use std::time::Duration;

use data_encoding::BASE64;
use imap_proto::{AttributeValue, Capability, MailboxDatum, Response, ResponseCode, Status};
use tracing::debug;

use super::super::net::{Credentials, Security, connect, secure};
use super::wire::Wire;
use super::{Cursor, Fetched, Settings};
use crate::connector::ConnectorError;

/// Time for an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// The longest time in IDLE; servers cut after 30 minutes, and networks much earlier.
const IDLE: Duration = Duration::from_secs(4 * 60);
/// How often a server without IDLE is asked.
const POLL: Duration = Duration::from_secs(60);
/// Mails handed over at once.
const MAILS_MAX: usize = 50;
/// Bytes handed over at once, unless one mail alone has more.
const BYTES_MAX: usize = 6 << 20;
/// Mails looked at in one go.
const LISTED_MAX: usize = 10_000;
/// What a response has beside a mail.
const AROUND: usize = 64 * 1024;

pub(super) struct Session {
    wire: Wire,
    tag: u32,
    can_idle: bool,
    validity: u32,
    next: u32,
}

/// What a response told, as far as it is asked for.
#[derive(Default)]
struct Told {
    capabilities: Vec<String>,
    validity: Option<u32>,
    next: Option<u32>,
}

#[derive(Default)]
struct Mail {
    uid: u32,
    size: usize,
    at_ms: i64,
    body: Option<Vec<u8>>,
}

/// Everything that passes: a broken connection, a busy server.
fn passing(error: io::Error) -> ConnectorError {
    debug!(%error, "the connection to a mail server broke");
    ConnectorError::Wait { retry_ms: 1_000 }
}

impl Session {
    /// Connects, signs in and opens the folder.
    pub(super) async fn open(settings: &Settings) -> Result<Self, ConnectorError> {
        let server = &settings.server;
        let limit = settings.mail_bytes + AROUND;
        let stream = connect(server).await.map_err(passing)?;
        let mut session =
            Self { wire: Wire::new(stream, limit), tag: 0, can_idle: false, validity: 0, next: 1 };
        session.greeting().await?;
        if server.security == Security::StartTls {
            session.command("STARTTLS", |_| {}).await?;
            let stream = secure(session.wire.into_stream(), server).await.map_err(passing)?;
            session.wire = Wire::new(stream, limit);
        }
        let told = session.told("CAPABILITY").await?;
        session.sign_in(&settings.credentials, &told.capabilities).await?;
        // What a server can do often changes once somebody is signed in.
        let told = session.told("CAPABILITY").await?;
        session.can_idle = told.capabilities.iter().any(|it| it.eq_ignore_ascii_case("IDLE"));
        let told = session.told(&format!("SELECT {}", quoted(&settings.folder)?)).await?;
        session.validity = told.validity.unwrap_or(0);
        session.next = told.next.unwrap_or(1);
        Ok(session)
    }

    async fn greeting(&mut self) -> Result<(), ConnectorError> {
        let bytes = self.wire.response(ANSWER).await.map_err(passing)?;
        match Response::parse(&bytes) {
            Ok((_, Response::Data { status: Status::Ok | Status::PreAuth, .. })) => Ok(()),
            _ => Err(ConnectorError::Wait { retry_ms: 10_000 }),
        }
    }

    async fn sign_in(&mut self, who: &Credentials, capabilities: &[String]) -> Result<(), ConnectorError> {
        let (method, answer) = if who.oauth {
            ("XOAUTH2", who.xoauth2())
        } else {
            ("PLAIN", format!("\0{}\0{}", who.user, who.secret))
        };
        let offered = |name: &str| capabilities.iter().any(|it| it.eq_ignore_ascii_case(name));
        if !who.oauth && !offered("AUTH=PLAIN") {
            let command = format!("LOGIN {} {}", quoted(&who.user)?, quoted(&who.secret)?);
            return self.command(&command, |_| {}).await;
        }
        let answer = BASE64.encode(answer.as_bytes());
        if offered("SASL-IR") {
            return self.command(&format!("AUTHENTICATE {method} {answer}"), |_| {}).await;
        }
        let tag = self.send(&format!("AUTHENTICATE {method}")).await?;
        self.wait_for_more().await?;
        self.wire.write(format!("{answer}\r\n").as_bytes()).await.map_err(passing)?;
        self.answer(&tag, |_| {}).await
    }

    /// Where reading goes on in the folder as it is now.
    pub(super) fn cursor(&self, known: Option<&Cursor>, history: bool) -> Cursor {
        let last = self.next.saturating_sub(1);
        match known {
            Some(known) if known.validity == self.validity => *known,
            // All numbers are void: what is there is looked through again.
            Some(known) => known.renumbered(self.validity, last),
            None => {
                let all =
                    Cursor { validity: self.validity, uid: 0, since_ms: 0, looked_ms: 0, renumbered: 0 };
                // A mail's time is told in seconds.
                let new = Cursor { uid: last, since_ms: now_ms() / 1_000 * 1_000, ..all };
                if history { all } else { new }
            }
        }
    }

    /// The next mails after a cursor, which moves on.
    pub(super) async fn after(
        &mut self,
        at: &mut Cursor,
        mail_bytes: usize,
    ) -> Result<Vec<Fetched>, ConnectorError> {
        let (from, began) = (at.uid, now_ms());
        let mut listed = Vec::new();
        // `n:*` names the newest mail even if its number is below n.
        let list = format!("UID FETCH {}:* (UID RFC822.SIZE INTERNALDATE)", from.saturating_add(1));
        self.command(&list, |response| {
            if let Some(mail) = mail_of(response)
                && mail.uid > from
            {
                listed.push(mail);
            }
        })
        .await?;
        listed.sort_by_key(|it| it.uid);
        listed.dedup_by_key(|it| it.uid);
        let mut mails = Vec::new();
        let mut bytes = 0;
        let mut all = listed.len() <= LISTED_MAX;
        for it in listed.into_iter().take(LISTED_MAX) {
            let whole = it.size <= mail_bytes;
            let size = if whole { it.size } else { AROUND };
            if mails.len() == MAILS_MAX || (bytes > 0 && bytes + size > BYTES_MAX) {
                all = false;
                break;
            }
            if at.wants(it.uid, it.at_ms) {
                let part = if whole { "BODY.PEEK[]" } else { "BODY.PEEK[HEADER]" };
                let mut body = None;
                self.command(&format!("UID FETCH {} (UID {part})", it.uid), |response| {
                    if let Some(mail) = mail_of(response)
                        && mail.uid == it.uid
                    {
                        body = mail.body.or(body.take());
                    }
                })
                .await?;
                // A mail that is gone meanwhile was taken by nobody.
                if let Some(raw) = body {
                    bytes += raw.len();
                    mails.push(Fetched { uid: it.uid, raw, header_only: !whole });
                }
            }
            at.uid = it.uid;
        }
        if all {
            at.looked(began);
        }
        Ok(mails)
    }

    /// Waits until something may have come. It is looked for even if nothing was told: a server may forget to tell.
    pub(super) async fn wait(&mut self, patience: Duration) -> Result<(), ConnectorError> {
        if !self.can_idle {
            tokio::time::sleep(patience.min(POLL)).await;
            return Ok(());
        }
        let tag = self.send("IDLE").await?;
        self.wait_for_more().await?;
        let until = tokio::time::Instant::now() + patience.min(IDLE);
        let mut news = false;
        while !news {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            match self.wire.response(left).await {
                Ok(bytes) => match Response::parse(&bytes) {
                    Ok((_, Response::MailboxData(MailboxDatum::Exists(_) | MailboxDatum::Recent(_)))) => {
                        news = true;
                    }
                    Ok((_, Response::Data { status: Status::Bye, .. })) => {
                        return Err(ConnectorError::Wait { retry_ms: 1_000 });
                    }
                    _ => {}
                },
                Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
                Err(error) => return Err(passing(error)),
            }
        }
        self.wire.write(b"DONE\r\n").await.map_err(passing)?;
        self.answer(&tag, |_| {}).await
    }

    /// Marks mails as seen.
    pub(super) async fn mark(&mut self, uids: &[u32]) -> Result<(), ConnectorError> {
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        self.command(&format!("UID STORE {} +FLAGS.SILENT (\\Seen)", list.join(",")), |_| {}).await
    }

    async fn send(&mut self, command: &str) -> Result<String, ConnectorError> {
        self.tag += 1;
        let tag = format!("S{}", self.tag);
        self.wire.write(format!("{tag} {command}\r\n").as_bytes()).await.map_err(passing)?;
        Ok(tag)
    }

    async fn wait_for_more(&mut self) -> Result<(), ConnectorError> {
        loop {
            let bytes = self.wire.response(ANSWER).await.map_err(passing)?;
            if bytes.starts_with(b"+") {
                return Ok(());
            }
            if !bytes.starts_with(b"*") {
                return Err(refused(&bytes));
            }
        }
    }

    async fn command(
        &mut self,
        command: &str,
        hear: impl FnMut(&Response<'_>),
    ) -> Result<(), ConnectorError> {
        let tag = self.send(command).await?;
        self.answer(&tag, hear).await
    }

    async fn answer(&mut self, tag: &str, mut hear: impl FnMut(&Response<'_>)) -> Result<(), ConnectorError> {
        loop {
            let bytes = self.wire.response(ANSWER).await.map_err(passing)?;
            if bytes.starts_with(b"+") {
                // The reason of a refusal, in base 64: an empty line asks for the refusal itself.
                self.wire.write(b"\r\n").await.map_err(passing)?;
                continue;
            }
            match Response::parse(&bytes) {
                Ok((_, Response::Done { tag: of, status, .. })) if of.0 == tag => {
                    return match status {
                        Status::Ok => Ok(()),
                        _ => Err(refused(&bytes)),
                    };
                }
                Ok((_, Response::Data { status: Status::Bye, .. })) => {
                    return Err(ConnectorError::Wait { retry_ms: 1_000 });
                }
                Ok((_, response)) => hear(&response),
                // A response of a kind that is not known tells nothing that was asked for; a refusal is one all the same.
                Err(_) if bytes.starts_with(tag.as_bytes()) => {
                    let rest = &bytes[tag.len()..];
                    return if rest.trim_ascii_start().starts_with(b"OK") {
                        Ok(())
                    } else {
                        Err(refused(&bytes))
                    };
                }
                Err(_) => debug!(bytes = bytes.len(), "a response of a mail server was not understood"),
            }
        }
    }

    async fn told(&mut self, command: &str) -> Result<Told, ConnectorError> {
        let mut told = Told::default();
        self.command(command, |response| told.hear(response)).await?;
        Ok(told)
    }
}

impl Told {
    fn hear(&mut self, response: &Response<'_>) {
        match response {
            Response::Capabilities(list) => {
                self.capabilities.extend(list.iter().map(|it| match it {
                    Capability::Imap4rev1 => "IMAP4rev1".to_owned(),
                    Capability::Auth(name) => format!("AUTH={name}"),
                    Capability::Atom(name) => name.to_string(),
                }));
            }
            Response::Data { outcome, .. } => match outcome.code {
                Some(ResponseCode::UidValidity(it)) => self.validity = Some(it),
                Some(ResponseCode::UidNext(it)) => self.next = Some(it),
                _ => {}
            },
            _ => {}
        }
    }
}

fn mail_of(response: &Response<'_>) -> Option<Mail> {
    let Response::Fetch(_, attributes) = response else { return None };
    let mut mail = Mail::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => mail.uid = *uid,
            AttributeValue::Rfc822Size(size) => mail.size = usize::try_from(*size).unwrap_or(usize::MAX),
            AttributeValue::InternalDate(date) => {
                mail.at_ms = super::super::fields::date_ms(&date.replacen('-', " ", 2)).unwrap_or(i64::MAX);
            }
            AttributeValue::BodySection { data: Some(data), .. } => mail.body = Some(data.to_vec()),
            _ => {}
        }
    }
    (mail.uid > 0).then_some(mail)
}

/// The server says no. Whether it means for ever it does not say: sign-ins fail for a while too.
fn refused(bytes: &[u8]) -> ConnectorError {
    let line = String::from_utf8_lossy(bytes);
    let line = line.trim().split_once(' ').map_or("", |(_, it)| it);
    ConnectorError::Refused(line.chars().filter(|it| !it.is_control()).take(200).collect())
}

/// A text in quotation marks. What cannot stand in them is refused.
fn quoted(text: &str) -> Result<String, ConnectorError> {
    if text.chars().any(|it| it.is_control() || !it.is_ascii()) {
        return Err(ConnectorError::Refused(
            "folders and names are written in ASCII, without control characters".to_owned(),
        ));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read() {
        let bytes = b"* 3 FETCH (UID 9 RFC822.SIZE 12 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {2}\r\nhi)\r\n";
        let (_, response) = Response::parse(bytes).expect("a response");
        let mail = mail_of(&response).expect("a mail");
        assert_eq!(
            (mail.uid, mail.size, mail.at_ms, mail.body.as_deref()),
            (9, 12, 837_596_665_000, Some(b"hi".as_slice()))
        );
    }

    #[test]
    fn quotes_hold_what_they_may() {
        assert_eq!(quoted("a\"b\\c").expect("fine"), "\"a\\\"b\\\\c\"");
        assert!(quoted("a\r\nb").is_err());
    }
}
