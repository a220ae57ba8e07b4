//! The web UI: its files, and its start page for every path that is a page of its.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use modelyard_ui::Asset;

use crate::{AppState, answer};

/// Paths below which nothing is a page: what is not found there is not found.
const RESERVED: [&str; 11] = [
    "/api",
    "/ajax-api",
    "/assets",
    "/build",
    "/graphql",
    "/gateway",
    "/get-artifact",
    "/model-versions",
    "/signup",
    "/static-files",
    "/v1",
];

/// Nothing but our own files runs; artifacts are shown from the bytes that our scripts fetched.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; media-src 'self' blob:; frame-src blob:; manifest-src 'self'; \
     base-uri 'self'; form-action 'none'",
);
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// A year: the name changes with the content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked for each time whether it still holds.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers what no route answers.
///
/// MLflow's clients take a 404 that is not JSON for `ENDPOINT_NOT_FOUND` and fall back to an older
/// endpoint; a JSON error here would break them.
pub(crate) async fn file_or_page(
    State(app): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().strip_prefix(app.config.static_prefix.as_str());
    let wants_page = matches!(method, Method::GET | Method::HEAD);
    if wants_page && path == Some("") {
        return to_start_page(&app, &uri);
    }
    match path.filter(|path| wants_page && path.starts_with('/')) {
        Some(path) => match modelyard_ui::find(path.trim_start_matches('/')) {
            Some(asset) if asset.path != "index.html" => file(asset, &headers),
            Some(_) => page(&app),
            None if is_page(path) => page(&app),
            None => not_found(&method, &uri),
        },
        None => not_found(&method, &uri),
    }
}

/// The prefix without its slash is what people type.
fn to_start_page(app: &AppState, uri: &Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}/{query}", app.config.static_prefix);
    let mut response = answer::text(StatusCode::PERMANENT_REDIRECT, format!("See {target}\n"));
    match HeaderValue::from_str(&target) {
        Ok(target) => drop(response.headers_mut().insert(header::LOCATION, target)),
        Err(_) => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

fn not_found(method: &Method, uri: &Uri) -> Response {
    let text = format!("Not found: {method} {} is not an endpoint of this server.\n", uri.path());
    answer::text(StatusCode::NOT_FOUND, text)
}

/// The UI's pages have paths without an extension, outside of the reserved ones.
fn is_page(path: &str) -> bool {
    let is_below = |reserved: &str| {
        path.strip_prefix(reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.') && !RESERVED.into_iter().any(is_below)
}

fn page(app: &AppState) -> Response {
    let mut response = Response::new(Body::from(app.start_page.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, ASK_FIRST);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    response
}

fn file(asset: &'static Asset, request: &HeaderMap) -> Response {
    let etag = HeaderValue::from_static(asset.etag);
    let known = request.get_all(header::IF_NONE_MATCH).iter().any(|known| lists(known, asset.etag));
    let (encoding, body) = match asset {
        Asset { brotli: Some(body), .. } if accepts(request, "br") => (Some("br"), *body),
        Asset { gzip: Some(body), .. } if accepts(request, "gzip") => (Some("gzip"), *body),
        Asset { body, .. } => (None, *body),
    };
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(body))
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, if asset.is_hashed { FOR_EVER } else { ASK_FIRST });
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    if !known {
        let content_type = modelyard_ui::content_type(asset.path);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    response
}

/// Whether an `If-None-Match` lists an entity tag; the comparison is the weak one.
fn lists(header: &HeaderValue, etag: &str) -> bool {
    let Ok(text) = header.to_str() else { return false };
    text.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether a client takes an encoding: listed, and not with the weight 0.
fn accepts(request: &HeaderMap, encoding: &str) -> bool {
    let listed = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    listed.flat_map(|list| list.split(',')).any(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_no_extension_and_leave_the_api_alone() {
        for path in ["/", "/experiments", "/experiments/1/runs/abc", "/apiary", "/metrics-of-run"] {
            assert!(is_page(path), "{path}");
        }
        for path in [
            "/api/2.0/mlflow/traces",
            "/ajax-api/3.0/x",
            "/api",
            "/graphql",
            "/get-artifact",
            "/model-versions/get-artifact",
            "/favicon.ico",
            "/assets/x",
            "/v1/traces",
            "/wp-login.php",
        ] {
            assert!(!is_page(path), "{path}");
        }
    }

    #[test]
    fn encodings_are_negotiated() {
        let accepts = |text: &'static str, encoding| {
            let value = HeaderValue::from_static(text);
            accepts(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]), encoding)
        };
        assert!(accepts("gzip, deflate, br;q=0.9", "br"));
        assert!(accepts("GZIP", "gzip"));
        assert!(!accepts("gzip;q=0", "gzip"));
        assert!(!accepts("identity", "br"));
        assert!(!accepts("brotli", "br"));
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        for text in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(lists(&HeaderValue::from_static(text), "\"a\""), "{text}");
        }
        assert!(!lists(&HeaderValue::from_static("\"ab\""), "\"a\""));
    }
}
