//! How an MLflow request is read: from the query of a GET, from the JSON body of anything else.

use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use modelyard_protocol::Error;
use modelyard_protocol::wire::{self, Params, Rules};

use crate::{ApiError, AppState, body};

/// Larger bodies are parsed where they hold up no other request: beyond it parsing takes a
/// millisecond or more.
const LARGE_BODY_BYTES: usize = 256 << 10;

/// A request message of MLflow, decoded and validated.
#[derive(Debug, Clone)]
pub(crate) struct Mlflow<T>(pub(crate) T);

impl<T: wire::Request> FromRequest<AppState> for Mlflow<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        refuse_compressed(&head.headers)?;
        let body = body::take(body).await?;
        let rules = app.config.rules;
        if body.len() <= LARGE_BODY_BYTES {
            return Ok(Self(parse(&head, &body, rules)?));
        }
        let _turn = app.admission.parse_large().await?;
        let parsed = tokio::task::spawn_blocking(move || parse(&head, &body, rules)).await;
        Ok(Self(parsed.map_err(ApiError::internal)??))
    }
}

fn parse<T: wire::Request>(head: &Parts, body: &[u8], rules: Rules) -> Result<T, Error> {
    let content_type = head.headers.get(header::CONTENT_TYPE);
    // A type that is not even text is not JSON either.
    let content_type = content_type.map(|value| value.to_str().unwrap_or_default());
    Params::new(head.method.as_str(), head.uri.query(), content_type, body)?.read(rules)
}

fn refuse_compressed(headers: &HeaderMap) -> Result<(), Error> {
    if !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    let message = "Bad Request. Content-Encoding is not supported; send the JSON uncompressed.";
    Err(Error::invalid(message))
}
