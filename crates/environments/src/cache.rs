//! The folder of environments: who may build, what is finished, and that what is used stays.
//!
//! ```text
//! KEY/                        an environment; finished if MARKER lies in it
//! .building/KEY/              what a build needs meanwhile, and the environment itself where it can be moved
//! .locks/KEY                  locked by who builds or removes (exclusively) and by who uses (shared);
//!                             its time of change is when the environment was used last; never removed, lest
//!                             two processes lock two files of the same name
//! ```

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::{Progress, Report, Stage};

/// The file that is written last.
pub(crate) const MARKER: &str = "modelyard-environment.json";
const LOCKS: &str = ".locks";
const BUILDING: &str = ".building";
/// How often a lock that somebody else has is asked for: at first, and at most.
const POLL: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// How often an environment without its Python is seen while somebody holds it, before that is called an error: who
/// builds it anew removes the marker at once.
const BROKEN_MAX: u32 = 6;

/// What is noted of a finished environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) manager: String,
    /// The version of its Python.
    pub(crate) python: String,
    /// What was asked for, as the key has it.
    pub(crate) requirements: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// What lies at a place.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing, or what was interrupted.
    Unfinished,
    /// A finished environment whose Python is gone, such as after an upgrade of the system.
    Broken,
    Ready(Record),
}

/// The place of one environment.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    root: PathBuf,
    key: String,
}

/// An environment that may be used: it is not removed while this is held.
#[derive(Debug)]
pub(crate) struct Lease(File);

impl Drop for Lease {
    fn drop(&mut self) {
        // When it was used last is of use for cleaning up only.
        let _ = touch(&self.0);
    }
}

/// The right to build at a place, or to remove what is there.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) place: Place,
    lock: Arc<File>,
}

/// What is found at a place.
#[derive(Debug)]
pub(crate) enum Acquired {
    Ready(Lease, Record),
    Missing(Claim),
}

impl Place {
    pub(crate) fn new(root: &Path, key: &str) -> Self {
        Self { root: root.to_owned(), key: key.to_owned() }
    }

    /// Where the environment lies when it is finished.
    pub(crate) fn environment(&self) -> PathBuf {
        self.root.join(&self.key)
    }

    /// Where a build keeps its things.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.join(BUILDING).join(&self.key)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.environment().join("bin/python")
    }

    pub(crate) fn state(&self) -> State {
        let marker = fs::read(self.environment().join(MARKER));
        match marker.ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(record) if self.python().exists() => State::Ready(record),
            Some(_) => State::Broken,
            None => State::Unfinished,
        }
    }

    /// When it was used last.
    pub(crate) fn used(&self) -> io::Result<std::time::SystemTime> {
        fs::metadata(self.root.join(LOCKS).join(&self.key))?.modified()
    }

    /// The environment if it is finished, or else the right to build it. Waits while somebody else builds it; a
    /// waiter that is dropped leaves nothing behind.
    pub(crate) async fn acquire(&self, report: Report<'_>) -> Result<Acquired, Error> {
        let lock = self.open_lock()?;
        let (mut wait, mut told, mut broken) = (POLL[0], false, 0);
        loop {
            // Looked at before it is locked: those who wait to build are not to lock each other out.
            if matches!(self.state(), State::Ready(_)) && self.try_locked(lock.try_lock_shared())? {
                if let State::Ready(record) = self.state() {
                    let _ = touch(&lock);
                    return Ok(Acquired::Ready(Lease(lock), record));
                }
                self.unlock(&lock)?;
            }
            if self.try_locked(lock.try_lock())? {
                if !matches!(self.state(), State::Ready(_)) {
                    let lock = Arc::new(lock);
                    return Ok(Acquired::Missing(Claim { place: self.clone(), lock }));
                }
                self.unlock(&lock)?;
                continue;
            }
            if matches!(self.state(), State::Broken) {
                broken += 1;
                if broken > BROKEN_MAX {
                    return Err(Error::BrokenInUse(self.environment()));
                }
            }
            if !told {
                report(Progress::Stage(Stage::Waiting));
                told = true;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(POLL[1]);
        }
    }

    /// The right to remove what is there; `None` if it is used or built.
    pub(crate) fn claim(&self) -> Result<Option<Claim>, Error> {
        let lock = self.open_lock()?;
        let free = self.try_locked(lock.try_lock())?;
        Ok(free.then(|| Claim { place: self.clone(), lock: Arc::new(lock) }))
    }

    /// Whether somebody uses or builds it.
    pub(crate) fn in_use(&self) -> Result<bool, Error> {
        Ok(self.claim()?.is_none())
    }

    fn open_lock(&self) -> Result<File, Error> {
        let folder = self.root.join(LOCKS);
        make_folder(&folder)?;
        let path = folder.join(&self.key);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&path).map_err(Error::io("opening", &path))
    }

    fn try_locked(&self, outcome: Result<(), TryLockError>) -> Result<bool, Error> {
        match outcome {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => {
                Err(Error::io("locking", &self.root.join(LOCKS).join(&self.key))(error))
            }
        }
    }

    fn unlock(&self, lock: &File) -> Result<(), Error> {
        lock.unlock().map_err(Error::io("unlocking", &self.root.join(LOCKS).join(&self.key)))
    }
}

impl Claim {
    /// The locked file, for programs that build here: the lock then lasts as long as they do.
    pub(crate) fn lock(&self) -> &File {
        &self.lock
    }

    /// Removes what an earlier build left, and makes the folder [`Place::scratch`].
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        self.clear().await?;
        make_folder(&self.place.scratch())
    }

    /// Removes all that is at the place. Goes on when it is dropped, and keeps the lock as long.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        let claim = self.clone();
        blocking(move || claim.clear_now()).await
    }

    /// As [`Claim::clear`].
    pub(crate) fn clear_now(&self) -> Result<(), Error> {
        // First what says that the rest is whole.
        let environment = self.place.environment();
        gone(fs::remove_file(environment.join(MARKER)), &environment)?;
        gone(fs::remove_dir_all(&environment), &environment)?;
        let scratch = self.place.scratch();
        gone(fs::remove_dir_all(&scratch), &scratch)
    }

    /// Marks the environment in `built` as finished, moves it to its place if it is not there, and lets go.
    pub(crate) async fn finish(self, built: PathBuf, record: Record) -> Result<(), Error> {
        blocking(move || {
            let file = File::open(&built).map_err(Error::io("opening", &built))?;
            // A marker that survives a loss of power must not promise what did not.
            let synced = rustix::fs::syncfs(&file).map_err(io::Error::from);
            synced.map_err(Error::io("syncing", &built))?;
            let marker = built.join(MARKER);
            let unnamed = built.join(format!("{MARKER}.new"));
            let text = serde_json::to_vec_pretty(&record).map_err(io::Error::from);
            text.and_then(|text| fs::write(&unnamed, text))
                .and_then(|()| fs::rename(&unnamed, &marker))
                .map_err(Error::io("writing", &marker))?;
            let environment = self.place.environment();
            if built != environment {
                fs::rename(&built, &environment).map_err(Error::io("moving", &built))?;
            }
            // The environment is whole: what cannot be removed now is removed by the next build or clean-up.
            let _ = fs::remove_dir_all(self.place.scratch());
            self.place.unlock(&self.lock)
        })
        .await
    }
}

/// The keys of all places of which there is something, finished or not, in their order.
pub(crate) fn keys(root: &Path) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    for folder in [root.to_owned(), root.join(BUILDING)] {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("reading", &folder)(error)),
        };
        for entry in entries {
            let name = entry.map_err(Error::io("reading", &folder))?.file_name();
            keys.extend(name.into_string().ok().filter(|name| crate::key::is_key(name)));
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// Makes a folder that only this user may look into, with those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(Error::io("making", path))
}

/// Runs what waits for a disk where that holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::io("working in", Path::new("the background"))(error.into())),
    }
}

fn gone(outcome: io::Result<()>, path: &Path) -> Result<(), Error> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("removing", path)(error))
        }
        _ => Ok(()),
    }
}

fn touch(lock: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::futimens(lock, &times)?)
}
