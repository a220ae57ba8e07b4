//! The folder with a model's files on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::commands::connection;
use crate::commands::source::{Source, temporary_folder};
use crate::transfer;

/// A model's files, and by which name they are known.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// The version of the registered model.
    pub(super) version: Option<String>,
    /// What was downloaded, to be removed.
    temporary: Option<PathBuf>,
}

impl Folder {
    /// Finds the model at a URI or path, and downloads it if it is not on this machine.
    ///
    /// # Errors
    /// If it is not there, or cannot be fetched.
    pub(super) fn find(connection: &connection::Args, uri: &str) -> anyhow::Result<Self> {
        // A folder needs no tracking server.
        let path = Path::new(uri.strip_prefix("file://").unwrap_or(uri));
        if path.is_dir() {
            let path = path.canonicalize().with_context(|| uri.to_owned())?;
            let name = path.file_name().map_or("model".into(), |name| name.to_string_lossy());
            return Ok(Self { name: name.into_owned(), version: None, temporary: None, path });
        }
        let session = connection.open(false)?;
        let source = Source::parse(uri)?.resolved(&session)?;
        let (name, version) = match source.version() {
            Some((name, number)) => (name.to_owned(), Some(number.to_owned())),
            None => ("model".to_owned(), None),
        };
        let found = source.find(&session)?;
        let inside = found.path.as_ref().map_or("", |path| path.as_str());
        if let Some(here) = found.tree.local_folder() {
            return Ok(Self { path: here.join(inside), name, version, temporary: None });
        }
        let folder = temporary_folder(&session)?;
        let mut model =
            Self { path: folder.clone(), name, version, temporary: Some(folder.clone()) };
        let (context, console) = (&session.context, &session.console);
        let got = transfer::download(&found.tree, &found.plan, &folder, context, console)?;
        model.path = got.path;
        Ok(model)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary {
            // What is left is in the folder for temporary files.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
