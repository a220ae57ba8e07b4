//! One interface to every kind of artifact store.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use modelyard_protocol::digest::Digest;

use crate::checked::checked;
use crate::cloud::{CloudRepository, SignedUrl, Variables};
use crate::error::{Cause, Error, Result};
use crate::local::LocalRepository;
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
    /// A folder of a bucket.
    Cloud(CloudRepository),
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

/// What is said of a file before it comes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Announced {
    /// Its size in bytes: a hint.
    pub size_bytes: Option<u64>,
    /// Its digest: nothing else is stored.
    pub digest: Option<Digest>,
}

impl From<Option<u64>> for Announced {
    fn from(size_bytes: Option<u64>) -> Self {
        Self { size_bytes, digest: None }
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

/// The name of an upload that is under way. Whoever knows it may add parts, so it is not guessable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(String);

/// The longest id, in characters. Those of the stores have some hundred at most.
const UPLOAD_ID_MAX_CHARS: usize = 1024;

impl UploadId {
    /// Reads an id as a client sends it back.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`] for what cannot be an id.
    pub fn parse(text: &str) -> Result<Self> {
        let id = Self(text.to_owned());
        let is_id = (1..=UPLOAD_ID_MAX_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_id { Ok(id) } else { Err(Error::NoSuchUpload(id.shown())) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as error messages repeat it.
    pub(crate) fn shown(&self) -> String {
        self.0.chars().take(64).flat_map(char::escape_debug).collect()
    }
}

/// Where the parts of an upload are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartsGoTo {
    /// To this server.
    Server,
    /// To URLs that the store takes.
    Store,
    /// The store takes files only as a whole.
    Nowhere,
}

impl Repository {
    /// Where the parts of an upload are sent.
    pub fn parts_go_to(&self) -> PartsGoTo {
        match self {
            Self::Local(_) => PartsGoTo::Server,
            Self::Cloud(cloud) if cloud.signs_parts() => PartsGoTo::Store,
            Self::Cloud(_) => PartsGoTo::Nowhere,
        }
    }

    /// Whether files can have URLs of the store.
    pub fn has_urls(&self) -> bool {
        matches!(self, Self::Cloud(_))
    }

    /// The folder of this machine that it is; `None` for a store elsewhere.
    pub fn local_folder(&self) -> Option<&Path> {
        match self {
            Self::Local(local) => Some(local.folder()),
            Self::Cloud(_) => None,
        }
    }

    /// A bucket, as [`location`](Self::location) gave it.
    ///
    /// # Errors
    /// [`Error::Configuration`] for what is no location of a bucket, and for variables that cannot be obeyed.
    pub fn of_bucket(location: &str, variables: &Variables) -> Result<Self> {
        Ok(Self::Cloud(CloudRepository::at(location, variables)?))
    }

    /// Where it is: a folder, or the URI of a bucket's.
    pub fn location(&self) -> String {
        match self {
            Self::Local(local) => local.folder().display().to_string(),
            Self::Cloud(cloud) => cloud.to_string(),
        }
    }

    /// Whether all that is in `other` is in this one, too.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(outer), Self::Local(inner)) => inner.folder().starts_with(outer.folder()),
            (Self::Cloud(outer), Self::Cloud(inner)) => outer.holds(inner),
            _ => false,
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
            Self::Cloud(_) => Ok(()),
        }
    }

    /// Whether the store can still be reached as it was when it was opened.
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if not.
    pub async fn check(&self) -> Result<()> {
        match self {
            Self::Local(local) => local.check().await,
            Self::Cloud(cloud) => cloud.check().await,
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
            Self::Cloud(cloud) => cloud.list(folder).await,
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound), [`IsFolder`](crate::Error::IsFolder) and their like.
    pub async fn open(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
        match self {
            Self::Local(local) => local.open_file(path).await,
            Self::Cloud(cloud) => cloud.open_file(path).await,
        }
    }

    /// Stores what `body` yields as one file, in place of any file of that path, and returns its
    /// size in bytes. Folders on the way are made.
    ///
    /// If `body` fails, is not what was announced, or the future is dropped, nothing is stored.
    ///
    /// # Errors
    /// [`IsFolder`](crate::Error::IsFolder) or [`NotAFolder`](crate::Error::NotAFolder) for names
    /// that are taken, [`Interrupted`](crate::Error::Interrupted),
    /// [`Mismatch`](crate::Error::Mismatch) for another digest than the announced one,
    /// [`DiskFull`](crate::Error::DiskFull), faults of the store.
    pub async fn upload<S, E>(
        &self,
        path: &ArtifactPath,
        announced: impl Into<Announced>,
        body: S,
    ) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        let announced = announced.into();
        let body = checked(body, announced.digest);
        match self {
            Self::Local(local) => local.upload(path, announced.size_bytes, body).await,
            Self::Cloud(cloud) => cloud.upload(path, announced, body).await,
        }
    }

    /// Removes a file, or a folder with all that is in it. What is not there is removed already.
    ///
    /// # Errors
    /// Faults of the store, and links that lead out of it.
    pub async fn delete(&self, path: &ArtifactPath) -> Result<()> {
        match self {
            Self::Local(local) => local.delete(path).await,
            Self::Cloud(cloud) => cloud.delete(path).await,
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
            Self::Cloud(cloud) => cloud.create_multipart(path, parts).await,
        }
    }

    /// Where clients send the parts of an upload: URLs of the store, in order; `None` if they go
    /// through this server, to [`upload_part`](Self::upload_part).
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn part_urls(
        &self,
        path: &ArtifactPath,
        upload: &UploadId,
        parts: u32,
    ) -> Result<Option<Vec<String>>> {
        match self {
            Self::Local(_) => Ok(None),
            Self::Cloud(cloud) => cloud.part_urls(path, upload, parts).await.map(Some),
        }
    }

    /// A URL for reading a file without this server, good for `life` or what the server was told;
    /// `None` if the store has no URLs.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and [`NotSupported`](crate::Error::NotSupported) for
    /// credentials that cannot sign.
    pub async fn download_url(
        &self,
        path: &ArtifactPath,
        life: Option<Duration>,
    ) -> Result<Option<SignedUrl>> {
        match self {
            Self::Local(_) => Ok(None),
            Self::Cloud(cloud) => cloud.download_url(path, life).await.map(Some),
        }
    }

    /// A URL for storing a file without this server; `None` if the store has no URLs.
    ///
    /// # Errors
    /// [`NotSupported`](crate::Error::NotSupported) for credentials that cannot sign.
    pub async fn upload_url(
        &self,
        path: &ArtifactPath,
        life: Duration,
    ) -> Result<Option<SignedUrl>> {
        match self {
            Self::Local(_) => Ok(None),
            Self::Cloud(cloud) => cloud.upload_url(path, life).await.map(Some),
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
            Self::Cloud(_) => Err(Error::Multipart(
                "Parts go to the URLs that the store signed, not to this server.".to_owned(),
            )),
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
            Self::Cloud(cloud) => cloud.complete_multipart(upload, path, parts).await,
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
            Self::Cloud(cloud) => cloud.abort_multipart(upload, path).await,
        }
    }
}
