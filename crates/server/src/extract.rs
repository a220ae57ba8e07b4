//! How an MLflow request is read: from the query of a GET, from the JSON body of anything else.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use modelyard_protocol::wire::{self, Params};
use modelyard_protocol::{Error, ErrorCode};

use crate::ApiError;
use crate::body::JSON_BODY_MAX_BYTES;

/// A request message of MLflow, decoded and validated.
#[derive(Debug, Clone)]
pub(crate) struct Mlflow<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Mlflow<T>
where
    S: Send + Sync,
    T: wire::Request,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        refuse_compressed(&head.headers)?;
        // The guard has read and measured the body already; this only takes it out.
        let body = to_bytes(body, JSON_BODY_MAX_BYTES).await.map_err(|error| {
            Error::new(ErrorCode::BadRequest, format!("The request body is broken: {error}"))
        })?;
        let content_type = head.headers.get(header::CONTENT_TYPE);
        // A type that is not even text is not JSON either.
        let content_type = content_type.map(|value| value.to_str().unwrap_or_default());
        let params = Params::new(head.method.as_str(), head.uri.query(), content_type, &body)?;
        Ok(Self(params.read()?))
    }
}

fn refuse_compressed(headers: &HeaderMap) -> Result<(), Error> {
    if !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    let message = "Bad Request. Content-Encoding is not supported; send the JSON uncompressed.";
    Err(Error::invalid(message))
}
