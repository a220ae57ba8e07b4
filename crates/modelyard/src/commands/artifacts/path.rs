//! Paths among the artifacts of a run, on the command line.

use modelyard_artifacts::{ArtifactPath, InvalidPath};

/// A file or folder; `None` is everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder(pub(super) Option<ArtifactPath>);

/// Reads an argument.
pub(super) fn parse(text: &str) -> Result<Folder, InvalidPath> {
    ArtifactPath::parse_folder(text).map(Folder)
}
