//! What can go wrong with a pool and with a call.

use std::io;
use std::time::Duration;

use modelyard_models::json::{self, Value};

/// Why a pool did not start. The lines are the last that the process printed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The interpreter cannot be executed.
    #[error("{python} cannot be started: {error}")]
    Spawn {
        /// The interpreter.
        python: String,
        /// Why.
        error: io::Error,
    },
    /// The process has said why it cannot load the model.
    #[error("the model cannot be loaded: {why}")]
    Load {
        /// The exception.
        why: String,
        /// What was printed.
        last_lines: Vec<String>,
    },
    /// The process has ended, or it talks nonsense.
    #[error("the worker {why} before the model was loaded")]
    Died {
        /// How it ended.
        why: String,
        /// What was printed.
        last_lines: Vec<String>,
    },
    /// Loading takes longer than [`super::WorkerConfig::start_deadline`].
    #[error("the model was not loaded within {} seconds", .limit.as_secs())]
    Late {
        /// The limit.
        limit: Duration,
        /// What was printed.
        last_lines: Vec<String>,
    },
}

impl StartError {
    /// The last lines that the process printed.
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Spawn { .. } => &[],
            Self::Load { last_lines, .. }
            | Self::Died { last_lines, .. }
            | Self::Late { last_lines, .. } => last_lines,
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// 429: too many calls wait.
    #[error("too many requests wait for the model")]
    Busy {
        /// When to come again: about the time that what waits now takes.
        retry_after: Duration,
    },
    /// 503: there is no process, and none is about to start.
    #[error("the model is not available: {why}")]
    Unavailable {
        /// Why.
        why: String,
    },
    /// 504: the call took too long.
    #[error("the model did not answer in time")]
    Deadline,
    /// 500: the process ended with this call in it. It may do so again, so nobody should repeat the
    /// call by itself.
    #[error("the worker {why} during the request")]
    Died {
        /// How it ended.
        why: String,
        /// What was printed last.
        last_lines: Vec<String>,
    },
    /// What the model raised, as MLflow's server answers it.
    #[error("the model failed: {message}")]
    Model {
        /// The HTTP status.
        status: u16,
        /// MLflow's error code, or `INTERNAL_ERROR` where MLflow's server has no JSON.
        error_code: String,
        /// The message.
        message: String,
        /// Python's stack.
        stack_trace: Option<String>,
        /// The `Content-Type` of MLflow's answer.
        content_type: Box<str>,
        /// The body of MLflow's answer.
        body: Box<[u8]>,
    },
}

impl Failure {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Busy { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Deadline => 504,
            Self::Died { .. } => 500,
            Self::Model { status, .. } => *status,
        }
    }

    /// What is read from the answer of MLflow's server.
    pub(crate) fn of_answer(status: u16, content_type: String, body: Vec<u8>) -> Self {
        let parsed = json::parse(&body).ok();
        let text = |key: &str| parsed.as_ref()?.get(key).and_then(Value::as_str).map(str::to_owned);
        Self::Model {
            status,
            error_code: text("error_code").unwrap_or_else(|| "INTERNAL_ERROR".into()),
            message: text("message").unwrap_or_else(|| String::from_utf8_lossy(&body).into()),
            stack_trace: text("stack_trace"),
            content_type: content_type.into(),
            body: body.into(),
        }
    }
}
