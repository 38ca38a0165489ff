//! Who asks: from the token of a program, the cookie of a page, or a visitor's key. Roles are read anew for each request.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Refusal;
use crate::accounts::{Principal, Role};
use crate::listen::Source;
use crate::server::App;

/// The cookie that a sign-in sets for the pages.
pub(super) const COOKIE_NAME: &str = "switchboard_session";

/// Somebody who is signed in.
pub(super) struct SignedIn {
    pub(super) principal: Principal,
    /// The token itself, so that it can be ended.
    pub(super) token: String,
}

impl SignedIn {
    /// The agent's workspace, if the role is at least this.
    pub(super) fn at_least(&self, least: Role) -> Result<policy::id::WorkspaceId, Refusal> {
        match &self.principal {
            Principal::Agent { workspace, role, .. } if *role >= least => Ok(*workspace),
            Principal::Agent { .. } => {
                Err(Refusal::forbidden(format!("this needs the role {least}: ask an admin")))
            }
            Principal::Operator => {
                Err(Refusal::forbidden("the operator has no workspace: use a token of it"))
            }
            Principal::Customer { .. } => Err(Refusal::forbidden("this is for agents")),
        }
    }

    /// Whether it is the operator.
    pub(super) fn operator(&self) -> Result<(), Refusal> {
        match self.principal {
            Principal::Operator => Ok(()),
            _ => Err(Refusal::forbidden("only the operator's token does this")),
        }
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Arc<App>: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app: Arc<App> = FromRef::from_ref(state);
        let bearer = bearer(&parts.headers, "Bearer");
        let token = match bearer {
            Some(token) => token,
            None => {
                let token = cookie(&parts.headers).ok_or_else(|| {
                    Refusal::unauthorized("sign in first, or send a token as `Authorization: Bearer …`")
                })?;
                // A cookie goes along with any page's request: only our own pages may change something by it.
                if parts.method != Method::GET {
                    same_origin(&app, &parts.headers)?;
                }
                token
            }
        };
        let principal = app.accounts.authenticate_anywhere(&token, app.now().0).await.ok_or_else(|| {
            Refusal::unauthorized("the sign-in has ended or the token is unknown: sign in again")
        })?;
        Ok(Self { principal, token })
    }
}

fn same_origin(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some() && origin == app.own_origin(headers).as_deref() {
        Ok(())
    } else {
        Err(Refusal::forbidden("requests by cookie are taken from this server's own pages only"))
    }
}

/// The credential behind a scheme of the `Authorization` header.
#[must_use]
pub fn bearer(headers: &HeaderMap, scheme: &str) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (name, token) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| token.trim().to_owned())
}

/// The sign-in cookie.
#[must_use]
pub fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE_NAME).then(|| value.to_owned())
        })
}

/// Marks a request that its source was already counted for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted;

/// One more request of its source, unless it was counted already; the answer to one that is too many.
pub(crate) fn too_many(app: &App, request: &Request) -> Option<Response> {
    let extensions = request.extensions();
    let source = extensions.get::<Source>().filter(|_| extensions.get::<Counted>().is_none())?;
    let retry_ms = app.requests.check(source.ip).err()?;
    app.metrics.http("limited", 429);
    Some(Refusal::too_many(retry_ms).into_response())
}

/// Limits requests by source and counts answers.
pub(super) async fn limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if let Some(refused) = too_many(&app, &request) {
        return refused;
    }
    let class = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    app.metrics.http(&class, response.status().as_u16());
    response
}
