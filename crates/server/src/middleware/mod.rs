//! The one function around the route table: every request passes it, so it is written as straight
//! code instead of a stack of layers.

mod host;
mod origin;
mod request_id;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use tower::Service;

pub use host::AllowedHosts;
pub use origin::AllowedOrigins;

use crate::error::{self, Failure};
use crate::{AppState, answer};
use origin::Origin;
pub(crate) use request_id::RequestIds;

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// MLflow's words; clients and guides quote them.
const INVALID_HOST: &str = "Invalid Host header - possible DNS rebinding attack detected";
const BLOCKED_ORIGIN: &str = "Cross-origin request blocked";

/// The server as a function from request to answer.
#[derive(Clone)]
pub(crate) struct Shell {
    router: Router,
    state: AppState,
    ids: Arc<RequestIds>,
}

impl Shell {
    pub(crate) fn new(router: Router, state: AppState) -> Self {
        let ids = Arc::new(RequestIds::new(state.context.random() as u32));
        Self { router, state, ids }
    }

    /// What every handler can reach.
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    /// Answers one request.
    pub(crate) async fn answer(mut self, request: Request<Body>) -> Result<Response, Infallible> {
        let started = Instant::now();
        let id = self.ids.take_over_or_make(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let origin = self.judge_origin(&request);
        let mut response = match self.refusal(&request, &origin) {
            Some(refusal) => refusal,
            None => self.router.call(request).await?,
        };
        if let Some(failure) = response.extensions_mut().remove::<Failure>() {
            *response.body_mut() = report(&failure, &id, &method, &uri);
            // It was that of the body without the id.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        self.add_headers(&mut response, &origin);
        log(&response, &id, &method, &uri, started);
        response.headers_mut().insert(RequestIds::HEADER, id);
        Ok(response)
    }

    fn judge_origin(&self, request: &Request<Body>) -> Origin {
        match request.headers().get(header::ORIGIN) {
            Some(origin) => self.state.config.security.origins.judge(origin, request.headers()),
            None => Origin::None,
        }
    }

    /// The answer of the security checks, if it is not for the route table to answer.
    fn refusal(&self, request: &Request<Body>, origin: &Origin) -> Option<Response> {
        let security = &self.state.config.security;
        if !security.enabled {
            return None;
        }
        let path = request.uri().path().strip_prefix(self.state.config.static_prefix.as_str());
        let exempt = matches!(path, Some("/health" | "/version"));
        if !exempt && !security.hosts.allow(request.headers(), request.uri()) {
            self.state.metrics.refused_hosts.add(1);
            return Some(answer::text(StatusCode::FORBIDDEN, INVALID_HOST));
        }
        if origin::is_preflight(request) {
            return Some(origin::preflight(origin, request.headers()));
        }
        let is_api =
            path.is_some_and(|path| path.starts_with("/api/") || path.starts_with("/ajax-api/"));
        if is_api && *origin == Origin::Foreign && changes_state(request.method()) {
            self.state.metrics.refused_origins.add(1);
            return Some(answer::text(StatusCode::FORBIDDEN, BLOCKED_ORIGIN));
        }
        None
    }

    fn add_headers(&self, response: &mut Response, origin: &Origin) {
        let security = &self.state.config.security;
        if !security.enabled {
            return;
        }
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if let Some(value) = &security.frame_options {
            headers.insert(header::X_FRAME_OPTIONS, value.clone());
        }
        origin.add_headers(headers);
    }
}

fn changes_state(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::DELETE | Method::PATCH)
}

/// Logs a fault with its causes; the body to answer with names the id under which the log has it.
fn report(failure: &Failure, id: &HeaderValue, method: &Method, uri: &Uri) -> Body {
    let request_id = id.to_str().unwrap_or_default();
    tracing::error!(request_id, %method, path = uri.path(), "{}", failure.log);
    let mut error = failure.error.clone();
    error.message.push_str(&format!(" (request id {request_id})"));
    error::json(&error)
}

/// One line per request, for those who switched them on. The query stays out: it may hold secrets.
///
/// The time is that to the head of the answer, as in the histograms; the size is missing where it is
/// not known before the end.
fn log(response: &Response, id: &HeaderValue, method: &Method, uri: &Uri, started: Instant) {
    let status = response.status().as_u16();
    let request_id = id.to_str().unwrap_or_default();
    let duration_ms = started.elapsed().as_micros() as f64 / 1000.0;
    let (path, bytes) = (uri.path(), response.body().size_hint().exact());
    tracing::debug!(
        target: "modelyard::access", request_id, %method, path, status, duration_ms, bytes
    );
}
