//! A file on its way into the tree.

use std::fs::{File, Permissions};
use std::io::{self, IoSlice, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::Dir;
use modelyard_protocol::Context;

use super::spares::Spares;
use super::work::Work;
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

/// A file in the reserved folder, readable only for its owner, under a name that cannot be
/// guessed. Removed when dropped, unless it was [put in place](Self::put).
pub(super) struct Staged {
    pub(super) file: Arc<File>,
    work: Arc<Work>,
    /// `None` once it is in the tree.
    name: Option<String>,
}

impl Staged {
    pub(super) fn create(work: Arc<Work>, context: &Context) -> Result<Self> {
        let made = Spares::take(&work, context).map_err(Error::io("making a temporary file"))?;
        Ok(Self { file: Arc::new(made.file), work, name: Some(made.name) })
    }

    /// Appends to the file.
    pub(super) fn write(&mut self, frames: &[Bytes]) -> Result<()> {
        let mut slices: Vec<_> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match (&*self.file).write_vectored(rest) {
                Ok(0) => return Err(Error::io(WRITING)(io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(WRITING)(error)),
            }
        }
        Ok(())
    }

    /// Makes the content durable.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(Error::io("syncing an artifact"))
    }

    /// Moves the file into a folder of the tree, in place of any file there. Neither the content
    /// nor the move is durable by that.
    pub(super) fn put(mut self, folder: &Dir, path: &ArtifactPath) -> Result<()> {
        let mode = Permissions::from_mode(self.work.file_mode);
        self.file.set_permissions(mode).map_err(Error::io("setting permissions"))?;
        let Some(name) = &self.name else { return Ok(()) };
        let moved = self.work.dir.rename(name, folder, path.file_name());
        moved.map_err(Error::at(path, "putting an artifact in place"))?;
        self.name = None;
        Ok(())
    }
}

const WRITING: &str = "writing an artifact";

impl Drop for Staged {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let work = Arc::clone(&self.work);
        let remove = move || {
            if let Err(error) = work.dir.remove_file(&name) {
                tracing::warn!("cannot remove an unfinished upload: {error}");
            }
        };
        // Freeing a large file takes long, and a broken connection drops it on an async thread.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
