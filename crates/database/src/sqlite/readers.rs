//! Read-only connections, used on the runtime's blocking threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::open;
use crate::{Conn, Error, Result};

/// How many reads run at the same time. More only compete for the same cores and page cache.
const MAX_READERS: usize = 8;

/// How long a read may run, as on PostgreSQL: a handful of hostile searches would hold every connection.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How many steps of SQLite's machine lie between two looks at whether a read should end: a fraction of a
/// millisecond, beside which the look costs nothing.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// How long reads that nobody waits for may take to end: far more than they need.
const END_LIMIT: Duration = Duration::from_secs(5);
const END_POLL: Duration = Duration::from_micros(200);

/// A pool of read-only connections.
#[derive(Clone)]
pub(crate) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Conn>>>,
    slots: Arc<Semaphore>,
    limit: Duration,
}

/// The end of a read that waits for its outcome. Dropped, because the caller went away for instance, it ends
/// the read.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Readers {
    /// A pool over an existing file; the first connection is opened at once.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let first = Conn::Sqlite(open::read_only(path)?);
        let slots =
            std::thread::available_parallelism().map_or(4, |n| n.get() * 2).min(MAX_READERS);
        Ok(Self {
            path: Arc::new(path.to_owned()),
            idle: Arc::new(Mutex::new(vec![first])),
            slots: Arc::new(Semaphore::new(slots)),
            limit: READ_LIMIT,
        })
    }

    /// Runs `job` on a connection of the pool, inside a transaction, so that it sees one state. It is
    /// interrupted when it takes too long, and when nobody waits for it any more.
    pub(crate) async fn run<T, E>(
        &self,
        job: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let closed = || E::from(Error::Unavailable("the server is shutting down".into()));
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return Err(closed()) };
        let pool = self.clone();
        let gone = Arc::new(AtomicBool::new(false));
        let _caller = Caller(Arc::clone(&gone));
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let mut conn = pool.take()?;
            conn_batch(&mut conn, "BEGIN")?;
            let deadline = Instant::now() + pool.limit;
            // Not `sqlite3_interrupt`, which is lost between two statements and could hit the next job's.
            let ended = move || gone.load(Ordering::Relaxed) || Instant::now() > deadline;
            interrupt_when(&mut conn, Some(ended))?;
            let outcome = job(&mut conn);
            interrupt_when(&mut conn, None::<fn() -> bool>)?;
            // A connection whose transaction cannot be ended is dropped instead of reused.
            if conn_batch(&mut conn, "COMMIT").is_ok() {
                pool.put(conn);
            }
            outcome
        });
        match task.await {
            Ok(outcome) => outcome,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => Err(closed()),
        }
    }

    /// Waits for the reads under way, of which there are none that anybody waits for, and takes no more.
    pub(super) fn wait_until_idle(&self) {
        self.slots.close();
        let deadline = Instant::now() + END_LIMIT;
        while Arc::strong_count(&self.idle) > 1 && Instant::now() < deadline {
            std::thread::sleep(END_POLL);
        }
    }

    fn take(&self) -> Result<Conn> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(conn) => Ok(conn),
            None => Ok(Conn::Sqlite(open::read_only(&self.path)?)),
        }
    }

    fn put(&self, conn: Conn) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
    }
}

fn conn_batch(conn: &mut Conn, sql: &str) -> Result<()> {
    sqlite(conn)?.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

/// Ends the statements of a connection when `ended` says so; `None` lets them run to their end again.
fn interrupt_when(
    conn: &mut Conn,
    ended: Option<impl FnMut() -> bool + Send + 'static>,
) -> Result<()> {
    Ok(sqlite(conn)?.progress_handler(STEPS_BETWEEN_LOOKS, ended)?)
}

fn sqlite(conn: &mut Conn) -> Result<&mut rusqlite::Connection> {
    match conn {
        Conn::Sqlite(conn) => Ok(conn),
        Conn::Postgres(_) => Err(Error::Other("a PostgreSQL connection among SQLite's".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts without end.
    const ENDLESS: &str =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        drop(open::writable(&path).unwrap());
        let mut readers = Readers::new(&path).unwrap();
        let count = |conn: &mut Conn, sql| -> Result<i64> {
            Ok(sqlite(conn)?.query_row(sql, [], |row| row.get(0))?)
        };
        readers.limit = Duration::from_millis(1);
        let outcome = readers.run(move |conn| count(conn, ENDLESS)).await;
        assert!(matches!(outcome, Err(Error::Timeout(_))), "{outcome:?}");
        assert_eq!(readers.idle.lock().unwrap().len(), 1, "the connection is still good");
        // The next read has its own time.
        readers.limit = READ_LIMIT;
        let sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 50000) \
                   SELECT count(*) FROM n";
        assert_eq!(readers.run(move |conn| count(conn, sql)).await.unwrap(), 50_000);
    }
}
