//! The reserved folder, where uploads that are under way and the journal lie.
//!
//! Every process that writes has a folder of its own below it, which it holds locked for as long
//! as it lives. Whoever opens the root next recovers and removes the folders whose owners died.

use std::fs::{File, TryLockError};
use std::io;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, OpenOptions, OpenOptionsExt as _};
use cap_std::fs::{MetadataExt as _, PermissionsExt as _};
use modelyard_protocol::Context;

use super::journal::{self, Journal};
use super::spares::Spares;
use super::tree::{self, Parent};
use crate::error::{Error, Result};
use crate::path::{ArtifactPath, RESERVED_NAME};

/// The name of lock files: of the reserved folder, held while folders in it come and go, and of
/// each process's folder, held as long as the process lives.
const LOCK: &str = "lock";

/// The folder of this process.
pub(super) struct Work {
    pub(super) dir: Dir,
    pub(super) journal: Journal,
    pub(super) spares: Spares,
    reserved: Dir,
    name: String,
    /// Permissions of new artifacts, as the process's umask wants them.
    pub(super) file_mode: u32,
    _lock: File,
}

impl Work {
    /// Makes the folder of this process.
    pub(super) fn create(root: &Dir, context: &Context) -> Result<Self> {
        Self::try_create(root, context).map_err(Error::io("preparing the artifact store"))
    }

    fn try_create(root: &Dir, context: &Context) -> io::Result<Self> {
        match root.create_dir_with(RESERVED_NAME, &private_folder()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let reserved = root.open_dir(RESERVED_NAME)?;
        let _turn = lock(&reserved)?;
        let name = context.uuid_hex();
        reserved.create_dir_with(&name, &private_folder())?;
        let dir = reserved.open_dir(&name)?;
        // Made as any program would make a file, to see what the umask leaves.
        let lock = dir.create(LOCK)?;
        let file_mode = lock.metadata()?.permissions().mode() & 0o666;
        lock.set_permissions(cap_std::fs::Permissions::from_mode(0o600))?;
        let lock = lock.into_std();
        lock.lock()?;
        let root = root.try_clone()?;
        let create = |file: &str| dir.open_with(file, &new_file()).map(|file| file.into_std());
        let journal = Journal::start(create, Box::new(move || tree::sync_file_system(&root)));
        match journal {
            Ok(journal) => {
                let spares = Spares::default();
                Ok(Self { dir, journal, spares, reserved, name, file_mode, _lock: lock })
            }
            Err(error) => {
                // Mostly for want of room, which what was made so far would make worse.
                let _ = reserved.remove_dir_all(&name);
                Err(error)
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // If the journal could not be retired, the next start needs the folder.
        if self.journal.close().is_ok()
            && let Err(error) = self.reserved.remove_dir_all(&self.name)
        {
            tracing::warn!("cannot remove {RESERVED_NAME}/{}: {error}", self.name);
        }
    }
}

/// Recovers what dead processes left below the reserved folder, and removes it.
///
/// # Errors
/// When acknowledged uploads cannot be put into the tree: then nothing may be served, and nothing
/// is removed.
pub(super) fn recover(root: &Dir) -> Result<()> {
    let failed = || Error::io("recovering the artifact store");
    let reserved = match open_locked(root) {
        Ok(Some(reserved)) => reserved,
        Ok(None) => return Ok(()),
        Err(error) => return Err(failed()(error)),
    };
    for entry in reserved.dir.entries().map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if !entry.file_type().map_err(failed())?.is_dir() {
            continue;
        }
        let dir = entry.open_dir().map_err(failed())?;
        let Some(_lock) = lock_if_dead(&dir).map_err(failed())? else { continue };
        recover_one(root, &dir)?;
        reserved.dir.remove_dir_all(entry.file_name()).map_err(failed())?;
    }
    Ok(())
}

/// The reserved folder, with its lock.
struct Reserved {
    dir: Dir,
    _turn: File,
}

/// Opens and locks the reserved folder, if there is one and it may be changed.
fn open_locked(root: &Dir) -> io::Result<Option<Reserved>> {
    let opened = root.open_dir(RESERVED_NAME).and_then(|dir| {
        let _turn = lock(&dir)?;
        Ok(Reserved { dir, _turn })
    });
    match opened.map_err(|error| (error.kind(), error)) {
        Ok(reserved) => Ok(Some(reserved)),
        Err((io::ErrorKind::NotFound, _)) => Ok(None),
        Err((io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, error)) => {
            // Another user's store, or a read-only disk: reading is all there is to do.
            tracing::warn!("leaving {RESERVED_NAME} of the artifact store alone: {error}");
            Ok(None)
        }
        Err((_, error)) => Err(error),
    }
}

fn recover_one(root: &Dir, dead: &Dir) -> Result<()> {
    let open = |name: &str| dead.open(name).map(cap_std::fs::File::into_std);
    let redone = journal::recover(open, |path, data| redo(root, dead, path, data))?;
    if redone > 0 {
        tree::sync_file_system(root).map_err(Error::io("syncing the artifact store"))?;
        tracing::info!("checked {redone} uploads that a stopped process had acknowledged");
    }
    Ok(())
}

/// Puts a file into the tree again, unless it is there.
fn redo(root: &Dir, dead: &Dir, path: &ArtifactPath, data: &[u8]) -> Result<()> {
    if root.metadata(path.as_str()).is_ok_and(|there| there.size() == data.len() as u64)
        && root.read(path.as_str()).is_ok_and(|there| there == data)
    {
        return Ok(());
    }
    let outcome = Parent::make(root, path).and_then(|parent| {
        parent.refuse_folder(path)?;
        dead.write("redo", data).map_err(Error::io("writing a recovered artifact"))?;
        let renamed = dead.rename("redo", &parent.dir, path.file_name());
        renamed.map_err(Error::at(path, "putting a recovered artifact in place"))
    });
    match outcome {
        // What stands in the way now stood there then, so the upload was refused then too.
        Err(error @ (Error::IsFolder(_) | Error::NotAFolder(_) | Error::Outside(_))) => {
            tracing::warn!("not recovered: {error}");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Takes the lock of the reserved folder.
fn lock(reserved: &Dir) -> io::Result<File> {
    let file = reserved.open_with(LOCK, OpenOptions::new().write(true).create(true).mode(0o600))?;
    let file = file.into_std();
    file.lock()?;
    Ok(file)
}

/// The lock of a process's folder, if its owner is dead.
fn lock_if_dead(dir: &Dir) -> io::Result<Option<File>> {
    let file = match dir.open_with(LOCK, OpenOptions::new().write(true)) {
        Ok(file) => file.into_std(),
        // The owner died before it made the lock: it holds nothing else either.
        Err(error) if error.kind() == io::ErrorKind::NotFound => dir.create(LOCK)?.into_std(),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Options for a file that must not be there yet and only its owner may open.
pub(super) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options
}
