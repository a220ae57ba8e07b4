//! What stands before every handler: availability, permission, admission, and a net for panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::admission::{Lane, SMALL_ANSWER_BYTES};
use crate::caller::{Caller, Permission};
use crate::config::Serving;
use crate::{ApiError, AppState, answer, body};

/// Which half of MLflow a route belongs to; either half can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// Always there.
    Core,
    /// Experiments, runs, models: off with `--artifacts-only`.
    Tracking,
    /// The artifact proxy: off with `--no-serve-artifacts`.
    ArtifactProxy,
}

/// What the route table says about one route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Index into the route table.
    pub(crate) id: usize,
    pub(crate) permission: Permission,
    pub(crate) lane: Lane,
    pub(crate) area: Area,
    /// The longest JSON body it takes.
    pub(crate) body_max_bytes: usize,
}

/// A handler behind its rule.
#[derive(Clone)]
pub(crate) struct Guarded<H> {
    pub(crate) handler: H,
    pub(crate) rule: Rule,
}

impl<T, H> Handler<T, AppState> for Guarded<H>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, app: AppState) -> Self::Future {
        Box::pin(async move {
            let _in_flight = app.metrics.in_flight.enter();
            let started = Instant::now();
            let response = match pass(&self.rule, self.handler, request, &app).await {
                Ok(response) => response,
                Err(refusal) => refusal.into_response(),
            };
            app.metrics.answered(self.rule.id, response.status(), started.elapsed());
            response
        })
    }
}

/// Takes a request through its rule to its handler.
///
/// A JSON body is read before the request queues for its lane, so that a client that sends slowly
/// holds no slot; a streamed one holds its slot until it has passed.
async fn pass<T, H>(
    rule: &Rule,
    handler: H,
    request: Request,
    app: &AppState,
) -> Result<Response, ApiError>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    if let Some(refusal) = switched_off(rule, app) {
        return Ok(refusal);
    }
    Caller::anonymous().require(rule.permission)?;
    if matches!(rule.lane, Lane::Transfer | Lane::Events) {
        let permit = app.admission.enter(rule.lane).await.map_err(|error| busy(app, error))?;
        let request = request.map(|body| body::count_in(body, app.clone()));
        let response = call(handler, request, app).await;
        return Ok(response.map(|body| body::hold_out(body, app.clone(), permit)));
    }
    let (request, _memory) = if request.body().is_end_stream() {
        (request, None)
    } else {
        let (head, body) = request.into_parts();
        let held = body::read(body, rule.body_max_bytes, &app.admission).await?;
        (Request::from_parts(head, Body::from(held.bytes)), held.permit)
    };
    let permit = app.admission.enter(rule.lane).await.map_err(|error| busy(app, error))?;
    let response = call(handler, request, app).await;
    drop(permit);
    match rule.lane {
        Lane::Read => hold_answer(response, app).await,
        // What is done is done: its answer, which is short, may not become a refusal.
        _ => Ok(response),
    }
}

/// Counts a large answer until its client has it. Its lane is free by then: clients that do not
/// read keep only other large answers from being sent.
async fn hold_answer(response: Response, app: &AppState) -> Result<Response, ApiError> {
    match response.body().size_hint().exact() {
        Some(bytes) if bytes > SMALL_ANSWER_BYTES as u64 => {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let permit = app.admission.hold_answer(bytes).await;
            let permit = permit.map_err(|error| busy(app, error))?;
            Ok(response.map(|body| body::hold_memory(body, permit)))
        }
        _ => Ok(response),
    }
}

/// Calls the handler; a panic becomes an answer like any other fault.
async fn call<T, H>(handler: H, request: Request, app: &AppState) -> Response
where
    H: Handler<T, AppState>,
    T: 'static,
{
    match AssertUnwindSafe(handler.call(request, app.clone())).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => ApiError::internal(describe(&*panic)).into_response(),
    }
}

fn busy(app: &AppState, error: modelyard_protocol::Error) -> ApiError {
    app.metrics.refused_load.add(1);
    error.into()
}

/// MLflow's answer for the half that is switched off: 503, plain text, naming endpoint and flag.
fn switched_off(rule: &Rule, app: &AppState) -> Option<Response> {
    let (flag, remedy) = match (app.config.serving, rule.area) {
        (Serving::TrackingOnly, Area::ArtifactProxy) => {
            ("--no-serve-artifacts", "with `--serve-artifacts`")
        }
        (Serving::ArtifactsOnly, Area::Tracking) => {
            ("--artifacts-only", "without `--artifacts-only`")
        }
        _ => return None,
    };
    let path = &app.routes[rule.id].path;
    let text = format!(
        "Endpoint: {path} is disabled because this server runs with `{flag}`. To enable it, start \
         the server {remedy}.\n"
    );
    Some(answer::text(StatusCode::SERVICE_UNAVAILABLE, text))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text");
    format!("a handler panicked: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::Shell;
    use crate::testing;
    use axum::body::to_bytes;
    use axum::http::{Method, header};

    #[expect(clippy::panic, reason = "that is what is tested")]
    async fn panics() -> StatusCode {
        panic!("secret of the handler");
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_with_the_id_under_which_the_log_has_it() {
        let (app, router, _folder) = testing::app(|routes| {
            routes.add(Method::GET, "/panics", Permission::Public, Lane::Read, panics);
        })
        .await;
        let shell = Shell::new(router, app.clone());
        let request = Request::get("/panics").header(header::HOST, "localhost");
        let request = request.header("x-request-id", "the-id").body(Body::empty());
        let answer = shell.answer(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["x-request-id"], "the-id");
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["error_code"], "INTERNAL_ERROR");
        let message = body["message"].as_str().expect("a message");
        assert!(message.contains("the-id") && !message.contains("secret"), "{message}");
        // Nothing is held by what has failed.
        assert!(app.admission.queues().iter().all(|(_, queue)| queue.running() == 0));
        assert_eq!(app.metrics.in_flight.value(), 0);
    }

    async fn large() -> Vec<u8> {
        vec![b'x'; 1 << 20]
    }

    #[tokio::test]
    async fn a_large_answer_is_counted_until_its_last_byte_is_taken() {
        let (app, mut router, _folder) = testing::app(|routes| {
            routes.add(Method::GET, "/large", Permission::Public, Lane::Read, large);
        })
        .await;
        let memory = || app.admission.queues()[5].1.running();
        let request = Request::get("/large").body(Body::empty()).expect("a request");
        let answer = tower::Service::call(&mut router, request).await.expect("an answer");
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], "1048576");
        assert_eq!(memory(), 16);
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        assert_eq!(memory(), 16, "the bytes are still there");
        drop(body);
        assert_eq!(memory(), 0);
    }
}
