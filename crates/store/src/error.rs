//! Failures of an operation.

use std::borrow::Cow;

use modelyard_database as database;
use modelyard_protocol::ErrorCode;

/// Why an operation failed. Nothing of it was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A rule of the domain was broken: the caller's mistake, in MLflow's words.
    #[error(transparent)]
    Rule(#[from] modelyard_protocol::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Rule(modelyard_protocol::Error::invalid(message))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::Rule(modelyard_protocol::Error::not_found(message))
    }

    pub(crate) fn exists(message: impl Into<String>) -> Self {
        Self::Rule(modelyard_protocol::Error::new(ErrorCode::ResourceAlreadyExists, message))
    }

    /// Gives a violated uniqueness rule the words of the domain.
    pub(crate) fn on_unique(self, taken: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Database(database::Error::Unique(_)) => taken(),
            error => error,
        }
    }

    /// What the client is told. The engine's own words stay in the log.
    pub fn to_client(&self) -> modelyard_protocol::Error {
        use database::Error as Db;
        let (code, message): (_, Cow<'static, str>) = match self {
            Self::Rule(error) => return error.clone(),
            Self::Database(Db::Unstorable(message)) => {
                (ErrorCode::InvalidParameterValue, message.clone())
            }
            Self::Database(Db::Unique(_)) => (
                ErrorCode::ResourceConflict,
                "Another request created the same object at the same moment; read it and go on."
                    .into(),
            ),
            Self::Database(Db::Overloaded) => (
                ErrorCode::TemporarilyUnavailable,
                "The server has too many writes waiting; try again in a moment.".into(),
            ),
            Self::Database(Db::Busy(_)) => (
                ErrorCode::TemporarilyUnavailable,
                "The database is busy; try again in a moment.".into(),
            ),
            Self::Database(Db::Unavailable(_) | Db::Disk(_)) => (
                ErrorCode::TemporarilyUnavailable,
                "The database cannot be reached; try again in a moment.".into(),
            ),
            // Not 504, which MLflow's clients repeat seven times: the same query costs the same again.
            Self::Database(Db::TooExpensive(_)) => (
                ErrorCode::InvalidParameterValue,
                "The query takes too long. Narrow it: a simpler filter, fewer experiments or a smaller \
                 page."
                    .into(),
            ),
            Self::Database(Db::Timeout(_)) => (
                ErrorCode::DeadlineExceeded,
                "The database took too long; try again in a moment.".into(),
            ),
            Self::Database(Db::Full(_)) => (
                ErrorCode::InsufficientStorage,
                "The disk of the server is full; nothing of this request was stored. \
                 Free some space and send it again."
                    .into(),
            ),
            Self::Database(Db::Refused(_) | Db::Other(_)) => {
                (ErrorCode::InternalError, "The database failed; the server's log says why.".into())
            }
        };
        modelyard_protocol::Error::new(code, message)
    }
}

impl database::Failure for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Rule(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use modelyard_database as database;

    use super::Error;

    #[test]
    fn only_what_may_succeed_later_is_worth_repeating() {
        let status = |error: database::Error| Error::from(error).to_client().code.http_status();
        assert_eq!(status(database::Error::TooExpensive("60 s".into())), 400);
        assert_eq!(status(database::Error::Timeout("60 s".into())), 504);
        assert_eq!(status(database::Error::Unavailable("read-only".into())), 503);
    }
}
