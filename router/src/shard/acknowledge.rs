//! The mail that says that a customer's mail was received, with place and promise as they are when it goes out. One goes for a
//! conversation, to who wrote it, marked as what it is (RFC 3834): from the null sender, so that nothing answers it.

use policy::id::{ConversationId, WorkspaceId};
use protocol::PlaceView;

use super::mail::MailThread;
use super::outbox::{ACKNOWLEDGEMENT, Outgoing};
use super::state::State;
use crate::email::texts::{self, Catalogue};

impl State {
    /// What is said now; nothing where the conversation has ended or an agent has written by now. A promise in it is recorded,
    /// and the mail goes out behind that.
    pub(super) fn acknowledgement(&mut self, workspace: WorkspaceId, id: ConversationId) -> Option<Outgoing> {
        let it = self.engine.workspace(workspace)?.conversations.get(&id)?;
        if it.answered.is_some() {
            return None;
        }
        let language = it.language.as_deref().map(str::to_owned);
        let now = self.now();
        let mut place = self.place(workspace, id);
        let position = place.as_ref().filter(|it| it.opens_ms.is_none()).map(|it| it.position);
        let telling = position.and_then(|position| self.promise_of(workspace, id, position, now));
        if let (Some(position), Some(telling)) = (position, telling) {
            self.record_promises(workspace, vec![(id, telling.promise)]);
            place = Some(self.place_at(workspace, id, position, Some(telling)));
        }
        let (_, thread) = self.mail_thread(workspace, id)?;
        Some(Outgoing {
            conversation: id,
            seq: ACKNOWLEDGEMENT,
            to: vec![thread.from.clone()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: reply_subject(&thread),
            in_reply_to: thread.last_id,
            references: thread.references,
            text: words(language.as_deref(), place.as_ref()),
            quoted: String::new(),
            files: Vec::new(),
            automatic: true,
            at_ms: now.0,
        })
    }

    /// What the customer wrote last, as an answer quotes it.
    pub(super) fn quoted(&mut self, workspace: WorkspaceId, id: ConversationId) -> String {
        let Some(it) = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id)) else {
            return String::new();
        };
        let (last, language) = (it.last, it.language.as_deref().map(str::to_owned));
        let theirs = (last.saturating_sub(40).max(1)..=last).rev().find_map(|seq| {
            let (_, found) = self.stored_message(workspace, id, seq)?;
            found.agent.is_none().then_some(found)
        });
        let Some(found) = theirs else { return String::new() };
        let text = found.text.unwrap_or_default();
        let name = found.name.unwrap_or_default();
        let when = instant(found.at.0);
        let catalogue = texts::for_language(language.as_deref());
        let mut quoted = fill(catalogue, "wrote", &[("name", &name), ("when", &when)]);
        for line in text.lines() {
            quoted.push_str("\n> ");
            quoted.push_str(line);
        }
        quoted
    }
}

/// The subject of an answer.
pub(super) fn reply_subject(thread: &MailThread) -> String {
    match thread.subject.get(..3) {
        Some(start) if start.eq_ignore_ascii_case("re:") => thread.subject.clone(),
        _ => format!("Re: {}", thread.subject),
    }
}

fn fill(catalogue: &Catalogue, key: &str, holes: &[(&str, &str)]) -> String {
    let mut text = catalogue.get(key).cloned().unwrap_or_default();
    for (name, value) in holes {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// The acknowledgement in the customer's language.
fn words(language: Option<&str>, place: Option<&PlaceView>) -> String {
    let catalogue = texts::for_language(language);
    let say = |key: &str, holes: &[(&str, &str)]| fill(catalogue, key, holes);
    let mut lines = vec![say("received", &[])];
    match place {
        Some(PlaceView { opens_ms: Some(opens), .. }) => {
            lines.push(say("opens", &[("when", &instant(*opens))]));
        }
        Some(PlaceView { position, wait_s, .. }) => {
            lines.push(say("place", &[("position", &position.to_string())]));
            if let Some((least, most)) = wait_s {
                let range = [("least", &*span(catalogue, *least)), ("most", &*span(catalogue, *most))];
                lines.push(say("wait", &range));
            }
        }
        None => {}
    }
    lines.push(say("answer", &[]));
    lines.join("\n\n")
}

/// A span as people say it, rounded up: nobody is promised less than was estimated.
fn span(catalogue: &Catalogue, seconds: u32) -> String {
    let (key, count) = match seconds {
        0..=5_400 => ("minutes", seconds.div_ceil(60).max(1)),
        5_401..=172_800 => ("hours", seconds.div_ceil(3_600)),
        _ => ("days", seconds.div_ceil(86_400)),
    };
    fill(catalogue, key, &[("n", &count.to_string())])
}

/// A time as everybody reads it.
fn instant(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_is_told_as_it_is_in_every_language() {
        let place = PlaceView { position: 3, wait_s: Some((100, 7_300)), ..PlaceView::default() };
        let told = words(None, Some(&place));
        assert!(told.contains("number 3"), "{told}");
        assert!(told.contains("2 min") && told.contains("3 h"), "{told}");
        let closed = PlaceView { position: 1, opens_ms: Some(1_700_000_000_000), ..PlaceView::default() };
        for language in ["en", "de", "fr", "es", "pt", "ar", "zh"] {
            let told = words(Some(language), Some(&closed));
            assert!(told.contains("2023-11-14 22:13 UTC") && !told.contains('{'), "{language}: {told}");
            assert!(!words(Some(language), Some(&place)).contains('{'), "{language}");
        }
        // Nothing is said of a wait that nobody knows.
        let place = PlaceView { position: 1, ..PlaceView::default() };
        assert!(!words(None, Some(&place)).contains(" min"));
    }
}
