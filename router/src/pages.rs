//! The embedded pages, with the headers that keep them safe: nothing inline, nothing from elsewhere, framed by nobody but
//! the pages that the workspace allows.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::config::is_origin;
use crate::server::App;

// The list that the build script wrote.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// A file of the pages, with the tag by which browsers know what they hold.
struct File {
    bytes: &'static [u8],
    tag: String,
}

static PAGES: LazyLock<BTreeMap<&'static str, File>> = LazyLock::new(|| {
    let file = |bytes| {
        let hash = digest::digest(&digest::SHA256, bytes);
        File { bytes, tag: format!("\"{}\"", data_encoding::HEXLOWER.encode(&hash.as_ref()[..12])) }
    };
    FILES.into_iter().map(|(name, bytes)| (name, file(bytes))).collect()
});

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
        router = router.route(&format!("/{page}"), get(with_slash));
    }
    router.with_state(Arc::clone(app))
}

/// `/shop?topics=orders` stands at `/shop/?topics=orders`.
async fn with_slash(uri: Uri) -> Redirect {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("{}/{query}", uri.path()))
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
        // Checked when they were set, and again here: what is no origin would change the policy's meaning.
        for origin in record.origins.iter().filter(|origin| is_origin(origin)) {
            ancestors.push(' ');
            ancestors.push_str(origin);
        }
    }
    let framing = Framing { ancestors: &ancestors, frames: "'none'" };
    serve("widget/index.html", &headers, &framing)
}

async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let file =
        if path.is_empty() || path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    // The shop shows the chat in a frame, as a company's page does; the console shows mail in one.
    let frames = if matches!(&*file, "shop/index.html" | "console/index.html") { "'self'" } else { "'none'" };
    serve(&file, &headers, &Framing { ancestors: "'none'", frames })
}

/// Who may show this page in a frame, and whom it may show in one.
struct Framing<'a> {
    ancestors: &'a str,
    frames: &'a str,
}

fn serve(file: &str, asked: &HeaderMap, framing: &Framing<'_>) -> Response {
    let Some(found) =
        PAGES.get(file).or_else(|| file.ends_with(".html").then(|| PAGES.get("index.html")).flatten())
    else {
        let nosniff = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        return (StatusCode::NOT_FOUND, nosniff, "there is no such page here\n").into_response();
    };
    let headers = headers_of(file, &found.tag, framing);
    if is_held(asked, &found.tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Bytes::from_static(found.bytes)).into_response()
}

fn headers_of(file: &str, tag: &str, framing: &Framing<'_>) -> HeaderMap {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; frame-src {}; base-uri 'none'; form-action 'self'; frame-ancestors {}",
        framing.frames, framing.ancestors
    );
    let hashed = file.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, tag);
    set(header::CACHE_CONTROL, cache);
    set(header::CONTENT_TYPE, kind(file));
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if file == "embed.js" {
        set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    }
    headers
}

/// Whether the browser holds this very file already; proxies that compress mark the tag as weak.
fn is_held(asked: &HeaderMap, tag: &str) -> bool {
    let held = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Framing<'static> = Framing { ancestors: "'none'", frames: "'none'" };

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn a_page_comes_with_its_safety_and_is_not_sent_twice() {
        let response = serve("index.html", &HeaderMap::new(), &ALONE);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header(&response, "cache-control"), "no-cache");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        let tag = header(&response, "etag").to_owned();
        for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, held.parse().unwrap());
            let response = serve("index.html", &asked, &ALONE);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(header(&response, "etag"), tag, "{held}");
        }
        let mut asked = HeaderMap::new();
        asked.insert(header::IF_NONE_MATCH, "\"other\"".parse().unwrap());
        assert_eq!(serve("index.html", &asked, &ALONE).status(), StatusCode::OK);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for file in ["assets/none.js", "../Cargo.toml", "assets/../../../build.rs", "/etc/passwd", ""] {
            assert_eq!(serve(file, &HeaderMap::new(), &ALONE).status(), StatusCode::NOT_FOUND, "{file}");
        }
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_the_embed_script_may_be_loaded_anywhere() {
        let of = |file: &str, name: &str| {
            headers_of(file, "\"t\"", &ALONE).get(name).map_or("", |it| it.to_str().unwrap_or("")).to_owned()
        };
        assert_eq!(of("assets/a-1.js", "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(of("embed.js", "cross-origin-resource-policy"), "cross-origin");
        assert_eq!(of("embed.js", "cache-control"), "no-cache");
        assert_eq!(of("console/index.html", "cross-origin-resource-policy"), "");
    }

    #[tokio::test]
    async fn an_address_without_its_slash_leads_on_with_its_query() {
        for (from, to) in [("/shop?topics=orders", "/shop/?topics=orders"), ("/console", "/console/")] {
            let response = with_slash(from.parse().unwrap()).await.into_response();
            assert_eq!(
                (response.status(), header(&response, "location")),
                (StatusCode::PERMANENT_REDIRECT, to)
            );
        }
    }

    #[tokio::test]
    async fn only_the_shop_and_the_console_show_frames() {
        for (path, frames) in [
            ("/shop/", "frame-src 'self';"),
            ("/console/", "frame-src 'self';"),
            ("/dashboard/", "frame-src 'none';"),
        ] {
            let response = asset(path.parse().unwrap(), HeaderMap::new()).await;
            assert!(header(&response, "content-security-policy").contains(frames), "{path}");
        }
    }
}
