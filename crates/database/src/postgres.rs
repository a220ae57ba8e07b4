//! PostgreSQL: a pool of connections.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio_postgres::NoTls;

use crate::{Conn, Error, Failure, Operation, Result};

/// How many connections one process opens at most; several replicas share a server's limit of 100.
const MAX_CONNECTIONS: usize = 16;

/// How long a request waits for a free connection, or for a new one to be made.
const WAIT: Duration = Duration::from_secs(10);

/// How often an operation is tried again when another transaction won.
const MAX_ATTEMPTS: usize = 5;

/// How long an operation may run on the server, so that one hostile search cannot hold a connection.
const STATEMENT_TIMEOUT: &str = "-c statement_timeout=60s";

/// A pool over one database.
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Reads the URL and makes a pool; connects at first use.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let mut config = tokio_postgres::Config::from_str(url)
            .map_err(|error| Error::Refused(format!("the PostgreSQL URI is not valid: {error}")))?;
        if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            return Err(Error::Refused(
                "sslmode=require is not supported yet; use a local socket, a private network or a \
                 TLS tunnel, with sslmode=disable"
                    .into(),
            ));
        }
        config.connect_timeout(WAIT).application_name("modelyard").options(STATEMENT_TIMEOUT);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
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
            PoolError::Timeout(_) => Error::Overloaded,
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
        let mut conn = self.connection().await?;
        conn.batch(begin).await?;
        match operation(&mut conn, data).await {
            Ok(value) => {
                conn.batch("COMMIT").await?;
                Ok(value)
            }
            Err(error) => {
                // When even this fails the connection is gone, and with it the transaction.
                let _ = conn.batch("ROLLBACK").await;
                Err(error)
            }
        }
    }
}
