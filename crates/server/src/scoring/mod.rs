//! A server of one model: MLflow's scoring protocol, and the others that are spoken to models.

mod metrics;
mod routes;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use modelyard_deployments::served::{Answer, Form, Live};
use modelyard_models::json;
use modelyard_models::openapi;
use modelyard_protocol::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::admission::Admission;
use crate::connections::{self, Answers};
use crate::metrics::Gauge;
use crate::middleware::RequestIds;
use metrics::Metrics;

/// The header that says which engine has answered.
const ENGINE: HeaderName = HeaderName::from_static("x-modelyard-engine");

/// How long workers may take to end, when no request is left.
const WORKERS_STOP: Duration = Duration::from_secs(5);

/// How a model's server behaves.
#[derive(Debug, Clone)]
pub struct ScoringConfig {
    /// How long an answer may take.
    pub deadline: Duration,
    /// The longest body of a request, in bytes.
    pub body_max_bytes: usize,
    /// Connections open at once.
    pub connections_max: u32,
}

/// What the handlers share.
#[derive(Clone)]
struct Scoring(Arc<Shared>);

struct Shared {
    config: ScoringConfig,
    live: Live,
    admission: Admission,
    metrics: Metrics,
}

impl std::ops::Deref for Scoring {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Scoring {
    fn new(config: ScoringConfig, live: Live) -> Self {
        let (admission, metrics) = (Admission::new(), Metrics::default());
        Self(Arc::new(Shared { config, live, admission, metrics }))
    }

    /// The OpenAPI document of the model.
    fn document(&self) -> String {
        let served = self.live.current();
        let example = served.example().and_then(|example| json::parse(example).ok());
        let about = openapi::About {
            title: served.name(),
            version: served.version().unwrap_or("1"),
            path: "/invocations",
            example: example.as_ref(),
        };
        json::dumps(&openapi::document(&about, served.signature()))
    }

    /// Answers a request in one of the protocols, within the deadline.
    async fn predict(&self, form: Form, body: Bytes) -> Response {
        let started = Instant::now();
        let _in_flight = self.metrics.in_flight.enter();
        let name = form.name();
        let served = self.live.current();
        let answer = served.answer(form, body);
        let Ok(answer) = tokio::time::timeout(self.config.deadline, answer).await else {
            self.metrics.answered(name, 504, None, started.elapsed());
            return routes::response(Answer::too_late());
        };
        self.metrics.answered(name, answer.status, answer.engine, started.elapsed());
        routes::response(answer)
    }
}

/// Serves a model, or those that take its place, until `stop` resolves, then finishes the requests it has accepted.
pub async fn serve_model(
    listener: TcpListener,
    config: ScoringConfig,
    live: Live,
    context: &Context,
    stop: impl Future<Output = ()> + Send,
) {
    let connections_max = config.connections_max;
    let scoring = Scoring::new(config, live.clone());
    let ids = Arc::new(RequestIds::new(context.random() as u32));
    let door = Door { router: routes::router(scoring.clone()), scoring, ids };
    connections::run(listener, connections_max, door, &CancellationToken::new(), stop).await;
    live.current().stop(WORKERS_STOP).await;
}

/// The way in: every request has an id, and a line in the log for those who want it.
#[derive(Clone)]
struct Door {
    router: Router,
    scoring: Scoring,
    ids: Arc<RequestIds>,
}

impl Answers for Door {
    async fn answer(mut self, request: Request<Body>) -> Result<Response, Infallible> {
        let started = Instant::now();
        let id = self.ids.take_over_or_make(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let traceparent = request.headers().get("traceparent").cloned();
        let mut response = self.router.call(request).await?;
        let status = response.status().as_u16();
        let request_id = id.to_str().unwrap_or_default();
        let duration_ms = started.elapsed().as_micros() as f64 / 1000.0;
        let engine = response.headers().get(&ENGINE).and_then(|name| name.to_str().ok());
        tracing::debug!(
            target: "modelyard::access", request_id, trace = trace_id(traceparent.as_ref()), %method,
            path = uri.path(), status, duration_ms, engine
        );
        response.headers_mut().insert(RequestIds::HEADER, id);
        Ok(response)
    }

    fn connections(&self) -> &Gauge {
        &self.scoring.metrics.connections
    }
}

/// The trace that a request belongs to, as W3C's Trace Context (version 00) writes it.
fn trace_id(header: Option<&HeaderValue>) -> Option<String> {
    let mut parts = header?.to_str().ok()?.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_valid = is_hex(version, 2) && version != "ff" && is_hex(trace, 32);
    (is_valid && trace.bytes().any(|byte| byte != b'0')).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_named_as_w3c_has_it() {
        let read = |text| trace_id(Some(&HeaderValue::from_static(text)));
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(read(whole).as_deref(), Some(trace));
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
