//! The one middleware function around the route table.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::Response;
use tower::Service;

use crate::AppState;
use crate::error::{self, Failure};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id taken over from a client, in bytes.
const REQUEST_ID_MAX_BYTES: usize = 64;
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// The server as a function from request to answer.
#[derive(Clone)]
pub(crate) struct Shell {
    router: Router,
    state: AppState,
    ids: std::sync::Arc<RequestIds>,
}

impl Shell {
    pub(crate) fn new(router: Router, state: AppState) -> Self {
        let ids = std::sync::Arc::new(RequestIds::new(state.context.random() as u32));
        Self { router, state, ids }
    }

    /// Answers one request.
    pub(crate) async fn answer(mut self, request: Request<Body>) -> Result<Response, Infallible> {
        let id = self.ids.take_over_or_make(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut response = self.router.call(request).await?;
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            response = report(&failure, &id, &method, &uri);
        }
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(REQUEST_ID, id);
        let _ = &self.state;
        Ok(response)
    }
}

/// Logs a fault with its causes, and answers with the id under which the log has it.
fn report(failure: &Failure, id: &HeaderValue, method: &Method, uri: &Uri) -> Response {
    let request_id = id.to_str().unwrap_or_default();
    tracing::error!(request_id, %method, path = uri.path(), "{}", failure.log);
    let mut error = failure.error.clone();
    error.message.push_str(&format!(" (request id {request_id})"));
    error::render(&error)
}

/// Makes request ids: unique in this process by a counter, between processes by a random start.
struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    fn new(process: u32) -> Self {
        Self { process, next: AtomicU64::new(1) }
    }

    fn take_over_or_make(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(given) = headers.get(REQUEST_ID).filter(|id| is_sane(id.as_bytes())) {
            return given.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:08x}-{number:x}", self.process);
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Ids go into logs and answers, so only harmless characters pass.
fn is_sane(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= REQUEST_ID_MAX_BYTES && id.iter().all(allowed)
}
