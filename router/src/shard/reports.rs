//! Reports about our mail: how far it got, and who calls it unwanted. They are matched by ids and addresses that nobody can
//! guess, change how far a message got, and mark the address where it is no good. What matches nothing is set aside.

use connectors::email::bounce::{Action, Complaint, Delivery, Recipient, Report};
use connectors::email::mail::comparable;
use policy::id::{ConversationId, WorkspaceId};

use super::addresses::Trouble;
use super::aside::Why;
use super::mail::{Arrived, KeptMail};
use super::mailed::Stage;
use super::outbox::{ACKNOWLEDGEMENT, Outgoing};
use super::state::State;

impl State {
    /// Takes a report.
    pub(super) fn report_arrives(&mut self, it: &Arrived, report: &Report) {
        match report {
            Report::Delivery(delivery) => self.delivery_arrives(it, delivery),
            Report::Complaint(complaint) => self.complaint_arrives(it, complaint),
        }
    }

    fn delivery_arrives(&mut self, it: &Arrived, report: &Delivery) {
        let workspace = it.account.workspace;
        let named = report.original.iter().chain(&report.envelope_id);
        let by_id = named.filter_map(|id| it.account.threads.by_message_id(id)).next();
        let Some((conversation, seq)) = by_id.or_else(|| self.newest_of_address(it)) else {
            return self.set_aside(it, Why::Report, None);
        };
        let mail = self.our_mail(workspace, conversation, seq);
        let recipients = match &mail {
            Some(mail) => mail.recipients(),
            // An acknowledgement is kept nowhere: it went to who wrote.
            None => {
                self.mail_thread(workspace, conversation).map(|(_, it)| vec![it.from]).unwrap_or_default()
            }
        };
        let mut marked = false;
        for told in &report.recipients {
            let Some(address) = address_of(told, &recipients) else { continue };
            if told.unreachable() && !report.guessed {
                self.mark_trouble(workspace, &address, Trouble::Unreachable);
                marked = true;
            }
            let stage = match told.action {
                Action::Failed => Stage::Failed,
                Action::Delayed => Stage::Delayed,
                Action::Delivered | Action::Relayed | Action::Expanded => Stage::Delivered,
            };
            let why = matches!(stage, Stage::Failed | Stage::Delayed).then(|| reason(&address, told));
            if seq != ACKNOWLEDGEMENT {
                self.mail_reached(workspace, conversation, seq, Some(stage), why);
            }
        }
        if marked {
            self.tell_contact_points(workspace, conversation);
        }
        if report.recipients.is_empty() {
            self.set_aside(it, Why::Report, Some(conversation));
        }
    }

    /// The newest mail of ours in the conversation whose address a report came to.
    fn newest_of_address(&mut self, it: &Arrived) -> Option<(ConversationId, u64)> {
        let told = it.envelope.iter().chain(&it.mail.delivered_to).map(String::as_str);
        let written = it.mail.to.iter().map(|it| it.address.as_str());
        let conversation = told.chain(written).find_map(|to| it.account.threads.by_address(to))?;
        let workspace = it.account.workspace;
        let open = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&conversation));
        let last = match open.map(|it| it.last) {
            Some(last) => last,
            None => self.store(workspace).header(conversation)?.closed?.last,
        };
        // One that is still further back was answered since.
        let newest = (last.saturating_sub(20)..=last).rev();
        let seq = newest.into_iter().find(|seq| {
            let found = self.stored_message(workspace, conversation, *seq);
            found.is_some_and(|(_, it)| it.mail.is_some_and(|it| it.stage.is_some()))
        })?;
        Some((conversation, seq))
    }

    fn our_mail(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
    ) -> Option<Outgoing> {
        let (customer, _) = self.mail_thread(workspace, conversation)?;
        match self.kept_mail(workspace, customer, conversation, seq) {
            Ok(Some(KeptMail::Ours(mail))) => Some(mail),
            _ => None,
        }
    }

    fn complaint_arrives(&mut self, it: &Arrived, complaint: &Complaint) {
        let workspace = it.account.workspace;
        let ours = complaint.original.as_ref().and_then(|id| it.account.threads.by_message_id(id));
        let Some((conversation, seq)) = ours else { return self.set_aside(it, Why::Complaint, None) };
        // `not-spam` takes a complaint back.
        let taken_back = complaint.kind == "not-spam";
        for address in self.our_mail(workspace, conversation, seq).map(|it| it.to).unwrap_or_default() {
            if taken_back {
                self.forget_trouble(workspace, &address);
            } else {
                self.mark_trouble(workspace, &address, Trouble::Complained);
            }
        }
        self.tell_contact_points(workspace, conversation);
        if !taken_back {
            let why = "the customer's provider reports that this mail was called unwanted".to_owned();
            self.mail_reached(workspace, conversation, seq, None, Some(why));
        }
        self.set_aside(it, Why::Complaint, Some(conversation));
    }
}

/// Which of those a mail went to a report is about. One that went to somebody alone is about that one, whatever it was
/// forwarded to; a report about anybody else says nothing about our mail.
fn address_of(told: &Recipient, recipients: &[String]) -> Option<String> {
    let same = recipients.iter().find(|it| comparable(it) == comparable(&told.address));
    same.or_else(|| recipients.first().filter(|_| recipients.len() == 1)).cloned()
}

/// Why, in the other server's words where it has any.
fn reason(address: &str, told: &Recipient) -> String {
    let (class, subject, detail) = told.status;
    let status = if class == 0 { String::new() } else { format!(" ({class}.{subject}.{detail})") };
    let said = told.diagnostic.trim();
    let words = if said.is_empty() { told.reason.name().replace('_', " ") } else { said.to_owned() };
    format!("{address}: {words}{status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str) -> Recipient {
        Recipient {
            address: address.to_owned(),
            action: Action::Failed,
            status: (5, 1, 1),
            diagnostic: "550 no such user".to_owned(),
            reason: connectors::email::bounce::Reason::UserUnknown,
        }
    }

    #[test]
    fn a_report_is_about_who_was_written_to() {
        let both = ["ann@shop.test".to_owned(), "bob@shop.test".to_owned()];
        assert_eq!(address_of(&told("BOB@shop.test"), &both).as_deref(), Some("bob@shop.test"));
        assert_eq!(address_of(&told("eve@shop.test"), &both), None, "nobody of ours");
        assert_eq!(
            address_of(&told("ann@elsewhere.test"), &both[..1]).as_deref(),
            Some("ann@shop.test"),
            "forwarded"
        );
        assert_eq!(address_of(&told("eve@shop.test"), &[]), None);
        assert_eq!(reason("ann@shop.test", &told("")), "ann@shop.test: 550 no such user (5.1.1)");
    }
}
