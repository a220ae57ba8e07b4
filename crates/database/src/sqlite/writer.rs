//! The writer thread: many requests share one commit, and so one sync of the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::{Conn, Error, Result};

/// How many writes may wait. Beyond that the caller is told to pause, so that a burst costs time and
/// not memory.
const MAX_WAITING: usize = 4_096;

/// How many operations share one commit at most, so that the first of them does not wait too long.
const MAX_BATCH: usize = 512;

/// An operation that waits for the writer.
pub(crate) trait Job: Send {
    /// Does the work inside the open transaction and keeps the outcome; `false` undoes the work.
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

/// The handle on the writer thread. When the last one is dropped the thread ends its work and stops.
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    stats: Arc<WriterStats>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(conn: Conn) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let stats = Arc::new(WriterStats::default());
        let counters = Arc::clone(&stats);
        std::thread::Builder::new()
            .name("database-writer".into())
            .spawn(move || write_all(conn, waiting, &counters))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { queue, stats })
    }

    /// Queues a job, or says that the queue is full.
    pub(crate) fn submit(&self, job: Box<dyn Job>) -> Result<()> {
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => {
                Error::Unavailable("the writer has stopped".into())
            }
        })
    }

    /// The counters.
    pub(crate) fn stats(&self) -> &WriterStats {
        &self.stats
    }

    /// How many writes wait at this moment.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
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
        if let Err(error) = &commit {
            tracing::error!(%error, operations, "a group of writes was not committed");
        }
        stats.commits.fetch_add(1, Ordering::Relaxed);
        stats.operations.fetch_add(operations, Ordering::Relaxed);
        for job in batch.drain(..) {
            job.finish(commit.clone());
        }
        if matches!(commit, Err(Error::Disk(_))) {
            // A sync that failed once may seem to succeed when tried again although the data are gone.
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
    let outcome = match batch {
        [only] => {
            if !only.run(conn) {
                // Nothing to keep; the failure is the job's own and already noted there.
                return rollback(conn);
            }
            Ok(())
        }
        many => run_each(conn, many),
    };
    match outcome.and_then(|()| step(conn, "COMMIT")) {
        Ok(()) => Ok(()),
        Err(error) => {
            rollback(conn)?;
            Err(error)
        }
    }
}

fn run_each(conn: &mut Conn, batch: &mut [Box<dyn Job>]) -> Result<()> {
    for job in batch {
        step(conn, "SAVEPOINT operation")?;
        let keep = job.run(conn);
        if is_idle(conn) {
            // The engine gave up the whole transaction (disk full, I/O error): the neighbours' work
            // is gone too, so none of the batch may be acknowledged.
            return Err(Error::Full("the database ended the transaction by itself".into()));
        }
        if !keep {
            step(conn, "ROLLBACK TO operation")?;
        }
        step(conn, "RELEASE operation")?;
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

fn is_idle(conn: &Conn) -> bool {
    matches!(conn, Conn::Sqlite(conn) if conn.is_autocommit())
}
