//! How an MLflow request is read: from the query of a GET, from the JSON body of anything else.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use futures_util::StreamExt;
use modelyard_protocol::{Error, ErrorCode};

use crate::ApiError;

/// The longest JSON body, in bytes: 64 MiB. The largest legal message is a dataset with a profile
/// of 16 MiB, whose quotes and non-ASCII text may grow fourfold in JSON.
pub const JSON_BODY_MAX_BYTES: usize = 64 << 20;

/// The input of an MLflow endpoint, not yet decoded.
///
/// As with MLflow, a GET that has a query is read from the query, everything else from the body;
/// POST and PUT must be declared as JSON, other methods need not.
#[derive(Debug, Clone)]
pub enum Input {
    /// The raw query, without `?`.
    Query(String),
    /// The raw body; may be empty.
    Json(Bytes),
}

impl<S: Send + Sync> FromRequest<S> for Input {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if matches!(*request.method(), Method::GET | Method::HEAD)
            && let Some(query) = request.uri().query().filter(|query| !query.is_empty())
        {
            return Ok(Self::Query(query.to_owned()));
        }
        require_json(request.method(), request.headers())?;
        Ok(Self::Json(read_body(request.into_body(), JSON_BODY_MAX_BYTES).await?))
    }
}

/// MLflow's rule: only POST and PUT must name `application/json`; parameters such as `charset` are
/// ignored. It also is what keeps HTML forms of other origins out.
fn require_json(method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let message = "Bad Request. Content-Encoding is not supported; send the JSON uncompressed.";
        return Err(Error::invalid(message));
    }
    if !matches!(*method, Method::POST | Method::PUT) {
        return Ok(());
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(Error::invalid("Bad Request. Content-Type header is missing."));
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    if essence.trim_ascii().eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json']."))
}

/// Reads a body into memory.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE` above `limit_bytes`, before more than that is held; `BAD_REQUEST` when the
/// client breaks off.
pub async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    let declared = body.size_hint();
    if declared.lower() > limit_bytes as u64 {
        return Err(too_large(limit_bytes));
    }
    let mut frames = body.into_data_stream();
    let Some(first) = frames.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(broken_off)?;
    if declared.exact() == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut whole = Vec::with_capacity(declared.lower().max(first.len() as u64) as usize);
    whole.extend_from_slice(&first);
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(broken_off)?;
        if whole.len() + frame.len() > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        whole.extend_from_slice(&frame);
    }
    Ok(whole.into())
}

fn too_large(limit_bytes: usize) -> ApiError {
    let message =
        format!("The request body is longer than {limit_bytes} bytes; split the request.");
    Error::new(ErrorCode::PayloadTooLarge, message).into()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn broken_off(cause: axum::Error) -> ApiError {
    let message = format!("The request body could not be read to its end: {cause}");
    Error::new(ErrorCode::BadRequest, message).into()
}
