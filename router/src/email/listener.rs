//! Takes mail that a mail server hands over. It is told 250 once the mail is durable.

use std::sync::Arc;

use anyhow::Context as _;
use connectors::email::inbound::{Envelope, NotTaken, Protocol, Receiver, Settings, Taken, serve};
use connectors::email::{Limits, read};
use tokio::net::TcpListener;

use super::{Account, Accounts};
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
                let shard = self.app.shards.of(account.workspace);
                let kept = self.app.files.keep(account.workspace, raw.clone()).await;
                let Ok(kept) = kept else { return Err(NotTaken::Later) };
                let raw = raw.clone();
                let parsed = tokio::task::spawn_blocking(move || read(&raw, &Limits::default())).await;
                let Ok(mail) = parsed.map(Box::new) else { return Err(NotTaken::Later) };
                let envelope = envelope.recipients.clone();
                let arrived = vec![Arrived { account, mail, kept, header_only: false, envelope }];
                match shard.query(move |state| state.mails_arrive(arrived, None)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return Err(NotTaken::Later),
                }
            }
            Ok(())
        })
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
