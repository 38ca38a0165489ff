//! Mail in, by IMAP. A mailbox is read from where the cursor stands; with IDLE new mail is told within milliseconds, and in
//! any case it is looked for every few minutes, since idle connections die silently. Mails are fetched with `BODY.PEEK[]`, so
//! that nothing is marked as seen before it is durable; after that [`ImapMailbox::settle`] marks them.
//!
//! ```text
//!  fetch(cursor) ─► connect ─► SELECT ─► UID FETCH after the cursor ─► mails and a new cursor
//!                                              ▲ nothing                    │ one batch, durable
//!                                              └── IDLE                     └─► settle: \Seen
//! ```

mod cursor;
mod session;
mod wire;

use std::time::Duration;

use tokio::sync::Mutex;

pub use cursor::Cursor;
use session::Session;

use super::net::{Credentials, Server};
use crate::connector::ConnectorError;

/// What is read, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server.
    pub server: Server,
    /// Who signs in.
    pub credentials: Credentials,
    /// The folder: `INBOX`.
    pub folder: String,
    /// Whether mail that is there at the first look is taken too.
    pub history: bool,
    /// Bytes of one mail; of a larger one only the header is taken.
    pub mail_bytes: usize,
    /// How long a fetch waits for new mail.
    pub patience: Duration,
}

/// A mail as the server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its number in the mailbox.
    pub uid: u32,
    /// It, or its header where it is too large.
    pub raw: Vec<u8>,
    /// Whether only the header was taken.
    pub header_only: bool,
}

/// One mailbox.
pub struct ImapMailbox {
    settings: Settings,
    /// Taken out while it is used: what is interrupted in the middle is dropped, and the next one connects anew.
    session: Mutex<Option<Session>>,
    /// Mails that were handed over and are not marked yet.
    open: Mutex<Vec<u32>>,
}

/// Mails marked at once.
const OPEN_MAX: usize = 1_000;

impl ImapMailbox {
    /// A mailbox; nothing is connected yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, session: Mutex::new(None), open: Mutex::new(Vec::new()) }
    }

    /// The mails after a cursor and the cursor after them; waits for new ones as long as the settings say. No mails with the
    /// same cursor: there was none.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] if the server does not let us in, [`ConnectorError::Wait`] for everything that passes.
    pub async fn fetch(&self, cursor: Option<&Cursor>) -> Result<(Vec<Fetched>, Cursor), ConnectorError> {
        let mut guard = self.session.lock().await;
        let mut session = match guard.take() {
            Some(session) => session,
            None => Session::open(&self.settings).await?,
        };
        let until = tokio::time::Instant::now() + self.settings.patience;
        let mut at = session.cursor(cursor, self.settings.history);
        let moved = cursor.is_none_or(|it| *it != at);
        loop {
            let mails = session.after(&mut at, self.settings.mail_bytes).await?;
            if !mails.is_empty() || moved || cursor.is_some_and(|it| *it != at) {
                let mut open = self.open.lock().await;
                let room = OPEN_MAX.saturating_sub(open.len());
                open.extend(mails.iter().map(|it| it.uid).take(room));
                *guard = Some(session);
                return Ok((mails, at));
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                *guard = Some(session);
                return Ok((Vec::new(), at));
            }
            session.wait(left).await?;
        }
    }

    /// Marks what was handed over as seen: it is durable. What cannot be marked stays as it is; it is known by the cursor.
    ///
    /// # Errors
    /// As [`ImapMailbox::fetch`].
    pub async fn settle(&self) -> Result<(), ConnectorError> {
        let uids = std::mem::take(&mut *self.open.lock().await);
        if uids.is_empty() {
            return Ok(());
        }
        let mut guard = self.session.lock().await;
        if let Some(mut session) = guard.take() {
            session.mark(&uids).await?;
            *guard = Some(session);
        }
        Ok(())
    }
}
