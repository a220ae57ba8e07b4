//! One interface to every kind of artifact store.

use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;

use crate::error::{Cause, Result};
use crate::local::{LocalRepository, UploadId};
use crate::path::ArtifactPath;
use crate::read::ArtifactFile;

/// A tree of artifacts, in whatever store. Cheap to clone.
///
/// Whatever the store, an upload or deletion that was answered with success is durable, and a
/// reader sees a file whole: as it was before an upload or after it.
#[derive(Debug, Clone)]
pub enum Repository {
    /// A folder of this machine.
    Local(LocalRepository),
}

/// A file or folder, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The last name of its path.
    pub name: String,
    /// The size of a file in bytes; `None` for folders.
    pub size_bytes: Option<u64>,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.size_bytes.is_none()
    }
}

/// A part of a multipart upload, as the client names it when it asks to put them together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedPart {
    /// Its place, counted from 1.
    pub number: u32,
    /// The entity tag that [`Repository::upload_part`] gave.
    pub etag: String,
}

impl Repository {
    /// The folder of this machine that it is; `None` for a store elsewhere.
    pub fn local_folder(&self) -> Option<&Path> {
        match self {
            Self::Local(local) => Some(local.folder()),
        }
    }

    /// Ends all work in a folder of this machine that nobody else has open, and removes what lies there beside
    /// the artifacts. Waits for other handles to be dropped. Other stores need no end.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn retire(self) -> Result<()> {
        match self {
            Self::Local(local) => local.retire().await,
        }
    }

    /// Whether the store can still be reached as it was when it was opened.
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if not.
    pub async fn check(&self) -> Result<()> {
        match self {
            Self::Local(local) => local.check().await,
        }
    }

    /// The files and folders directly in `folder` (`None` is the root), sorted by name in bytes.
    /// Empty for a folder that is not there, and for a file.
    ///
    /// # Errors
    /// Only faults of the store, and links that lead out of it.
    pub async fn list(&self, folder: Option<&ArtifactPath>) -> Result<Vec<Entry>> {
        match self {
            Self::Local(local) => local.list(folder).await,
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound), [`IsFolder`](crate::Error::IsFolder) and their like.
    pub async fn open(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
        match self {
            Self::Local(local) => local.open_file(path).await,
        }
    }

    /// Stores what `body` yields as one file, in place of any file of that path, and returns its
    /// size in bytes. Folders on the way are made. `expected_bytes` is a hint.
    ///
    /// If `body` fails, or the future is dropped, nothing is stored.
    ///
    /// # Errors
    /// [`IsFolder`](crate::Error::IsFolder) or [`NotAFolder`](crate::Error::NotAFolder) for names
    /// that are taken, [`Interrupted`](crate::Error::Interrupted),
    /// [`DiskFull`](crate::Error::DiskFull), faults of the store.
    pub async fn upload<S, E>(
        &self,
        path: &ArtifactPath,
        expected_bytes: Option<u64>,
        body: S,
    ) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        match self {
            Self::Local(local) => local.upload(path, expected_bytes, body).await,
        }
    }

    /// Removes a file, or a folder with all that is in it. What is not there is removed already.
    ///
    /// # Errors
    /// Faults of the store, and links that lead out of it.
    pub async fn delete(&self, path: &ArtifactPath) -> Result<()> {
        match self {
            Self::Local(local) => local.delete(path).await,
        }
    }

    /// Begins an upload in `parts` parts, which may come in any order and at once.
    ///
    /// # Errors
    /// [`Multipart`](crate::Error::Multipart) if the number of parts is out of bounds,
    /// [`TooManyUploads`](crate::Error::TooManyUploads), faults of the store.
    pub async fn create_multipart(&self, path: &ArtifactPath, parts: u32) -> Result<UploadId> {
        match self {
            Self::Local(local) => local.create_multipart(path, parts).await,
        }
    }

    /// Takes one part, counted from 1, of exactly `size_bytes` bytes, and returns its entity tag.
    /// All parts but the last must be of one size. A part that comes again replaces the first.
    ///
    /// # Errors
    /// [`NoSuchUpload`](crate::Error::NoSuchUpload), [`Multipart`](crate::Error::Multipart) if the
    /// part does not fit the others, and as for [`upload`](Self::upload).
    pub async fn upload_part<S, E>(
        &self,
        upload: &UploadId,
        number: u32,
        size_bytes: u64,
        body: S,
    ) -> Result<String>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        match self {
            Self::Local(local) => local.upload_part(upload, number, size_bytes, body).await,
        }
    }

    /// Puts the parts together: the file appears, whole and durable.
    ///
    /// # Errors
    /// [`NoSuchUpload`](crate::Error::NoSuchUpload), also if `path` is not the one it was begun
    /// for; [`Multipart`](crate::Error::Multipart) if parts are missing or have other tags; then
    /// the upload goes on.
    pub async fn complete_multipart(
        &self,
        upload: &UploadId,
        path: &ArtifactPath,
        parts: &[FinishedPart],
    ) -> Result<()> {
        match self {
            Self::Local(local) => local.complete_multipart(upload, path, parts).await,
        }
    }

    /// Ends an upload and drops its parts.
    ///
    /// # Errors
    /// [`NoSuchUpload`](crate::Error::NoSuchUpload), also if `path` is not the one it was begun
    /// for.
    pub async fn abort_multipart(&self, upload: &UploadId, path: &ArtifactPath) -> Result<()> {
        match self {
            Self::Local(local) => local.abort_multipart(upload, path).await,
        }
    }
}
