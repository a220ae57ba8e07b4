//! Opening a file for reading.

use std::io::{self, Read as _};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use cap_std::fs::{File, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{Advice, OFlags};

use super::{Inner, LocalRepository};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::read::{ArtifactFile, Content, SMALL_MAX_BYTES};

const OPENING: &str = "opening an artifact";

impl LocalRepository {
    /// Opens a file; small ones are read at once.
    pub(crate) async fn open_file(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
        let path = path.clone();
        self.blocking(move |inner| inner.open_file(&path)).await
    }
}

impl Inner {
    fn open_file(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
        let mut options = OpenOptions::new();
        // Opening a pipe must not wait for someone to write to it.
        options.read(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = match self.root.open_with(path.as_str(), &options) {
            Ok(file) => file,
            Err(error) => return Err(why_not(path, error)),
        };
        let metadata = file.metadata().map_err(Error::at(path, OPENING))?;
        if metadata.is_dir() {
            return Err(Error::IsFolder(path.clone()));
        }
        if !metadata.is_file() {
            return Err(Error::Special(path.clone()));
        }
        let (size_bytes, modified) = (metadata.size(), metadata.modified().ok());
        Ok(ArtifactFile {
            size_bytes,
            modified: modified.map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std),
            etag: etag(&metadata),
            content: content(file, size_bytes).map_err(Error::at(path, OPENING))?,
            kept: None,
        })
    }
}

fn content(file: File, size_bytes: u64) -> io::Result<Content> {
    let mut file = file.into_std();
    if size_bytes > SMALL_MAX_BYTES {
        // Only advice: not every file system takes it.
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::Sequential);
        return Ok(Content::File(file));
    }
    let mut bytes = Vec::with_capacity(size_bytes as usize);
    file.by_ref().take(size_bytes).read_to_end(&mut bytes)?;
    Ok(Content::Bytes(Bytes::from(bytes)))
}

/// Sockets, and devices without a driver, cannot even be opened.
fn why_not(path: &ArtifactPath, error: io::Error) -> Error {
    let unopenable = [rustix::io::Errno::NXIO, rustix::io::Errno::NODEV];
    if unopenable.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        return Error::Special(path.clone());
    }
    match Error::at(path, OPENING)(error) {
        // Below a file there is nothing to read.
        Error::NotAFolder(path) => Error::NotFound(path),
        error => error,
    }
}

/// Changes whenever the file is replaced (another inode) or written to (time, size).
fn etag(metadata: &Metadata) -> String {
    let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
    format!("\"{:x}-{seconds:x}{nanos:08x}-{:x}\"", metadata.ino(), metadata.size())
}
