//! Uploads in parts that clients send to the store by themselves.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::multipart::PartId;
use object_store::signer::{Method, SignedUrlOptions};

use super::fault::chain;
use super::{CloudRepository, Key, REQUEST};
use crate::error::{Error, Result};
use crate::local::PARTS_MAX;
use crate::path::ArtifactPath;
use crate::repository::{FinishedPart, UploadId};

/// What a store calls a list of parts that is wrong.
const WRONG_PARTS: [&str; 4] =
    ["InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"];

impl CloudRepository {
    /// Whether clients can get URLs for the parts of an upload.
    pub(crate) fn signs_parts(&self) -> bool {
        self.0.bucket.signs_parts()
    }

    pub(crate) async fn create_multipart(
        &self,
        path: &ArtifactPath,
        parts: u32,
    ) -> Result<UploadId> {
        if !self.signs_parts() {
            return Err(not_supported());
        }
        if !(1..=PARTS_MAX).contains(&parts) {
            let text = format!("An upload has 1 to {PARTS_MAX} parts; you asked for {parts}.");
            return Err(Error::Multipart(text));
        }
        let key = self.key(path)?;
        let created = self.0.client.create_multipart(&key);
        UploadId::parse(&self.request("beginning an upload", created).await?)
    }

    /// The URLs to which the parts of an upload are sent, in order.
    pub(crate) async fn part_urls(
        &self,
        path: &ArtifactPath,
        upload: &UploadId,
        parts: u32,
    ) -> Result<Vec<String>> {
        let key = self.key(path)?;
        let mut urls = Vec::new();
        for number in 1..=parts {
            let query = [("partNumber", number.to_string()), ("uploadId", upload.as_str().into())];
            let options = SignedUrlOptions::new().with_query(query);
            let life = self.0.url_life.max(PART_URL_LIFE);
            let url = self.0.client.signed_url_opts(Method::PUT, &key, life, &options).await;
            urls.push(url.map_err(self.failed("signing a URL"))?.into());
        }
        Ok(urls)
    }

    pub(crate) async fn complete_multipart(
        &self,
        upload: &UploadId,
        path: &ArtifactPath,
        listed: &[FinishedPart],
    ) -> Result<()> {
        if !self.signs_parts() {
            return Err(not_supported());
        }
        let parts = in_order(listed)?;
        let (key, id) = (self.key(path)?, upload.as_str().to_owned());
        let finished = Finished { upload: id.clone(), key: key.clone(), tags: digest(&parts) };
        if self.0.completed.holds(&finished) {
            return Ok(());
        }
        let done = self.0.client.complete_multipart(&key, &id, parts);
        match tokio::time::timeout(REQUEST, done).await {
            Ok(Ok(_)) => {
                self.0.completed.add(finished);
                Ok(())
            }
            Ok(Err(error)) => Err(self.why_incomplete(upload, error)),
            Err(_elapsed) => Err(self.silent("putting the parts together")),
        }
    }

    fn why_incomplete(&self, upload: &UploadId, error: object_store::Error) -> Error {
        let text = chain(&error);
        if text.contains("NoSuchUpload") {
            return Error::NoSuchUpload(upload.shown());
        }
        match WRONG_PARTS.iter().find(|code| text.contains(**code)) {
            Some(code) => Error::Multipart(format!(
                "{self} does not put these parts together ({code}): name each with the ETag that \
                 its upload answered; all but the last must have 5 MiB or more."
            )),
            None => self.failed("putting the parts together")(error),
        }
    }

    pub(crate) async fn abort_multipart(
        &self,
        upload: &UploadId,
        path: &ArtifactPath,
    ) -> Result<()> {
        if !self.signs_parts() {
            return Err(not_supported());
        }
        let (key, id) = (self.key(path)?, upload.as_str().to_owned());
        let aborted = self.0.client.abort_multipart(&key, &id);
        match tokio::time::timeout(REQUEST, aborted).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(object_store::Error::NotFound { .. })) => {
                Err(Error::NoSuchUpload(upload.shown()))
            }
            Ok(Err(error)) => Err(self.failed("calling off an upload")(error)),
            Err(_elapsed) => Err(self.silent("calling off an upload")),
        }
    }
}

/// An upload that was put together.
#[derive(Debug, PartialEq, Eq)]
struct Finished {
    upload: String,
    key: Key,
    /// The digest of the parts' tags: there may be thousands.
    tags: u64,
}

fn digest(parts: &[PartId]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in parts {
        part.content_id.hash(&mut hasher);
    }
    hasher.finish()
}

/// The latest uploads that were put together: a client whose answer was lost asks again, and not every store
/// remembers.
#[derive(Debug, Default)]
pub(super) struct Completed(Mutex<VecDeque<Finished>>);

/// Uploads that are remembered, at some hundred bytes each: those of the minutes for which clients repeat.
const REMEMBERED: usize = 1024;

impl Completed {
    fn holds(&self, asked: &Finished) -> bool {
        self.lock().contains(asked)
    }

    fn add(&self, finished: Finished) {
        let mut latest = self.lock();
        if latest.len() == REMEMBERED {
            latest.pop_front();
        }
        latest.push_back(finished);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Finished>> {
        // Nobody can have left it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The least time for which the URL of a part is good, as with MLflow: the last of many parts may
/// be sent long after the first.
const PART_URL_LIFE: std::time::Duration = std::time::Duration::from_secs(3600);

/// MLflow's words, on which its clients send the file as a whole.
fn not_supported() -> Error {
    let text = "Multipart upload is not supported for the current artifact repository";
    Error::NotSupported(text.to_owned())
}

/// The tags of the parts 1, 2, 3 and so on.
fn in_order(listed: &[FinishedPart]) -> Result<Vec<PartId>> {
    let mut listed: Vec<&FinishedPart> = listed.iter().collect();
    listed.sort_by_key(|part| part.number);
    // A store that is given no part at all would make an empty file.
    if listed.is_empty() {
        return Err(Error::Multipart("Name the parts to put together.".into()));
    }
    let in_order = listed.iter().zip(1..).all(|(part, number)| part.number == number);
    if !in_order || listed.len() > PARTS_MAX as usize {
        let text = "Name each part once, counted from 1, without a gap.";
        return Err(Error::Multipart(text.into()));
    }
    Ok(listed.into_iter().map(|part| PartId { content_id: part.etag.clone() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_each_once() {
        let part = |number| FinishedPart { number, etag: format!("\"{number}\"") };
        let listed = [part(2), part(1), part(3)];
        let tags: Vec<_> =
            in_order(&listed).expect("whole").into_iter().map(|it| it.content_id).collect();
        assert_eq!(tags, ["\"1\"", "\"2\"", "\"3\""]);
        for wrong in [vec![], vec![part(2)], vec![part(0), part(1)], vec![part(1), part(1)]] {
            assert!(matches!(in_order(&wrong), Err(Error::Multipart(_))), "{wrong:?}");
        }
    }
}
