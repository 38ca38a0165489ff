//! Errors of the HTTP API: RFC 9457 bodies with a stable type, and what to do.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{Problem, ProblemItem};

use crate::shard::Refused;

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    problem: Problem,
    retry_s: Option<u32>,
}

/// What is said of a body that is too large.
const TOO_LARGE: &str = "the body is larger than this address takes: send less at a time";

impl Refusal {
    /// The body is too large.
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", TOO_LARGE)
    }

    /// A refusal of a kind, such as `not-found`.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        let kind = format!("/problems/{kind}");
        let problem =
            Problem { kind, title, status: status.as_u16(), detail: detail.into(), errors: Vec::new() };
        Self { problem, retry_s: None }
    }

    /// A value is wrong.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    /// Several values are wrong.
    #[must_use]
    pub fn faults(detail: impl Into<String>, errors: Vec<ProblemItem>) -> Self {
        let mut refusal = Self::invalid(detail);
        refusal.problem.errors = errors;
        refusal
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// The role does not allow it.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// No such thing, or not for this one to see.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what} here"))
    }

    /// The state has moved on.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Guards speak against it.
    #[must_use]
    pub fn held_back(detail: impl Into<String>, objections: Vec<ProblemItem>) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, "held-back", detail);
        refusal.problem.errors = objections;
        refusal
    }

    /// Too many requests.
    #[must_use]
    pub fn too_many(retry_ms: u32) -> Self {
        let mut refusal =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "too many requests: wait, then try again");
        refusal.retry_s = Some(retry_ms.div_ceil(1_000).max(1));
        refusal
    }

    /// The server is closing.
    #[must_use]
    pub fn draining() -> Self {
        let mut refusal = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "the server is closing: connect again in a moment",
        );
        refusal.retry_s = Some(2);
        refusal
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What happened, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.problem.status
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        use engine::Rejection;
        match refused {
            Refused::Rejected(Rejection::NotFound(what)) => Self::not_found(what),
            Refused::Rejected(rejection @ Rejection::Forbidden(_)) => Self::forbidden(rejection.to_string()),
            Refused::Rejected(rejection @ Rejection::Conflict(_)) => Self::conflict(rejection.to_string()),
            Refused::Rejected(rejection @ Rejection::Invalid(_)) => Self::invalid(rejection.to_string()),
            Refused::Rejected(Rejection::Full) => Self::too_many(30_000),
            Refused::NotDurable(_) => {
                let mut refusal =
                    Self::new(StatusCode::INSUFFICIENT_STORAGE, "not-durable", refused.to_string());
                refusal.retry_s = Some(1);
                refusal
            }
            Refused::Busy => {
                let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", refused.to_string());
                refusal.retry_s = Some(1);
                refusal
            }
        }
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        let (kind, detail) = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported-media-type",
                "the body must be JSON, with the header `Content-Type: application/json`".to_owned(),
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", TOO_LARGE.to_owned()),
            _ => ("malformed", rejection.body_text()),
        };
        Self::new(rejection.status(), kind, detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An address that is none of ours.
pub(super) async fn not_found() -> Refusal {
    Refusal::not_found("address")
}

/// An address of ours, asked in a way that it does not know.
pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this address does not take that method",
    )
}
