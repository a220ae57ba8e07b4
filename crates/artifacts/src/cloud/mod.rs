//! Artifacts in a bucket of S3, Google Cloud Storage or Azure Blob Storage.
//!
//! An object appears whole or not at all, so what is here has to see to the rest: that an upload
//! that breaks off leaves nothing behind, that a reader gets one version of a file and not the
//! halves of two, and that a store that is slow or silent becomes an error in bounded time.
//!
//! A bucket has no folders, only keys with `/` in them. So, unlike in a folder of a disk, `a` and
//! `a/b` may both be files, an empty folder does not exist, and a folder is removed file by file.

mod delete;
mod fault;
mod kept;
mod list;
mod multipart;
mod open;
mod read;
mod sign;
mod upload;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::signer::Signer;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::uri::{ArtifactUri, Place};

pub use self::fault::Fault;
use self::multipart::Completed;
pub use self::open::Variables;
pub(crate) use self::open::{Bucket, Settings};
pub(crate) use self::read::Object;
pub use self::sign::SignedUrl;

/// The longest key that every store takes, in bytes: the limit of S3 and Google.
const KEY_MAX_BYTES: usize = 1024;
/// How long one request may take with all its repetitions. Clients wait for 120 s.
const REQUEST: Duration = Duration::from_secs(90);
/// The same for a mere look whether the store is there.
const CHECK: Duration = Duration::from_secs(15);
/// Memory for what all uploads together hold before the store has it, in MiB.
const UPLOADS_MIB: usize = 512;

/// What a store must be able to do.
trait Client: ObjectStore + MultipartStore + PaginatedListStore + Signer {}

impl<T: ObjectStore + MultipartStore + PaginatedListStore + Signer> Client for T {}

/// A cheap, cloneable handle on a folder of a bucket.
#[derive(Clone)]
pub struct CloudRepository(Arc<Inner>);

struct Inner {
    client: Box<dyn Client>,
    bucket: Bucket,
    /// The folder within the bucket; `None` is the whole bucket.
    folder: Option<ArtifactPath>,
    /// Headers that whoever stores an object through a signed URL must send.
    put_headers: Vec<(String, String)>,
    /// How long a signed URL is good unless its user says otherwise.
    url_life: Duration,
    memory: Arc<Semaphore>,
    completed: Completed,
}

impl CloudRepository {
    /// Makes a handle on `folder` of a bucket; connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the variables contradict themselves or ask for what is not
    /// supported.
    pub(crate) fn open(
        bucket: &Bucket,
        folder: Option<ArtifactPath>,
        variables: &Variables,
    ) -> Result<Self> {
        let Settings { client, put_headers, url_life } = open::client(bucket, variables)?;
        Ok(Self(Arc::new(Inner {
            client,
            bucket: bucket.clone(),
            folder,
            put_headers,
            url_life,
            memory: Arc::new(Semaphore::new(UPLOADS_MIB)),
            completed: Completed::default(),
        })))
    }

    /// Makes a handle on the folder of a bucket that a location names.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and if it names none.
    pub(crate) fn at(location: &str, variables: &Variables) -> Result<Self> {
        let uri = ArtifactUri::parse(location, Path::new("/"))?;
        let found = match uri.place() {
            Place::Remote(remote) => Bucket::of(remote)?,
            Place::Local(_) | Place::Proxied(_) => None,
        };
        let Some((bucket, folder)) = found else {
            return Err(Error::Configuration(format!("{location} is not in a bucket")));
        };
        Self::open(&bucket, folder, variables)
    }

    /// The folder within the bucket; `None` is the whole bucket.
    pub(crate) fn folder(&self) -> Option<&ArtifactPath> {
        self.0.folder.as_ref()
    }

    /// The way from here to a folder of a bucket (`Some(None)`: it is this one); `None` if it lies elsewhere.
    pub(crate) fn way_to(
        &self,
        bucket: &Bucket,
        folder: Option<&ArtifactPath>,
    ) -> Option<Option<ArtifactPath>> {
        if self.0.bucket != *bucket {
            return None;
        }
        match (&self.0.folder, folder) {
            (None, folder) => Some(folder.cloned()),
            (Some(own), folder) => folder?.relative_to(own),
        }
    }

    /// Whether the folder of `other` is this one, or below it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.way_to(&other.0.bucket, other.folder()).is_some()
    }

    /// Whether the bucket is there and lets this server in.
    pub(crate) async fn check(&self) -> Result<()> {
        let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
        let prefix = self.0.folder.as_ref().map(|folder| format!("{folder}/"));
        let looked = self.0.client.list_paginated(prefix.as_deref(), options);
        match tokio::time::timeout(CHECK, looked).await {
            Ok(Ok(_)) => Ok(()),
            // Nothing else is looked for that could be missing.
            Ok(Err(object_store::Error::NotFound { .. })) => Err(self.fault("", Fault::NoBucket)),
            Ok(Err(error)) => Err(self.failed("looking at the bucket")(error)),
            Err(_) => Err(self.silent("looking at the bucket")),
        }
    }

    /// The key of a path.
    fn key(&self, path: &ArtifactPath) -> Result<Key> {
        let text = match &self.0.folder {
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_string(),
        };
        self.key_of(&text)
    }

    /// The key of a folder; `None` for the whole bucket.
    fn folder_key(&self, folder: Option<&ArtifactPath>) -> Result<Option<Key>> {
        match (folder, &self.0.folder) {
            (Some(folder), _) => self.key(folder).map(Some),
            (None, Some(own)) => self.key_of(own.as_str()).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn key_of(&self, text: &str) -> Result<Key> {
        if text.len() > KEY_MAX_BYTES {
            return Err(Error::KeyTooLong { max_bytes: KEY_MAX_BYTES, bytes: text.len() });
        }
        // As it is: the other way of making a key escapes some characters, and then MLflow's own
        // clients would find the file under another name.
        Key::parse(text).map_err(|error| self.failed("naming an object")(error.into()))
    }

    /// Waits for the store, but not for ever.
    async fn request<T>(
        &self,
        action: &'static str,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(REQUEST, request).await {
            Ok(outcome) => outcome.map_err(self.failed(action)),
            Err(_) => Err(self.silent(action)),
        }
    }

    /// Whether anything lies below `path`.
    async fn is_folder(&self, path: &ArtifactPath) -> Result<bool> {
        let prefix = format!("{}/", self.key(path)?);
        let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
        let listed = self.0.client.list_paginated(Some(&prefix), options);
        let listed = self.request("looking for a folder", listed).await?.result;
        Ok(!listed.objects.is_empty() || !listed.common_prefixes.is_empty())
    }
}

impl fmt::Debug for CloudRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloudRepository").field(&self.to_string()).finish()
    }
}

/// The location, for logs and messages; it holds no secret.
impl fmt::Display for CloudRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.folder {
            Some(folder) => write!(f, "{}/{folder}", self.0.bucket),
            None => write!(f, "{}", self.0.bucket),
        }
    }
}
