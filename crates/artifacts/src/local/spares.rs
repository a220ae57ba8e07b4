//! Empty files, made ahead.
//!
//! Making a file waits while the file system commits, which on a busy disk takes longer than all
//! else that a small upload does. Moving one does not. So files are made in the background, and an
//! upload takes one that is there.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use modelyard_protocol::Context;

use super::work::{Work, new_file};

/// Files that are kept ready. They last for as many uploads as may come while others are made.
const READY: usize = 32;
/// When so few are left, others are made.
const LOW: usize = READY / 2;

/// A new file, readable only for its owner, under a name that cannot be guessed.
pub(super) struct NewFile {
    pub(super) file: File,
    pub(super) name: String,
}

impl NewFile {
    pub(super) fn create(dir: &Dir, context: &Context) -> io::Result<Self> {
        let name = context.uuid_hex();
        let file = dir.open_with(&name, &new_file())?.into_std();
        Ok(Self { file, name })
    }
}

/// The files made ahead.
#[derive(Default)]
pub(super) struct Spares {
    files: Mutex<Vec<NewFile>>,
    making: AtomicBool,
}

impl Spares {
    fn files(&self) -> MutexGuard<'_, Vec<NewFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new file: one that is ready, or one made now.
    pub(super) fn take(work: &Arc<Work>, context: &Context) -> io::Result<NewFile> {
        let (taken, left) = {
            let mut files = work.spares.files();
            (files.pop(), files.len())
        };
        if left < LOW {
            Self::make_more(work, context);
        }
        match taken {
            Some(file) => Ok(file),
            None => NewFile::create(&work.dir, context),
        }
    }

    /// Begins to make files in the background, unless that is under way.
    fn make_more(work: &Arc<Work>, context: &Context) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if work.spares.making.swap(true, Ordering::Relaxed) {
            return;
        }
        let (work, context) = (Arc::clone(work), context.clone());
        runtime.spawn_blocking(move || {
            while work.spares.files().len() < READY {
                match NewFile::create(&work.dir, &context) {
                    Ok(file) => work.spares.files().push(file),
                    // Whoever needs a file will meet the same error, and report it.
                    Err(_) => break,
                }
            }
            work.spares.making.store(false, Ordering::Relaxed);
        });
    }
}
