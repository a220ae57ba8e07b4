//! What a handler returns when it cannot do what was asked.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use modelyard_protocol::{Error, ErrorCode};

use crate::answer;

/// Seconds a client shall wait after a 429 or 503. MLflow's clients obey `Retry-After`.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An error on its way to the client: MLflow's code and message, and the cause for the log.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// What the client is told.
    pub(crate) error: Error,
    /// What only the log is told.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// A fault of the server: the cause goes to the log, the client gets the request id.
    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "The server failed to process this request; its log says why.";
        Self { error: Error::new(ErrorCode::InternalError, message), source: Some(source.into()) }
    }

    /// What the client is told, for an answer that holds it among other things; the cause goes to the log.
    pub(crate) fn tell(self) -> String {
        if self.is_fault() {
            let cause = self.source.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::error!(%cause, "a part of a request failed: {}", self.error.message);
        }
        self.error.message
    }

    /// Whether something is wrong with the server, so that its log must say what. Refusing work when
    /// there is too much of it is not.
    fn is_fault(&self) -> bool {
        let is_known = self.error.code == ErrorCode::InternalError || self.source.is_some();
        is_known && self.error.code.http_status() >= 500
    }

    /// Keeps a cause for the log beside what the client is told.
    #[must_use]
    pub(crate) fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self { error, source: None }
    }
}

impl From<modelyard_store::Error> for ApiError {
    fn from(error: modelyard_store::Error) -> Self {
        use modelyard_database::Error as Db;
        let told = error.to_client();
        match error {
            modelyard_store::Error::Rule(_)
            | modelyard_store::Error::Database(Db::Overloaded | Db::Busy(_)) => told.into(),
            cause @ modelyard_store::Error::Database(_) => Self::from(told).caused_by(cause),
        }
    }
}

impl From<modelyard_artifacts::Error> for ApiError {
    fn from(error: modelyard_artifacts::Error) -> Self {
        let told = Error::new(error.code(), error.to_string());
        if told.code.http_status() >= 500 { Self::from(told).caused_by(error) } else { told.into() }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        let mut cause: Option<&dyn std::error::Error> = match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        };
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Left in the extensions of the answer to a fault for the shell, which knows the request id: it
/// logs the text and adds the id to the message.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The error and its chain of causes, for the log.
    pub(crate) log: String,
    /// What the client is told.
    pub(crate) error: Error,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.error.code;
        let mut response = render(&self.error);
        if self.is_fault() {
            let log = self.to_string();
            response.extensions_mut().insert(Failure { log, error: self.error });
        }
        if matches!(code, ErrorCode::RequestLimitExceeded | ErrorCode::TemporarilyUnavailable) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// MLflow's JSON form of an error with the HTTP status of its code.
fn render(error: &Error) -> Response {
    answer::json_bytes(status(error.code), json(error))
}

/// MLflow's JSON form of an error.
pub(crate) fn json(error: &Error) -> Body {
    Body::from(error.to_json().to_string())
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_real_status() {
        for code in ErrorCode::ALL {
            assert_eq!(status(*code).as_u16(), code.http_status());
        }
    }

    #[test]
    fn the_table_of_error_codes() {
        let row = |code: &ErrorCode| {
            let (sqlstate, class) = code.sqlstate().unwrap_or_default();
            format!("{} {:25} {sqlstate:5} {class}", code.http_status(), code.name())
        };
        let rows: Vec<String> = ErrorCode::ALL.iter().map(row).collect();
        insta::assert_snapshot!(rows.join("\n"));
    }

    #[test]
    fn the_cause_of_a_fault_goes_to_the_log_and_not_to_the_client() {
        let busy = Error::new(ErrorCode::TemporarilyUnavailable, "busy");
        let response = ApiError::from(busy).into_response();
        assert!(response.extensions().get::<Failure>().is_none());
        let error = ApiError::internal("password=hunter2");
        assert!(error.to_string().ends_with("its log says why.: password=hunter2"));
        let response = error.into_response();
        assert_eq!(response.status(), 500);
        let failure = response.extensions().get::<Failure>().expect("a 5xx carries its failure");
        assert!(!failure.error.message.contains("hunter2"));
    }

    #[test]
    fn overload_names_a_pause() {
        let error = Error::new(ErrorCode::TemporarilyUnavailable, "busy");
        let response = ApiError::from(error).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
