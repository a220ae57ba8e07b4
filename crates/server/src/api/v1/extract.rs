//! Reading the requests of our own API. What cannot be read is `INVALID_PARAMETER_VALUE`.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use modelyard_protocol::Error;
use serde::de::DeserializeOwned;

use crate::{ApiError, body};

/// The parameters in the query.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Error::invalid(format!("The query cannot be read: {error}")).into()),
        }
    }
}

/// The one parameter in the path.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(Error::invalid(format!("The path cannot be read: {error}")).into())
            }
            Err(error) => Err(ApiError::internal(error.to_string())),
        }
    }
}

/// The JSON body.
pub(crate) struct JsonOf<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonOf<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let essence = content_type.and_then(|value| value.as_bytes().split(|b| *b == b';').next());
        if !essence.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(b"application/json")) {
            let message = "Send the request as JSON, with Content-Type: application/json.";
            return Err(Error::invalid(message).into());
        }
        let body = body::take(request.into_body()).await?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Error::invalid(format!("The body cannot be read: {error}")).into()),
        }
    }
}
