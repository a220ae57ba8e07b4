//! The routes of a model's server.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use modelyard_deployments::served::{Answer, Form, Served};
use modelyard_models::json::{self, Value, object};
use modelyard_models::oip;

use super::{ENGINE, Scoring};
use crate::{ApiError, MLFLOW_VERSION, VERSION, answer, body};

/// Where a deployments client of MLflow expects a model's endpoint.
const ENDPOINTS: &str = "/endpoints";

/// Bodies above this size take turns.
const LARGE_BYTES: usize = 1 << 20;

pub(super) fn router(scoring: Scoring) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/health", get(ping))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(document))
        .route("/invocations", post(invocations))
        .route("/v1/models", get(kserve_list))
        .route("/v1/models/{model}", get(kserve_model).post(kserve_predict))
        .route("/v2", get(oip_server))
        .route("/v2/health/live", get(oip_live))
        .route("/v2/health/ready", get(oip_live))
        .route("/v2/models/{model}", get(oip_model))
        .route("/v2/models/{model}/ready", get(oip_ready))
        .route("/v2/models/{model}/infer", post(oip_infer))
        .route("/v2/models/{model}/versions/{version}", get(oip_version))
        .route("/v2/models/{model}/versions/{version}/ready", get(oip_version_ready))
        .route("/v2/models/{model}/versions/{version}/infer", post(oip_version_infer))
        .route("/api/2.0/endpoints/", get(endpoints))
        .route("/api/2.0/endpoints/{name}", get(endpoint))
        .route("/endpoints/{name}/invocations", post(endpoint_invocations))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(scoring)
}

/// An answer of the model.
pub(super) fn response(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_str(&answer.content_type);
    headers.insert(
        header::CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    if let Some(engine) = answer.engine {
        headers.insert(ENGINE, HeaderValue::from_static(engine.name()));
    }
    if let Some(seconds) = answer.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn ping() -> Response {
    answer::json_bytes(StatusCode::OK, "\n")
}

async fn version() -> Response {
    answer::json_bytes(StatusCode::OK, MLFLOW_VERSION)
}

async fn metrics(State(scoring): State<Scoring>) -> Response {
    answer::text(StatusCode::OK, scoring.metrics.render(&scoring.live))
}

async fn document(State(scoring): State<Scoring>) -> Response {
    answer::json_bytes(StatusCode::OK, Bytes::from(scoring.document()))
}

async fn invocations(State(scoring): State<Scoring>, request: Request) -> Response {
    let form = Form::Mlflow(content_type(request.headers()));
    predict(&scoring, form, request.into_body()).await
}

/// Reads the body, within the limits, and has it answered.
async fn predict(scoring: &Scoring, form: Form, body: Body) -> Response {
    match body::read(body, scoring.config.body_max_bytes, &scoring.admission).await {
        Ok(held) => {
            // What is read out of a large body takes many times its memory.
            let turn = if held.bytes.len() > LARGE_BYTES {
                Some(scoring.admission.parse_large().await)
            } else {
                None
            };
            if let Some(Err(busy)) = turn {
                return ApiError::from(busy).into_response();
            }
            let response = scoring.predict(form, held.bytes).await;
            drop((turn, held.permit));
            response
        }
        Err(error) => error.into_response(),
    }
}

/// The header as MLflow reads it; one that is no text is like none.
fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
}

// KServe, first protocol.

async fn kserve_list(State(scoring): State<Scoring>) -> Response {
    value(&object([("models", Value::List(vec![scoring.live.current().name().into()]))]))
}

async fn kserve_model(State(scoring): State<Scoring>, Path(model): Path<String>) -> Response {
    match not_ours(&scoring, &model, None) {
        None => value(&object([("name", model.as_str().into()), ("ready", true.into())])),
        Some(response) => response,
    }
}

/// The path is `/v1/models/{name}:predict`: the verb is a part of the last segment.
async fn kserve_predict(
    State(scoring): State<Scoring>,
    Path(model): Path<String>,
    body: Body,
) -> Response {
    let Some(model) = model.strip_suffix(":predict") else {
        return failed(StatusCode::NOT_FOUND, "Only :predict is known as a verb");
    };
    match not_ours(&scoring, model, None) {
        None => predict(&scoring, Form::Kserve, body).await,
        Some(response) => response,
    }
}

// Open Inference Protocol, version 2.

async fn oip_server() -> Response {
    let extensions = Value::List(Vec::new());
    value(&object([
        ("name", "modelyard".into()),
        ("version", VERSION.into()),
        ("extensions", extensions),
    ]))
}

async fn oip_live() -> Response {
    StatusCode::OK.into_response()
}

async fn oip_model(State(scoring): State<Scoring>, Path(model): Path<String>) -> Response {
    not_ours(&scoring, &model, None).unwrap_or_else(|| value(&metadata(&scoring.live.current())))
}

async fn oip_version(
    State(scoring): State<Scoring>,
    Path((model, version)): Path<(String, String)>,
) -> Response {
    not_ours(&scoring, &model, Some(&version))
        .unwrap_or_else(|| value(&metadata(&scoring.live.current())))
}

async fn oip_ready(State(scoring): State<Scoring>, Path(model): Path<String>) -> Response {
    not_ours(&scoring, &model, None).unwrap_or_else(|| StatusCode::OK.into_response())
}

async fn oip_version_ready(
    State(scoring): State<Scoring>,
    Path((model, version)): Path<(String, String)>,
) -> Response {
    not_ours(&scoring, &model, Some(&version)).unwrap_or_else(|| StatusCode::OK.into_response())
}

async fn oip_infer(
    State(scoring): State<Scoring>,
    Path(model): Path<String>,
    body: Body,
) -> Response {
    match not_ours(&scoring, &model, None) {
        None => predict(&scoring, Form::Oip, body).await,
        Some(response) => response,
    }
}

async fn oip_version_infer(
    State(scoring): State<Scoring>,
    Path((model, version)): Path<(String, String)>,
    body: Body,
) -> Response {
    match not_ours(&scoring, &model, Some(&version)) {
        None => predict(&scoring, Form::Oip, body).await,
        Some(response) => response,
    }
}

fn metadata(served: &Served) -> Value {
    let versions: Vec<&str> = served.version().into_iter().collect();
    let flavor = served.model().library_flavors().next();
    let platform = flavor.map_or("mlflow", |flavor| flavor.name.as_str());
    oip::metadata(served.name(), &versions, platform, served.signature())
}

/// The answer to a path that does not name the model that is served here.
fn not_ours(scoring: &Scoring, model: &str, version: Option<&str>) -> Option<Response> {
    let served = &scoring.live.current();
    let why = if model != served.name() {
        format!("There is no model '{model}' here, but '{}'", served.name())
    } else {
        let version = version.filter(|version| served.version() != Some(version))?;
        format!("Version '{version}' of the model '{model}' is not served here")
    };
    Some(failed(StatusCode::NOT_FOUND, &why))
}

// What `mlflow.deployments` asks of a server by http.

async fn endpoints(State(scoring): State<Scoring>) -> Response {
    value(&object([("endpoints", Value::List(vec![described(&scoring.live.current())]))]))
}

async fn endpoint(State(scoring): State<Scoring>, Path(name): Path<String>) -> Response {
    not_ours(&scoring, &name, None).unwrap_or_else(|| value(&described(&scoring.live.current())))
}

async fn endpoint_invocations(
    State(scoring): State<Scoring>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match not_ours(&scoring, &name, None) {
        None => invocations(State(scoring), request).await,
        Some(response) => response,
    }
}

fn described(served: &Served) -> Value {
    let name = served.name();
    object([
        ("name", name.into()),
        ("endpoint_type", "model".into()),
        ("model", object([("name", name.into()), ("provider", "modelyard".into())])),
        ("endpoint_url", format!("{ENDPOINTS}/{name}/invocations").into()),
        ("limit", Value::Null),
    ])
}

// The rest, in FastAPI's words.

async fn not_found() -> Response {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

fn detail(status: StatusCode, text: &str) -> Response {
    answer::json_bytes(status, json::dumps(&object([("detail", text.into())])))
}

/// An error as both protocols of KServe have it.
fn failed(status: StatusCode, why: &str) -> Response {
    answer::json_bytes(status, oip::OipError::new(why).body())
}

fn value(value: &Value) -> Response {
    answer::json_bytes(StatusCode::OK, Bytes::from(json::dumps(value)))
}
