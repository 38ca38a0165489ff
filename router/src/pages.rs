//! The embedded pages, with the headers that keep them safe: nothing inline, nothing from elsewhere, framed by nobody but
//! the pages that the workspace allows.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::Embed;
use serde::Deserialize;

use crate::server::App;

#[derive(Embed)]
#[folder = "$SWITCHBOARD_PAGES_DIR"]
struct Pages;

/// The pages, each under its own address.
pub fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/", get(asset))
        .route("/embed.js", get(asset))
        .route("/assets/{*path}", get(asset))
        .route("/widget/", get(widget));
    for page in ["console", "dashboard", "shop", "setup"] {
        router = router.route(&format!("/{page}/"), get(asset));
    }
    for page in ["widget", "console", "dashboard", "shop", "setup"] {
        let target = format!("/{page}/");
        router = router.route(&format!("/{page}"), get(move || async move { Redirect::permanent(&target) }));
    }
    router.with_state(Arc::clone(app))
}

#[derive(Deserialize)]
struct WidgetQuery {
    key: Option<String>,
}

/// The widget may be framed by our own pages and by those that the workspace lists.
async fn widget(
    State(app): State<Arc<App>>,
    Query(query): Query<WidgetQuery>,
    headers: HeaderMap,
) -> Response {
    let mut ancestors = "'self'".to_owned();
    if let Some(record) = query.key.and_then(|key| app.accounts.workspace_of_widget(&key)) {
        for origin in &record.origins {
            ancestors.push(' ');
            ancestors.push_str(origin);
        }
    }
    serve("widget/index.html", &headers, &ancestors)
}

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let file =
        if path.is_empty() || path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    serve(&file, &headers, "'none'")
}

fn serve(file: &str, asked: &HeaderMap, ancestors: &str) -> Response {
    let Some(found) =
        Pages::get(file).or_else(|| file.ends_with(".html").then(|| Pages::get("index.html")).flatten())
    else {
        return (StatusCode::NOT_FOUND, "there is no such page here\n").into_response();
    };
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&found.metadata.sha256_hash()[..12]));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    );
    let hashed = file.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, cache);
    set(header::CONTENT_TYPE, kind(file));
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if file == "embed.js" {
        set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    }
    if asked.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, found.data.into_owned()).into_response()
}

fn kind(file: &str) -> &'static str {
    match file.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
