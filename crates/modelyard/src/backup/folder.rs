//! Folders that appear under their name when they are whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::Usage;

/// A folder under another name, until it is finished. Left behind if it is not, and then replaced by the next.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) path: PathBuf,
    target: PathBuf,
    /// Held so that two do not write at once.
    lock: File,
}

impl Unfinished {
    /// Begins a folder that shall be `target`, which must not be there, or empty.
    ///
    /// # Errors
    /// [`Usage`] if something is there; those of the disk.
    pub(super) fn begin(target: &Path) -> anyhow::Result<Self> {
        let shown = target.display();
        let Some(name) = target.file_name() else {
            return Err(Usage(format!("{shown}: name a new folder")).into());
        };
        if let Some(found) = first_in(target, &|_| false)? {
            return Err(Usage(format!(
                "{shown} is there already and holds {found}; name a new folder"
            ))
            .into());
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot create the folder {}", parent.display()))?;
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        partial.push(".partial");
        let path = parent.join(partial);
        let create = || -> io::Result<File> {
            match fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            File::open(&path)
        };
        let lock = create().with_context(|| format!("cannot create {}", path.display()))?;
        if lock.try_lock().is_err() {
            anyhow::bail!("another backup is being written to {shown}");
        }
        let unfinished = Self { path, target: target.to_owned(), lock };
        unfinished.clear().context("cannot remove what a broken-off backup has left")?;
        Ok(unfinished)
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// Gives the folder its name; durable when it returns.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.lock.sync_all()?;
        // In place of an empty folder, if there is one.
        fs::rename(&self.path, &self.target).with_context(|| {
            format!("cannot give the backup the name {}", self.target.display())
        })?;
        sync_folder_of(&self.target)?;
        Ok(())
    }
}

/// Makes the entry of a file or folder durable.
///
/// # Errors
/// Those of the disk.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

/// The first file in a folder or below it, but for those that `ignored` names; `None` if there is none, or no
/// folder. Empty folders do not count.
///
/// # Errors
/// Those of the disk.
pub(super) fn first_in(
    folder: &Path,
    ignored: &dyn Fn(&str) -> bool,
) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if ignored(&name) {
            continue;
        }
        if !entry.file_type()?.is_dir() {
            return Ok(Some(name));
        }
        if let Some(below) = first_in(&entry.path(), ignored)? {
            return Ok(Some(format!("{name}/{below}")));
        }
    }
    Ok(None)
}
