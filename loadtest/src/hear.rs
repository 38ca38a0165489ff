//! How both kinds of client note messages.

use policy::id::ConversationId;
use protocol::{AuthorKind, Code, MessageView};

use crate::dialogs::Side;
use crate::journal::{Journal, Request, What, digest};
use crate::talk::Talk;

/// Notes a message that somebody wrote, and tells the talk. Notices of the router are not part of a dialogue.
pub(crate) fn message(
    journal: &mut Journal,
    talk: Option<&mut Talk>,
    side: Side,
    conversation: ConversationId,
    view: &MessageView,
    live: bool,
) {
    let from = match view.from.kind {
        AuthorKind::Customer => Side::Customer,
        AuthorKind::Person | AuthorKind::Bot => Side::Agent,
        AuthorKind::Router => return,
    };
    let request = view.client_id.as_deref().and_then(Request::parse);
    journal.note(What::Message {
        conversation,
        message: view.id,
        seq: view.seq,
        request,
        text: digest(view.text.as_deref().unwrap_or_default()),
        live,
    });
    if let Some(talk) = talk {
        if from == side { talk.said(request, view.id) } else { talk.heard(view.id) }
    }
}

/// When to repeat a refused request, in milliseconds; `None` where it is refused for good.
pub(crate) fn repeat_after(code: Code, retry_ms: Option<u32>) -> Option<u64> {
    match code {
        Code::TooFast | Code::Overloaded | Code::NotDurable | Code::Draining => {
            Some(u64::from(retry_ms.unwrap_or(200).clamp(20, 5_000)))
        }
        Code::Malformed | Code::Invalid | Code::Forbidden | Code::NotFound | Code::Conflict => None,
    }
}
