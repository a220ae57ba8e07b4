//! Looking at a database, and copying it, without changing anything in it: for backups.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::postgres::{self, Postgres};
use crate::sqlite;
use crate::{Conn, DatabaseUri, Error, Result, job, migrate};

/// What a database is, seen from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The version of its schema; `None` if it has none of ours.
    pub schema_version: Option<i64>,
    /// How many tables there are, of whomever.
    pub tables: i64,
    /// On PostgreSQL, the schema in which the tables are.
    pub namespace: Option<String>,
}

impl DatabaseUri {
    /// Looks at the database. One that does not exist is empty.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is damaged, or another program's; those of the connection.
    pub async fn look(&self) -> Result<Look> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                on_a_thread(move || {
                    if !path.exists() {
                        return Ok(Look::default());
                    }
                    let mut conn = Conn::Sqlite(sqlite::beside_others(&path)?);
                    job::block_on_ready(look(&mut conn))
                })
                .await
            }
            Self::Postgres(url) => look(&mut Postgres::new(url)?.connection().await?).await,
        }
    }

    /// A number out of a database of ours, as it is.
    ///
    /// # Errors
    /// [`Error::Refused`] if the database is damaged; those of the connection and the statement.
    pub async fn number(&self, sql: &'static str) -> Result<i64> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                on_a_thread(move || {
                    let mut conn = Conn::Sqlite(sqlite::beside_others(&path)?);
                    job::block_on_ready(conn.query_one(sql, &[], |row| row.int(0)))
                })
                .await
            }
            Self::Postgres(url) => {
                let mut conn = Postgres::new(url)?.connection().await?;
                conn.query_one(sql, &[], |row| row.int(0)).await
            }
        }
    }

    /// Copies a SQLite database as it stands at one moment, while others write, into a new file; durable when
    /// it returns.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is damaged, another program's, or on PostgreSQL; those of the disk.
    pub async fn copy_to(&self, target: PathBuf) -> Result<()> {
        let Self::Sqlite(path) = self else {
            return Err(Error::Refused("PostgreSQL copies its databases itself".into()));
        };
        let path = path.clone();
        on_a_thread(move || copy(&sqlite::beside_others(&path)?, &target)).await
    }

    /// What PostgreSQL's own programs need to know to reach the database: variables of their environment, so
    /// that no password shows in the list of processes. Empty for SQLite.
    ///
    /// # Errors
    /// [`Error::Refused`] if the URL is not understood.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(url) => postgres::environment(url),
        }
    }
}

/// Checks a SQLite file that nobody has open, reading all of it and writing nothing, not even beside it: its
/// mark, its pages, its keys. Returns the version of its schema. Blocks.
///
/// # Errors
/// [`Error::Refused`] with what is wrong.
pub fn check_file(path: &Path) -> Result<i64> {
    let conn = sqlite::unchanging(path)?;
    let complaint: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if complaint != "ok" {
        return Err(Error::Refused(format!("the database is damaged: {complaint}")));
    }
    let orphans = conn.prepare("PRAGMA foreign_key_check")?.exists([])?;
    if orphans {
        return Err(Error::Refused(
            "the database is damaged: rows refer to rows that are not there".into(),
        ));
    }
    let look = job::block_on_ready(look(&mut Conn::Sqlite(conn)))?;
    look.schema_version.ok_or_else(|| Error::Refused("the database has no schema".into()))
}

/// Writes a copy of the database, as one transaction sees it, and syncs it.
pub(crate) fn copy(conn: &rusqlite::Connection, target: &Path) -> Result<()> {
    let Some(name) = target.to_str() else {
        return Err(Error::Refused(format!("the path {} is not UTF-8", target.display())));
    };
    conn.execute("VACUUM INTO ?1", [name])?;
    File::open(target).and_then(|file| file.sync_all()).map_err(|error| {
        Error::Refused(format!("cannot copy the database to {}: {error}", target.display()))
    })
}

async fn look(conn: &mut Conn) -> Result<Look> {
    let ours = migrate::exists(conn, "schema_migration").await?;
    let schema_version = if ours { Some(migrate::version(conn).await?) } else { None };
    if !ours {
        migrate::refuse_mlflow(conn).await?;
    }
    let (tables, namespace) = match conn {
        Conn::Sqlite(_) => ("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", None),
        Conn::Postgres(_) => (
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()",
            conn.query_one("SELECT current_schema()::text", &[], |row| row.opt_string(0)).await?,
        ),
    };
    let tables = conn.query_one(tables, &[], |row| row.int(0)).await?;
    Ok(Look { schema_version, tables, namespace })
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Other(error.to_string()))?
}
