//! Email accounts of this node: mailboxes that are read, the listener that mail servers hand mail to, and the way out.
//!
//! ```text
//!  mailbox ──► reader ────┐                                    ┌──► sender ──► relay
//!                         ├─► shard: one batch ─► conversation │
//!  mail server ► listener ┘   mails, cursor                    │
//!                                     agent's answer ─► outbox ┘
//! ```
//!
//! A mail is marked as seen, or answered with 250, only once the batch with it is durable.

mod listener;
mod reader;
mod sender;
pub(crate) mod texts;

pub(crate) use listener::take_handed;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use connectors::email::net::{Credentials, Security, Server};
use connectors::email::thread::Threads;
use log_store::Vault;
use policy::id::WorkspaceId;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config::{Config, EmailAccount, MailServer};
use crate::server::App;

/// A channel account of email.
#[derive(Debug)]
pub struct Account {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Its settings.
    pub settings: EmailAccount,
    /// Makes and reads reply addresses and ids.
    pub threads: Threads,
    /// Mail waits to go out.
    pub due: Notify,
}

impl Account {
    /// The domain of its address.
    pub(crate) fn domain(&self) -> &str {
        self.settings.address.rsplit('@').next().unwrap_or("localhost")
    }
}

/// All accounts of this node.
#[derive(Debug, Default)]
pub struct Accounts {
    all: Vec<Arc<Account>>,
}

impl Accounts {
    /// The accounts that the configuration names.
    ///
    /// # Errors
    /// If one of them cannot be one.
    pub fn new(config: &Config, vault: &Vault) -> anyhow::Result<Self> {
        let all = config.email.iter().map(|settings| {
            let address = &settings.address;
            let workspace: WorkspaceId = settings
                .workspace
                .parse()
                .with_context(|| format!("email account {address}: `workspace`"))?;
            anyhow::ensure!(address.contains('@'), "email account {address}: `address` is no address");
            server(&settings.relay).with_context(|| format!("email account {address}: `relay`"))?;
            // Derived, so that every node of a company makes the same addresses.
            let secret = vault.dedupe_key(&[b"email threads", &workspace.bits().to_be_bytes()]);
            let threads = Threads::new(&secret);
            Ok(Arc::new(Account { workspace, settings: settings.clone(), threads, due: Notify::new() }))
        });
        Ok(Self { all: all.collect::<anyhow::Result<_>>()? })
    }

    /// The account of a workspace with this address.
    #[must_use]
    pub fn find(&self, workspace: WorkspaceId, address: &str) -> Option<&Arc<Account>> {
        self.all
            .iter()
            .find(|it| it.workspace == workspace && it.settings.address.eq_ignore_ascii_case(address))
    }

    /// The account that a recipient belongs to, whatever stands after its `+`.
    #[must_use]
    pub fn of_recipient(&self, recipient: &str) -> Option<&Arc<Account>> {
        use connectors::email::mail::comparable;
        let recipient = comparable(recipient);
        self.all.iter().find(|it| comparable(&it.settings.address) == recipient)
    }
}

/// Starts everything that the configuration names.
///
/// # Errors
/// If the listener cannot listen, or a key cannot be read.
pub async fn start(app: &Arc<App>, accounts: &Arc<Accounts>, tasks: &mut JoinSet<()>) -> anyhow::Result<()> {
    for account in &accounts.all {
        if account.settings.imap.is_some() {
            tasks.spawn(reader::run(Arc::clone(app), Arc::clone(account)));
        }
        let sender = sender::Sender::new(Arc::clone(app), Arc::clone(account))?;
        tasks.spawn(sender.run());
    }
    if app.config.mail_listener.listen.is_some() {
        tasks.spawn(listener::run(Arc::clone(app), Arc::clone(accounts)).await?);
    }
    Ok(())
}

/// How a server is reached.
fn server(settings: &MailServer) -> anyhow::Result<Server> {
    let security = match settings.security.as_str() {
        "tls" => Security::Tls,
        "starttls" => Security::StartTls,
        "plain" => Security::Plain,
        other => anyhow::bail!("`security` is `tls`, `starttls` or `plain`, not `{other}`"),
    };
    Ok(Server { host: settings.host.clone(), port: settings.port, security, ca: settings.ca.clone() })
}

/// Who signs in; nobody where no name is set. The secret is read anew each time, so that tokens may change.
fn credentials(settings: &MailServer) -> anyhow::Result<Option<Credentials>> {
    let Some(user) = settings.user.clone() else { return Ok(None) };
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("the password in {}", path.display()))
    };
    let secret = settings.password_file.as_deref().map(read).transpose()?.unwrap_or_default();
    Ok(Some(Credentials {
        user,
        secret: secret.trim_end_matches(['\r', '\n']).to_owned(),
        oauth: settings.oauth,
    }))
}
