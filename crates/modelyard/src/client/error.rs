//! Why a request to the tracking server failed, said to the person at the terminal.

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The tracking URI cannot be used.
    #[error("the tracking URI {0}")]
    Address(String),

    /// An environment variable or a file it names cannot be used.
    #[error("{0}")]
    Setting(String),

    /// No answer, and nothing was sent: the server is not there.
    #[error(
        "cannot reach {address}: {cause}. Is the server running? Start one with `modelyard \
         server`, or give its address with --tracking-uri or MLFLOW_TRACKING_URI."
    )]
    Unreachable {
        /// The server.
        address: String,
        /// What the connection said.
        cause: String,
    },

    /// The connection broke or timed out after it stood.
    #[error("the connection to {address} broke: {cause}")]
    Broken {
        /// The server.
        address: String,
        /// What the connection said.
        cause: String,
    },

    /// Both sides do not agree on encryption, or the certificate is not to be trusted.
    #[error(
        "no encrypted connection to {address}: {cause}. If the certificate comes from an authority \
         of your own, name its file in MLFLOW_TRACKING_SERVER_CERT_PATH."
    )]
    Encryption {
        /// The server.
        address: String,
        /// What the encryption said.
        cause: String,
    },

    /// The server's own JSON error.
    #[error("{message} ({code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// MLflow's error code, for example `RESOURCE_DOES_NOT_EXIST`.
        code: String,
        /// The server's text.
        message: String,
    },

    /// The server asks for a pause and kept asking.
    #[error(
        "{address} is busy (HTTP {status}){message}; it was asked {attempts} times. Try later."
    )]
    Busy {
        /// The server.
        address: String,
        /// 429, 503 or a proxy's 502 or 504.
        status: u16,
        /// The server's text, with `: ` before it, or nothing.
        message: String,
        /// Requests made.
        attempts: u32,
    },

    /// An HTTP error without MLflow's JSON: a proxy, another program, or an endpoint that is not
    /// there.
    #[error("{url} answered HTTP {status}: {text}")]
    Status {
        /// The URL asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The start of the body or, for well-known cases, what they mean.
        text: String,
    },

    /// A successful answer that is not what the API says.
    #[error("{url} does not answer like an MLflow tracking server: {cause}")]
    Answer {
        /// The URL asked.
        url: String,
        /// What is wrong with it.
        cause: String,
    },

    /// A file of this machine cannot be read while it is sent.
    #[error("cannot read {path}: {cause}")]
    LocalFile {
        /// The file.
        path: String,
        /// The system's text.
        cause: std::io::Error,
    },
}

impl Error {
    /// Whether the thing that was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => *status == 404 && code != "ENDPOINT_NOT_FOUND",
            _ => false,
        }
    }

    /// Whether the server wants other credentials.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. })
            || matches!(self, Self::Status { status: 401 | 403, .. })
    }

    /// Whether trying later may help.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Broken { .. } | Self::Busy { .. })
    }

    /// Whether the command line or the environment is at fault.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Setting(_))
    }
}
