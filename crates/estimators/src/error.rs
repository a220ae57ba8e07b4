//! Why a file or a table of rows is not served natively.

/// An answer of this crate, or why there is none.
pub type Result<T> = std::result::Result<T, Error>;

/// What a reader, the compiler or a prediction can say instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is damaged or forged: no library of Python would read it either.
    #[error("{format} is damaged{}: {what}", place(*.offset))]
    Damaged {
        /// What was read, for example `pickle`.
        format: &'static str,
        /// At which byte of what is called `format`, where that can be said.
        offset: Option<usize>,
        /// What is wrong there.
        what: String,
    },
    /// The file is above a limit of this crate.
    #[error("{what} is above the limit of {limit}")]
    TooLarge {
        /// What was counted, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The model is something this crate does not know exactly, so Python has to serve it.
    #[error("needs Python: {0}")]
    NeedsPython(String),
    /// The rows are ones that the model's own library refuses, in words like its own.
    #[error("{0}")]
    Rows(String),
}

fn place(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at byte {offset}"))
}

impl Error {
    pub(crate) fn damaged(format: &'static str, offset: usize, what: impl Into<String>) -> Self {
        Self::Damaged { format, offset: Some(offset), what: what.into() }
    }

    /// Damage that belongs to no single place.
    pub(crate) fn broken(format: &'static str, what: impl Into<String>) -> Self {
        Self::Damaged { format, offset: None, what: what.into() }
    }

    pub(crate) fn python(reason: impl Into<String>) -> Self {
        Self::NeedsPython(reason.into())
    }

    pub(crate) fn rows(message: impl Into<String>) -> Self {
        Self::Rows(message.into())
    }
}
