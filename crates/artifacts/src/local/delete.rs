//! Taking files and folders out of the tree.

use std::io;
use std::sync::PoisonError;

use cap_std::fs::Dir;

use super::{Inner, LocalRepository};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

const REMOVING: &str = "removing an artifact";

impl LocalRepository {
    /// Removes a file, or a folder with all that is in it; durable when the future is done. What
    /// is not there is removed already. Of a symbolic link only the link goes.
    pub(crate) async fn delete(&self, path: &ArtifactPath) -> Result<()> {
        let path = path.clone();
        self.blocking(move |inner| inner.delete(&path)).await
    }
}

impl Inner {
    fn delete(&self, path: &ArtifactPath) -> Result<()> {
        let failed = |error| Error::at(path, REMOVING)(error);
        let parent = match self.open_parent(path) {
            Ok(parent) => parent,
            Err(error) if is_absence(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let is_folder = match parent.symlink_metadata(path.file_name()) {
            Ok(there) => there.is_dir(),
            Err(error) if is_absence(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let work = self.work()?;
        let mut taken_out = None;
        {
            let _alone = self.removal.write().unwrap_or_else(PoisonError::into_inner);
            let outcome = if is_folder {
                // A folder goes at once, not file by file under the eyes of readers.
                let name = self.context.uuid_hex();
                let moved = parent.rename(path.file_name(), &work.dir, &name);
                taken_out = Some(name);
                moved
            } else {
                parent.remove_file(path.file_name())
            };
            match outcome {
                Err(error) if is_absence(&error) => return Ok(()),
                outcome => outcome.map_err(failed)?,
            }
        }
        self.sync_or_poison(&work, || super::tree::sync_folder(&parent))?;
        work.journal.settle(path)?;
        match taken_out {
            Some(name) => work.dir.remove_dir_all(name).map_err(Error::io(REMOVING)),
            None => Ok(()),
        }
    }

    fn open_parent(&self, path: &ArtifactPath) -> io::Result<Dir> {
        match path.parent() {
            Some(folder) => self.root.open_dir(folder.as_str()),
            None => self.root.try_clone(),
        }
    }
}

/// Nothing there, or something in the way that cannot hold anything.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
