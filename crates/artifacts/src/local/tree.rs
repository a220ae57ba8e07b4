//! The folders below a root, reached through a handle that cannot be left.

use std::io;
use std::os::fd::AsFd;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};

use crate::error::{Error, Result};
use crate::path::ArtifactPath;

/// The folder that holds the last name of a path, for putting something there.
pub(super) struct Parent {
    pub(super) dir: Dir,
    /// Folders above it in which a folder was made for it: their entries are not durable yet.
    grown: Vec<Dir>,
}

impl Parent {
    /// Opens the folder, making it and what is missing above it.
    pub(super) fn make(root: &Dir, path: &ArtifactPath) -> Result<Self> {
        let failed = |error| Error::at(path, "making a folder")(error);
        let Some(folder) = path.parent() else {
            return Ok(Self { dir: root.try_clone().map_err(failed)?, grown: Vec::new() });
        };
        match root.open_dir(folder.as_str()) {
            Ok(dir) => Ok(Self { dir, grown: Vec::new() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::make_step_by_step(root, &folder).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn make_step_by_step(root: &Dir, folder: &ArtifactPath) -> io::Result<Self> {
        let mut dir = root.try_clone()?;
        let mut grown = Vec::new();
        for name in folder.names() {
            let made = match dir.create_dir(name) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error),
            };
            let below = dir.open_dir(name)?;
            let above = std::mem::replace(&mut dir, below);
            if made {
                grown.push(above);
            }
        }
        Ok(Self { dir, grown })
    }

    /// Refuses a path at which a folder stands.
    pub(super) fn refuse_folder(&self, path: &ArtifactPath) -> Result<()> {
        match self.dir.symlink_metadata(path.file_name()) {
            Ok(there) if there.is_dir() => Err(Error::IsFolder(path.clone())),
            _ => Ok(()),
        }
    }

    /// Makes the entries in it, and its own, durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync_folder(&self.dir)?;
        self.grown.iter().rev().try_for_each(sync_folder)
    }
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(dir: &Dir) -> io::Result<()> {
    Ok(rustix::fs::fsync(readable(dir)?)?)
}

/// Makes everything on the file system of `dir` durable.
pub(super) fn sync_file_system(dir: &Dir) -> io::Result<()> {
    Ok(rustix::fs::syncfs(readable(dir)?)?)
}

/// Bytes that can still be written to the file system of `dir`.
pub(super) fn free_bytes(dir: &Dir) -> io::Result<u64> {
    let file_system = rustix::fs::fstatvfs(dir.as_fd())?;
    Ok(file_system.f_bavail.saturating_mul(file_system.f_frsize))
}

/// A [`Dir`] may be a mere place holder, which cannot be synced.
fn readable(dir: &Dir) -> io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir.as_fd(), ".", flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).expect(text)
    }

    #[test]
    fn folders_are_made_once_and_can_be_synced() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = Dir::open_ambient_dir(temp.path(), ambient_authority()).expect("the root");
        let parent = Parent::make(&root, &path("a/b/c/file")).expect("made");
        assert_eq!(parent.grown.len(), 3);
        parent.sync().expect("synced");
        assert!(temp.path().join("a/b/c").is_dir());
        let parent = Parent::make(&root, &path("a/b/d/file")).expect("made");
        assert_eq!(parent.grown.len(), 1);
        let parent = Parent::make(&root, &path("a/b/d/file")).expect("there");
        assert!(parent.grown.is_empty());
        assert!(Parent::make(&root, &path("top")).expect("the root").grown.is_empty());
        sync_file_system(&root).expect("synced");
        assert!(free_bytes(&root).expect("counted") > 0);
    }

    #[test]
    fn files_and_outside_links_are_no_folders() {
        let temp = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        let root = Dir::open_ambient_dir(temp.path(), ambient_authority()).expect("the root");
        std::fs::write(temp.path().join("file"), "x").expect("written");
        std::os::unix::fs::symlink(outside.path(), temp.path().join("link")).expect("linked");
        std::os::unix::fs::symlink("loop", temp.path().join("loop")).expect("linked");
        let error = |text| Parent::make(&root, &path(text)).err().expect(text);
        assert!(matches!(error("file/x"), Error::NotAFolder(_)));
        assert!(matches!(error("file/x/y"), Error::NotAFolder(_)));
        assert!(matches!(error("link/x"), Error::Outside(_)));
        assert!(matches!(error("link/x/y"), Error::Outside(_)));
        assert!(matches!(error("loop/x"), Error::Outside(_)));
        assert_eq!(std::fs::read_dir(outside.path()).expect("listed").count(), 0);
    }
}
