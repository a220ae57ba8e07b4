//! Opening a file for reading.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use object_store::{GetOptions, GetRange, ObjectStore as _};

use super::{CloudRepository, Key, REQUEST, kept};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::read::{ArtifactFile, Content};

const OPENING: &str = "opening an artifact";

/// One version of a file.
#[derive(Debug)]
pub(crate) struct Object {
    repository: CloudRepository,
    path: ArtifactPath,
    key: Key,
    /// As the store wrote it.
    etag: Option<String>,
}

impl CloudRepository {
    /// Opens a file; its bytes are asked for when they are wanted.
    pub(crate) async fn open_file(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
        let key = self.key(path)?;
        let options = GetOptions::new().with_head(true);
        let head = tokio::time::timeout(REQUEST, self.0.client.get_opts(&key, options)).await;
        let (meta, digest) = match head.map_err(|_elapsed| self.silent(OPENING))? {
            Ok(head) => (head.meta, kept::digest(&head.attributes)),
            Err(error) => return Err(self.why_not(path, error).await),
        };
        let object =
            Object { repository: self.clone(), path: path.clone(), key, etag: meta.e_tag.clone() };
        let etag = meta.e_tag.unwrap_or_else(|| {
            format!("{:x}-{:x}", meta.last_modified.timestamp_micros(), meta.size)
        });
        Ok(ArtifactFile {
            size_bytes: meta.size,
            modified: meta.last_modified.into(),
            etag: if etag.contains('"') { etag } else { format!("\"{etag}\"") },
            content: Content::Object(object),
            kept: digest,
        })
    }

    async fn why_not(&self, path: &ArtifactPath, error: object_store::Error) -> Error {
        match self.failed_at(path, OPENING)(error) {
            Error::NotFound(path) => match self.is_folder(&path).await {
                Ok(true) => Error::IsFolder(path),
                Ok(false) => Error::NotFound(path),
                Err(error) => error,
            },
            error => error,
        }
    }
}

impl Object {
    /// The bytes in `range`, which is not empty and lies within the file.
    ///
    /// A connection that breaks in between is made anew by the store's client, for the same
    /// version. The stream fails rather than end early.
    ///
    /// # Errors
    /// [`Error::Changed`] if the file was replaced since it was opened.
    pub(crate) async fn read(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let size = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.etag.clone(),
            ..Default::default()
        };
        let answer =
            tokio::time::timeout(REQUEST, self.repository.0.client.get_opts(&self.key, options));
        let answer = answer.await.map_err(|_elapsed| self.repository.silent(OPENING))?;
        let answer = answer.map_err(self.repository.failed_at(&self.path, OPENING));
        let answer = match answer {
            // It was there a moment ago.
            Err(Error::NotFound(path)) => return Err(Error::Changed(path)),
            answer => answer?,
        };
        Ok(whole(answer.into_stream(), size))
    }
}

/// Fails where `stream` is silent for too long or ends before it has given `left` bytes.
fn whole(
    stream: impl Stream<Item = object_store::Result<Bytes>> + Send + Unpin,
    left: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::try_unfold((stream, left), async |(mut stream, left)| {
        if left == 0 {
            return Ok(None);
        }
        let waited = tokio::time::timeout(REQUEST, stream.next()).await;
        let frame = match waited.map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))? {
            Some(frame) => frame.map_err(io::Error::other)?,
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        let Some(left) = left.checked_sub(frame.len() as u64) else {
            return Err(io::Error::other("the artifact store sent more than the file has"));
        };
        Ok(Some((frame, (stream, left))))
    })
}
