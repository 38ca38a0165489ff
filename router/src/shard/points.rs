//! Where a conversation's customer can be written to: the contact points that were written from in it, with the address that
//! an answer goes to and what speaks against it. Those of other conversations are not among them: who took part in one matter
//! has not asked to hear of another.

use connectors::email::CHANNEL as EMAIL;
use connectors::email::mail::comparable;
use engine::state::{CONTACT_POINTS_MAX, Conversation};
use policy::id::{ContactPointId, ConversationId, WorkspaceId};
use protocol::ContactPointView;

use super::mail::MailThread;
use super::state::State;

impl MailThread {
    /// Where answers to a contact point go.
    pub(super) fn address_of(&self, point: ContactPointId) -> Option<&String> {
        self.addresses.iter().find(|(of, _)| *of == point).map(|(_, address)| address)
    }

    /// Notes that answers to a contact point go where answers go now.
    pub(super) fn note_address(&mut self, point: ContactPointId) {
        self.addresses.retain(|(of, _)| *of != point);
        if self.addresses.len() == CONTACT_POINTS_MAX {
            self.addresses.remove(0);
        }
        self.addresses.push((point, self.to.clone()));
    }
}

impl State {
    /// The contact points of an open conversation, the one used last at the end; of two with one address that one. None where
    /// it is one without an address.
    pub(super) fn contact_points(&self, workspace: WorkspaceId, it: &Conversation) -> Vec<ContactPointView> {
        let by_mail = it.contact_points.iter().any(|point| *point.channel == *EMAIL);
        if it.contact_points.len() < 2 && !by_mail {
            return Vec::new();
        }
        let thread = if by_mail { self.mail_thread(workspace, it.id).map(|(_, it)| it) } else { None };
        let mut views: Vec<ContactPointView> = Vec::new();
        for (before, point) in it.contact_points.iter().rev().enumerate() {
            let mut view = ContactPointView {
                id: point.id,
                channel: point.channel.to_string(),
                address: None,
                trouble: None,
            };
            if *point.channel == *EMAIL {
                let thread = thread.as_ref();
                // A row from before addresses were kept says where the newest mail is answered.
                let newest = thread.filter(|_| before == 0).map(|it| &it.to);
                view.address = thread.and_then(|it| it.address_of(point.id)).or(newest).cloned();
                let Some(address) = &view.address else { continue };
                let same = |it: &ContactPointView| {
                    it.address.as_deref().is_some_and(|it| comparable(it) == comparable(address))
                };
                if views.iter().any(same) {
                    continue;
                }
                view.trouble = self.trouble(workspace, address).map(|it| it.name().to_owned());
            }
            views.push(view);
        }
        views.reverse();
        views
    }

    /// Where else the customer of an open conversation has written from, as far as nothing speaks against it.
    pub(super) fn elsewhere(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
        tried: &[String],
    ) -> Vec<ContactPointView> {
        let it = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id));
        let mut points = it.map(|it| self.contact_points(workspace, it)).unwrap_or_default();
        let same = |address: &String| tried.iter().any(|it| comparable(it) == comparable(address));
        points.retain(|it| it.trouble.is_none() && !it.address.as_ref().is_some_and(same));
        points
    }

    /// Tells who holds a conversation where its customer can be written to, when that has changed.
    pub(super) fn tell_contact_points(&mut self, workspace: WorkspaceId, id: ConversationId) {
        let it = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id));
        if let Some(agent) = it.and_then(Conversation::holder) {
            self.tell_conversation(workspace, agent, id, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contact_point_has_its_newest_address_and_there_is_an_end_to_them() {
        let mut thread = MailThread {
            account: "support@hub.test".to_owned(),
            to: "ann@shop.test".to_owned(),
            from: "ann@shop.test".to_owned(),
            participants: Vec::new(),
            last_id: None,
            references: Vec::new(),
            subject: String::new(),
            addresses: Vec::new(),
        };
        let point = |number: usize| ContactPointId::from_bits(number as u128);
        thread.note_address(point(1));
        thread.to = "home@shop.test".to_owned();
        thread.note_address(point(2));
        assert_eq!(thread.address_of(point(1)).map(String::as_str), Some("ann@shop.test"));
        thread.note_address(point(1));
        assert_eq!(thread.address_of(point(1)).map(String::as_str), Some("home@shop.test"));
        for number in 3..100 {
            thread.note_address(point(number));
        }
        assert_eq!(thread.addresses.len(), CONTACT_POINTS_MAX);
        assert_eq!((thread.address_of(point(1)), thread.address_of(point(99)).is_some()), (None, true));
    }
}
