//! Bringing a schema up to date.

use modelyard_protocol::Context;

use crate::{Conn, Engine, Error, Param, Result};

/// One step of the schema. Steps are never changed once released, only added.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The position in the sequence, from 1.
    pub version: i64,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// The statements, with the fragments of [`Engine::schema`].
    pub schema: &'static str,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL PRIMARY KEY, name {text} NOT NULL, applied_ms BIGINT NOT NULL)";

/// Serialises replicas that start at the same time; any number that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(5575180236411331177)";

/// Applies what is missing, each run in one transaction. `snapshot` is called first when an existing
/// schema is about to change.
///
/// # Errors
/// [`Error::Refused`] when the database was made by a later version.
pub(crate) async fn migrate(
    conn: &mut Conn,
    migrations: &[Migration],
    context: &Context,
    snapshot: impl FnOnce(&Conn, i64) -> Result<()>,
) -> Result<()> {
    let engine = conn.engine();
    let current = if exists(conn, "schema_migration").await? {
        version(conn).await?
    } else {
        refuse_mlflow(conn).await?;
        0
    };
    let newest = migrations.last().map_or(0, |last| last.version);
    if current > newest {
        return Err(Error::Refused(format!(
            "the database has schema version {current}, this program knows {newest}; use a newer program"
        )));
    }
    if current == newest {
        return Ok(());
    }
    if current > 0 {
        snapshot(conn, current)?;
    }
    conn.batch(if engine == Engine::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" }).await?;
    let outcome = apply(conn, migrations, context).await;
    conn.batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

async fn apply(conn: &mut Conn, migrations: &[Migration], context: &Context) -> Result<()> {
    let engine = conn.engine();
    if engine == Engine::Postgres {
        conn.batch(LOCK).await?;
    }
    conn.batch(&engine.schema(TABLE)).await?;
    let current = version(conn).await?;
    for migration in migrations.iter().filter(|migration| migration.version > current) {
        conn.batch(&engine.schema(migration.schema)).await?;
        let row = [
            Param::Int(migration.version),
            Param::Text(migration.name),
            Param::Int(context.now_ms()),
        ];
        conn.execute("INSERT INTO schema_migration VALUES ($1, $2, $3)", &row).await?;
        tracing::info!(version = migration.version, name = migration.name, "schema migrated");
    }
    Ok(())
}

pub(crate) async fn version(conn: &mut Conn) -> Result<i64> {
    let sql = "SELECT coalesce(max(version), 0) FROM schema_migration";
    conn.query_one(sql, &[], |row| row.int(0)).await
}

/// Refuses a PostgreSQL schema that MLflow (or another user of Alembic) lives in: tables of both would lie
/// side by side. SQLite files are looked at before they are opened for writing.
pub(crate) async fn refuse_mlflow(conn: &mut Conn) -> Result<()> {
    if conn.engine() == Engine::Postgres && exists(conn, "alembic_version").await? {
        return Err(Error::Refused(
            "the database is one of MLflow, which has another schema; name a new database, or a \
             schema of its own with ?options=-csearch_path%3DNAME"
                .into(),
        ));
    }
    Ok(())
}

/// Whether a table exists: on PostgreSQL in the schema in which new tables are made.
pub(crate) async fn exists(conn: &mut Conn, table: &str) -> Result<bool> {
    let sql = match conn.engine() {
        Engine::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE name = $1",
        Engine::Postgres => {
            "SELECT count(*) FROM pg_tables WHERE tablename = $1 AND schemaname = current_schema()"
        }
    };
    conn.query_one(sql, &[table.into()], |row| row.flag(0)).await
}
