//! Read-only connections, used on the runtime's blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::open;
use crate::{Conn, Error, Result};

/// How many reads run at the same time. More only compete for the same cores and page cache.
const MAX_READERS: usize = 8;

/// A pool of read-only connections.
#[derive(Clone)]
pub(crate) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Conn>>>,
    slots: Arc<Semaphore>,
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
        })
    }

    /// Runs `job` on a connection of the pool, inside a transaction, so that it sees one state.
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
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let mut conn = pool.take()?;
            conn_batch(&conn, "BEGIN")?;
            let outcome = job(&mut conn);
            // A connection whose transaction cannot be ended is dropped instead of reused.
            if conn_batch(&conn, "COMMIT").is_ok() {
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

fn conn_batch(conn: &Conn, sql: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(conn) => {
            conn.prepare_cached(sql)?.raw_execute()?;
            Ok(())
        }
        Conn::Postgres(_) => Err(Error::Other("a PostgreSQL connection among SQLite's".into())),
    }
}
