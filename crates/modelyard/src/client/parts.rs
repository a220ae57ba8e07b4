//! Uploads of large files in parts, several at once, to the URLs that the server names: its own, or those of the
//! store behind it.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use modelyard_protocol::messages::transfers::{MultipartUpload, MultipartUploadCredential};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{Method, header};

use super::artifacts::Sent;
use super::checksum::{Algorithm, Checksum};
use super::file_source::{FileSource, Piece};
use super::request::{Call, Content, escape};
use super::{Address, Client, Error};

/// Files of so many bytes and more go in parts: for smaller ones one connection is fast enough.
pub(crate) const IN_PARTS_FROM_BYTES: u64 = 64 << 20;
/// The least size of a part, in bytes: what is sent again when one fails.
const PART_BYTES: u64 = 16 << 20;
/// The most parts that servers and stores take.
const PARTS_MAX: u64 = 10_000;
/// Parts that are sent at once, of each file.
const AT_ONCE: usize = 4;
const ROUTE: &str = "/api/2.0/mlflow-artifacts/mpu";
/// What the URLs of parts have in them that go to a tracking server.
const PART: &str = "/mlflow-artifacts/mpu/part/";
/// What the URLs of old signatures have in them. Those cover `Content-MD5`, so that one may not be added.
const SIGNED_WITH_MD5: [&str; 2] = ["AWSAccessKeyId=", "GoogleAccessId="];

#[derive(Deserialize)]
struct ServerInfo {
    #[serde(default)]
    multipart_uploads_enabled: bool,
}

/// A part: where it goes, and which bytes of the file it is.
struct Part<'a> {
    credential: &'a MultipartUploadCredential,
    piece: Piece<'a>,
}

/// A part that has arrived.
struct Stored {
    tag: String,
    /// Whether its receiver shows that it has the right bytes.
    verified: bool,
}

impl Client {
    /// Whether the server offers uploads in parts. One that cannot tell does not.
    pub(crate) fn offers_parts(&self) -> bool {
        let info = self.get::<ServerInfo>("/api/3.0/mlflow/server-info", &[]);
        info.is_ok_and(|info| info.multipart_uploads_enabled)
    }

    /// Sends a local file of `size` bytes in parts, each with its checksum. Whether all receivers show that they
    /// compared them. All of the file is read before the first part is sent, so that what arrives is the file as
    /// it was at one moment. If one cannot be sent, the upload is called off; the file goes
    /// whole through the server if that was because the store cannot be reached from here.
    pub(crate) fn put_in_parts(
        &self,
        path: &str,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> Result<bool, Error> {
        // Beside the root of all artifacts there is no folder to name.
        let Some((folder, name)) = path.rsplit_once('/') else {
            return self.put_artifact(path, file, size, sent);
        };
        let folder: Vec<String> = folder.split('/').map(escape).collect();
        let folder = folder.join("/");
        let part_bytes = PART_BYTES.max(size.div_ceil(PARTS_MAX));
        let count = size.div_ceil(part_bytes);
        let create = json!({"path": name, "num_parts": count});
        let begun: MultipartUpload =
            self.post(&format!("{ROUTE}/create/{folder}"), &create, false)?;
        if begun.credentials.len() as u64 != count {
            let cause = format!("it names {} parts, not {count}", begun.credentials.len());
            return Err(Error::Answer { url: self.address().to_string(), cause });
        }
        let upload = &begun.upload_id;
        let parts: Vec<Part<'_>> = begun
            .credentials
            .iter()
            .zip(0..count)
            .map(|(credential, index)| Part {
                credential,
                piece: Piece {
                    path: file,
                    offset: index * part_bytes,
                    size: part_bytes.min(size - index * part_bytes),
                    file_size: size,
                },
            })
            .collect();
        let outcome = self.send_all(&parts, sent).and_then(|stored| {
            let listed: Vec<Value> = parts
                .iter()
                .zip(&stored)
                .map(|(part, stored)| {
                    let MultipartUploadCredential { part_number, url, .. } = part.credential;
                    json!({"part_number": part_number, "etag": stored.tag, "url": url})
                })
                .collect();
            let complete = json!({"path": name, "upload_id": upload, "parts": listed});
            self.post::<Value>(&format!("{ROUTE}/complete/{folder}"), &complete, true)?;
            Ok(stored.iter().all(|stored| stored.verified))
        });
        let error = match outcome {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        let abort = json!({"path": name, "upload_id": upload});
        // What went wrong before is what matters.
        let _ = self.post::<Value>(&format!("{ROUTE}/abort/{folder}"), &abort, true);
        match error {
            // The store may be where only the server reaches it.
            Error::Unreachable { .. } => self.put_artifact(path, file, size, sent),
            error => Err(error),
        }
    }

    /// Reads all parts for their checksums, then sends them.
    fn send_all(&self, parts: &[Part<'_>], sent: Sent<'_>) -> Result<Vec<Stored>, Error> {
        let checksums = each(parts, |_, part, first_error| {
            // Nothing is sent yet, but whoever waits may have given up.
            sent(0).map_err(|cause| part.piece.error(cause))?;
            first_error.check().map_err(|cause| part.piece.error(cause))?;
            part.piece.checksum(part.algorithm())
        })?;
        let positions = Mutex::new(vec![0; parts.len()]);
        each(parts, |index, part, first_error| {
            let told = |position: u64| -> io::Result<()> {
                first_error.check()?;
                let mut positions = locked(&positions);
                positions[index] = position;
                // Under the lock, so that the sums are told in their order.
                sent(positions.iter().sum())
            };
            self.send_part(part, checksums[index], &told)
        })
    }

    fn send_part(
        &self,
        part: &Part<'_>,
        checksum: Checksum,
        sent: Sent<'_>,
    ) -> Result<Stored, Error> {
        let MultipartUploadCredential { url, headers, .. } = part.credential;
        let (client, path) = self.of_url(url)?;
        let mut all_headers = vec![(header::CONTENT_LENGTH, part.piece.size.to_string())];
        for (name, value) in headers {
            let name = name.parse().map_err(|_error| Error::Answer {
                url: self.address().to_string(),
                cause: format!("'{}' is no header", name.escape_debug()),
            })?;
            all_headers.push((name, value.clone()));
        }
        let (name, value) = checksum.of_part();
        if part.takes_checksum() && all_headers.iter().all(|(given, _)| *given != name) {
            all_headers.push((name, value));
        }
        let source = FileSource::new(part.piece, checksum, sent);
        let call = Call {
            method: Method::PUT,
            path,
            headers: all_headers,
            short: false,
            content: Content::Stream(&source),
            ..Call::get()
        };
        let response = client.send(&call).map_err(without_query)?;
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.ok_or_else(|| Error::Answer {
            url: shown(url),
            cause: "it took a part and names no ETag".to_owned(),
        })?;
        let verified = checksum.is_confirmed_by(response.headers());
        Ok(Stored { tag: tag.to_owned(), verified })
    }

    /// A client of the server of a URL, and the rest of the URL. This server's credentials stay behind: the URL is
    /// the right.
    fn of_url(&self, url: &str) -> Result<(Self, String), Error> {
        let start = url.find("://").map_or(0, |at| at + 3);
        let rest = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
        let address = Address::parse(&url[..rest])?;
        let client = Self { address, authorization: None, workspace: None, ..self.clone() };
        Ok((client, url[rest..].to_owned()))
    }
}

impl Part<'_> {
    /// By what the receiver compares it.
    fn algorithm(&self) -> Algorithm {
        let url = &self.credential.url;
        let path = url.split('?').next().unwrap_or_default();
        if path.contains(PART) { Algorithm::Sha256 } else { Algorithm::Md5 }
    }

    /// Whether a field for it may be added to the request.
    fn takes_checksum(&self) -> bool {
        let (_, query) = self.credential.url.split_once('?').unwrap_or_default();
        !SIGNED_WITH_MD5.iter().any(|name| query.contains(name))
    }
}

/// The first error of several threads.
struct FirstError(Mutex<Option<Error>>);

impl FirstError {
    /// An error once there is one: going on would be in vain.
    fn check(&self) -> io::Result<()> {
        match *locked(&self.0) {
            Some(_) => Err(io::Error::other("another part failed")),
            None => Ok(()),
        }
    }
}

/// Does `work` for each part, several at once; what it gave, in order.
fn each<T: Send>(
    parts: &[Part<'_>],
    work: impl Fn(usize, &Part<'_>, &FirstError) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(parts.len()));
    let first_error = FirstError(Mutex::new(None));
    let worker = || {
        while first_error.check().is_ok()
            && let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(part) = parts.get(index)
        {
            match work(index, part, &first_error) {
                Ok(given) => locked(&done).push((index, given)),
                Err(error) => _ = locked(&first_error.0).get_or_insert(error),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..parts.len().min(AT_ONCE) {
            scope.spawn(worker);
        }
    });
    match first_error.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => {
            let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
            done.sort_by_key(|(index, _)| *index);
            Ok(done.into_iter().map(|(_, given)| given).collect())
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A signed URL without what makes it one.
fn shown(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// Stores say why in XML, for programs of their own.
fn without_query(error: Error) -> Error {
    match error {
        Error::Status { url, status, .. } => {
            let text = match status {
                // Among other things, for another checksum.
                400 => "a part of the file is not taken; it may have been damaged on the way",
                _ => "a part of the file is not taken",
            };
            Error::Status { url: shown(&url), status, text: text.to_owned() }
        }
        other => other,
    }
}
