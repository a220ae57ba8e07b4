//! What can go wrong with artifacts, and the code each fault has on the wire.

use std::io;

use modelyard_protocol::ErrorCode;

use crate::checked::Mismatch;
use crate::cloud::Fault;
use crate::path::{ArtifactPath, InvalidPath};
use crate::uri::InvalidUri;

/// A cause of any type.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation on artifacts failed. The text is for the person who asked for it; causes that
/// concern only the operator are the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path is not one of an artifact.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The location is not one of artifacts.
    #[error(transparent)]
    Uri(#[from] InvalidUri),
    /// There is nothing at the path.
    #[error("No such artifact: '{0}'")]
    NotFound(ArtifactPath),
    /// A file was wanted.
    #[error("Artifact path refers to a directory, not a file: '{0}'")]
    IsFolder(ArtifactPath),
    /// A folder was wanted, but a file has that name.
    #[error("A part of the path is a file, not a folder: '{0}'. Choose another name.")]
    NotAFolder(ArtifactPath),
    /// A symbolic link on the way leads out of the root.
    #[error("Invalid path '{0}': it leads out of the artifact store through a symbolic link.")]
    Outside(ArtifactPath),
    /// A pipe, a socket or a device.
    #[error("Invalid path '{0}': it is neither a file nor a folder.")]
    Special(ArtifactPath),
    /// A local location that is none of the server's.
    #[error(
        "The artifacts at '{0}' are not served: the folder is none of those given to the server \
         at start. Start it with --allow-artifact-location naming a folder above it."
    )]
    NotServed(String),
    /// The artifact proxy is switched off, so its locations lead nowhere.
    #[error("The artifacts at '{0}' are not served: this server runs with --no-serve-artifacts.")]
    ProxyOff(String),
    /// A store that clients reach, but this server does not.
    #[error(
        "This server cannot reach artifacts at '{scheme}' locations by itself; clients with \
         credentials for the store can."
    )]
    Unsupported {
        /// The scheme of the location.
        scheme: String,
    },
    /// A location that only the store itself was told about: `s3` and its like, but none of the
    /// server's.
    #[error(
        "The artifacts at '{0}' are not served: the store is none of those given to this server at \
         start. Clients with credentials can go there by themselves; for the server, start it with \
         --allow-artifact-location naming the bucket or a folder above it."
    )]
    BucketNotServed(String),
    /// The store fails or refuses.
    #[error("The artifact store {store} {fault}.")]
    Store {
        /// Its location.
        store: String,
        /// What it did.
        fault: Fault,
        /// What was being done.
        action: &'static str,
        /// What it said, without secrets.
        #[source]
        source: Option<Cause>,
    },
    /// The settings for a store contradict themselves, or ask for what is not supported.
    #[error("{0}")]
    Configuration(String),
    /// The store has no such function.
    #[error("{0}")]
    NotSupported(String),
    /// The file was replaced between being opened and being read.
    #[error("The artifact was replaced while it was being opened: '{0}'. Try again.")]
    Changed(ArtifactPath),
    /// Longer than any key may be.
    #[error("Invalid path: it has {bytes} bytes in the artifact store, which takes {max_bytes}.")]
    KeyTooLong {
        /// What the store takes.
        max_bytes: usize,
        /// What it would need.
        bytes: usize,
    },
    /// Larger than any file may be.
    #[error("{0}")]
    TooLarge(String),
    /// Something about a multipart upload; the text says what.
    #[error("{0}")]
    Multipart(String),
    /// The multipart upload is unknown, finished, aborted or expired.
    #[error("No such multipart upload: '{0}'. It may have expired; start again.")]
    NoSuchUpload(String),
    /// Too many multipart uploads at once.
    #[error("Too many multipart uploads are under way; finish or abort some, or retry later.")]
    TooManyUploads,
    /// The sender of an upload broke off. Nothing was stored.
    #[error("The upload was broken off before its end; nothing was stored.")]
    Interrupted(#[source] Cause),
    /// The upload is not what was announced. Nothing was stored.
    #[error("{0}; nothing was stored. Send it again.")]
    Mismatch(Mismatch),
    /// No room. Nothing was stored.
    #[error("The disk of the artifact store is full; nothing was stored.")]
    DiskFull(#[source] io::Error),
    /// A write that was reported as safe may not be. The repository takes no more writes.
    #[error("The artifact store stopped taking writes after its disk failed; see the server log.")]
    Poisoned,
    /// Any other fault of the machine.
    #[error("The artifact store failed.")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Interprets what ended an upload.
    pub(crate) fn ended_by(cause: Cause) -> Self {
        match cause.downcast::<Mismatch>() {
            Ok(mismatch) => Self::Mismatch(*mismatch),
            Err(cause) => Self::Interrupted(cause),
        }
    }

    /// Interprets a fault of the file system that came up at `path` during `action`.
    pub(crate) fn at(path: &ArtifactPath, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.clone();
            match source.kind() {
                io::ErrorKind::NotFound => Self::NotFound(path),
                io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => {
                    Self::IsFolder(path)
                }
                io::ErrorKind::NotADirectory => Self::NotAFolder(path),
                _ if is_escape(&source) => Self::Outside(path),
                _ => Self::io(action)(source),
            }
        }
    }

    /// Interprets a fault that has nothing to do with the path a client named.
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(source),
            _ => Self::Io { action, source },
        }
    }

    /// The code that clients get.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Path(_)
            | Self::Uri(_)
            | Self::IsFolder(_)
            | Self::NotAFolder(_)
            | Self::Outside(_)
            | Self::Special(_)
            | Self::NotServed(_)
            | Self::BucketNotServed(_)
            | Self::KeyTooLong { .. }
            | Self::TooLarge(_)
            | Self::Mismatch(_)
            | Self::Multipart(_) => ErrorCode::InvalidParameterValue,
            Self::NotFound(_) | Self::NoSuchUpload(_) => ErrorCode::ResourceDoesNotExist,
            Self::ProxyOff(_) | Self::Unsupported { .. } | Self::NotSupported(_) => {
                ErrorCode::NotImplemented
            }
            Self::Store { fault: Fault::Unavailable, .. } | Self::Changed(_) => {
                ErrorCode::TemporarilyUnavailable
            }
            // Trying again does not help, which a 5xx would ask for.
            Self::Store { fault: Fault::Unauthenticated | Fault::Denied, .. } => {
                ErrorCode::PermissionDenied
            }
            Self::Store { fault: Fault::NoBucket, .. } => ErrorCode::ResourceDoesNotExist,
            Self::TooManyUploads => ErrorCode::RequestLimitExceeded,
            Self::Interrupted(_) => ErrorCode::BadRequest,
            Self::DiskFull(_) => ErrorCode::InsufficientStorage,
            Self::Poisoned | Self::Io { .. } | Self::Configuration(_) => ErrorCode::InternalError,
        }
    }
}

/// A link that led out of the root, or too many links. The root handle reports the first without
/// an error number, to tell it from missing rights.
fn is_escape(error: &io::Error) -> bool {
    let led_outside =
        error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none();
    let looped = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    led_outside || looped
}

impl From<&Error> for modelyard_protocol::Error {
    fn from(error: &Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
