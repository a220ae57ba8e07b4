//! The server's artifact proxy: listing, and bytes in both directions.

use std::io::{self, Read};
use std::path::Path;

use modelyard_protocol::digest::{Digest, REPR_DIGEST, WANT_REPR_DIGEST, WANTED};
use serde::Deserialize;
use ureq::http::header::HeaderName;
use ureq::http::{Method, StatusCode, header};

use super::checksum::Algorithm;
use super::file_source::{FileSource, Piece};
use super::request::{Call, Content, escape};
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
    /// Digest of the whole file, if the server told. It is asked for it with a file from the beginning on.
    pub(crate) digest: Option<Digest>,
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
        } else {
            // Not for the rest of a file: the server may have to read all of it, each time.
            headers.push((HeaderName::from_static(WANT_REPR_DIGEST), WANTED.to_owned()));
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
        let lines = response.headers().get_all(REPR_DIGEST).iter().map(|value| value.as_bytes());
        // One that cannot be read is none, as RFC 9651 has it.
        let digest = Digest::from_field(lines).ok().flatten();
        let reader = Box::new(response.into_body().into_reader());
        Ok(Body { reader, start, file_size, etag, digest })
    }

    /// Sends a local file of `size` bytes with its digest. Whether the server says that it compared it.
    pub(crate) fn put_artifact(
        &self,
        path: &str,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> Result<bool, Error> {
        let piece = Piece { path: file, offset: 0, size, file_size: size };
        let checksum = piece.checksum(Algorithm::Sha256)?;
        let source = FileSource::new(piece, checksum, sent);
        let mut headers = vec![
            checksum.of_file(),
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
        Ok(checksum.is_confirmed_by(response.headers()))
    }
}

/// The proxy's URL path of an artifact; each segment is escaped by itself.
fn proxy(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(escape).collect();
    format!("{PROXY}/{}", segments.join("/"))
}
