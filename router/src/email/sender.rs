//! Sends what waits in the outbox. Each mail is first marked as under way, durably, then handed over, then struck out: a mail
//! that was under way when the node died may have gone out or not, so it is flagged and never sent again by itself.

use std::sync::Arc;
use std::time::Duration;

use connectors::ConnectorError;
use connectors::email::net::Credentials;
use connectors::email::outbound::dkim::Signer;
use connectors::email::outbound::{Draft, File, Relay, compose};
use tracing::warn;

use super::{Account, credentials, server};
use crate::server::App;
use crate::shard::{ACKNOWLEDGEMENT, Answer, Begun, OutboxRow, Outcome, Outgoing};

/// How often the outbox is looked at without being told.
const LOOK: Duration = Duration::from_secs(2);

/// Sends the mail of one account.
pub(super) struct Sender {
    app: Arc<App>,
    account: Arc<Account>,
    signer: Option<Signer>,
    /// The relay, with what it was signed in to.
    relay: Option<(Option<Credentials>, Relay)>,
}

impl Sender {
    /// A sender.
    ///
    /// # Errors
    /// If the key for signatures cannot be used.
    pub(super) fn new(app: Arc<App>, account: Arc<Account>) -> anyhow::Result<Self> {
        let dkim = account.settings.dkim.as_ref();
        let signer = dkim.map(|it| Signer::load(&it.domain, &it.selector, &it.key)).transpose()?;
        Ok(Self { app, account, signer, relay: None })
    }

    /// Sends until the server ends.
    pub(super) async fn run(mut self) {
        loop {
            for (key, row) in self.rows().await {
                if row.is_under_way() {
                    // Not by us: what we hand over is over before we look again.
                    self.told(key, Outcome::Unknown).await;
                } else if let Err(error) = self.renew_relay() {
                    warn!(error = format!("{error:#}"), "the relay cannot be used: mail waits");
                    break;
                } else {
                    self.send(key).await;
                }
            }
            tokio::select! {
                () = self.account.due.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// What is due; nothing where another node has the shard.
    async fn rows(&self) -> Vec<(Vec<u8>, OutboxRow)> {
        let (workspace, address) = (self.account.workspace, self.account.settings.address.clone());
        let shard = self.app.shards.of(workspace);
        shard.query(move |state| state.outbox(workspace, &address)).await.unwrap_or_default()
    }

    /// Tokens change: who signs in is read anew, and the connections of the old one are let go.
    fn renew_relay(&mut self) -> anyhow::Result<()> {
        let settings = &self.account.settings.relay;
        let credentials = credentials(settings)?;
        if self.relay.as_ref().is_none_or(|(of, _)| *of != credentials) {
            let relay = Relay::new(server(settings)?, credentials.clone(), self.account.domain().to_owned());
            self.relay = Some((credentials, relay));
        }
        Ok(())
    }

    async fn send(&self, key: Vec<u8>) {
        let Some((_, relay)) = &self.relay else { return };
        let shard = self.app.shards.of(self.account.workspace);
        let begun = {
            let key = key.clone();
            shard.query(move |state| state.begin_sending(&key)).await
        };
        let Ok(Some(begun)) = begun else { return };
        let outcome = match self.write(begun.mail.get()).await {
            Ok(raw) => self.hand_over(relay, &begun, &raw).await,
            Err(outcome) => outcome,
        };
        self.told(key, outcome).await;
    }

    async fn hand_over(&self, relay: &Relay, begun: &Begun, raw: &[u8]) -> Outcome {
        let mail = begun.mail.get();
        // What nobody wrote comes from nobody, so that nothing answers it (RFC 3834, section 3.3).
        let sender = if mail.seq == ACKNOWLEDGEMENT { String::new() } else { self.reply_address(mail) };
        let all = mail.recipients();
        let left: Vec<(u16, String)> =
            begun.left.iter().filter_map(|it| Some((*it, all.get(usize::from(*it))?.clone()))).collect();
        let recipients: Vec<String> = left.iter().map(|(_, it)| it.clone()).collect();
        match relay.send(&sender, &recipients, &self.message_id(mail), raw).await {
            Ok(sent) => {
                let answers = left.iter().zip(sent).map(|((place, _), it)| {
                    let answer = match it.result {
                        Ok(()) => Answer::Taken,
                        Err(ConnectorError::Refused(why)) => Answer::Refused(why),
                        Err(_) => Answer::Later,
                    };
                    (*place, answer)
                });
                Outcome::Answered(answers.collect())
            }
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
        self.account.threads.message_id(mail.conversation, mail.seq, self.account.domain())
    }

    /// The mail as bytes, signed.
    async fn write(&self, mail: &Outgoing) -> Result<Vec<u8>, Outcome> {
        let settings = &self.account.settings;
        let mut files = Vec::new();
        for file in &mail.files {
            match self.app.files.read(self.account.workspace, file.kept.clone()).await {
                Ok(Some(content)) => {
                    files.push(File {
                        name: file.name.clone(),
                        media_type: file.media_type.clone(),
                        content,
                    });
                }
                Ok(None) => {
                    return Err(Outcome::Refused(format!("the file {} is no longer there", file.name)));
                }
                Err(error) => {
                    warn!(error = format!("{error:#}"), "a file cannot be read: its mail waits");
                    return Err(Outcome::Later);
                }
            }
        }
        let mut text = mail.text.clone();
        if !settings.signature.is_empty() {
            text.push_str("\n\n-- \n");
            text.push_str(&settings.signature);
        }
        if !mail.quoted.is_empty() {
            text.push_str("\n\n");
            text.push_str(&mail.quoted);
        }
        let fields = [("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")];
        let fields =
            fields.iter().filter(|_| mail.automatic).map(|(name, value)| (*name, (*value).to_owned()));
        let draft = Draft {
            message_id: self.message_id(mail),
            from: (settings.name.clone(), settings.address.clone()),
            reply_to: Some(self.reply_address(mail)),
            to: mail.to.clone(),
            cc: mail.cc.clone(),
            bcc: mail.bcc.clone(),
            subject: mail.subject.clone(),
            text,
            in_reply_to: mail.in_reply_to.clone(),
            references: mail.references.clone(),
            files,
            fields: fields.collect(),
            at_ms: mail.at_ms,
            ..Draft::default()
        };
        let refused = |error: String| Outcome::Refused(error);
        let raw = compose(&draft).map_err(|error| refused(error.to_string()))?;
        let Some(signer) = &self.signer else { return Ok(raw) };
        let at_s = u64::try_from(self.app.now().0 / 1_000).unwrap_or(0);
        let field = signer.sign(&raw, at_s).map_err(|error| refused(error.to_string()))?;
        Ok([field.into_bytes(), raw].concat())
    }

    async fn told(&self, key: Vec<u8>, outcome: Outcome) {
        // A shard that stops takes the row up again at its next start: the mail is then flagged.
        let shard = self.app.shards.of(self.account.workspace);
        drop(shard.query(move |state| state.sending_ended(&key, outcome)).await);
    }
}
