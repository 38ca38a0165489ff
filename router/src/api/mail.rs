//! Mail for agents: as it was written, and what it carries. What strangers wrote is never given out as if it
//! were ours: files are downloads whatever they call themselves, and HTML is cleaned and comes with a policy under which
//! nothing runs and nothing is fetched that was not asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connectors::email::html::{self, Images};
use connectors::email::{Attachment, Limits, Mail, names, read};
use policy::id::{ConversationId, WorkspaceId};
use protocol::FileBody;
use serde::Deserialize;

use super::authorize::SignedIn;
use super::problem::Refusal;
use crate::accounts::{Principal, Role};
use crate::files::Kept;
use crate::server::App;
use crate::shard::FileRow;

/// Bytes of one file that goes out with a mail.
pub(super) const FILE_BYTES: usize = 15 << 20;
/// Bytes of the pictures that are shown within one mail.
const PICTURES_BYTES: usize = 12 << 20;

fn id(text: &str) -> Result<ConversationId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("conversation"))
}

/// The mail beside a message, read, if it is for this one to see.
async fn mail_of(
    app: &Arc<App>,
    signed_in: SignedIn,
    conversation: &str,
    seq: u64,
) -> Result<(Vec<u8>, Mail), Refusal> {
    let conversation = id(conversation)?;
    let workspace = signed_in.at_least(Role::Agent)?;
    let principal = signed_in.principal;
    let kept = app
        .shards
        .of(workspace)
        .query(move |state| state.mail_for(&principal, conversation, seq))
        .await?
        .ok_or_else(|| Refusal::not_found("mail"))?;
    opened(app, workspace, kept.into_inner()).await
}

/// A mail that was kept, and what it says.
pub(super) async fn opened(
    app: &App,
    workspace: WorkspaceId,
    kept: Kept,
) -> Result<(Vec<u8>, Mail), Refusal> {
    let raw = app.files.read(workspace, kept).await.map_err(|error| Refusal::internal(error.to_string()))?;
    let raw = raw.ok_or_else(|| Refusal::not_found("mail"))?;
    let parsed = tokio::task::spawn_blocking(move || {
        let mail = read(&raw, &Limits::default());
        (raw, mail)
    });
    parsed.await.map_err(|error| Refusal::internal(error.to_string()))
}

/// `?images=shown`
#[derive(Deserialize)]
pub(super) struct Look {
    images: Option<String>,
}

/// `GET /api/v1/conversations/{id}/messages/{seq}/mail`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((conversation, seq)): Path<(String, u64)>,
    Query(look): Query<Look>,
    signed_in: SignedIn,
) -> Result<Response, Refusal> {
    let (_, mail) = mail_of(&app, signed_in, &conversation, seq).await?;
    let images = if look.images.as_deref() == Some("shown") { Images::Shown } else { Images::Blocked };
    let page = tokio::task::spawn_blocking(move || page(&mail, images));
    let page = page.await.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok((frame_headers(images), page).into_response())
}

/// What a mail looks like: its HTML, cleaned, with its own pictures in it; or its text.
fn page(mail: &Mail, images: Images) -> String {
    let source = mail.html.clone().unwrap_or_else(|| html::of_text(&mail.text));
    let cleaned = html::clean(&source, images, &pictures(&mail.attachments));
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Mail</title><style>html{{font:14px/1.5 system-ui,sans-serif;\
         color:#111;background:#fff}}body{{margin:12px;overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}\
         table{{max-width:100%}}</style><body data-remote-images=\"{}\">{}",
        cleaned.remote_images, cleaned.html
    )
}

/// The pictures that a mail brings along, by the ids by which its HTML names them. They stand in the page itself, since a
/// frame that may do nothing may not sign in either.
fn pictures(attachments: &[Attachment]) -> BTreeMap<String, String> {
    let mut room = PICTURES_BYTES;
    let mut found = BTreeMap::new();
    for it in attachments {
        let (Some(id), Some(kind)) = (&it.content_id, picture_type(&it.content)) else { continue };
        if let Some(left) = room.checked_sub(it.content.len()) {
            room = left;
            let data = data_encoding::BASE64.encode(&it.content);
            found.insert(id.clone(), format!("data:{kind};base64,{data}"));
        }
    }
    found
}

/// The type of a picture by its first bytes, whatever its sender calls it; only those that hold no program.
fn picture_type(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Under these nothing in a mail runs, whoever shows it: no script, no form, no frame, an origin of its own.
fn frame_headers(images: Images) -> [(header::HeaderName, &'static str); 6] {
    let policy = match images {
        Images::Blocked => {
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; \
             form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
        }
        Images::Shown => {
            "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-ancestors 'self'; \
             base-uri 'none'; form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
        }
    };
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ]
}

/// A download, whatever it is.
pub(super) fn download(name: &str, media_type: &str, content: Vec<u8>) -> Response {
    let plain: String = name
        .chars()
        .map(|it| if it.is_ascii_graphic() && !matches!(it, '"' | '\\') { it } else { '_' })
        .collect();
    let exact: String = name
        .bytes()
        .map(|it| {
            if it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_') {
                char::from(it).to_string()
            } else {
                format!("%{it:02X}")
            }
        })
        .collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}");
    let mut response = (
        [
            (header::CONTENT_TYPE, safe_type(media_type)),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "private, no-store"),
            (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ],
        content,
    )
        .into_response();
    if let Ok(value) = disposition.parse() {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Types that browsers show without running anything; everything else is bytes.
fn safe_type(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        "application/pdf" => "application/pdf",
        "text/plain" => "text/plain; charset=utf-8",
        "text/calendar" => "text/calendar; charset=utf-8",
        "message/rfc822" => "message/rfc822",
        _ => "application/octet-stream",
    }
}

/// `GET /api/v1/conversations/{id}/messages/{seq}/files/{number}`
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path((conversation, seq, number)): Path<(String, u64, usize)>,
    signed_in: SignedIn,
) -> Result<Response, Refusal> {
    let (_, mail) = mail_of(&app, signed_in, &conversation, seq).await?;
    let found = mail.attachments.into_iter().nth(number).ok_or_else(|| Refusal::not_found("file"))?;
    Ok(download(&found.name, &found.media_type, found.content))
}

/// `GET /api/v1/conversations/{id}/messages/{seq}/raw`
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    Path((conversation, seq)): Path<(String, u64)>,
    signed_in: SignedIn,
) -> Result<Response, Refusal> {
    let (raw, _) = mail_of(&app, signed_in, &conversation, seq).await?;
    Ok(download("mail.eml", "message/rfc822", raw))
}

/// `POST /api/v1/conversations/{id}/messages/{seq}/send-again`
pub(super) async fn send_again(
    State(app): State<Arc<App>>,
    Path((conversation, seq)): Path<(String, u64)>,
    signed_in: SignedIn,
) -> Result<StatusCode, Refusal> {
    let conversation = id(&conversation)?;
    let workspace = signed_in.at_least(Role::Agent)?;
    let principal = signed_in.principal;
    let shard = app.shards.of(workspace);
    let sent = shard.query(move |state| {
        if !state.may_see(&principal, conversation) {
            return Err("there is no such mail here");
        }
        state.send_again(workspace, conversation, seq)
    });
    sent.await?.map_err(|why| Refusal::new(StatusCode::CONFLICT, "conflict", why))?;
    Ok(StatusCode::ACCEPTED)
}

/// `?name=bill.pdf`
#[derive(Deserialize)]
pub(super) struct Named {
    name: Option<String>,
}

/// `POST /api/v1/conversations/{id}/files`
pub(super) async fn add_file(
    State(app): State<Arc<App>>,
    Path(conversation): Path<String>,
    Query(named): Query<Named>,
    headers: HeaderMap,
    signed_in: SignedIn,
    content: Bytes,
) -> Result<(StatusCode, Json<FileBody>), Refusal> {
    let conversation = id(&conversation)?;
    let workspace = signed_in.at_least(Role::Agent)?;
    let Principal::Agent { agent, .. } = signed_in.principal else {
        return Err(Refusal::forbidden("this is for agents"));
    };
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = media_type.filter(|it| it.len() <= 100).unwrap_or("application/octet-stream").to_owned();
    let name = named.name.and_then(|it| names::clean(&it)).unwrap_or_else(|| names::by_type(1, &media_type));
    let kept = app.files.keep(workspace, content.to_vec()).await;
    let kept = kept.map_err(|error| Refusal::internal(error.to_string()))?;
    let file = FileRow { name, media_type, kept };
    let shard = app.shards.of(workspace);
    let added = shard.query(move |state| state.add_file(workspace, agent, conversation, file));
    let body = added.await?.map_err(|why| Refusal::new(StatusCode::CONFLICT, "conflict", why))?;
    Ok((StatusCode::CREATED, Json(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mail_carries_is_a_download_whatever_it_says() {
        let response = download("bill \"é\".html", "text/html", b"<script>x()</script>".to_vec());
        let of =
            |name: &str| response.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        assert_eq!(of("content-type"), "application/octet-stream");
        assert_eq!(of("x-content-type-options"), "nosniff");
        assert_eq!(
            of("content-disposition"),
            "attachment; filename=\"bill____.html\"; filename*=UTF-8''bill%20%22%C3%A9%22.html"
        );
        assert!(of("content-security-policy").contains("sandbox"));
    }

    #[test]
    fn nothing_runs_or_is_fetched_in_what_a_mail_looks_like() {
        let raw = b"Content-Type: text/html\r\n\r\n<p onclick=x()>hi<script>x()</script><img src=https://t.example/p.gif></p>";
        let mail = read(raw, &Limits::default());
        let blocked = page(&mail, Images::Blocked);
        assert!(!blocked.contains("x()") && !blocked.contains("t.example"), "{blocked}");
        assert!(blocked.contains("data-remote-images=\"1\"") && blocked.contains("hi"));
        assert!(page(&mail, Images::Shown).contains("https://t.example/p.gif"));
        for images in [Images::Blocked, Images::Shown] {
            let policy = frame_headers(images)[1].1;
            assert!(policy.starts_with("default-src 'none';") && policy.contains("sandbox allow-popups"));
            assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"));
        }
        assert!(!frame_headers(Images::Blocked)[1].1.contains("http"));
    }

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        let svg = Attachment {
            name: "a.png".into(),
            media_type: "image/png".into(),
            content_id: Some("a".into()),
            inline: true,
            content: b"<svg onload=x()>".to_vec(),
        };
        let png = Attachment {
            content_id: Some("b".into()),
            content: b"\x89PNG\r\n\x1a\n".to_vec(),
            ..svg.clone()
        };
        let found = pictures(&[svg, png]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
        assert!(found["b"].starts_with("data:image/png;base64,"));
    }
}
