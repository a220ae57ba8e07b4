//! The folder that downloads go to, and that nothing a server says can lead out of.

use std::collections::BTreeSet;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use modelyard_artifacts::ArtifactPath;
use modelyard_protocol::Context;

use crate::files::temporary_name;

/// A handle on a folder of this machine that cannot be left, not even through symbolic links.
#[derive(Clone)]
pub(super) struct Destination(Arc<Inner>);

struct Inner {
    root: Dir,
    folder: PathBuf,
    context: Context,
    /// Files that are not complete, by their names below the root.
    unfinished: Mutex<BTreeSet<PathBuf>>,
}

impl Destination {
    /// Opens a folder; it is made if it is missing.
    pub(super) fn open(folder: &Path, context: &Context) -> anyhow::Result<Self> {
        let opened = std::fs::create_dir_all(folder)
            .and_then(|()| Dir::open_ambient_dir(folder, ambient_authority()));
        let root = opened.with_context(|| format!("cannot write to {}", folder.display()))?;
        let (folder, context) = (folder.to_owned(), context.clone());
        Ok(Self(Arc::new(Inner { root, folder, context, unfinished: Mutex::default() })))
    }

    /// Makes a folder and those above it.
    pub(super) fn make_folder(&self, path: &ArtifactPath) -> anyhow::Result<()> {
        self.0
            .root
            .create_dir_all(path.as_str())
            .with_context(|| format!("cannot create the folder {}", self.shown(path)))
    }

    /// Begins a file. It gets its name when it is [complete](Incoming::complete).
    pub(super) fn begin(&self, path: &ArtifactPath) -> anyhow::Result<Incoming> {
        let mut temporary = PathBuf::new();
        if let Some(folder) = path.parent() {
            self.make_folder(&folder)?;
            temporary.push(folder.as_str());
        }
        temporary.push(temporary_name(&self.0.context));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = self.0.root.open_with(&temporary, &options);
        let file = file.with_context(|| format!("cannot write {}", self.shown(path)))?;
        self.0.unfinished().insert(temporary.clone());
        let path = path.clone();
        Ok(Incoming { destination: self.clone(), file, temporary, path })
    }

    /// Removes all files that are not complete.
    pub(super) fn clean_up(&self) {
        for name in &*self.0.unfinished() {
            // The process ends; there is nobody left to try again.
            let _ = self.0.root.remove_file(name);
        }
    }

    fn shown(&self, path: &ArtifactPath) -> String {
        self.0.folder.join(path.as_str()).display().to_string()
    }
}

impl Inner {
    fn unfinished(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is not complete. Removed when dropped.
pub(super) struct Incoming {
    destination: Destination,
    file: File,
    temporary: PathBuf,
    path: ArtifactPath,
}

impl Incoming {
    /// Appends.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Forgets what was written so far.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }

    /// Makes what was written survive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its name, in place of any file there.
    pub(super) fn complete(self) -> anyhow::Result<()> {
        let inner = &self.destination.0;
        let named = inner.root.rename(&self.temporary, &inner.root, self.path.as_str());
        named.with_context(|| format!("cannot write {}", self.destination.shown(&self.path)))?;
        inner.unfinished().remove(&self.temporary);
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let inner = &self.destination.0;
        if inner.unfinished().remove(&self.temporary) {
            // What matters is the error that led here.
            let _ = inner.root.remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::context;

    fn open(folder: &Path) -> Destination {
        Destination::open(folder, &context::operating_system()).expect("a folder")
    }

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).expect("a path")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let temp = tempfile::tempdir().expect("a folder");
        let destination = open(&temp.path().join("new"));
        let mut incoming = destination.begin(&path("a/b")).expect("begun");
        incoming.write(b"wrong").expect("written");
        incoming.restart().expect("restarted");
        incoming.write(b"ok").expect("written");
        assert!(!temp.path().join("new/a/b").exists());
        incoming.complete().expect("complete");
        assert_eq!(fs::read(temp.path().join("new/a/b")).expect("there"), b"ok");
        assert_eq!(names(&temp.path().join("new/a")), ["b"]);
    }

    #[test]
    fn nothing_stays_of_a_file_that_was_not_completed() {
        let temp = tempfile::tempdir().expect("a folder");
        let destination = open(temp.path());
        drop(destination.begin(&path("a")).expect("begun"));
        assert_eq!(names(temp.path()), [""; 0]);
        let kept = destination.begin(&path("a")).expect("begun");
        destination.clean_up();
        assert_eq!(names(temp.path()), [""; 0]);
        drop(kept);
    }

    #[test]
    fn a_link_in_the_destination_leads_nowhere_else() {
        let temp = tempfile::tempdir().expect("a folder");
        let (inside, outside) = (temp.path().join("in"), temp.path().join("out"));
        fs::create_dir_all(&inside).and_then(|()| fs::create_dir(&outside)).expect("folders");
        symlink(&outside, inside.join("a")).expect("a link");
        assert!(open(&inside).begin(&path("a/b")).is_err());
        assert_eq!(names(&outside), [""; 0]);
    }
}
