//! Files opened for reading, whatever store they come from.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::Either;
use futures_util::{Stream, TryStreamExt as _, stream};
use modelyard_protocol::digest::{Digest, Hasher};
use rustix::buffer::spare_capacity;
use tokio::task::JoinHandle;

use crate::cloud::Object;
use crate::error::Result;

/// Files up to this size, in bytes, are read in one go when they are opened.
pub(crate) const SMALL_MAX_BYTES: u64 = 256 << 10;
/// Bytes of one portion of a larger file. One portion is read while the one before is sent; a
/// client that does not take them holds these two and no thread.
const PORTION_BYTES: u64 = 512 << 10;

/// An artifact opened for reading: a snapshot, for a file that is replaced meanwhile is another.
#[derive(Debug)]
pub struct ArtifactFile {
    /// Size in bytes.
    pub size_bytes: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// A strong entity tag, in its quotes.
    pub etag: String,
    pub(crate) content: Content,
    /// The digest, if the store keeps one.
    pub(crate) kept: Option<Digest>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(File),
    Object(Object),
}

impl ArtifactFile {
    /// The digest of the whole file: what the store keeps, or else by reading it all. `None` if that takes longer
    /// than `patience`, or the file cannot be read to its end.
    pub async fn digest(&self, patience: Duration) -> Option<Digest> {
        if self.kept.is_some() {
            return self.kept;
        }
        let read = async {
            match &self.content {
                Content::Bytes(bytes) if bytes.len() as u64 == self.size_bytes => {
                    let bytes = bytes.clone();
                    tokio::task::spawn_blocking(move || Digest::of(&bytes)).await.ok()
                }
                Content::Bytes(_) => None,
                Content::File(file) => of_file(file.try_clone().ok()?, self.size_bytes).await,
                Content::Object(_) if self.size_bytes == 0 => Some(Digest::of(b"")),
                Content::Object(object) => of_object(object, self.size_bytes).await,
            }
        };
        tokio::time::timeout(patience, read).await.ok().flatten()
    }

    /// The bytes in `range`, which is cut to the size of the file.
    ///
    /// The stream fails if the file becomes shorter meanwhile.
    ///
    /// # Errors
    /// [`Changed`](crate::Error::Changed) if a store has only a newer version by now, and faults of
    /// the store.
    pub async fn into_stream(
        self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let range = range.start.min(self.size_bytes)..range.end.min(self.size_bytes);
        let reader = match self.content {
            Content::Bytes(bytes) => Reader::Last(slice(&bytes, &range)),
            Content::File(file) => Reader::start(file, range),
            Content::Object(_) if range.is_empty() => Reader::Done,
            Content::Object(object) => return Ok(Either::Left(object.read(range).await?)),
        };
        Ok(Either::Right(stream::try_unfold(reader, Reader::step)))
    }
}

/// Reads on a thread that may block, in portions, so that it ends soon when nobody waits any more.
async fn of_file(mut file: File, size_bytes: u64) -> Option<Digest> {
    let mut hasher = Hasher::default();
    let mut at = 0;
    while at < size_bytes {
        let portion = at..size_bytes.min(at + PORTION_BYTES);
        at = portion.end;
        let job = move || {
            let (file, bytes) = read(file, &portion)?;
            hasher.add(&bytes);
            io::Result::Ok((file, hasher))
        };
        (file, hasher) = tokio::task::spawn_blocking(job).await.ok()?.ok()?;
    }
    Some(hasher.finish())
}

async fn of_object(object: &Object, size_bytes: u64) -> Option<Digest> {
    let mut bytes = std::pin::pin!(object.read(0..size_bytes).await.ok()?);
    let mut hasher = Hasher::default();
    while let Some(frame) = bytes.try_next().await.ok()? {
        hasher.add(&frame);
    }
    Some(hasher.finish())
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> io::Result<Bytes> {
    let (start, end) = (range.start as usize, range.end as usize);
    if end > bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.slice(start..end))
}

enum Reader {
    /// A portion is being read; the rest follows.
    Reading(JoinHandle<io::Result<(File, Bytes)>>, Range<u64>),
    /// One more portion.
    Last(io::Result<Bytes>),
    Done,
}

impl Reader {
    fn start(file: File, range: Range<u64>) -> Self {
        let portion = range.start..range.end.min(range.start + PORTION_BYTES);
        if portion.is_empty() {
            return Self::Done;
        }
        let rest = portion.end..range.end;
        Self::Reading(tokio::task::spawn_blocking(move || read(file, &portion)), rest)
    }

    /// The next portion, with reading of the one after it begun.
    async fn step(self) -> io::Result<Option<(Bytes, Self)>> {
        match self {
            Self::Reading(task, rest) => {
                let (file, bytes) = task.await.map_err(io::Error::other)??;
                Ok(Some((bytes, Self::start(file, rest))))
            }
            Self::Last(bytes) => bytes.map(|bytes| Some((bytes, Self::Done))),
            Self::Done => Ok(None),
        }
    }
}

fn read(file: File, range: &Range<u64>) -> io::Result<(File, Bytes)> {
    let size = (range.end - range.start) as usize;
    // Not zeroed before it is filled.
    let mut buffer = Vec::with_capacity(size);
    while buffer.len() < size {
        let at = range.start + buffer.len() as u64;
        match rustix::io::pread(&file, spare_capacity(&mut buffer), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(size);
    Ok((file, buffer.into()))
}
