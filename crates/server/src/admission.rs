//! Bounded work: how many requests of each kind run at once, how many wait, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use modelyard_protocol::{Error, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The kinds of work that queue apart, so that one cannot starve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Answered from memory or in no time: never queued.
    Free,
    /// Reads from the database.
    Read,
    /// Writes to the database: short, and grouped into one commit by the store.
    Write,
    /// Artifact bytes in either direction: as slow as the client's network.
    Transfer,
}

/// Reads that run at once. Above a few per core they only compete.
const READS: usize = 64;
/// Writes that run at once: the larger, the more of them share one fsync.
const WRITES: usize = 512;
/// Transfers that run at once; each holds a buffer and a file.
const TRANSFERS: usize = 256;
/// Requests that may wait in one lane, as a multiple of those that run.
const WAITING_FACTOR: usize = 8;
/// How long a request waits for its turn. Clients give up after 120 s and retry on 429 and 503.
const WAIT: Duration = Duration::from_secs(10);

/// The lanes of one server.
pub(crate) struct Admission {
    read: Queue,
    write: Queue,
    transfer: Queue,
}

/// The right to run; given back when dropped.
pub(crate) struct Permit(
    #[expect(dead_code, reason = "held for its Drop")] Option<OwnedSemaphorePermit>,
);

impl Admission {
    pub(crate) fn new() -> Self {
        Self { read: Queue::new(READS), write: Queue::new(WRITES), transfer: Queue::new(TRANSFERS) }
    }

    /// Waits for a turn in `lane`.
    ///
    /// # Errors
    /// `REQUEST_LIMIT_EXCEEDED` (429) when too many wait already, `TEMPORARILY_UNAVAILABLE` (503)
    /// when the turn did not come in time.
    pub(crate) async fn enter(&self, lane: Lane) -> Result<Permit, Error> {
        match lane {
            Lane::Free => Ok(Permit(None)),
            Lane::Read => self.read.enter().await,
            Lane::Write => self.write.enter().await,
            Lane::Transfer => self.transfer.enter().await,
        }
    }
}

struct Queue {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Queue {
    fn new(slots: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            waiting: AtomicUsize::new(0),
            waiting_max: slots * WAITING_FACTOR,
        }
    }

    async fn enter(&self) -> Result<Permit, Error> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Permit(Some(permit)));
        }
        let _place = Place::take(&self.waiting, self.waiting_max).ok_or_else(|| {
            let message = "Too many requests are waiting; retry after a pause.";
            Error::new(ErrorCode::RequestLimitExceeded, message)
        })?;
        match tokio::time::timeout(WAIT, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Permit(Some(permit))),
            Ok(Err(_)) | Err(_) => {
                let message = "The server is busy; retry after a pause.";
                Err(Error::new(ErrorCode::TemporarilyUnavailable, message))
            }
        }
    }
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        (before < max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
