//! The writer thread: many requests share one commit, and so one sync of the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::{Conn, Error, Result};

/// How many writes may wait. Beyond that the caller is told to pause, so that a burst costs time and
/// not memory.
const MAX_WAITING: usize = 4_096;

/// How many operations share one commit at most, so that the first of them does not wait too long.
const MAX_BATCH: usize = 512;

/// An operation that waits for the writer.
pub(crate) trait Job: Send {
    /// Does the work inside the open transaction and keeps the outcome; `false` undoes the work. May be
    /// called again, after the first work was undone.
    fn run(&mut self, conn: &mut Conn) -> bool;

    /// Hands the outcome to whoever waits, or the failure of the commit.
    fn finish(self: Box<Self>, commit: Result<()>);
}

/// Counters of the writer thread since the start.
#[derive(Debug, Default)]
pub(crate) struct WriterStats {
    commits: AtomicU64,
    operations: AtomicU64,
}

impl WriterStats {
    /// How many transactions were committed.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How many operations they held.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }
}

/// The handle on the writer thread. When it is dropped the thread ends its work and closes the database.
pub(crate) struct Writer {
    /// `None` only while it is being dropped.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    stats: Arc<WriterStats>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(conn: Conn) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let stats = Arc::new(WriterStats::default());
        let counters = Arc::clone(&stats);
        let thread = std::thread::Builder::new()
            .name("database-writer".into())
            .spawn(move || write_all(conn, waiting, &counters))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), stats })
    }

    /// Queues a job, or says that the queue is full.
    pub(crate) fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        let Some(queue) = &self.queue else { return Err(stopped()) };
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })
    }

    /// Whether writes are still taken: they are not after a failure of the disk.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.queue {
            Some(queue) if !queue.is_closed() => Ok(()),
            _ => Err(stopped()),
        }
    }

    /// The counters.
    pub(crate) fn stats(&self) -> &WriterStats {
        &self.stats
    }

    /// How many writes wait at this moment.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Err(_)) = ended {
            tracing::error!("the writer of the database has panicked");
        }
    }
}

/// What whoever writes is told when no writes are taken any more.
pub(crate) fn stopped() -> Error {
    Error::Unavailable("the writer has stopped".into())
}

fn write_all(mut conn: Conn, mut waiting: mpsc::Receiver<Box<dyn Job>>, stats: &WriterStats) {
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(MAX_BATCH);
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < MAX_BATCH {
            let Ok(next) = waiting.try_recv() else { break };
            batch.push(next);
        }
        let operations = batch.len() as u64;
        let commit = transact(&mut conn, &mut batch);
        match &commit {
            Ok(()) => {
                stats.commits.fetch_add(1, Ordering::Relaxed);
                stats.operations.fetch_add(operations, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(%error, operations, "a group of writes was not committed");
            }
        }
        // A sync that failed once may seem to succeed when tried again although the data are gone; and a
        // transaction that cannot be undone would swallow the next one.
        let broken = matches!(commit, Err(Error::Disk(_))) || !is_idle(&conn);
        for job in batch.drain(..) {
            job.finish(commit.clone());
        }
        if broken {
            tracing::error!(
                "no further writes are taken; check the disk and start the server again"
            );
            break;
        }
    }
    // A clean close copies the log back, so that the next start finds one file.
    drop(conn);
}

/// Runs a batch in one transaction. An operation that fails is undone alone, its neighbours stay.
fn transact(conn: &mut Conn, batch: &mut [Box<dyn Job>]) -> Result<()> {
    step(conn, "BEGIN IMMEDIATE")?;
    let outcome = match run_together(conn, batch) {
        Ok(true) => Ok(()),
        // Nothing of a lone operation is to be kept; its failure is noted there.
        Ok(false) if batch.len() == 1 => return rollback(conn),
        Ok(false) => run_apart(conn, batch),
        Err(error) => Err(error),
    };
    outcome.and_then(|()| step(conn, "COMMIT")).inspect_err(|_| {
        if let Err(error) = rollback(conn) {
            tracing::error!(%error, "a group of writes could not be undone");
        }
    })
}

/// Runs the operations one after the other; `false` when one has failed and left something to undo.
///
/// Nearly all succeed, or fail before they have changed anything, so marking a place to return to before
/// each would be work for nothing.
fn run_together(conn: &mut Conn, batch: &mut [Box<dyn Job>]) -> Result<bool> {
    for job in batch {
        let changes = changes(conn);
        let keep = job.run(conn);
        refuse_ended(conn)?;
        if !keep && changes != self::changes(conn) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Begins again, and undoes each operation that fails.
fn run_apart(conn: &mut Conn, batch: &mut [Box<dyn Job>]) -> Result<()> {
    step(conn, "ROLLBACK")?;
    step(conn, "BEGIN IMMEDIATE")?;
    for job in batch {
        step(conn, "SAVEPOINT operation")?;
        let keep = job.run(conn);
        refuse_ended(conn)?;
        if !keep {
            step(conn, "ROLLBACK TO operation")?;
        }
        step(conn, "RELEASE operation")?;
    }
    Ok(())
}

/// After some errors (disk full, I/O) the engine itself gives up the whole transaction: the neighbours' work
/// is gone too, so none of the batch may be acknowledged.
fn refuse_ended(conn: &Conn) -> Result<()> {
    if is_idle(conn) {
        return Err(Error::Full("the database gave up the transaction; is the disk full?".into()));
    }
    Ok(())
}

fn rollback(conn: &mut Conn) -> Result<()> {
    if is_idle(conn) { Ok(()) } else { step(conn, "ROLLBACK") }
}

fn step(conn: &Conn, sql: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(conn) => {
            conn.prepare_cached(sql)?.raw_execute()?;
            Ok(())
        }
        Conn::Postgres(_) => Err(Error::Other("a PostgreSQL connection in SQLite's writer".into())),
    }
}

/// How many rows this connection has changed since it was opened.
fn changes(conn: &Conn) -> u64 {
    match conn {
        Conn::Sqlite(conn) => conn.total_changes(),
        Conn::Postgres(_) => 0,
    }
}

fn is_idle(conn: &Conn) -> bool {
    matches!(conn, Conn::Sqlite(conn) if conn.is_autocommit())
}
