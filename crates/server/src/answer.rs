//! Ready-made answers, so that handlers never spell out headers.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::ApiError;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Rows that are written in less than a millisecond.
const FEW_ROWS: usize = 50;
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// 200 with a JSON body.
///
/// # Errors
/// `INTERNAL_ERROR` if the value cannot be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    Ok(json_bytes(StatusCode::OK, body))
}

/// As [`json`], of a value with `rows` rows. Many are written where they hold up no other request.
///
/// # Errors
/// `INTERNAL_ERROR` if the value cannot be written as JSON.
pub(crate) async fn json_of<T: Serialize>(
    rows: usize,
    make: impl FnOnce() -> T + Send + 'static,
) -> Result<Response, ApiError> {
    if rows <= FEW_ROWS {
        return json(&make());
    }
    let written = tokio::task::spawn_blocking(move || serde_json::to_vec(&make())).await;
    let body = written.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    Ok(json_bytes(StatusCode::OK, body))
}

/// 200 with `{}`: MLflow's answer to most writes.
pub(crate) fn empty() -> Response {
    json_bytes(StatusCode::OK, "{}")
}

/// An answer whose body is JSON already.
pub(crate) fn json_bytes(status: StatusCode, body: impl Into<Body>) -> Response {
    with_type(status, JSON, body.into())
}

/// Plain text. The MLflow clients take an answer that is not JSON for "this endpoint is not here".
pub(crate) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    with_type(status, TEXT, body.into())
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
