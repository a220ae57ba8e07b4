//! One connection type over SQLite and PostgreSQL, transactions as plain functions, and migrations.
//! Knows no table.
//!
//! On SQLite all writes go through one thread that groups what is waiting into one commit (and so one
//! sync of the disk); reads run on a few read-only connections. On PostgreSQL both use a pool.

mod conn;
mod dialect;
mod error;
mod job;
mod migrate;
mod operation;
mod outside;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod uri;
mod value;

use std::path::{Path, PathBuf};

use modelyard_protocol::Context;

pub use conn::{Conn, Insert};
pub use dialect::Engine;
pub use error::{Error, Result};
pub use migrate::Migration;
pub use operation::{BoxFuture, Failure, Operation};
pub use outside::{Look, check_file};
pub use row::Row;
pub use sql::Sql;
pub use uri::DatabaseUri;
pub use value::{Kind, Param};

use postgres::Postgres;
use sqlite::Sqlite;

/// An open database with an up-to-date schema.
pub struct Database(Open);

enum Open {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// What the database has done and has still to do, for the metrics page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Transactions committed by the writer since the start.
    pub commits: u64,
    /// Operations in those transactions.
    pub operations: u64,
    /// Writes that wait now.
    pub waiting: usize,
}

impl Database {
    /// Opens or creates the database and brings its schema up to date. An existing SQLite file is
    /// first copied beside itself (`NAME.before-vN`); on PostgreSQL take a dump before an upgrade.
    pub async fn open(
        uri: &DatabaseUri,
        migrations: &'static [Migration],
        context: &Context,
    ) -> Result<Self> {
        match uri {
            DatabaseUri::Sqlite(path) => {
                let (path, context) = (path.clone(), context.clone());
                let open = move || {
                    Sqlite::open(&path, |conn| {
                        let snapshot = |conn: &Conn, version| snapshot(conn, &path, version);
                        job::block_on_ready(migrate::migrate(conn, migrations, &context, snapshot))
                    })
                };
                let sqlite = tokio::task::spawn_blocking(open)
                    .await
                    .map_err(|error| Error::Other(error.to_string()))??;
                Ok(Self(Open::Sqlite(sqlite)))
            }
            DatabaseUri::Postgres(url) => {
                let postgres = Postgres::new(url)?;
                let mut conn = postgres.connection().await?;
                migrate::migrate(&mut conn, migrations, context, |_, _| Ok(())).await?;
                drop(conn);
                Ok(Self(Open::Postgres(postgres)))
            }
        }
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Open::Sqlite(_) => Engine::Sqlite,
            Open::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs `operation` in a transaction of its own. When this returns `Ok`, its changes are on disk;
    /// when it returns an error, none of them are.
    pub async fn write<D, T, E, F>(&self, data: D, operation: F) -> Result<T, E>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
        E: Failure,
        F: Operation<D, T, E> + 'static,
    {
        match &self.0 {
            Open::Sqlite(sqlite) => {
                let (job, outcome) = job::Write::new(data, operation);
                sqlite.writer.submit(job)?;
                outcome.await.unwrap_or_else(|_| Err(sqlite::stopped().into()))
            }
            // Boxed, so that the futures of requests on SQLite stay small.
            Open::Postgres(postgres) => Box::pin(postgres.write(&data, &operation)).await,
        }
    }

    /// Runs `operation` on one unchanging state of the database. It is ended when it takes longer than a
    /// minute ([`Error::TooExpensive`]), and when the future is dropped.
    pub async fn read<D, T, E, F>(&self, data: D, operation: F) -> Result<T, E>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
        E: Failure,
        F: Operation<D, T, E> + 'static,
    {
        let outcome = match &self.0 {
            Open::Sqlite(sqlite) => {
                let job = move |conn: &mut Conn| job::poll_once(conn, &data, &operation);
                sqlite.readers.run(job).await
            }
            Open::Postgres(postgres) => Box::pin(postgres.read(&data, &operation)).await,
        };
        outcome.map_err(E::of_a_read)
    }

    /// Whether writes are taken. On SQLite they are not any more after the disk has failed; PostgreSQL is asked
    /// with each write.
    pub fn check_writes(&self) -> Result<()> {
        match &self.0 {
            Open::Sqlite(sqlite) => sqlite.writer.check(),
            Open::Postgres(_) => Ok(()),
        }
    }

    /// The writer's counters; all zero on PostgreSQL, whose server keeps its own.
    pub fn load(&self) -> Load {
        match &self.0 {
            Open::Sqlite(Sqlite { writer, .. }) => Load {
                commits: writer.stats().commits(),
                operations: writer.stats().operations(),
                waiting: writer.waiting(),
            },
            Open::Postgres(_) => Load { commits: 0, operations: 0, waiting: 0 },
        }
    }
}

/// Copies a SQLite database, as it stands, to `PATH.before-vN` before its schema changes.
fn snapshot(conn: &Conn, path: &Path, version: i64) -> Result<()> {
    let Conn::Sqlite(conn) = conn else { return Ok(()) };
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".before-v{version}{suffix}"));
        PathBuf::from(name)
    };
    let (target, partial) = (beside(""), beside(".partial"));
    if target.exists() {
        // A migration that was cut short: the first snapshot is the one to keep.
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        Error::Refused(format!("cannot copy the database to {}: {error}", target.display()))
    };
    if partial.exists() {
        std::fs::remove_file(&partial).map_err(failed)?;
    }
    tracing::info!(snapshot = %target.display(), "copying the database before its schema changes");
    // Only a whole copy carries the name.
    outside::copy(conn, &partial)?;
    std::fs::rename(&partial, &target).map_err(failed)
}
