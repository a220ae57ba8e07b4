//! Makes small uploads durable with one write to one file.
//!
//! On its own, a small file costs two or three commits of the file system's journal before it is
//! safe. Here the bytes go to a journal of ours first, which is written through beforehand, so
//! that its fsync is a single write; uploads that come together share it. Only then is the file
//! put into the tree, without any fsync. Later, in the background, the whole file system is synced
//! once for some thousand files, and the journal's records are void. After a crash the records
//! that are not void are [put into the tree again](recover).
//!
//! Invariants:
//! - a file is in the tree only after its record is durable, so whatever a crash makes of the
//!   tree, the journal repairs it;
//! - a record is void only after the tree on disk has its file;
//! - whoever changes a path past the journal [settles](Journal::settle) it before answering, so
//!   that no older record can undo the change.
//!
//! There are two segments: one takes records while the other is being retired.

mod record;
mod recovery;
mod segment;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use self::record::{Draft, HEAD_BYTES};
use self::segment::{Phase, Segment, void};
use crate::error::{Error, Result};
use crate::path::ArtifactPath;

pub(super) use self::recovery::recover;

/// The names of the two segment files.
const FILE_NAMES: [&str; 2] = ["journal-0", "journal-1"];
/// After this long without uploads, what the journal holds is retired, so that a restart finds
/// nothing to do.
const IDLE: Duration = Duration::from_secs(2);

/// Writes the tree that the journal speaks of to disk.
type SyncTree = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

/// A running journal.
pub(super) struct Journal {
    shared: Arc<Shared>,
    retiring: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// For those who append or settle.
    changed: Condvar,
    /// For the background thread, which need not wake for every record.
    retirable: Condvar,
    sync_tree: SyncTree,
}

struct State {
    segments: [Segment; 2],
    /// Which one takes records.
    active: usize,
    next_epoch: u64,
    /// Encoded records that no one has written yet; they belong at the end of the active segment.
    queue: Vec<u8>,
    /// A used buffer, kept for its capacity.
    spare: Vec<u8>,
    /// Someone is writing what was in the queue.
    writing: bool,
    /// Records put into the queue, and records known to be durable, since the start.
    queued: u64,
    durable: u64,
    /// A write or sync failed: nothing can be promised any more.
    failed: bool,
    closing: bool,
}

impl Journal {
    /// Starts a journal in new files, which `create` makes by name.
    ///
    /// # Errors
    /// When the files cannot be made, above all for want of room.
    pub(super) fn start(
        create: impl Fn(&str) -> io::Result<File>,
        sync_tree: SyncTree,
    ) -> io::Result<Self> {
        let [first, second] = FILE_NAMES;
        let mut segments = [Segment::create(create(first)?)?, Segment::create(create(second)?)?];
        for (segment, epoch) in segments.iter_mut().zip(1..) {
            void(&segment.file, epoch)?;
            segment.epoch = epoch;
        }
        segments[0].phase = Phase::Active;
        let state = State {
            segments,
            active: 0,
            next_epoch: 3,
            queue: Vec::new(),
            spare: Vec::new(),
            writing: false,
            queued: 0,
            durable: 0,
            failed: false,
            closing: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            retirable: Condvar::new(),
            sync_tree,
        });
        let of_thread = Arc::clone(&shared);
        let retiring = std::thread::Builder::new()
            .name("artifact-journal".into())
            .spawn(move || of_thread.retire_segments())?;
        Ok(Self { shared, retiring: Some(retiring) })
    }

    /// Writes a record and returns when it is durable. The caller then puts the file into the tree
    /// and drops the result.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after any failed write or sync.
    pub(super) fn append(&self, path: &ArtifactPath, data: &[&[u8]]) -> Result<Applying> {
        let draft = Draft::new(path, data);
        let mut state = self.shared.lock();
        while !state.failed && !state.segment().has_room_for(draft.len()) {
            state = self.shared.advance(state);
        }
        state.check()?;
        let was_empty = state.segment().end == HEAD_BYTES;
        let (segment, number) = state.enqueue(&draft, path);
        if was_empty {
            self.shared.retirable.notify_one();
        }
        let applying = Applying { shared: Arc::clone(&self.shared), segment };
        while state.durable < number {
            // A failure leaves `applying` to be given back, so the lock must not be held then.
            if state.failed {
                drop(state);
                return Err(Error::Poisoned);
            }
            state = self.shared.flush_or_wait(state);
        }
        drop(state);
        Ok(applying)
    }

    /// Returns when no record of `path` or of anything below it can come back after a crash.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after any failed write or sync.
    pub(super) fn settle(&self, path: &ArtifactPath) -> Result<()> {
        let mut state = self.shared.lock();
        let held = state.segments.each_ref().map(|one| one.concerns(path).then_some(one.epoch));
        loop {
            state.check()?;
            let unsettled = |index: usize| held[index] == Some(state.segments[index].epoch);
            if !unsettled(0) && !unsettled(1) {
                return Ok(());
            }
            state = if unsettled(state.active) {
                self.shared.advance(state)
            } else {
                self.shared.wait(state)
            };
        }
    }

    /// Whether it still takes records.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after any failed write or sync.
    pub(super) fn check(&self) -> Result<()> {
        self.shared.lock().check()
    }

    /// Reports that the disk failed elsewhere: nothing is promised from here on.
    pub(super) fn poison(&self) {
        self.shared.fail(self.shared.lock(), "syncing a folder", &io::Error::other("see above"));
    }

    /// Retires everything. Afterwards the files hold nothing that matters.
    ///
    /// # Errors
    /// [`Error::Poisoned`] if that failed: then the files must stay for the next start.
    pub(super) fn close(&mut self) -> Result<()> {
        self.shared.lock().closing = true;
        self.shared.retirable.notify_one();
        if let Some(thread) = self.retiring.take()
            && thread.join().is_err()
        {
            return Err(Error::Poisoned);
        }
        self.shared.lock().check()
    }
}

impl State {
    fn segment(&self) -> &Segment {
        &self.segments[self.active]
    }

    fn check(&self) -> Result<()> {
        if self.failed { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Puts a record at the end of the queue. Returns its segment and its number.
    fn enqueue(&mut self, draft: &Draft<'_>, path: &ArtifactPath) -> (usize, u64) {
        let active = self.active;
        let segment = &mut self.segments[active];
        draft.write(segment.epoch, &mut self.queue);
        segment.end += draft.len();
        segment.paths.insert(path.clone());
        segment.applying += 1;
        self.queued += 1;
        (active, self.queued)
    }

    /// Whether the active segment can be exchanged for the other one now.
    fn can_rotate(&self) -> bool {
        let other = &self.segments[1 - self.active];
        self.queue.is_empty() && !self.writing && other.phase == Phase::Clean
    }

    /// Retires the active segment; the other one, whose epoch is open on disk, takes over.
    fn rotate(&mut self) {
        self.segments[self.active].phase = Phase::Retiring;
        self.active = 1 - self.active;
        self.segments[self.active].phase = Phase::Active;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is changed in single steps, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn fail(&self, mut state: MutexGuard<'_, State>, action: &str, error: &io::Error) {
        if !state.failed {
            tracing::error!("{action}: {error}. The artifact store takes no more writes.");
        }
        state.failed = true;
        self.changed.notify_all();
        self.retirable.notify_one();
    }

    /// One step towards a new active segment.
    fn advance<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.can_rotate() {
            state.rotate();
            self.retirable.notify_one();
            return state;
        }
        self.flush_or_wait(state)
    }

    /// Writes the queue if nobody else is writing and there is something in it; otherwise waits
    /// for a change. The one that writes does so for all that came meanwhile.
    fn flush_or_wait<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.writing || state.queue.is_empty() {
            return self.wait(state);
        }
        let spare = std::mem::take(&mut state.spare);
        let batch = std::mem::replace(&mut state.queue, spare);
        let file = Arc::clone(&state.segment().file);
        let at = state.segment().end - batch.len();
        let last = state.queued;
        state.writing = true;
        drop(state);
        let written = file.write_all_at(&batch, at as u64).and_then(|()| file.sync_data());
        let mut state = self.lock();
        state.writing = false;
        state.spare = batch;
        state.spare.clear();
        match written {
            Ok(()) => state.durable = last,
            Err(error) => {
                self.fail(state, "writing the artifact journal", &error);
                return self.lock();
            }
        }
        self.changed.notify_all();
        state
    }

    /// The background thread: retires segments as they fill up, or when nothing happens.
    fn retire_segments(&self) {
        let mut state = self.lock();
        let mut idle = false;
        while !state.failed {
            let done = |one: &Segment| one.phase == Phase::Retiring && one.applying == 0;
            if let Some(index) = state.segments.iter().position(done) {
                state = self.retire(state, index);
                continue;
            }
            let holds_records = state.segment().end > HEAD_BYTES;
            if holds_records && (idle || state.closing) && state.can_rotate() {
                state.rotate();
                continue;
            }
            let retiring = state.segments.iter().any(|one| one.phase == Phase::Retiring);
            if state.closing && !holds_records && !retiring {
                return;
            }
            (state, idle) = self.wait_for_work(state, holds_records);
        }
    }

    /// Waits until there may be something to retire: without end while the journal is empty.
    /// Tells whether nothing at all happened for [`IDLE`].
    fn wait_for_work<'a>(
        &self,
        state: MutexGuard<'a, State>,
        holds_records: bool,
    ) -> (MutexGuard<'a, State>, bool) {
        if !holds_records {
            let woken = self.retirable.wait(state);
            return (woken.unwrap_or_else(std::sync::PoisonError::into_inner), false);
        }
        let queued_before = state.queued;
        let woken = self.retirable.wait_timeout(state, IDLE);
        let (state, timeout) = woken.unwrap_or_else(std::sync::PoisonError::into_inner);
        let idle = timeout.timed_out() && state.queued == queued_before;
        (state, idle)
    }

    /// Syncs the tree and voids the records of one segment.
    fn retire<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        index: usize,
    ) -> MutexGuard<'a, State> {
        let file = Arc::clone(&state.segments[index].file);
        let epoch = state.next_epoch;
        state.next_epoch += 1;
        drop(state);
        let retired = (self.sync_tree)().and_then(|()| void(&file, epoch));
        let mut state = self.lock();
        if let Err(error) = retired {
            self.fail(state, "syncing the artifact store", &error);
            return self.lock();
        }
        let segment = &mut state.segments[index];
        segment.epoch = epoch;
        segment.phase = Phase::Clean;
        segment.end = HEAD_BYTES;
        segment.paths.clear();
        self.changed.notify_all();
        state
    }
}

/// A durable record whose file is about to be put into the tree. While it lives, the record stays.
pub(super) struct Applying {
    shared: Arc<Shared>,
    segment: usize,
}

impl Drop for Applying {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let segment = &mut state.segments[self.segment];
        segment.applying -= 1;
        if segment.applying == 0 && segment.phase == Phase::Retiring {
            self.shared.retirable.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
