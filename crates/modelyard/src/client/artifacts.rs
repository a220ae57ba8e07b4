//! The server's artifact proxy: listing, and bytes in both directions.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use serde::Deserialize;
use ureq::http::{Method, StatusCode, header};

use super::request::{Call, Content, Source, escape};
use super::{Client, Error};

const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// Above this, in bytes, the server is asked whether it wants the file before it is sent.
const ASK_FIRST_ABOVE: u64 = 1 << 20;

/// One line of a folder's listing, not yet checked: the name is whatever the server said.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    #[serde(rename = "path")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_dir: bool,
    /// Bytes; MLflow leaves it out for folders and for empty files.
    #[serde(default)]
    pub(crate) file_size: u64,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    files: Vec<Entry>,
}

/// Hears how many bytes of the current attempt have been read for sending; begins again at 0 with
/// each attempt. An error ends the transfer.
pub(crate) type Sent<'a> = &'a (dyn Fn(u64) -> io::Result<()> + Sync);

/// The bytes of an artifact, on their way.
pub(crate) struct Body {
    /// The bytes.
    pub(crate) reader: Box<dyn Read>,
    /// Where in the file they start: the offset asked for, or 0 when the file has changed.
    pub(crate) start: u64,
    /// Length of the whole file in bytes, if the server told.
    pub(crate) file_size: Option<u64>,
    /// The version of the file, for asking for the rest of the same one.
    pub(crate) etag: Option<String>,
}

impl Client {
    /// What lies directly under a folder of the artifact store; nothing for a file or a path that
    /// does not exist.
    pub(crate) fn list_artifacts(&self, folder: &str) -> Result<Vec<Entry>, Error> {
        let listing: Listing = self.get(PROXY, &[("path", folder)])?;
        Ok(listing.files)
    }

    /// Opens an artifact for reading from `offset` on; beyond 0, `etag` must name the version
    /// whose first part is there already.
    pub(crate) fn get_artifact(
        &self,
        path: &str,
        offset: u64,
        etag: Option<&str>,
    ) -> Result<Body, Error> {
        let mut headers = Vec::new();
        if let (1.., Some(etag)) = (offset, etag) {
            headers.push((header::RANGE, format!("bytes={offset}-")));
            headers.push((header::IF_RANGE, etag.to_owned()));
        }
        let response =
            self.send(&Call { path: proxy(path), headers, short: false, ..Call::get() })?;
        let field = |name| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
        let start = if resumed { offset } else { 0 };
        let length = field(header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        let file_size = length.and_then(|length| length.checked_add(start));
        // A weak version does not promise the same bytes.
        let etag = field(header::ETAG).filter(|etag| !etag.starts_with("W/"));
        let reader = Box::new(response.into_body().into_reader());
        Ok(Body { reader, start, file_size, etag })
    }

    /// Sends a local file of `size` bytes.
    pub(crate) fn put_artifact(
        &self,
        path: &str,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> Result<(), Error> {
        let source = FileSource::new(file, 0, size, sent);
        let mut headers = vec![
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, size.to_string()),
        ];
        if size > ASK_FIRST_ABOVE {
            headers.push((header::EXPECT, "100-continue".to_owned()));
        }
        let mut response = self.send(&Call {
            method: Method::PUT,
            path: proxy(path),
            headers,
            short: false,
            content: Content::Stream(&source),
            ..Call::get()
        })?;
        // The answer says nothing; reading it lets the connection be used again.
        let _ = io::copy(&mut response.body_mut().as_reader(), &mut io::sink());
        Ok(())
    }
}

/// The proxy's URL path of an artifact; each segment is escaped by itself.
fn proxy(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(escape).collect();
    format!("{PROXY}/{}", segments.join("/"))
}

/// A file to be sent, or a part of it.
pub(super) struct FileSource<'a> {
    path: &'a Path,
    /// Where it begins, in bytes.
    offset: u64,
    size: u64,
    sent: Sent<'a>,
    failure: RefCell<Option<io::Error>>,
}

impl<'a> FileSource<'a> {
    pub(super) fn new(path: &'a Path, offset: u64, size: u64, sent: Sent<'a>) -> Self {
        Self { path, offset, size, sent, failure: RefCell::default() }
    }

    fn error(&self, cause: io::Error) -> Error {
        Error::LocalFile { path: self.path.display().to_string(), cause }
    }
}

impl Source for FileSource<'_> {
    fn open(&self) -> Result<Box<dyn Read + '_>, Error> {
        let mut inner = File::open(self.path).map_err(|cause| self.error(cause))?;
        inner.seek(io::SeekFrom::Start(self.offset)).map_err(|cause| self.error(cause))?;
        (self.sent)(0).map_err(|cause| self.error(cause))?;
        Ok(Box::new(Outgoing { source: self, inner, position: 0 }))
    }

    fn failure(&self) -> Option<Error> {
        self.failure.take().map(|cause| self.error(cause))
    }
}

/// A file being sent: counted, cut at the length that was announced, and blamed if it fails.
struct Outgoing<'a> {
    source: &'a FileSource<'a>,
    inner: File,
    position: u64,
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size - self.position;
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = match self.inner.read(&mut buffer[..wanted]) {
            Ok(0) => Err(io::Error::other("it became shorter while it was sent")),
            other => other,
        };
        let told = read.and_then(|count| {
            self.position += count as u64;
            (self.source.sent)(self.position).map(|()| count)
        });
        match told {
            Ok(count) => Ok(count),
            Err(cause) => {
                let text = cause.to_string();
                self.source.failure.replace(Some(cause));
                Err(io::Error::other(text))
            }
        }
    }
}
