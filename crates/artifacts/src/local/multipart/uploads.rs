//! The uploads in parts that are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Upload;
use crate::error::{Error, Result};
use crate::path::ArtifactPath;
use crate::repository::UploadId;

/// Uploads under way at once; each holds an open file, of which the process has some hundreds to
/// spare.
const UPLOADS_MAX: usize = 200;
/// Milliseconds after which an upload that nobody adds to is dropped: a day.
const EXPIRES_MS: i64 = 24 * 60 * 60 * 1000;
/// The same for an upload without any part: an hour. Clients send the first at once.
const EXPIRES_EMPTY_MS: i64 = 60 * 60 * 1000;
/// When there are too many, the one that was untouched longest makes room, if that is this many
/// milliseconds: ten minutes. Clients give up on a part sooner.
const YIELDS_MS: i64 = 10 * 60 * 1000;
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
            _ => Err(Error::NoSuchUpload(id.shown())),
        }
    }

    pub(super) fn insert(&self, id: &UploadId, upload: Upload, now_ms: i64) -> Result<()> {
        let mut slots = self.slots();
        let under_way = slots.values().filter(|slot| matches!(slot, Slot::UnderWay(_))).count();
        let mut dropped = None;
        if under_way >= UPLOADS_MAX {
            let idle = longest_idle(&slots, now_ms - YIELDS_MS).ok_or(Error::TooManyUploads)?;
            dropped = slots.remove(&idle);
        }
        slots.insert(id.clone(), Slot::UnderWay(Arc::new(upload)));
        drop(slots);
        // Removes the file, so not under the lock.
        drop(dropped);
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
                Slot::UnderWay(upload) => upload.touched_ms(),
                Slot::Completed { at_ms, .. } => *at_ms,
            };
            let expires_ms = match slot {
                Slot::UnderWay(upload) if upload.parts().is_empty() => EXPIRES_EMPTY_MS,
                _ => EXPIRES_MS,
            };
            let keep = now_ms - touched_ms < expires_ms;
            if !keep && let Slot::UnderWay(upload) = slot {
                expired.push(Arc::clone(upload));
            }
            keep
        });
        drop(expired);
    }
}

/// The upload that nobody has touched since `before_ms`, for the longest time.
fn longest_idle(slots: &HashMap<UploadId, Slot>, before_ms: i64) -> Option<UploadId> {
    let idle = slots.iter().filter_map(|(id, slot)| match slot {
        Slot::UnderWay(upload) if upload.parts().is_idle() => Some((upload.touched_ms(), id)),
        _ => None,
    });
    let (touched_ms, id) = idle.min_by_key(|(touched_ms, _)| *touched_ms)?;
    (touched_ms < before_ms).then(|| id.clone())
}
