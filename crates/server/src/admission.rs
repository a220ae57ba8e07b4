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
    /// What waits for servers elsewhere that a user has named.
    Send,
    /// Streams of events, which last as long as a page is open. They are few and never wait.
    Events,
}

/// Reads that run at once. Above a few per core they only compete.
const READS: usize = 64;
/// Writes that run at once: the more of them, the more share one fsync.
const WRITES: usize = 512;
/// Transfers that run at once; each holds a buffer and a file.
const TRANSFERS: usize = 256;
/// Requests that wait for servers elsewhere at once; people make them, one at a time.
const SENDS: usize = 16;
/// Streams of events open at once; each holds a connection.
const EVENT_STREAMS: usize = 1024;
/// Requests that may wait in one lane, as a multiple of those that run.
const WAITING_FACTOR: usize = 8;
/// How long a request waits for its turn. Clients give up after 120 s and retry on 429 and 503.
const WAIT: Duration = Duration::from_secs(10);
/// Large bodies that are parsed at once: what a parser builds is a multiple of the text, until what
/// is too much is refused.
const LARGE_PARSES: usize = 4;
/// Memory for answers that were made and not yet taken by their clients, in bytes, beyond
/// [`SMALL_ANSWER_BYTES`] each.
const ANSWERS_BYTES: usize = 256 << 20;
/// Answers up to this size are not counted.
pub(crate) const SMALL_ANSWER_BYTES: usize = UNIT_BYTES;
/// Memory for the bodies of all JSON requests together, in bytes, beyond [`SMALL_BODY_BYTES`] each.
const BODIES_BYTES: usize = 256 << 20;
/// Bodies up to this size are not counted.
pub(crate) const SMALL_BODY_BYTES: usize = UNIT_BYTES;
/// The unit in which the memory is given out, in bytes.
const UNIT_BYTES: usize = 64 << 10;

/// The lanes of one server.
#[derive(Debug)]
pub(crate) struct Admission {
    read: Queue,
    write: Queue,
    transfer: Queue,
    send: Queue,
    events: Queue,
    bodies: Queue,
    answers: Queue,
    parses: Queue,
}

/// The right to run, or to hold memory; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    slots: Option<OwnedSemaphorePermit>,
}

impl Admission {
    pub(crate) fn new() -> Self {
        let lane = |slots| Queue::new(slots, slots * WAITING_FACTOR);
        Self {
            read: lane(READS),
            write: lane(WRITES),
            transfer: lane(TRANSFERS),
            send: lane(SENDS),
            events: Queue::new(EVENT_STREAMS, 0),
            bodies: Queue::new(BODIES_BYTES / UNIT_BYTES, WRITES),
            // Whoever waits holds an answer already.
            answers: Queue::new(ANSWERS_BYTES / UNIT_BYTES, READS),
            parses: Queue::new(LARGE_PARSES, WRITES),
        }
    }

    /// Waits for a turn in `lane`.
    ///
    /// # Errors
    /// `REQUEST_LIMIT_EXCEEDED` (429) when too many wait already, `TEMPORARILY_UNAVAILABLE` (503)
    /// when the turn did not come in time.
    pub(crate) async fn enter(&self, lane: Lane) -> Result<Permit, Error> {
        match lane {
            Lane::Free => Ok(Permit { slots: None }),
            Lane::Read => self.read.enter(1).await,
            Lane::Write => self.write.enter(1).await,
            Lane::Transfer => self.transfer.enter(1).await,
            Lane::Send => self.send.enter(1).await,
            Lane::Events => self.events.enter(1).await,
        }
    }

    /// Waits for memory to hold `bytes` of a request's body.
    ///
    /// # Errors
    /// As [`Admission::enter`].
    pub(crate) async fn hold_body(&self, bytes: usize) -> Result<Permit, Error> {
        self.bodies.enter(units(bytes)).await
    }

    /// Waits for memory to hold an answer of `bytes` until its client has taken it. A larger one
    /// than all the memory waits for all of it.
    ///
    /// # Errors
    /// As [`Admission::enter`].
    pub(crate) async fn hold_answer(&self, bytes: usize) -> Result<Permit, Error> {
        self.answers.enter(units(bytes.min(ANSWERS_BYTES))).await
    }

    /// Waits for a turn to parse a large body.
    ///
    /// # Errors
    /// As [`Admission::enter`].
    pub(crate) async fn parse_large(&self) -> Result<Permit, Error> {
        self.parses.enter(1).await
    }

    /// The queues with their names.
    pub(crate) fn queues(&self) -> [(&'static str, &Queue); 8] {
        [
            ("read", &self.read),
            ("write", &self.write),
            ("transfer", &self.transfer),
            ("events", &self.events),
            ("body_memory", &self.bodies),
            ("answer_memory", &self.answers),
            ("large_parses", &self.parses),
            ("send", &self.send),
        ]
    }
}

impl Permit {
    /// Adds what `more` holds.
    pub(crate) fn join(&mut self, more: Self) {
        match (&mut self.slots, more.slots) {
            (Some(mine), Some(more)) => mine.merge(more),
            (slots @ None, more) => *slots = more,
            (Some(_), None) => {}
        }
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

/// Slots, and a bounded number of those who wait for one.
#[derive(Debug)]
pub(crate) struct Queue {
    slots: Arc<Semaphore>,
    slots_max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Queue {
    fn new(slots_max: usize, waiting_max: usize) -> Self {
        let slots = Arc::new(Semaphore::new(slots_max));
        Self { slots, slots_max, waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Slots taken now.
    pub(crate) fn running(&self) -> usize {
        self.slots_max - self.slots.available_permits()
    }

    /// Requests that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn enter(&self, slots: u32) -> Result<Permit, Error> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_many_owned(slots) {
            return Ok(Permit { slots: Some(permit) });
        }
        let _place = Place::take(&self.waiting, self.waiting_max).ok_or_else(|| {
            let message = "Too many requests are waiting; retry after a pause.";
            Error::new(ErrorCode::RequestLimitExceeded, message)
        })?;
        let turn = Arc::clone(&self.slots).acquire_many_owned(slots);
        match tokio::time::timeout(WAIT, turn).await {
            Ok(Ok(permit)) => Ok(Permit { slots: Some(permit) }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_waits_and_what_waits_too_long_is_told_so() {
        let queue = Queue::new(1, 1);
        let running = queue.enter(1).await.expect("the slot is free");
        let late = queue.enter(1).await.expect_err("the slot is taken");
        assert_eq!(late.code, ErrorCode::TemporarilyUnavailable);
        let (waiting, refused) = tokio::join!(
            async {
                let permit = queue.enter(1).await;
                permit.map(|_| ())
            },
            async {
                let refused = queue.enter(1).await.expect_err("the waiting room is full");
                drop(running);
                refused
            }
        );
        assert_eq!(waiting, Ok(()));
        assert_eq!(refused.code, ErrorCode::RequestLimitExceeded);
        assert_eq!((queue.running(), queue.waiting()), (0, 0));
    }
}
