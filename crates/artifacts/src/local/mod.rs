//! Artifacts in a folder of this machine.
//!
//! Everything goes through one handle on the root that cannot be left: not by `..`, not by an
//! absolute path, not by a symbolic link, and not by exchanging a folder for a link in between,
//! because the kernel resolves each path beneath the handle in one step.
//!
//! A file appears in the tree whole or not at all, and an upload is answered only when it would
//! survive a power cut.

mod delete;
mod journal;
mod list;
mod multipart;
mod read;
mod spares;
mod staged;
mod tree;
mod upload;
mod work;

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use modelyard_protocol::Context;

use self::multipart::Uploads;
use self::work::Work;
use crate::error::{Error, Result};
use crate::path::{ArtifactPath, RESERVED_NAME};

pub use self::multipart::{PART_MAX_BYTES, PARTS_MAX};

/// Locks that keep two uploads to one path in order. Uploads to different paths share one rarely.
const TURNS: usize = 1024;

/// How long the end of a repository waits between looks at whether others still hold it.
const RETIRE_PAUSE: Duration = Duration::from_millis(1);
const RETIRING: &str = "ending the work in an artifact store";

/// A cheap, cloneable handle on a folder of artifacts.
#[derive(Clone)]
pub struct LocalRepository(Arc<Inner>);

struct Inner {
    root: Dir,
    folder: PathBuf,
    context: Context,
    /// Made by the first write, so that reading leaves no trace.
    work: Mutex<Option<Arc<Work>>>,
    turns: Vec<Mutex<()>>,
    /// Held shared while a file is put into the tree, alone while a folder is taken out.
    removal: RwLock<()>,
    uploads: Uploads,
}

impl LocalRepository {
    /// Opens a folder, which is made if it is missing, and repairs what a crash left in it.
    ///
    /// Blocks; call it before serving.
    ///
    /// # Errors
    /// When the folder cannot be made or opened, or uploads that were acknowledged before a crash
    /// cannot be restored.
    pub fn open(folder: &Path, context: Context) -> Result<Self> {
        let opened = std::fs::create_dir_all(folder)
            .and_then(|()| Dir::open_ambient_dir(folder, ambient_authority()));
        let root = opened.map_err(Error::io("opening the artifact folder"))?;
        work::recover(&root)?;
        Ok(Self(Arc::new(Inner {
            root,
            folder: folder.to_owned(),
            context,
            work: Mutex::new(None),
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
            removal: RwLock::new(()),
            uploads: Uploads::default(),
        })))
    }

    /// The folder, for logs.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Ends all work in the folder and removes what the repository keeps beside the artifacts: for a folder
    /// that nobody else has open. Waits for other handles to be dropped.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub async fn retire(self) -> Result<()> {
        let inner = alone(self.0).await;
        let work = inner.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        let work = match work {
            Some(work) => Some(alone(work).await),
            None => None,
        };
        run_blocking(move || {
            drop(work);
            let root = &inner.root;
            match root.remove_dir_all(RESERVED_NAME) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io(RETIRING)(error))
                }
                _ => tree::sync_folder(root).map_err(Error::io(RETIRING)),
            }
        })
        .await
    }

    /// Whether the folder is still the one that was opened, neither removed, nor hidden by another
    /// disk, and takes writes.
    pub(crate) async fn check(&self) -> Result<()> {
        self.blocking(|inner| {
            let identity = |folder: &Dir| folder.dir_metadata().map(|it| (it.dev(), it.ino()));
            let named = Dir::open_ambient_dir(&inner.folder, ambient_authority());
            let is_same = named.and_then(|named| Ok(identity(&named)? == identity(&inner.root)?));
            let outcome = match is_same {
                Ok(true) => Ok(()),
                Ok(false) => Err(std::io::Error::other("another folder has taken its place")),
                Err(error) => Err(error),
            };
            outcome.map_err(Error::io("looking at the artifact folder"))?;
            let work = inner.work.lock().unwrap_or_else(PoisonError::into_inner).clone();
            work.map_or(Ok(()), |work| work.journal.check())
        })
        .await
    }

    /// Runs file-system work off the async threads. It runs to its end even if the caller goes.
    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        run_blocking(move || job(&inner)).await
    }
}

/// Waits until nobody else holds a thing: a thread that has told its outcome still lets go of its handle.
async fn alone<T>(mut shared: Arc<T>) -> T {
    loop {
        match Arc::try_unwrap(shared) {
            Ok(sole) => return sole,
            Err(again) => shared = again,
        }
        tokio::time::sleep(RETIRE_PAUSE).await;
    }
}

/// Runs `job` on a thread that may block.
async fn run_blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(job).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::io("running file-system work")(std::io::Error::other(error))),
    }
}

impl Inner {
    fn work(&self) -> Result<Arc<Work>> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        match &*work {
            Some(work) => Ok(Arc::clone(work)),
            None => {
                let made = Arc::new(Work::create(&self.root, &self.context)?);
                *work = Some(Arc::clone(&made));
                Ok(made)
            }
        }
    }

    /// Waits for the turn to change what stands at `path`.
    fn turn(&self, path: &ArtifactPath) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(path);
        let turn = &self.turns[hash as usize % TURNS];
        turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for LocalRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LocalRepository").field(&self.0.folder).finish()
    }
}
