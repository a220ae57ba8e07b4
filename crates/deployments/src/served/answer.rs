//! What is answered to a request, before it is HTTP.

use std::borrow::Cow;
use std::time::Duration;

use modelyard_models::json;
use modelyard_models::json::Dict;
use modelyard_models::scoring::{Details, Rejection};
use modelyard_protocol::{Error, ErrorCode};

const JSON: &str = "application/json";

/// Who has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The native engine.
    Native,
    /// A Python worker.
    Python,
}

impl Engine {
    /// Its name in headers, metrics and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Python => "python",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// The body.
    pub body: Vec<u8>,
    /// Who has answered; `None` if the request reached no model.
    pub engine: Option<Engine>,
    /// Seconds after which the client may come again, for an answer of 429 or 503.
    pub retry_after_seconds: Option<u64>,
}

impl Answer {
    pub(crate) fn new(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        body: Vec<u8>,
    ) -> Self {
        let content_type = content_type.into();
        Self { status, content_type, body, engine: None, retry_after_seconds: None }
    }

    /// JSON from an engine.
    pub(crate) fn json(status: u16, body: Vec<u8>, engine: Engine) -> Self {
        Self { engine: Some(engine), ..Self::new(status, JSON, body) }
    }

    /// The answer to a request that is not handed to the model.
    pub(crate) fn rejected(rejection: &Rejection, details: Details) -> Self {
        Self::new(rejection.status(), rejection.content_type(), rejection.body(details))
    }

    /// An error in MLflow's form.
    pub fn error(error: &Error) -> Self {
        Self::new(error.code.http_status(), JSON, error.to_json().to_string().into_bytes())
    }

    /// MLflow's answer when a model takes too long, content type included.
    pub fn too_late() -> Self {
        Self::new(504, JSON, TOO_LATE.into())
    }

    /// The same answer, with the time after which the client may come again.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.retry_after_seconds = Some(pause.as_secs_f64().ceil().max(1.0) as u64);
        self
    }

    /// MLflow's answer when a model raises an exception.
    pub(crate) fn raised(stack_trace: &str, engine: Engine) -> Self {
        let code = ErrorCode::BadRequest;
        let mut body = Dict::new();
        body.insert("error_code", code.name());
        body.insert("message", UNEXPECTED);
        if let Some((sqlstate, class)) = code.sqlstate() {
            body.insert("sqlstate", sqlstate);
            body.insert("error_class", class);
        }
        body.insert("stack_trace", stack_trace);
        Self::json(code.http_status(), json::dumps(&body.into()).into_bytes(), engine)
    }

    /// The answer where Python would have to answer and there is none. 400: most such requests are
    /// mistakes that MLflow would find.
    pub(crate) fn without_python(why: &str) -> Self {
        let message = format!(
            "Invalid input. This model runs without Python, which would have to answer this request: {why}."
        );
        Self::error(&Error::new(ErrorCode::BadRequest, message))
    }

    /// A fault of this program; the cause goes to the log.
    pub(crate) fn fault(cause: &dyn std::error::Error) -> Self {
        tracing::error!("a request to a model failed: {cause}");
        let message = "The server failed to answer this request; its log says why.";
        Self::error(&Error::new(ErrorCode::InternalError, message))
    }
}

/// MLflow's words when an answer takes too long.
const TOO_LATE: &str = "Request processing time exceeded limit";
/// MLflow's words for an exception of the model.
const UNEXPECTED: &str = "Encountered an unexpected error while evaluating the model. Verify that \
                          the serialized input Dataframe is compatible with the model for inference.";
