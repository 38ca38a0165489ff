//! Reads one mailbox: fetch, one batch, durable, mark. What fails is tried again, later and later.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use connectors::ConnectorError;
use connectors::email::imap::{Cursor, Fetched, ImapMailbox, Settings};
use connectors::email::{Limits, read};
use tracing::{info, warn};

use super::{Account, credentials, server};
use crate::server::App;
use crate::shard::Arrived;

/// How long a fetch waits for new mail before it looks again.
const PATIENCE: Duration = Duration::from_secs(120);
/// Waits between attempts.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How often a node looks whether a workspace has become its own.
const AWAY: Duration = Duration::from_secs(1);
/// Bytes of one mail; of a larger one the header is taken.
const MAIL_BYTES: usize = 12 << 20;

/// Reads until the server ends.
pub(super) async fn run(app: Arc<App>, account: Arc<Account>) {
    let mut wait = RETRY_MIN;
    loop {
        if !app.is_here(account.workspace) {
            // Another node reads it.
            tokio::time::sleep(AWAY).await;
            continue;
        }
        match session(&app, &account, &mut wait).await {
            Ok(never) => match never {},
            Err(error) => {
                warn!(
                    error = format!("{error:#}"),
                    wait_ms = wait.as_millis(),
                    "a mailbox cannot be read: it is tried again"
                );
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

/// Reads until something fails.
async fn session(
    app: &App,
    account: &Arc<Account>,
    wait: &mut Duration,
) -> anyhow::Result<std::convert::Infallible> {
    let Some(imap) = &account.settings.imap else { anyhow::bail!("there is no mailbox to read") };
    let credentials = credentials(&imap.server)?.ok_or_else(|| anyhow::anyhow!("`user` is not set"))?;
    let mailbox = ImapMailbox::new(Settings {
        server: server(&imap.server)?,
        credentials,
        folder: imap.folder.clone(),
        history: imap.history,
        mail_bytes: MAIL_BYTES,
        patience: PATIENCE,
    });
    let key =
        [b"imap".as_slice(), &account.workspace.bits().to_be_bytes(), account.settings.address.as_bytes()]
            .concat();
    loop {
        let shard = app.shards.of(account.workspace);
        let cursor = {
            let key = key.clone();
            let stored = shard.query(move |state| state.mail_cursor(&key)).await?;
            stored.context("where the mailbox was read to")?.as_deref().and_then(Cursor::from_bytes)
        };
        let (mails, next) = match mailbox.fetch(cursor.as_ref()).await {
            Ok(fetched) => fetched,
            Err(ConnectorError::Wait { retry_ms }) => {
                *wait = (*wait).max(Duration::from_millis(u64::from(retry_ms)));
                anyhow::bail!("the connection broke")
            }
            Err(error) => return Err(error.into()),
        };
        *wait = RETRY_MIN;
        if cursor == Some(next) && mails.is_empty() {
            continue;
        }
        let count = mails.len();
        let mut arrived = Vec::with_capacity(count);
        for mail in mails {
            arrived.push(take(app, account, mail).await?);
        }
        let at = (key.clone(), next.to_bytes());
        shard
            .query(move |state| state.mails_arrive(arrived, Some(at)))
            .await?
            .map_err(|why| anyhow::anyhow!(why))?;
        if count > 0 {
            info!(count, "mails were taken");
        }
        // They are durable: what cannot be marked now is known by the cursor all the same.
        if let Err(error) = mailbox.settle().await {
            warn!(%error, "taken mails cannot be marked as seen");
        }
    }
}

/// Reads a mail and keeps it as it came.
async fn take(app: &App, account: &Arc<Account>, it: Fetched) -> anyhow::Result<Arrived> {
    let Fetched { raw, header_only, .. } = it;
    let parsed = tokio::task::spawn_blocking(move || {
        let mail = Box::new(read(&raw, &Limits::default()));
        (raw, mail)
    });
    let (raw, mail) = parsed.await?;
    let kept = app.files.keep(account.workspace, raw).await?;
    Ok(Arrived { account: Arc::clone(account), mail, kept, header_only, envelope: Vec::new() })
}
