//! PostgreSQL: a pool of connections.

mod settings;
mod tls;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::FutureExt;

use crate::{Conn, Error, Failure, Operation, Result};

/// How many connections one process opens at most; several replicas share a server's limit of 100.
const MAX_CONNECTIONS: usize = 16;

/// How long a request waits for a free connection, or for a new one to be made.
const WAIT: Duration = Duration::from_secs(10);

/// How often an operation is tried again when another transaction won.
const MAX_ATTEMPTS: usize = 5;

/// A pool over one database.
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Reads the URL and makes a pool; connects at first use.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let (config, tls) = settings::read(url, WAIT)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls, recycling))
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Other(error.to_string()))?;
        Ok(Self { pool })
    }

    /// A connection outside any transaction.
    pub(crate) async fn connection(&self) -> Result<Conn> {
        Ok(Conn::Postgres(self.client().await?))
    }

    async fn client(&self) -> Result<Object> {
        let client = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::Overloaded,
            PoolError::Timeout(_) => Error::Unavailable("PostgreSQL does not answer".into()),
            PoolError::Backend(error) => match Error::from(error) {
                Error::Other(text) => Error::Unavailable(text),
                error => error,
            },
            error => Error::Unavailable(error.to_string()),
        })?;
        Ok(client)
    }

    /// Runs `operation` in a transaction, again when another transaction won.
    pub(crate) async fn write<D, T, E>(
        &self,
        data: &D,
        operation: &impl Operation<D, T, E>,
    ) -> Result<T, E>
    where
        E: Failure,
    {
        let mut attempt = 1;
        loop {
            match self.transact("BEGIN", data, operation).await {
                Err(error) if error.is_conflict() && attempt < MAX_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// Runs `operation` on one unchanging state of the database.
    pub(crate) async fn read<D, T, E>(
        &self,
        data: &D,
        operation: &impl Operation<D, T, E>,
    ) -> Result<T, E>
    where
        E: Failure,
    {
        self.transact("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", data, operation).await
    }

    async fn transact<D, T, E>(
        &self,
        begin: &str,
        data: &D,
        operation: &impl Operation<D, T, E>,
    ) -> Result<T, E>
    where
        E: Failure,
    {
        let mut transaction = Transaction(Some(self.connection().await?));
        let conn = transaction.conn()?;
        conn.batch(begin).await?;
        match AssertUnwindSafe(operation(conn, data)).catch_unwind().await {
            Ok(Ok(value)) => {
                conn.batch("COMMIT").await?;
                transaction.end();
                Ok(value)
            }
            Ok(Err(error)) => {
                // When even this fails the connection is closed, and with it the transaction.
                if conn.batch("ROLLBACK").await.is_ok() {
                    transaction.end();
                }
                Err(error)
            }
            // As on SQLite. The connection may be anywhere and is closed.
            Err(_panic) => Err(Error::Other("an operation panicked".into()).into()),
        }
    }
}

/// A connection in a transaction. Dropped before the end, because the caller went away for instance, it
/// closes the connection, which undoes the transaction; the pool would hand it on as it is.
struct Transaction(Option<Conn>);

impl Transaction {
    fn conn(&mut self) -> Result<&mut Conn> {
        self.0.as_mut().ok_or_else(|| Error::Other("the transaction has ended".into()))
    }

    /// Gives the connection back to the pool.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(Conn::Postgres(client)) = self.0.take() {
            drop(Object::take(client));
        }
    }
}
