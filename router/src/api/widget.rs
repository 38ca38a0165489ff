//! A visitor starts, or comes back. No sign-in: the visitor's key is the proof, or a token that the company's site signed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, header};
use protocol::{WidgetSessionBody, WidgetSessionInput};

use super::problem::Refusal;
use crate::accounts::Principal;
use crate::server::App;
use crate::texts;

const NAME_MAX: usize = 80;
const TOPICS_MAX: usize = 8;
const TOPIC_MAX: usize = 64;
const LANGUAGE_MAX: usize = 35;

/// `POST /api/v1/widget/sessions`
pub(super) async fn start(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    input: Result<Json<WidgetSessionInput>, JsonRejection>,
) -> Result<Json<WidgetSessionBody>, Refusal> {
    let Json(input) = input?;
    if app.draining() {
        return Err(Refusal::draining());
    }
    check(&input)?;
    let record = app
        .accounts
        .workspace_of_widget(&input.widget)
        .ok_or_else(|| Refusal::not_found("widget (`widget`, its public key in the page's script tag)"))?;
    let workspace = record.id;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    if let Some(origin) = &origin
        && app.own_origin(&headers).as_deref() != Some(origin.as_str())
        && !record.origins.contains(origin)
    {
        return Err(Refusal::forbidden(
            "this page's origin may not use the widget: add it to the workspace's origins",
        ));
    }
    let visitor = app.accounts.visitor(workspace, input.visitor.as_deref());
    let (customer, contact_point, name, verified) = match &input.identity {
        Some(identity) => {
            let (customer, contact_point, name) = app
                .accounts
                .identified(&record, identity, app.now().0)
                .map_err(|error| Refusal::unauthorized(error.to_string()))?;
            (customer, contact_point, name.or(input.name), true)
        }
        None => (visitor.customer, visitor.contact_point, input.name, false),
    };
    let texts = texts::for_language(input.language.as_deref());
    let principal = Principal::Customer {
        workspace,
        customer,
        contact_point,
        name,
        language: input.language.clone(),
        topics: input.topics.clone(),
        verified,
    };
    let ticket = super::sign_in::issue(&app, principal, origin).await?;
    let (language, topics) = (input.language.clone(), input.topics);
    let primary =
        language.as_deref().map(|tag| tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase());
    let greeting = app
        .shards
        .of(workspace)
        .query(move |state| state.greeting(workspace, primary.as_deref(), &topics))
        .await?;
    Ok(Json(WidgetSessionBody {
        visitor: visitor.secret,
        customer,
        ticket: ticket.ticket,
        expires_in_ms: ticket.expires_in_ms,
        company: record.company,
        texts: texts.texts.clone(),
        language: texts.language.into(),
        direction: texts.direction.into(),
        open: greeting.open,
        opens_ms: greeting.opens_ms,
        wait_s: greeting.wait_s,
    }))
}

fn check(input: &WidgetSessionInput) -> Result<(), Refusal> {
    let printable = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
    if input.name.as_deref().is_some_and(|name| !printable(name) || name.chars().count() > NAME_MAX) {
        return Err(Refusal::invalid("name must have 1 to 80 printable characters"));
    }
    let tag = |text: &str| {
        (1..=LANGUAGE_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if input.language.as_deref().is_some_and(|language| !tag(language)) {
        return Err(Refusal::invalid("language must be a tag such as `es` or `pt-BR`"));
    }
    if input.topics.len() > TOPICS_MAX
        || input.topics.iter().any(|topic| !printable(topic) || topic.len() > TOPIC_MAX)
    {
        return Err(Refusal::invalid("topics must be 8 at most, each of 1 to 64 printable characters"));
    }
    Ok(())
}
