//! Putting a file into the tree: small ones through the journal, large ones by streaming.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::task::JoinHandle;

use super::staged::Staged;
use super::tree::{self, Parent};
use super::{Inner, LocalRepository, run_blocking};
use crate::error::{Cause, Error, Result};
use crate::path::ArtifactPath;
use crate::portion::Portion;

/// Files up to this size, in bytes, go through the journal. Beyond it, writing everything twice
/// costs more than the commits of the file system that this saves.
pub(super) const JOURNALED_MAX_BYTES: usize = 64 << 10;
/// Bytes that are handed to the file system at once. Two such portions are held per upload: one is
/// written while the other is received.
const PORTION_BYTES: usize = 1 << 20;
/// After this many bytes the file system is told to begin writing to disk, so that the sync at the
/// end finds little to do.
const WRITE_BACK_BYTES: u64 = 32 << 20;

impl LocalRepository {
    /// Stores a file, in place of any file that has the path, and returns its size in bytes once
    /// it is durable. If the future is dropped before that, nothing is stored.
    pub(crate) async fn upload<S, E>(
        &self,
        path: &ArtifactPath,
        expected_bytes: Option<u64>,
        mut body: S,
    ) -> Result<u64>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: Into<Cause>,
    {
        let mut start = Portion::default();
        while start.len() <= JOURNALED_MAX_BYTES {
            let Some(frame) = next_frame(&mut body).await? else {
                let (path, size) = (path.clone(), start.len());
                let pieces = start.take();
                self.blocking(move |inner| inner.put_journaled(&path, &pieces)).await?;
                return Ok(size as u64);
            };
            start.push(frame);
        }
        let staged = self.blocking(move |inner| inner.stage(expected_bytes)).await?;
        let mut writing = Writing::start(staged, start);
        while let Some(frame) = next_frame(&mut body).await? {
            writing.push(frame).await?;
        }
        let size = writing.received;
        let staged = writing.finish().await?;
        let path = path.clone();
        self.blocking(move |inner| {
            staged.sync()?;
            inner.put_staged(&path, staged)
        })
        .await?;
        Ok(size)
    }
}

async fn next_frame<S, E>(body: &mut S) -> Result<Option<Bytes>>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: Into<Cause>,
{
    body.next().await.transpose().map_err(|cause| Error::ended_by(cause.into()))
}

/// A large upload: receives one portion while another one is written.
struct Writing {
    /// What is received and not yet handed over.
    portion: Portion,
    received: u64,
    written_back: u64,
    /// Gives the file back when the portion before this one is written.
    writer: JoinHandle<Result<Staged>>,
    /// Writing to disk ahead of the end.
    write_back: Option<JoinHandle<Result<()>>>,
}

impl Writing {
    fn start(staged: Staged, mut start: Portion) -> Self {
        Self {
            portion: Portion::default(),
            received: start.len() as u64,
            written_back: 0,
            writer: write(staged, start.take()),
            write_back: None,
        }
    }

    async fn push(&mut self, frame: Bytes) -> Result<()> {
        self.received += frame.len() as u64;
        self.portion.push(frame);
        if self.portion.len() < PORTION_BYTES {
            return Ok(());
        }
        let staged = joined(&mut self.writer).await?;
        self.begin_write_back(&staged).await?;
        self.writer = write(staged, self.portion.take());
        Ok(())
    }

    async fn begin_write_back(&mut self, staged: &Staged) -> Result<()> {
        if self.received - self.written_back < WRITE_BACK_BYTES {
            return Ok(());
        }
        match &mut self.write_back {
            Some(running) if !running.is_finished() => return Ok(()),
            // A failure to write is reported once; whoever does not look at it loses data.
            Some(ended) => joined(ended).await?,
            None => {}
        }
        let file = Arc::clone(&staged.file);
        self.written_back = self.received;
        self.write_back = Some(tokio::task::spawn_blocking(move || {
            file.sync_data().map_err(Error::io("syncing an artifact"))
        }));
        Ok(())
    }

    async fn finish(mut self) -> Result<Staged> {
        let mut staged = joined(&mut self.writer).await?;
        if let Some(running) = &mut self.write_back {
            joined(running).await?;
        }
        let rest = self.portion.take();
        run_blocking(move || staged.write(&rest).map(|()| staged)).await
    }
}

fn write(mut staged: Staged, frames: Vec<Bytes>) -> JoinHandle<Result<Staged>> {
    tokio::task::spawn_blocking(move || staged.write(&frames).map(|()| staged))
}

pub(super) async fn joined<T>(
    task: impl Future<Output = std::result::Result<Result<T>, tokio::task::JoinError>>,
) -> Result<T> {
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::io("running file-system work")(std::io::Error::other(error))),
    }
}

impl Inner {
    /// Starts a file of a known or unknown size.
    pub(super) fn stage(&self, expected_bytes: Option<u64>) -> Result<Staged> {
        self.check_room(expected_bytes.unwrap_or_default())?;
        Staged::create(self.work()?, &self.context)
    }

    /// Refuses what cannot fit, better now than after the client has sent it all.
    pub(super) fn check_room(&self, bytes: u64) -> Result<()> {
        if tree::free_bytes(&self.root).is_ok_and(|free| free < bytes) {
            return Err(Error::DiskFull(std::io::ErrorKind::StorageFull.into()));
        }
        Ok(())
    }

    /// Puts a whole file into the tree; durable on return.
    pub(super) fn put_journaled(&self, path: &ArtifactPath, frames: &[Bytes]) -> Result<()> {
        let work = self.work()?;
        let mut staged = Staged::create(Arc::clone(&work), &self.context)?;
        staged.write(frames)?;
        let _turn = self.turn(path);
        let _no_removal = self.removal.read().unwrap_or_else(PoisonError::into_inner);
        let parent = Parent::make(&self.root, path)?;
        parent.refuse_folder(path)?;
        let data: Vec<&[u8]> = frames.iter().map(AsRef::as_ref).collect();
        let _applying = work.journal.append(path, &data)?;
        staged.put(&parent.dir, path)
    }

    /// Puts a staged file, whose content is durable, into the tree; durable on return.
    pub(super) fn put_staged(&self, path: &ArtifactPath, staged: Staged) -> Result<()> {
        let work = self.work()?;
        {
            let _turn = self.turn(path);
            let _no_removal = self.removal.read().unwrap_or_else(PoisonError::into_inner);
            let parent = Parent::make(&self.root, path)?;
            staged.put(&parent.dir, path)?;
            self.sync_or_poison(&work, || parent.sync())?;
        }
        work.journal.settle(path)
    }

    /// A folder whose sync failed may have lost what was acknowledged before.
    pub(super) fn sync_or_poison(
        &self,
        work: &Arc<super::Work>,
        sync: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<()> {
        sync().map_err(|error| {
            work.journal.poison();
            Error::io("syncing a folder")(error)
        })
    }
}
