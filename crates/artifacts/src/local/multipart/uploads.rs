//! The uploads in parts that are under way.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Upload, UploadId};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

/// Uploads under way at once; each holds an open file, of which the process has some hundreds to
/// spare.
const UPLOADS_MAX: usize = 200;
/// Milliseconds after which an upload that nobody adds to is dropped: a day.
const EXPIRES_MS: i64 = 24 * 60 * 60 * 1000;
/// Completed uploads that are remembered, for clients that ask again.
const REMEMBERED_MAX: usize = 1000;

/// All of them, by id.
#[derive(Default)]
pub(in crate::local) struct Uploads(Mutex<HashMap<UploadId, Slot>>);

enum Slot {
    UnderWay(Arc<Upload>),
    Completed { path: ArtifactPath, at_ms: i64 },
}

impl Uploads {
    fn slots(&self) -> MutexGuard<'_, HashMap<UploadId, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The upload of this id, if it is under way.
    pub(super) fn open(&self, id: &UploadId) -> Result<Arc<Upload>> {
        match self.slots().get(id) {
            Some(Slot::UnderWay(upload)) => Ok(Arc::clone(upload)),
            _ => Err(Error::NoSuchUpload(id.as_str().to_owned())),
        }
    }

    pub(super) fn insert(&self, id: &UploadId, upload: Upload) -> Result<()> {
        let mut slots = self.slots();
        let under_way = slots.values().filter(|slot| matches!(slot, Slot::UnderWay(_))).count();
        if under_way >= UPLOADS_MAX {
            return Err(Error::TooManyUploads);
        }
        slots.insert(id.clone(), Slot::UnderWay(Arc::new(upload)));
        Ok(())
    }

    pub(super) fn is_completed(&self, id: &UploadId, path: &ArtifactPath) -> bool {
        matches!(self.slots().get(id), Some(Slot::Completed { path: of, .. }) if of == path)
    }

    pub(super) fn completed(&self, id: &UploadId, path: &ArtifactPath, now_ms: i64) {
        let mut slots = self.slots();
        let completed = |(id, slot): (&UploadId, &Slot)| match slot {
            Slot::Completed { at_ms, .. } => Some((*at_ms, id.clone())),
            Slot::UnderWay(_) => None,
        };
        if slots.iter().filter_map(completed).count() >= REMEMBERED_MAX
            && let Some((_, oldest)) = slots.iter().filter_map(completed).min_by_key(|one| one.0)
        {
            slots.remove(&oldest);
        }
        slots.insert(id.clone(), Slot::Completed { path: path.clone(), at_ms: now_ms });
    }

    pub(super) fn remove(&self, id: &UploadId) {
        let removed = self.slots().remove(id);
        // Removes the file, so not under the lock.
        drop(removed);
    }

    /// Drops what nobody touched for long.
    pub(in crate::local) fn expire(&self, now_ms: i64) {
        let mut expired = Vec::new();
        self.slots().retain(|_, slot| {
            let touched_ms = match slot {
                Slot::UnderWay(upload) => upload.touched_ms.load(Ordering::Relaxed),
                Slot::Completed { at_ms, .. } => *at_ms,
            };
            let keep = now_ms - touched_ms < EXPIRES_MS;
            if !keep && let Slot::UnderWay(upload) = slot {
                expired.push(Arc::clone(upload));
            }
            keep
        });
        drop(expired);
    }
}
