//! Why there is no image.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no image. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that images cannot have.
    #[error("'{name}' is no name of an image: {why}")]
    Reference {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A platform that is not known.
    #[error("'{0}' is no platform that images are built for: linux/amd64 and linux/arm64 are")]
    Platform(String),
    /// A program that an image cannot start.
    #[error("{}: {why}", path.display())]
    Program {
        /// Its file.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
    /// A file or folder that cannot be a part of a layer.
    #[error("{}: {why}", path.display())]
    Entry {
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A place where the image cannot be written.
    #[error("{}: {why}", path.display())]
    Target {
        /// The place.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
    /// A file or folder could not be read or written.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was done, and to what.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(crate) fn program(path: &Path, why: impl Into<String>) -> Self {
        Self::Program { path: path.to_owned(), why: why.into() }
    }

    pub(crate) fn entry(path: &Path, why: impl Into<String>) -> Self {
        Self::Entry { path: path.to_owned(), why: why.into() }
    }

    pub(crate) fn target(path: &Path, why: impl Into<String>) -> Self {
        Self::Target { path: path.to_owned(), why: why.into() }
    }
}
