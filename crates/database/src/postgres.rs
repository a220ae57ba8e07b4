//! PostgreSQL: a pool of connections.

mod libpq;
mod settings;
mod tls;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Conn, Error, Failure, Operation, Result};

pub(crate) use libpq::environment;

/// How many connections one process opens at most; several replicas share a server's limit of 100.
const MAX_CONNECTIONS: usize = 16;

/// How long a request waits for a free connection, or for a new one to be made.
const WAIT: Duration = Duration::from_secs(10);

/// How often an operation is tried again when another transaction won.
const MAX_ATTEMPTS: u32 = 5;

/// How long the loser waits before its second attempt, and longer before each further one: at once it may take
/// the winner's row before that wakes up, and meet it again.
const PAUSE: Duration = Duration::from_millis(20);

/// A pool over one database.
pub(crate) struct Postgres {
    pool: Pool,
    tls: MakeRustlsConnect,
}

impl Postgres {
    /// Reads the URL and makes a pool; connects at first use.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let (config, tls) = settings::read(url, WAIT)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls.clone(), recycling))
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Other(error.to_string()))?;
        Ok(Self { pool, tls })
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
                Err(error) if error.is_conflict() && attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
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
        let tls = self.tls.clone();
        let mut transaction = Transaction { conn: Some(self.connection().await?), tls };
        let conn = transaction.conn()?;
        conn.batch(begin).await?;
        match AssertUnwindSafe(operation(conn, data)).catch_unwind().await {
            Ok(Ok(value)) => {
                conn.batch("COMMIT").await?;
                transaction.end();
                Ok(value)
            }
            Ok(Err(error)) => {
                // A server that became a standby would go on refusing. When even the end fails, the
                // connection is closed too, and with it the transaction.
                let lost = matches!(error.database(), Some(Error::Unavailable(_)));
                if !lost && conn.batch("ROLLBACK").await.is_ok() {
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
/// ends the statement that runs and closes the connection, which undoes the transaction; the pool would hand
/// it on as it is.
struct Transaction {
    conn: Option<Conn>,
    tls: MakeRustlsConnect,
}

impl Transaction {
    fn conn(&mut self) -> Result<&mut Conn> {
        self.conn.as_mut().ok_or_else(|| Error::Other("the transaction has ended".into()))
    }

    /// Gives the connection back to the pool.
    fn end(mut self) {
        self.conn = None;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(Conn::Postgres(client)) = self.conn.take() {
            let client = Object::take(client);
            // Without a runtime the process is about to end, and the server's time limit has to do.
            if let Ok(runtime) = Handle::try_current()
                && !client.is_closed()
            {
                runtime.spawn(cancel(client.cancel_token(), self.tls.clone()));
            }
        }
    }
}

/// Asks the server to end what a connection runs: it would not notice that nobody listens before the
/// statement is done, and would run many such at once.
async fn cancel(token: CancelToken, tls: MakeRustlsConnect) {
    match tokio::time::timeout(WAIT, token.cancel_query(tls)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an abandoned statement was not cancelled"),
        Err(_) => tracing::debug!("an abandoned statement was not cancelled in time"),
    }
}
