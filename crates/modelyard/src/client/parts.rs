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

use super::artifacts::{FileSource, Sent};
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

#[derive(Deserialize)]
struct ServerInfo {
    #[serde(default)]
    multipart_uploads_enabled: bool,
}

/// A part: where it goes, and which bytes of the file it is.
struct Part<'a> {
    credential: &'a MultipartUploadCredential,
    offset: u64,
    size: u64,
}

impl Client {
    /// Whether the server offers uploads in parts. One that cannot tell does not.
    pub(crate) fn offers_parts(&self) -> bool {
        let info = self.get::<ServerInfo>("/api/3.0/mlflow/server-info", &[]);
        info.is_ok_and(|info| info.multipart_uploads_enabled)
    }

    /// Sends a local file of `size` bytes in parts. If one cannot be sent, the upload is called off; the file goes
    /// whole through the server if that was because the store cannot be reached from here.
    pub(crate) fn put_in_parts(
        &self,
        path: &str,
        file: &Path,
        size: u64,
        sent: Sent<'_>,
    ) -> Result<(), Error> {
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
                offset: index * part_bytes,
                size: part_bytes.min(size - index * part_bytes),
            })
            .collect();
        let outcome = self.send_all(&parts, file, sent).and_then(|tags| {
            let parts: Vec<Value> = parts
                .iter()
                .zip(tags)
                .map(|(part, tag)| {
                    let MultipartUploadCredential { part_number, url, .. } = part.credential;
                    json!({"part_number": part_number, "etag": tag, "url": url})
                })
                .collect();
            let complete = json!({"path": name, "upload_id": upload, "parts": parts});
            self.post::<Value>(&format!("{ROUTE}/complete/{folder}"), &complete, true)
        });
        let Err(error) = outcome else { return Ok(()) };
        let abort = json!({"path": name, "upload_id": upload});
        // What went wrong before is what matters.
        let _ = self.post::<Value>(&format!("{ROUTE}/abort/{folder}"), &abort, true);
        match error {
            // The store may be where only the server reaches it.
            Error::Unreachable { .. } => self.put_artifact(path, file, size, sent),
            error => Err(error),
        }
    }

    /// Sends all parts; their tags, in order.
    fn send_all(
        &self,
        parts: &[Part<'_>],
        file: &Path,
        sent: Sent<'_>,
    ) -> Result<Vec<String>, Error> {
        let next = AtomicUsize::new(0);
        let positions = Mutex::new(vec![0; parts.len()]);
        let tags = Mutex::new(vec![String::new(); parts.len()]);
        let first_error = Mutex::new(None);
        let worker = || {
            while locked(&first_error).is_none()
                && let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some(part) = parts.get(index)
            {
                let told = |position: u64| -> io::Result<()> {
                    if locked(&first_error).is_some() {
                        return Err(io::Error::other("another part failed"));
                    }
                    let mut positions = locked(&positions);
                    positions[index] = position;
                    // Under the lock, so that the sums are told in their order.
                    sent(positions.iter().sum())
                };
                match self.send_part(part, file, &told) {
                    Ok(tag) => locked(&tags)[index] = tag,
                    Err(error) => _ = locked(&first_error).get_or_insert(error),
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..parts.len().min(AT_ONCE) {
                scope.spawn(worker);
            }
        });
        match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(tags.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn send_part(&self, part: &Part<'_>, file: &Path, sent: Sent<'_>) -> Result<String, Error> {
        let MultipartUploadCredential { url, headers, .. } = part.credential;
        let (client, path) = self.of_url(url)?;
        let mut all_headers = vec![(header::CONTENT_LENGTH, part.size.to_string())];
        for (name, value) in headers {
            let name = name.parse().map_err(|_error| Error::Answer {
                url: self.address().to_string(),
                cause: format!("'{}' is no header", name.escape_debug()),
            })?;
            all_headers.push((name, value.clone()));
        }
        let source = FileSource::new(file, part.offset, part.size, sent);
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
        tag.map(str::to_owned).ok_or_else(|| Error::Answer {
            url: shown(url),
            cause: "it took a part and names no ETag".to_owned(),
        })
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
            let text = "a part of the file is not taken".to_owned();
            Error::Status { url: shown(&url), status, text }
        }
        other => other,
    }
}
