//! What is wrong with a request, from the exception of a conversion to the answer of the server.

use modelyard_protocol::ErrorCode;

use crate::json::{self, Dict, repr};

/// A conversion that failed, or that this code does not know well enough to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The exception that Python raises.
    Raised { class: &'static str, message: String },
    /// MLflow's own code must decide; with the reason.
    Undecided(&'static str),
}

impl Fault {
    pub(crate) fn value_error(message: impl Into<String>) -> Self {
        Self::Raised { class: "ValueError", message: message.into() }
    }

    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self::Raised { class: "TypeError", message: message.into() }
    }

    pub(crate) fn overflow(message: impl Into<String>) -> Self {
        Self::Raised { class: "OverflowError", message: message.into() }
    }

    pub(crate) fn mlflow(message: impl Into<String>) -> Self {
        Self::Raised { class: "MlflowException", message: message.into() }
    }

    /// The answer to what was raised, by class and message. What is undecided stays so.
    pub(crate) fn rejected(self, of: impl FnOnce(&str, String) -> Rejection) -> Rejection {
        match self {
            Self::Raised { class, message } => of(class, message),
            Self::Undecided(why) => Rejection::Undecided(why),
        }
    }

    /// A failed conversion of a column's cells, before enforcement.
    pub(crate) fn of_cast(self, column: &str, kind: &str) -> Rejection {
        self.rejected(|class, message| {
            Rejection::input(format!(
                "Data is not compatible with model signature. Failed to convert column {column} to type '{kind}'. Error: '{class}({})'",
                repr::string(&message)
            ))
        })
    }

    /// A failed conversion of `inputs` or `instances`.
    pub(crate) fn of_array(self) -> Rejection {
        self.rejected(|_, message| Rejection::input(message))
    }

    /// A frame that cannot be made of what a request has.
    pub(crate) fn of_frame(self, form: &str) -> Rejection {
        self.rejected(|_, message| {
            Rejection::input(format!(
                "Provided dataframe_{form} field is not a valid dataframe representation in '{form}' format. Error: '{message}'"
            ))
        })
    }

    /// Data that the signature does not allow.
    pub(crate) fn of_enforcement(self) -> Rejection {
        self.rejected(|_, message| Rejection::Enforcement(message))
    }
}

/// Why a request is not handed to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// 415: a content type that the protocol does not have.
    MediaType(String),
    /// 400: the request cannot be read or converted.
    Input(String),
    /// 400: the data do not fit the signature; what is wrong with them.
    Enforcement(String),
    /// 400: a parameter of the request, or the request as a whole, has a wrong value.
    Parameter(String),
    /// The protocol has an answer, but only MLflow's own code knows it; with the reason. The caller
    /// sends the request to a Python worker, or, where there is none, answers with it: with 400, as
    /// most of these are mistakes that MLflow would find.
    Undecided(&'static str),
}

/// Whether the details of a rejection are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// As MLflow does by default.
    Shown,
    /// As MLflow with `MLFLOW_DISABLE_SCHEMA_DETAILS`: for endpoints that anybody can reach.
    Hidden,
}

impl Rejection {
    /// MLflow's "Invalid input."
    pub(crate) fn input(message: impl std::fmt::Display) -> Self {
        Self::Input(format!("Invalid input. {message}"))
    }

    /// A parameter that the model does not take.
    pub(crate) fn parameter(message: impl std::fmt::Display) -> Self {
        Self::Parameter(format!("Failed to predict data. \nError: {message}"))
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::MediaType(_) => 415,
            _ => self.code().http_status(),
        }
    }

    /// The content type of the answer.
    pub fn content_type(&self) -> &'static str {
        if matches!(self, Self::MediaType(_)) {
            "text/plain; charset=utf-8"
        } else {
            "application/json"
        }
    }

    /// MLflow's error code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MediaType(_) | Self::Input(_) | Self::Undecided(_) => ErrorCode::BadRequest,
            Self::Enforcement(_) | Self::Parameter(_) => ErrorCode::InvalidParameterValue,
        }
    }

    /// MLflow's `sqlstate` and `error_class`.
    pub fn sqlstate(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Enforcement(_) => Some(("KAM01", "SCHEMA_ENFORCEMENT_FAILED")),
            _ => self.code().sqlstate(),
        }
    }

    /// The message. MLflow's also repeats the data as pandas prints them, which ours do not.
    pub fn message(&self, details: Details) -> String {
        match (self, details) {
            (Self::MediaType(text) | Self::Input(text) | Self::Parameter(text), _) => text.clone(),
            (Self::Enforcement(_), Details::Hidden) => {
                "Failed to predict data. \nError: Failed to enforce model input schema. Please check your input data.".into()
            }
            (Self::Enforcement(text), Details::Shown) => {
                format!("Failed to predict data. \nError: Failed to enforce schema of data. Error: {text}")
            }
            (Self::Undecided(why), _) => format!(
                "Invalid input. A model that runs without Python does not take this form of request: {why}."
            ),
        }
    }

    /// The body of the answer.
    pub fn body(&self, details: Details) -> Vec<u8> {
        let message = self.message(details);
        if let Self::MediaType(text) = self {
            return text.clone().into_bytes();
        }
        let mut body = Dict::new();
        body.insert("error_code", self.code().name());
        body.insert("message", message);
        if let Some((sqlstate, class)) = self.sqlstate() {
            body.insert("sqlstate", sqlstate);
            body.insert("error_class", class);
        }
        json::dumps(&body.into()).into_bytes()
    }
}
