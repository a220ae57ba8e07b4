//! What can go wrong below the store.

use std::borrow::Cow;

/// A failure of the database, sorted by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A uniqueness rule was violated; the text is the engine's and is for logs only.
    #[error("a uniqueness rule was violated: {0}")]
    Unique(String),
    /// A value cannot be stored by this engine.
    #[error("{0}")]
    Unstorable(Cow<'static, str>),
    /// Another transaction won; the operation may be tried again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The queue of waiting writes is full; the caller should pause.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The disk (or the quota) is full. Nothing of the operation was kept.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The disk failed. What it holds is not known any more, so no further write is taken.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// The operation took longer than the database allows.
    #[error("the operation took too long: {0}")]
    Timeout(String),
    /// A read took longer than one may, so that what it asks for is too much.
    #[error("the query is too expensive: {0}")]
    TooExpensive(String),
    /// The database cannot be reached or has been shut down.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database is not one of ours, or of a later version.
    #[error("{0}")]
    Refused(String),
    /// Anything else: a fault of ours or of the engine.
    #[error("database error: {0}")]
    Other(String),
}

/// The result of a database call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode as Code, ffi};
        let text = match error.sqlite_error() {
            Some(failure) => format!("{error} ({})", failure.extended_code),
            None => error.to_string(),
        };
        match error.sqlite_error() {
            Some(failure) => match failure.code {
                Code::ConstraintViolation => match failure.extended_code {
                    ffi::SQLITE_CONSTRAINT_UNIQUE
                    | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                    | ffi::SQLITE_CONSTRAINT_ROWID => Self::Unique(text),
                    _ => Self::Other(text),
                },
                Code::DatabaseBusy | Code::DatabaseLocked => Self::Busy(text),
                Code::DiskFull => Self::Full(text),
                Code::SystemIoFailure => match failure.extended_code {
                    ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => Self::Disk(text),
                    // A full disk shows first where the log's index cannot grow.
                    ffi::SQLITE_IOERR_SHMSIZE => Self::Full(text),
                    _ => Self::Other(text),
                },
                Code::TooBig => Self::Unstorable("The value is too large for the database.".into()),
                Code::CannotOpen | Code::ReadOnly | Code::PermissionDenied => {
                    Self::Unavailable(text)
                }
                Code::NotADatabase => Self::Refused(format!(
                    "the file is no SQLite database, or its beginning is damaged: {text}. If it was one, \
                     bring back a backup with `modelyard restore`"
                )),
                Code::DatabaseCorrupt => Self::Refused(format!(
                    "the database file is damaged: {text}. Bring back a backup with `modelyard restore`"
                )),
                Code::OperationInterrupted => Self::Timeout(text),
                _ => Self::Other(text),
            },
            None => Self::Other(text),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        // The server's message is in the source; `Display` of the error itself says only "db error".
        let Some(failure) = error.as_db_error() else {
            return match std::error::Error::source(&error) {
                _ if error.is_closed() => Self::Unavailable(error.to_string()),
                Some(source) if source.is::<std::io::Error>() => {
                    Self::Unavailable(format!("{error}: {source}"))
                }
                Some(source) => Self::Other(format!("{error}: {source}")),
                None => Self::Other(error.to_string()),
            };
        };
        let text = format!("{} ({})", failure.message(), failure.code().code());
        match failure.code() {
            code if *code == SqlState::UNIQUE_VIOLATION => Self::Unique(text),
            code if *code == SqlState::T_R_SERIALIZATION_FAILURE
                || *code == SqlState::T_R_DEADLOCK_DETECTED
                || *code == SqlState::LOCK_NOT_AVAILABLE =>
            {
                Self::Busy(text)
            }
            code if *code == SqlState::QUERY_CANCELED => Self::Timeout(text),
            code if *code == SqlState::DISK_FULL => Self::Full(text),
            code if *code == SqlState::CHARACTER_NOT_IN_REPERTOIRE
                || *code == SqlState::UNTRANSLATABLE_CHARACTER =>
            {
                Self::Unstorable("The text holds a character the database cannot store.".into())
            }
            // An entry of an index may be 2,704 bytes long.
            code if *code == SqlState::PROGRAM_LIMIT_EXCEEDED => {
                Self::Unstorable("The text is too long for an index of the database.".into())
            }
            code if code.code().starts_with("08") || code.code().starts_with("57P") => {
                Self::Unavailable(text)
            }
            // A standby after a fail-over, a server short of memory or connections, and one that gave up on a
            // process of ours that hung.
            code if *code == SqlState::READ_ONLY_SQL_TRANSACTION
                || *code == SqlState::OUT_OF_MEMORY
                || *code == SqlState::TOO_MANY_CONNECTIONS
                || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT =>
            {
                Self::Unavailable(text)
            }
            _ => Self::Other(text),
        }
    }
}
