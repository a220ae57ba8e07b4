//! Uploads in parts.
//!
//! All parts but the last have one size, which the first of them to arrive tells. So each is
//! written where it belongs in one file that is not in the tree yet, several at once, and putting
//! them together costs nothing. Only the last part, if it comes before any other, has to wait in a
//! file of its own.
//!
//! What is under way is known to this process only: after a restart the client starts again.

mod parts;
mod uploads;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use self::parts::{Parts, Place, Writing};
pub(super) use self::uploads::Uploads;
use super::staged::Staged;
use super::{Inner, LocalRepository, run_blocking};
use crate::error::{Cause, Error, Result};
use crate::path::ArtifactPath;
use crate::portion::Portion;
use crate::repository::{FinishedPart, UploadId};

/// The most parts of one upload: the limit of S3.
pub const PARTS_MAX: u32 = 10_000;
/// The largest part, in bytes: the limit of S3.
pub const PART_MAX_BYTES: u64 = 5 << 30;
/// Bytes that are handed to the file system at once.
const PORTION_BYTES: usize = 1 << 20;

/// One upload that is under way.
struct Upload {
    path: ArtifactPath,
    /// The file of `staged`, for writing to from several threads.
    file: Arc<File>,
    /// Taken when the parts are put together.
    staged: Mutex<Option<Staged>>,
    parts: Mutex<Parts>,
    /// Milliseconds since the epoch; uploads that nobody touches expire.
    touched_ms: AtomicI64,
    /// Writing to disk ahead of the end failed; a later sync may not say so again.
    damaged: AtomicBool,
    writing_back: AtomicBool,
    /// Held while the parts are put together.
    completing: Arc<tokio::sync::Mutex<()>>,
}

impl Upload {
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touched_ms(&self) -> i64 {
        self.touched_ms.load(Ordering::Relaxed)
    }

    fn touch(&self, now_ms: i64) {
        self.touched_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Tells the file system to begin writing to disk, unless it is at it.
    fn write_back(self: &Arc<Self>) {
        if self.writing_back.swap(true, Ordering::Relaxed) {
            return;
        }
        let upload = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = upload.file.sync_data() {
                tracing::error!("syncing a multipart upload: {error}");
                upload.damaged.store(true, Ordering::Relaxed);
            }
            upload.writing_back.store(false, Ordering::Relaxed);
        });
    }
}

impl LocalRepository {
    pub(crate) async fn create_multipart(
        &self,
        path: &ArtifactPath,
        parts: u32,
    ) -> Result<UploadId> {
        if !(1..=PARTS_MAX).contains(&parts) {
            let text = format!("An upload has 1 to {PARTS_MAX} parts; you asked for {parts}.");
            return Err(Error::Multipart(text));
        }
        let path = path.clone();
        self.blocking(move |inner| inner.create_multipart(path, parts)).await
    }

    pub(crate) async fn upload_part<S, E>(
        &self,
        id: &UploadId,
        number: u32,
        size_bytes: u64,
        body: S,
    ) -> Result<String>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        let upload = self.0.uploads.open(id)?;
        upload.touch(self.0.context.now_ms());
        let of_job = Arc::clone(&upload);
        let begun = self.blocking(move |inner| {
            inner.check_room(size_bytes)?;
            Parts::begin(&of_job, number, size_bytes)
        });
        let (place, writing) = begun.await?;
        let apart = match place {
            Place::InFile(offset) => {
                write_at(&upload, &writing, offset, size_bytes, body).await?;
                upload.write_back();
                None
            }
            Place::Apart => {
                let staged = self.blocking(move |inner| inner.stage(None)).await?;
                Some(write_apart(staged, size_bytes, body).await?)
            }
        };
        let etag = format!("\"{}\"", self.0.context.uuid_hex());
        writing.finish(size_bytes, &etag, apart)?;
        upload.touch(self.0.context.now_ms());
        Ok(etag)
    }

    pub(crate) async fn complete_multipart(
        &self,
        id: &UploadId,
        path: &ArtifactPath,
        listed: &[FinishedPart],
    ) -> Result<()> {
        // A client that did not get the answer asks again.
        if self.0.uploads.is_completed(id, path) {
            return Ok(());
        }
        let upload = self.0.uploads.open(id).and_then(|upload| upload.of(path, id))?;
        let alone = Arc::clone(&upload.completing).lock_owned().await;
        if self.0.uploads.is_completed(id, path) {
            return Ok(());
        }
        upload.parts().close(listed)?;
        let staged = upload.staged.lock().unwrap_or_else(PoisonError::into_inner).take();
        let staged = staged.ok_or_else(|| Error::NoSuchUpload(id.shown()))?;
        let (id, of_job) = (id.clone(), Arc::clone(&upload));
        self.blocking(move |inner| {
            // Held by the work, not by the request: a client that breaks off and asks again waits
            // for the end of what it began.
            let _alone = alone;
            let outcome = inner.put_together(&of_job, staged);
            match &outcome {
                Ok(()) => inner.uploads.completed(&id, &of_job.path, inner.context.now_ms()),
                Err(_) => inner.uploads.remove(&id),
            }
            outcome
        })
        .await
    }

    pub(crate) async fn abort_multipart(&self, id: &UploadId, path: &ArtifactPath) -> Result<()> {
        self.0.uploads.open(id).and_then(|upload| upload.of(path, id))?;
        self.0.uploads.remove(id);
        Ok(())
    }
}

impl Inner {
    fn create_multipart(&self, path: ArtifactPath, parts: u32) -> Result<UploadId> {
        if self.root.metadata(path.as_str()).is_ok_and(|there| there.is_dir()) {
            return Err(Error::IsFolder(path));
        }
        let now_ms = self.context.now_ms();
        self.uploads.expire(now_ms);
        let staged = self.stage(None)?;
        let id = UploadId::parse(&self.context.uuid_hex())?;
        let upload = Upload {
            path,
            file: Arc::clone(&staged.file),
            staged: Mutex::new(Some(staged)),
            parts: Mutex::new(Parts::new(parts)),
            touched_ms: AtomicI64::new(now_ms),
            damaged: AtomicBool::new(false),
            writing_back: AtomicBool::new(false),
            completing: Arc::default(),
        };
        self.uploads.insert(&id, upload, now_ms)?;
        Ok(id)
    }

    fn put_together(&self, upload: &Upload, staged: Staged) -> Result<()> {
        let apart = upload.parts().take_apart();
        if let Some((apart, offset)) = apart {
            apart.copy_to(&upload.file, offset)?;
        }
        staged.sync()?;
        if upload.damaged.load(Ordering::Relaxed) {
            let lost = std::io::Error::other("data written earlier did not reach the disk");
            return Err(Error::io("syncing an artifact")(lost));
        }
        self.put_staged(&upload.path, staged)
    }
}

impl Upload {
    /// The upload, if it was begun for `path`.
    fn of(self: Arc<Self>, path: &ArtifactPath, id: &UploadId) -> Result<Arc<Self>> {
        if &self.path == path { Ok(self) } else { Err(Error::NoSuchUpload(id.shown())) }
    }
}

/// Receives a part and writes it to its place.
async fn write_at<S, E>(
    upload: &Arc<Upload>,
    writing: &Arc<Writing>,
    offset: u64,
    size_bytes: u64,
    mut body: S,
) -> Result<()>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
    E: Into<Cause>,
{
    let mut received = 0;
    let mut at = offset;
    let mut write = None;
    loop {
        let portion = next_portion(&mut body).await?;
        let bytes: u64 = portion.iter().map(|frame| frame.len() as u64).sum();
        received += bytes;
        check_size(received, size_bytes, portion.is_empty())?;
        if let Some(previous) = write.take() {
            super::upload::joined(previous).await?;
        }
        if portion.is_empty() {
            return Ok(());
        }
        let (upload, writing) = (Arc::clone(upload), Arc::clone(writing));
        write = Some(tokio::task::spawn_blocking(move || {
            let _turn = writing.lock()?;
            let mut at = at;
            for frame in &portion {
                let written = upload.file.write_all_at(frame, at);
                written.map_err(Error::io("writing a part"))?;
                at += frame.len() as u64;
            }
            Ok(())
        }));
        at += bytes;
    }
}

/// Receives a part into a file of its own.
async fn write_apart<S, E>(mut staged: Staged, size_bytes: u64, mut body: S) -> Result<Staged>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
    E: Into<Cause>,
{
    let mut received = 0;
    loop {
        let portion = next_portion(&mut body).await?;
        received += portion.iter().map(|frame| frame.len() as u64).sum::<u64>();
        check_size(received, size_bytes, portion.is_empty())?;
        if portion.is_empty() {
            return Ok(staged);
        }
        staged = run_blocking(move || staged.write(&portion).map(|()| staged)).await?;
    }
}

/// The next megabyte or so; empty at the end.
async fn next_portion<S, E>(body: &mut S) -> Result<Vec<Bytes>>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: Into<Cause>,
{
    let mut portion = Portion::default();
    while portion.len() < PORTION_BYTES {
        match body.next().await {
            Some(Ok(frame)) => portion.push(frame),
            Some(Err(cause)) => return Err(Error::ended_by(cause.into())),
            None => break,
        }
    }
    Ok(portion.take())
}

fn check_size(received: u64, expected: u64, ended: bool) -> Result<()> {
    if received > expected || (ended && received < expected) {
        let text = format!("The part was announced with {expected} bytes but has {received}.");
        return Err(Error::Multipart(text));
    }
    Ok(())
}
