//! Mail for who oversees: what became no message, to look at, take or throw away; and what did not arrive.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use policy::Disclosed;
use policy::id::WorkspaceId;
use protocol::{AsideBody, AsideView, FailedMailView, FileView};

use super::authorize::SignedIn;
use super::mail::{download, opened};
use super::problem::Refusal;
use crate::accounts::Role;
use crate::server::App;
use crate::shard::{Arrived, TakenUp};

/// Bytes of the text that is shown; the mail as it came has all of it.
const TEXT_MAX: usize = 64 << 10;
/// Attachments that are listed.
const FILES_MAX: usize = 100;

fn id_of(text: &str) -> Result<u128, Refusal> {
    uuid::Uuid::parse_str(text).map(|it| it.as_u128()).map_err(|_| Refusal::not_found("mail"))
}

/// `GET /api/v1/mail/aside`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<Vec<AsideView>>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let views = app.shards.of(workspace).query(move |state| state.aside(workspace)).await?;
    Ok(Json(views.map(Disclosed::into_inner).unwrap_or_default()))
}

/// A mail that was put aside, for a supervisor.
async fn put_aside(app: &App, signed_in: &SignedIn, mail: &str) -> Result<(WorkspaceId, TakenUp), Refusal> {
    let id = id_of(mail)?;
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let found = app.shards.of(workspace).query(move |state| state.aside_mail(workspace, id)).await?;
    let found = found.map(Disclosed::into_inner).ok_or_else(|| Refusal::not_found("mail"))?;
    Ok((workspace, found))
}

/// `GET /api/v1/mail/aside/{id}`
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    Path(mail): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Refusal> {
    let (workspace, found) = put_aside(&app, &signed_in, &mail).await?;
    let (raw, _) = opened(&app, workspace, found.kept).await?;
    Ok(download("mail.eml", "message/rfc822", raw))
}

/// `GET /api/v1/mail/aside/{id}/text`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(mail): Path<String>,
    signed_in: SignedIn,
) -> Result<Json<AsideBody>, Refusal> {
    let (workspace, found) = put_aside(&app, &signed_in, &mail).await?;
    let (_, mail) = opened(&app, workspace, found.kept).await?;
    let mut text = mail.text;
    text.retain(|it| !it.is_control() || matches!(it, '\n' | '\t'));
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push('…');
    }
    let files = mail.attachments.into_iter().take(FILES_MAX).zip(0..).map(|(it, number)| FileView {
        number,
        size: it.content.len() as u64,
        name: it.name,
        media_type: it.media_type,
        inline: it.inline,
    });
    let to = mail.to.into_iter().chain(mail.cc).map(|it| it.address).take(FILES_MAX);
    Ok(Json(AsideBody { to: to.collect(), text, files: files.collect() }))
}

/// `POST /api/v1/mail/aside/{id}/take`
pub(super) async fn take(
    State(app): State<Arc<App>>,
    Path(mail): Path<String>,
    signed_in: SignedIn,
) -> Result<StatusCode, Refusal> {
    let id = id_of(&mail)?;
    let (workspace, found) = put_aside(&app, &signed_in, &mail).await?;
    let account = app.email.find(workspace, &found.account).cloned();
    let account = account.ok_or_else(|| Refusal::not_found("mailbox"))?;
    let (_, mail) = opened(&app, workspace, found.kept.clone()).await?;
    let it = Arrived {
        account,
        mail: Box::new(mail),
        kept: found.kept,
        header_only: false,
        envelope: found.envelope,
    };
    let taken = app.shards.of(workspace).query(move |state| state.take_aside(id, &it)).await?;
    taken.map_err(|why| Refusal::new(StatusCode::CONFLICT, "conflict", why))?;
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /api/v1/mail/aside/{id}`
pub(super) async fn throw_away(
    State(app): State<Arc<App>>,
    Path(mail): Path<String>,
    signed_in: SignedIn,
) -> Result<StatusCode, Refusal> {
    let id = id_of(&mail)?;
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let gone = app.shards.of(workspace).query(move |state| state.throw_away(workspace, id)).await?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::not_found("mail")) }
}

/// `GET /api/v1/mail/failed`
pub(super) async fn failed(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<Vec<FailedMailView>>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let views = app.shards.of(workspace).query(move |state| state.failed_mails(workspace)).await?;
    Ok(Json(views.map(Disclosed::into_inner).unwrap_or_default()))
}
