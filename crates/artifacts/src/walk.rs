//! All files of a tree, one after the other.

use crate::error::Result;
use crate::path::ArtifactPath;
use crate::repository::{Entry, Repository};

/// A file that a walk came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its place in the repository.
    pub path: ArtifactPath,
    /// Its size when its folder was listed.
    pub size_bytes: u64,
}

/// A walk over the files in a folder and below it, folder by folder, each in the order of names. It holds the
/// listings of the folders on the way, not the tree.
///
/// What is added or removed meanwhile may or may not be met.
#[derive(Debug)]
pub struct Walk<'r> {
    repository: &'r Repository,
    /// What is still to be visited, the next one last.
    pending: Vec<(Option<ArtifactPath>, Vec<Entry>)>,
    start: Option<Option<ArtifactPath>>,
}

impl<'r> Walk<'r> {
    /// A walk over `folder`, or the whole repository.
    pub fn new(repository: &'r Repository, folder: Option<ArtifactPath>) -> Self {
        Self { repository, pending: Vec::new(), start: Some(folder) }
    }

    /// The next file; `None` at the end.
    ///
    /// # Errors
    /// Faults of the store, and links that lead out of it.
    pub async fn next(&mut self) -> Result<Option<FoundFile>> {
        if let Some(folder) = self.start.take() {
            self.enter(folder).await?;
        }
        while let Some((folder, entries)) = self.pending.last_mut() {
            let Some(entry) = entries.pop() else {
                self.pending.pop();
                continue;
            };
            // Names that make a path too long are no client's.
            let path = ArtifactPath::parse(&entry.name).and_then(|it| it.below(folder.as_ref()));
            match (path, entry.size_bytes) {
                (Ok(path), Some(size_bytes)) => return Ok(Some(FoundFile { path, size_bytes })),
                (Ok(path), None) => self.enter(Some(path)).await?,
                (Err(_), _) => {}
            }
        }
        Ok(None)
    }

    async fn enter(&mut self, folder: Option<ArtifactPath>) -> Result<()> {
        let mut entries = self.repository.list(folder.as_ref()).await?;
        entries.reverse();
        self.pending.push((folder, entries));
        Ok(())
    }
}
