//! Sends what waits in the outbox. Each mail is first marked as under way, durably, then handed over, then struck out: a mail
//! that was under way when the node died may have gone out or not, so it is flagged and never sent again by itself.

use std::sync::Arc;
use std::time::Duration;

use connectors::ConnectorError;
use connectors::email::outbound::dkim::Signer;
use connectors::email::outbound::{Draft, Relay, compose};
use tracing::warn;

use super::{Account, credentials, server};
use crate::server::App;
use crate::shard::{OutboxRow, Outcome, Outgoing};

/// How often the outbox is looked at without being told.
const LOOK: Duration = Duration::from_secs(5);

/// Sends the mail of one account.
pub(super) struct Sender {
    app: Arc<App>,
    account: Arc<Account>,
    signer: Option<Signer>,
}

impl Sender {
    /// A sender.
    ///
    /// # Errors
    /// If the key for signatures cannot be used.
    pub(super) fn new(app: Arc<App>, account: Arc<Account>) -> anyhow::Result<Self> {
        let dkim = account.settings.dkim.as_ref();
        let signer = dkim.map(|it| Signer::load(&it.domain, &it.selector, &it.key)).transpose()?;
        Ok(Self { app, account, signer })
    }

    /// Sends until the server ends.
    pub(super) async fn run(self) {
        let mut relay = None;
        loop {
            for (key, row) in self.rows().await {
                if row.is_under_way() {
                    // Not by us: what we hand over is over before we look again.
                    self.told(key, Outcome::Unknown).await;
                } else if row.is_due(self.app.now().0) {
                    let Some(relay) = self.relay(&mut relay) else { break };
                    self.send(relay, key).await;
                }
            }
            tokio::select! {
                () = self.account.due.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The rows of this account; none where another node has its shard.
    async fn rows(&self) -> Vec<(Vec<u8>, OutboxRow)> {
        let (workspace, address) = (self.account.workspace, self.account.settings.address.clone());
        let shard = self.app.shards.of(workspace);
        shard.query(move |state| state.outbox(workspace, &address)).await.unwrap_or_default()
    }

    fn relay<'r>(&self, kept: &'r mut Option<Relay>) -> Option<&'r Relay> {
        if kept.is_none() {
            let settings = &self.account.settings.relay;
            let domain = self.account.settings.address.rsplit('@').next().unwrap_or("localhost").to_owned();
            match (server(settings), credentials(settings)) {
                (Ok(server), Ok(credentials)) => *kept = Some(Relay::new(server, credentials, domain)),
                (Err(error), _) | (_, Err(error)) => {
                    warn!(error = format!("{error:#}"), "the relay cannot be used");
                }
            }
        }
        kept.as_ref()
    }

    async fn send(&self, relay: &Relay, key: Vec<u8>) {
        let begun = {
            let key = key.clone();
            self.app.shards.of(self.account.workspace).query(move |state| state.begin_sending(&key)).await
        };
        let Ok(Some(mail)) = begun else { return };
        let outcome = match self.write(&mail) {
            Ok(raw) => self.hand_over(relay, &mail, &raw).await,
            Err(why) => Outcome::Refused(why),
        };
        self.told(key, outcome).await;
    }

    async fn hand_over(&self, relay: &Relay, mail: &Outgoing, raw: &[u8]) -> Outcome {
        let sender = self.reply_address(mail);
        match relay.send(&sender, std::slice::from_ref(&mail.to), &self.message_id(mail), raw).await {
            Ok(sent) => match sent.into_iter().next().map(|it| it.result) {
                Some(Ok(())) => Outcome::Taken,
                Some(Err(ConnectorError::Refused(why))) => Outcome::Refused(why),
                _ => Outcome::Later,
            },
            Err(ConnectorError::Refused(why)) => Outcome::Refused(why),
            Err(ConnectorError::Unknown) => Outcome::Unknown,
            Err(_) => Outcome::Later,
        }
    }

    fn reply_address(&self, mail: &Outgoing) -> String {
        let own = &self.account.settings.address;
        self.account.threads.reply_address(own, mail.conversation).unwrap_or_else(|| own.clone())
    }

    fn message_id(&self, mail: &Outgoing) -> String {
        let domain = self.account.settings.address.rsplit('@').next().unwrap_or("localhost");
        self.account.threads.message_id(mail.conversation, mail.seq, domain)
    }

    fn write(&self, mail: &Outgoing) -> Result<Vec<u8>, String> {
        let settings = &self.account.settings;
        let draft = Draft {
            message_id: self.message_id(mail),
            from: (settings.name.clone(), settings.address.clone()),
            reply_to: Some(self.reply_address(mail)),
            to: vec![mail.to.clone()],
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            in_reply_to: mail.in_reply_to.clone(),
            references: mail.references.clone(),
            at_ms: mail.at_ms,
            ..Draft::default()
        };
        let raw = compose(&draft).map_err(|error| error.to_string())?;
        let Some(signer) = &self.signer else { return Ok(raw) };
        let at_s = u64::try_from(self.app.now().0 / 1_000).unwrap_or(0);
        let field = signer.sign(&raw, at_s).map_err(|error| error.to_string())?;
        Ok([field.into_bytes(), raw].concat())
    }

    async fn told(&self, key: Vec<u8>, outcome: Outcome) {
        // A shard that stops takes the row up again at its next start: the mail is then flagged.
        let shard = self.app.shards.of(self.account.workspace);
        drop(shard.query(move |state| state.sending_ended(&key, outcome)).await);
    }
}
