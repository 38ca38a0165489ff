//! Takes mail that a mail server hands over. It is told 250 once the mail is durable, on whichever node that is.

use std::sync::Arc;

use anyhow::Context as _;
use connectors::email::inbound::{Envelope, NotTaken, Protocol, Receiver, Settings, Taken, serve};
use connectors::email::{Limits, read};
use tokio::net::TcpListener;
use tracing::warn;

use super::{Account, Accounts};
use crate::cluster::{HandedMail, Owner};
use crate::files::Kept;
use crate::server::App;
use crate::shard::Arrived;

/// Bytes of one mail.
const MAIL_BYTES: usize = 12 << 20;
/// Connections at once, and recipients of one mail.
const CONNECTIONS: usize = 100;
const RECIPIENTS: usize = 100;

struct Hub {
    app: Arc<App>,
    accounts: Arc<Accounts>,
}

impl Receiver for Hub {
    fn knows(&self, recipient: &str) -> bool {
        self.accounts.of_recipient(recipient).is_some()
    }

    fn take(&self, envelope: Envelope, raw: Vec<u8>) -> Taken<'_> {
        Box::pin(async move {
            // A mail to several of our accounts is taken for each of them, or comes again.
            let mut accounts: Vec<Arc<Account>> = Vec::new();
            for recipient in &envelope.recipients {
                let account = self.accounts.of_recipient(recipient).ok_or(NotTaken::Unknown)?;
                if !accounts.iter().any(|it| Arc::ptr_eq(it, account)) {
                    accounts.push(Arc::clone(account));
                }
            }
            for account in accounts {
                let kept = self.app.files.keep(account.workspace, raw.clone()).await;
                let Ok(kept) = kept else { return Err(NotTaken::Later) };
                let envelope = envelope.recipients.clone();
                let taken = match self.app.owner(account.workspace) {
                    Owner::Here => take_here(&self.app, account, kept, raw.clone(), envelope).await,
                    Owner::There(node) => {
                        let (workspace, address) = (account.workspace, account.settings.address.clone());
                        let mail = HandedMail { workspace, account: address, kept, envelope };
                        self.app.hand_on_mail(&node, mail).await
                    }
                    Owner::Nobody => false,
                };
                if !taken {
                    return Err(NotTaken::Later);
                }
            }
            Ok(())
        })
    }
}

/// Takes a mail for an account whose shard is here; says whether it is durable.
async fn take_here(
    app: &App,
    account: Arc<Account>,
    kept: Kept,
    raw: Vec<u8>,
    envelope: Vec<String>,
) -> bool {
    let shard = app.shards.of(account.workspace);
    let parsed = tokio::task::spawn_blocking(move || read(&raw, &Limits::default())).await;
    let Ok(mail) = parsed.map(Box::new) else { return false };
    let arrived = vec![Arrived { account, mail, kept, header_only: false, envelope }];
    matches!(shard.query(move |state| state.mails_arrive(arrived, None)).await, Ok(Ok(())))
}

/// Takes a mail that another node was handed; says whether it is durable.
pub(crate) async fn take_handed(app: &App, mail: HandedMail) -> bool {
    let HandedMail { workspace, account, kept, envelope } = mail;
    let Some(account) = app.email.find(workspace, &account) else {
        warn!("another node has a mailbox that is not in this one's configuration: its mail waits");
        return false;
    };
    match app.files.read(workspace, kept.clone()).await {
        Ok(Some(raw)) => take_here(app, Arc::clone(account), kept, raw, envelope).await,
        Ok(None) => {
            warn!(
                "a mail that another node kept is not in our `blobs` folder: all nodes have to see the same one"
            );
            false
        }
        Err(error) => {
            warn!(error = format!("{error:#}"), "a mail that another node kept cannot be read");
            false
        }
    }
}

/// Listens; what is given back runs until the server ends.
pub(super) async fn run(app: Arc<App>, accounts: Arc<Accounts>) -> anyhow::Result<impl Future<Output = ()>> {
    let settings = &app.config.mail_listener;
    let address = settings.listen.context("`mail_listener.listen` is not set")?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen for mail on {address}"))?;
    let protocol = match settings.protocol.as_str() {
        "smtp" => Protocol::Smtp,
        "lmtp" => Protocol::Lmtp,
        other => anyhow::bail!("`mail_listener.protocol` is `lmtp` or `smtp`, not `{other}`"),
    };
    let settings = Settings {
        host: settings.host.clone(),
        protocol,
        mail_bytes: MAIL_BYTES,
        connections: CONNECTIONS,
        recipients: RECIPIENTS,
        tls: app.config.tls.as_ref().map(crate::listen::server_config).transpose()?,
    };
    Ok(serve(listener, settings, Arc::new(Hub { app, accounts })))
}
