//! MLflow's error codes and the HTTP status of each: the one table of the house.

use serde_json::{Map, Value};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $sqlstate:expr;)*) => {
        /// An error code of MLflow's REST API. Names and statuses are those of MLflow 3.17.2.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire, for example `RESOURCE_DOES_NOT_EXIST`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status that goes with the code.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// MLflow 3's `sqlstate` and `error_class`, for the codes that carry them.
            pub const fn sqlstate(self) -> Option<(&'static str, &'static str)> {
                match self { $(Self::$variant => $sqlstate,)* }
            }
        }
    };
}

const INVALID: Option<(&str, &str)> = Some(("KAM00", "INVALID_PARAMETER_VALUE"));
const MISSING: Option<(&str, &str)> = Some(("KAM00", "RESOURCE_NOT_FOUND"));
const INTERNAL: Option<(&str, &str)> = Some(("XXM00", "CLIENT_INTERNAL_ERROR"));

error_codes! {
    /// The request cannot be understood.
    BadRequest = "BAD_REQUEST", 400, INVALID;
    /// A field is missing, malformed or out of range.
    InvalidParameterValue = "INVALID_PARAMETER_VALUE", 400, INVALID;
    /// The name is taken. MLflow answers 400 here, not 409.
    ResourceAlreadyExists = "RESOURCE_ALREADY_EXISTS", 400, Some(("KAM00", "RESOURCE_ALREADY_EXISTS"));
    /// Credentials are missing or wrong.
    Unauthenticated = "UNAUTHENTICATED", 401, None;
    /// The caller may not do this.
    PermissionDenied = "PERMISSION_DENIED", 403, Some(("KAM00", "PERMISSION_DENIED"));
    /// The named object does not exist.
    ResourceDoesNotExist = "RESOURCE_DOES_NOT_EXIST", 404, MISSING;
    /// The endpoint does not exist.
    EndpointNotFound = "ENDPOINT_NOT_FOUND", 404, MISSING;
    /// A concurrent change won.
    ResourceConflict = "RESOURCE_CONFLICT", 409, None;
    /// The request body is above the limit. Not an MLflow code: MLflow has no limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, None;
    /// The caller sends more than the server can queue; retry after a pause.
    RequestLimitExceeded = "REQUEST_LIMIT_EXCEEDED", 429, None;
    /// The object is in the wrong state for this operation.
    InvalidState = "INVALID_STATE", 500, INTERNAL;
    /// A fault of the server.
    InternalError = "INTERNAL_ERROR", 500, INTERNAL;
    /// The server knows the operation but this store cannot do it.
    NotImplemented = "NOT_IMPLEMENTED", 501, None;
    /// The server cannot answer now; retry after a pause.
    TemporarilyUnavailable = "TEMPORARILY_UNAVAILABLE", 503, INTERNAL;
    /// The operation took too long.
    DeadlineExceeded = "DEADLINE_EXCEEDED", 504, None;
    /// The disk is full. Not an MLflow code: MLflow answers 500, which clients retry for minutes.
    InsufficientStorage = "INSUFFICIENT_STORAGE", 507, None;
}

/// An error as a client sees it: a code and a message that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct Error {
    /// The code, which decides the HTTP status.
    pub code: ErrorCode,
    /// The text for the person who made the request.
    pub message: String,
}

impl Error {
    /// An error with any code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `INVALID_PARAMETER_VALUE`, 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// `RESOURCE_DOES_NOT_EXIST`, 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceDoesNotExist, message)
    }

    /// The JSON body of the answer: `error_code`, `message` and, where MLflow 3 sends them,
    /// `sqlstate` and `error_class`.
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("error_code".into(), self.code.name().into());
        body.insert("message".into(), self.message.as_str().into());
        if let Some((sqlstate, class)) = self.code.sqlstate() {
            body.insert("sqlstate".into(), sqlstate.into());
            body.insert("error_class".into(), class.into());
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_mlflows_four_fields() {
        let body = Error::not_found("Run with id=x not found").to_json();
        assert_eq!(
            body.to_string(),
            r#"{"error_class":"RESOURCE_NOT_FOUND","error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run with id=x not found","sqlstate":"KAM00"}"#
        );
    }
}
