//! What environments there are, and removing them.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cache::{Place, State, blocking, keys};
use crate::error::Error;
use crate::manager::EnvManager;
use crate::prepare::Environments;

/// One environment in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// Its key.
    pub key: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// Who built it; `None` if it is not finished: being built, interrupted or broken.
    pub manager: Option<EnvManager>,
    /// The version of its Python, if it is finished.
    pub python: Option<String>,
    /// What was asked for, in a form of its own.
    pub requirements: Vec<String>,
    /// When it was used last.
    pub used: Option<SystemTime>,
    /// Whether somebody uses or builds it.
    pub in_use: bool,
    /// Bytes on the disk, each file counted once.
    pub bytes: u64,
    /// Those that its removal frees. The others belong to the cache of `uv` and to other environments as well.
    pub own_bytes: u64,
}

/// Which environments are removed. Those that are in use never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// All.
    All,
    /// Those that were not used since then, and those that are not finished.
    UnusedSince(SystemTime),
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// The keys of the environments.
    pub keys: Vec<String>,
    /// Bytes that are free now.
    pub bytes: u64,
    /// The keys of those that were to be removed but are in use.
    pub in_use: Vec<String>,
}

impl Environments {
    /// All environments in the folder, in the order of their keys. A folder that is not there has none.
    pub async fn list(&self) -> Result<Vec<Cached>, Error> {
        let root = self.settings.root.clone();
        blocking(move || {
            keys(&root)?.into_iter().map(|key| cached(&Place::new(&root, &key), key)).collect()
        })
        .await
    }

    /// Removes environments. Goes on when it is dropped.
    pub async fn remove(&self, which: Removal) -> Result<Removed, Error> {
        let root = self.settings.root.clone();
        blocking(move || {
            let mut removed = Removed::default();
            for key in keys(&root)? {
                let place = Place::new(&root, &key);
                if !chosen(&place, which) {
                    continue;
                }
                let Some(claim) = place.claim()? else {
                    removed.in_use.push(key);
                    continue;
                };
                // It may have been used between the two looks.
                if !chosen(&place, which) {
                    continue;
                }
                let size = sizes(&place)?;
                claim.clear_now()?;
                removed.bytes += size.own;
                removed.keys.push(key);
            }
            Ok(removed)
        })
        .await
    }
}

fn chosen(place: &Place, which: Removal) -> bool {
    match which {
        Removal::All => true,
        Removal::UnusedSince(then) => {
            let used = place.used();
            !matches!(place.state(), State::Ready(_)) || used.is_ok_and(|used| used < then)
        }
    }
}

fn cached(place: &Place, key: String) -> Result<Cached, Error> {
    let record = match place.state() {
        State::Ready(record) => Some(record),
        State::Broken | State::Unfinished => None,
    };
    let size = sizes(place)?;
    Ok(Cached {
        key,
        folder: place.environment(),
        manager: record.as_ref().and_then(|record| record.manager.parse().ok()),
        python: record.as_ref().map(|record| record.python.clone()),
        requirements: record.map(|record| record.requirements).unwrap_or_default(),
        used: place.used().ok(),
        in_use: place.in_use()?,
        bytes: size.all,
        own_bytes: size.own,
    })
}

#[derive(Default)]
struct Sizes {
    all: u64,
    own: u64,
}

/// What lies at a place, in bytes on the disk. What goes away meanwhile is not counted.
fn sizes(place: &Place) -> Result<Sizes, Error> {
    let mut sizes = Sizes::default();
    let mut seen = HashSet::new();
    for folder in [place.environment(), place.scratch()] {
        count(&folder, &mut sizes, &mut seen).map_err(Error::io("reading", &folder))?;
    }
    Ok(sizes)
}

fn count(folder: &Path, sizes: &mut Sizes, seen: &mut HashSet<u64>) -> io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let Some(entries) = there(fs::read_dir(&folder))? else { continue };
        for entry in entries {
            let entry = entry?;
            let Some(about) = there(entry.metadata())? else { continue };
            // In blocks of 512 bytes, whatever those of the file system are.
            let bytes = about.blocks() * 512;
            if about.is_dir() {
                waiting.push(entry.path());
            } else if about.nlink() > 1 && !seen.insert(about.ino()) {
                continue;
            }
            sizes.all += bytes;
            if about.is_dir() || about.nlink() == 1 {
                sizes.own += bytes;
            }
        }
    }
    Ok(())
}

fn there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}
