//! The folder with a model's files on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::commands::connection::{self, Session};
use crate::commands::source::{Source, Which, temporary_folder};
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

/// Where a model was said to be.
pub(super) enum Found {
    /// In a folder of this machine.
    Here(PathBuf),
    /// Somewhere that a tracking server knows.
    There(Box<Session>, Source),
}

impl Found {
    /// Reads a URI or path; nothing is asked or fetched yet.
    ///
    /// # Errors
    /// If it cannot be read, or no server can be asked.
    pub(super) fn look(connection: &connection::Args, uri: &str) -> anyhow::Result<Self> {
        // A folder needs no tracking server.
        let path = Path::new(uri.strip_prefix("file://").unwrap_or(uri));
        if path.is_dir() {
            return Ok(Self::Here(path.canonicalize().with_context(|| uri.to_owned())?));
        }
        let source = Source::parse(uri)?;
        Ok(Self::There(Box::new(connection.open(false)?), source))
    }

    /// The model's files, downloaded if they are not on this machine.
    ///
    /// # Errors
    /// If they are not there, or cannot be fetched.
    pub(super) fn folder(&self) -> anyhow::Result<Folder> {
        match self {
            Self::Here(path) => {
                let name = path.file_name().map_or("model".into(), |name| name.to_string_lossy());
                let (path, name) = (path.clone(), name.into_owned());
                Ok(Folder { path, name, version: None, temporary: None })
            }
            Self::There(session, source) => {
                Folder::fetch(session, source.clone().resolved(session)?)
            }
        }
    }

    /// The number of the version that is meant now, if that may change.
    ///
    /// # Errors
    /// If the server cannot be asked, or there is no such version any more.
    pub(super) fn version_now(&self) -> anyhow::Result<Option<String>> {
        let Self::There(session, Source::Version(name, which, _)) = self else { return Ok(None) };
        if matches!(which, Which::Number(_)) {
            return Ok(None);
        }
        Ok(Some(which.find(&session.client, name)?.version))
    }
}

impl Folder {
    /// The model at a URI or path.
    ///
    /// # Errors
    /// If it is not there, or cannot be fetched.
    pub(super) fn find(connection: &connection::Args, uri: &str) -> anyhow::Result<Self> {
        Found::look(connection, uri)?.folder()
    }

    fn fetch(session: &Session, source: Source) -> anyhow::Result<Self> {
        let (name, version) = match source.version() {
            Some((name, number)) => (name.to_owned(), Some(number.to_owned())),
            None => ("model".to_owned(), None),
        };
        let found = source.find(session)?;
        let inside = found.path.as_ref().map_or("", |path| path.as_str());
        if let Some(here) = found.tree.local_folder() {
            return Ok(Self { path: here.join(inside), name, version, temporary: None });
        }
        let folder = temporary_folder(session)?;
        let mut model =
            Self { path: folder.clone(), name, version, temporary: Some(folder.clone()) };
        let (context, console) = (&session.context, &session.console);
        model.path = transfer::download(&found.tree, &found.plan, &folder, context, console)?.path;
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
