//! Cross-origin requests: which pages of other sites may call, and what browsers are told.
//!
//! As MLflow 3.17: writes of foreign origins are refused, reads are left to the browser's own rule.
//! Beyond MLflow, a page this server itself served may always call, under whatever name the server
//! was reached.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::host::wildcard;
use crate::answer;

const ANY: HeaderValue = HeaderValue::from_static("*");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS, PATCH");
/// Seconds a browser may remember a preflight.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("600");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The origins whose pages may call, besides those on this machine: what `--cors-allowed-origins`
/// lists.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins {
    any: bool,
    listed: Vec<String>,
}

/// What is thought of a request's `Origin`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Not a cross-origin request as far as the browser says.
    None,
    /// May call, with credentials.
    Allowed(HeaderValue),
    /// May call like everybody else, but without credentials (`*`).
    Anybody,
    /// May not change anything, and its page may not read our answers.
    Foreign,
}

impl AllowedOrigins {
    /// Origins separated by commas, with `*` as a wildcard; `*` alone allows everything.
    pub fn listed(text: &str) -> Self {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let listed: Vec<_> = entries.map(str::to_ascii_lowercase).collect();
        Self { any: listed.iter().any(|entry| entry == "*"), listed }
    }

    /// Whether everything is allowed.
    pub fn allows_any(&self) -> bool {
        self.any
    }

    pub(super) fn judge(&self, origin: &HeaderValue, headers: &HeaderMap) -> Origin {
        if self.any {
            return Origin::Anybody;
        }
        let Ok(text) = origin.to_str() else { return Origin::Foreign };
        let text = text.to_ascii_lowercase();
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let allowed = authority(&text).is_some_and(|authority| {
            is_this_machine(authority)
                || host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        }) || self.listed.iter().any(|entry| wildcard(entry, &text));
        if allowed { Origin::Allowed(origin.clone()) } else { Origin::Foreign }
    }
}

impl Origin {
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        let allowed = match self {
            Self::None => return,
            Self::Foreign => None,
            Self::Anybody => Some(ANY),
            Self::Allowed(origin) => {
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
                Some(origin.clone())
            }
        };
        if let Some(allowed) = allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
        }
        headers.append(header::VARY, VARY_ORIGIN);
    }
}

/// Host and port of `http://host:port`; `null` and other schemes have none.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// Pages on this machine: a notebook, a development server.
fn is_this_machine(authority: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| match authority.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    })
}

/// Whether a browser asks beforehand what it may send.
pub(super) fn is_preflight(request: &Request<Body>) -> bool {
    let headers = request.headers();
    *request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight.
pub(super) fn preflight(origin: &Origin, headers: &HeaderMap) -> Response {
    if *origin == Origin::Foreign {
        return answer::text(StatusCode::BAD_REQUEST, "Disallowed CORS origin");
    }
    let mut response = answer::text(StatusCode::OK, "OK");
    let requested = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut add = |name: HeaderName, value| response.headers_mut().insert(name, value);
    add(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    add(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    if let Some(requested) = requested {
        add(header::ACCESS_CONTROL_ALLOW_HEADERS, requested);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origins: &AllowedOrigins, origin: &str, host: &str) -> Origin {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("a header value"))]);
        origins.judge(&origin.parse().expect("a header value"), &headers)
    }

    fn is_allowed(origins: &AllowedOrigins, origin: &str, host: &str) -> bool {
        matches!(judge(origins, origin, host), Origin::Allowed(_))
    }

    #[test]
    fn this_machine_and_our_own_pages_may_call() {
        let origins = AllowedOrigins::default();
        for origin in
            ["http://localhost", "http://localhost:3000", "https://127.0.0.1:1", "http://[::1]:80"]
        {
            assert!(is_allowed(&origins, origin, "10.0.0.5:5000"), "{origin}");
        }
        assert!(is_allowed(&origins, "http://10.0.0.5:5000", "10.0.0.5:5000"));
    }

    #[test]
    fn everybody_else_is_foreign() {
        let origins = AllowedOrigins::default();
        for origin in [
            "http://evil.example",
            "http://localhost.evil.example",
            "http://localhost:80.evil",
            "null",
            "",
            "http://10.0.0.5:5001",
            "file://localhost",
            "http://localhost@evil.example",
        ] {
            assert_eq!(judge(&origins, origin, "10.0.0.5:5000"), Origin::Foreign, "{origin}");
        }
    }

    #[test]
    fn listed_origins_may_call() {
        let origins = AllowedOrigins::listed("https://app.example, https://*.team.example");
        assert!(is_allowed(&origins, "https://app.example", "h"));
        assert!(is_allowed(&origins, "https://a.team.example", "h"));
        assert!(!is_allowed(&origins, "http://app.example", "h"));
        assert!(!is_allowed(&origins, "https://a.team.example.evil", "h"));
        assert_eq!(judge(&AllowedOrigins::listed("*"), "http://evil", "h"), Origin::Anybody);
    }
}
