//! What is in a folder.

use std::io;

use cap_std::fs::{Dir, DirEntry, MetadataExt as _};

use super::{Inner, LocalRepository};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::repository::Entry;

const LISTING: &str = "listing a folder";

impl LocalRepository {
    /// The files and folders directly in a folder, sorted by name. `None` is the root. A folder
    /// that is not there, and a file, have none: so says MLflow, whose clients ask to find out.
    pub(crate) async fn list(&self, folder: Option<&ArtifactPath>) -> Result<Vec<Entry>> {
        let folder = folder.cloned();
        self.blocking(move |inner| inner.list(folder.as_ref())).await
    }
}

impl Inner {
    fn list(&self, folder: Option<&ArtifactPath>) -> Result<Vec<Entry>> {
        let opened = match folder {
            Some(folder) => self.root.open_dir(folder.as_str()),
            None => self.root.try_clone(),
        };
        let dir = match (opened, folder) {
            (Ok(dir), _) => dir,
            (Err(error), _) if is_no_folder(&error) => return Ok(Vec::new()),
            (Err(error), Some(folder)) => return Err(Error::at(folder, LISTING)(error)),
            (Err(error), None) => return Err(Error::io(LISTING)(error)),
        };
        let mut entries = Vec::new();
        for entry in dir.entries().map_err(Error::io(LISTING))? {
            entries.extend(describe(&dir, &entry.map_err(Error::io(LISTING))?));
        }
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }
}

fn is_no_folder(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// `None` for what no client could fetch: names that no path can hold, pipes and devices, links
/// that lead out or nowhere, and what is gone by now.
fn describe(dir: &Dir, entry: &DirEntry) -> Option<Entry> {
    let name = entry.file_name().into_string().ok()?;
    let path = ArtifactPath::parse(&name).ok()?;
    if path.as_str() != name {
        return None;
    }
    // Follows links, but not out of the root: `dir` cannot be left either.
    let metadata = match entry.file_type().ok()?.is_symlink() {
        true => dir.metadata(&name).ok()?,
        false => entry.metadata().ok()?,
    };
    let size_bytes = if metadata.is_dir() {
        None
    } else if metadata.is_file() {
        Some(metadata.size())
    } else {
        return None;
    };
    Some(Entry { name, size_bytes })
}
