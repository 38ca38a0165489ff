//! The addresses of mail: as it was written, what it carries, what was put aside, what did not arrive.

use protocol::{AsideBody, AsideView, FailedMailView, FileBody};

use super::operations::{Form, Operation, Who, body};

/// The table's part about mail.
pub(super) fn operations() -> Vec<Operation> {
    use Form::{Nothing, Text};
    use Who::SignedIn;
    vec![
        (
            "get",
            "/conversations/{id}/messages/{seq}/mail",
            SignedIn,
            "What a mail looks like: its HTML, cleaned, with a policy under which nothing runs; images=shown as query fetches pictures from elsewhere (agent)",
            Nothing,
            "200",
            Text("text/html"),
        ),
        (
            "get",
            "/conversations/{id}/messages/{seq}/files/{number}",
            SignedIn,
            "Something that a mail carries, as a download (agent)",
            Nothing,
            "200",
            Text("application/octet-stream"),
        ),
        (
            "get",
            "/conversations/{id}/messages/{seq}/raw",
            SignedIn,
            "A mail as it came, byte by byte (agent)",
            Nothing,
            "200",
            Text("message/rfc822"),
        ),
        (
            "post",
            "/conversations/{id}/messages/{seq}/send-again",
            SignedIn,
            "Sends a mail once more that failed, or of which nobody knows (agent)",
            Nothing,
            "202",
            Nothing,
        ),
        (
            "post",
            "/conversations/{id}/files",
            SignedIn,
            "Keeps a file that goes out with a mail; its name as query, 15 MB at most (agent who holds the conversation)",
            Text("application/octet-stream"),
            "201",
            body::<FileBody>(),
        ),
        (
            "get",
            "/mail/aside",
            SignedIn,
            "Mail that became no message, newest first (supervisor)",
            Nothing,
            "200",
            body::<Vec<AsideView>>(),
        ),
        (
            "get",
            "/mail/aside/{id}",
            SignedIn,
            "Such a mail as it came (supervisor)",
            Nothing,
            "200",
            Text("message/rfc822"),
        ),
        (
            "post",
            "/mail/aside/{id}/take",
            SignedIn,
            "Makes a message of such a mail (supervisor)",
            Nothing,
            "202",
            Nothing,
        ),
        (
            "get",
            "/mail/aside/{id}/text",
            SignedIn,
            "What such a mail says, as plain text (supervisor)",
            Nothing,
            "200",
            body::<AsideBody>(),
        ),
        (
            "delete",
            "/mail/aside/{id}",
            SignedIn,
            "Throws such a mail away (supervisor)",
            Nothing,
            "204",
            Nothing,
        ),
        (
            "get",
            "/mail/failed",
            SignedIn,
            "Mail of ours that did not arrive, newest first, 30 days of it (supervisor)",
            Nothing,
            "200",
            body::<Vec<FailedMailView>>(),
        ),
    ]
}
