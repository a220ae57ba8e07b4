//! The one connection type.

use std::pin::pin;

use futures_util::TryStreamExt;

use crate::{Engine, Error, Kind, Param, Result, Row};

/// How many statements a PostgreSQL connection keeps prepared.
const MAX_PREPARED: usize = 256;

/// A connection inside a transaction. An operation is one `async fn` over `&mut Conn`: on PostgreSQL
/// it is awaited, on SQLite it never waits and is polled exactly once.
///
/// Statements use `$1…$n`, numbered in order of first appearance; the same text runs on both engines.
pub enum Conn {
    /// The SQLite connection of this thread.
    Sqlite(rusqlite::Connection),
    /// A connection of the pool.
    Postgres(deadpool_postgres::Object),
}

/// A table and its columns for [`Conn::insert_many`].
#[derive(Debug, Clone, Copy)]
pub struct Insert {
    /// `INSERT INTO table (columns)`.
    pub into: &'static str,
    /// The columns' types, in order.
    pub kinds: &'static [Kind],
    /// `ON CONFLICT …`, or empty.
    pub conflict: &'static str,
}

impl Conn {
    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement and returns the number of rows it changed.
    pub async fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        refuse_nul(params)?;
        match self {
            Self::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind(&mut statement, params)?;
                Ok(statement.raw_execute()? as u64)
            }
            Self::Postgres(client) => {
                let statement = prepare(client, sql).await?;
                Ok(client.execute_raw(&statement, params.iter()).await?)
            }
        }
    }

    /// Runs a query and hands every row to `each`, without keeping the rows.
    pub async fn for_each<F>(&mut self, sql: &str, params: &[Param<'_>], mut each: F) -> Result<()>
    where
        F: FnMut(&Row<'_>) -> Result<()> + Send,
    {
        refuse_nul(params)?;
        match self {
            Self::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql)?;
                bind(&mut statement, params)?;
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next()? {
                    each(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Self::Postgres(client) => {
                let statement = prepare(client, sql).await?;
                let mut rows = pin!(client.query_raw(&statement, params.iter()).await?);
                while let Some(row) = rows.try_next().await? {
                    each(&Row::Postgres(&row))?;
                }
                Ok(())
            }
        }
    }

    /// Runs a query and collects what `map` makes of each row.
    pub async fn query<T, F>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut map: F,
    ) -> Result<Vec<T>>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T> + Send,
    {
        let mut found = Vec::new();
        self.for_each(sql, params, |row| {
            found.push(map(row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Runs a query of at most one row.
    pub async fn query_opt<T, F>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut map: F,
    ) -> Result<Option<T>>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T> + Send,
    {
        let mut found = None;
        self.for_each(sql, params, |row| {
            found = Some(map(row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Runs a query of exactly one row.
    pub async fn query_one<T, F>(&mut self, sql: &str, params: &[Param<'_>], map: F) -> Result<T>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T> + Send,
    {
        self.query_opt(sql, params, map)
            .await?
            .ok_or_else(|| Error::Other(format!("no row for: {sql}")))
    }

    /// Inserts many rows, given one after the other as a flat list of values; returns how many were
    /// inserted. A cached statement in a loop on SQLite, one round trip on PostgreSQL.
    ///
    /// With `ON CONFLICT … DO UPDATE` the rows must not repeat a key.
    pub async fn insert_many(&mut self, insert: Insert, values: &[Param<'_>]) -> Result<u64> {
        let mut inserted = 0;
        self.insert_each(insert, None, values, |_| inserted += 1).await?;
        Ok(inserted)
    }

    /// As [`Self::insert_many`], calling `inserted` with the integer column `returning` (its name and
    /// index) of every row that was new.
    pub async fn insert_new(
        &mut self,
        insert: Insert,
        returning: (&'static str, usize),
        values: &[Param<'_>],
        inserted: impl FnMut(i64) + Send,
    ) -> Result<()> {
        self.insert_each(insert, Some(returning), values, inserted).await
    }

    async fn insert_each(
        &mut self,
        insert: Insert,
        returning: Option<(&'static str, usize)>,
        values: &[Param<'_>],
        mut inserted: impl FnMut(i64) + Send,
    ) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        refuse_nul(values)?;
        let width = insert.kinds.len();
        match self {
            Self::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(&sqlite_insert(insert))?;
                for row in values.chunks_exact(width) {
                    bind(&mut statement, row)?;
                    if statement.raw_execute()? > 0 {
                        let value = returning.map(|(_, index)| row[index]);
                        inserted(if let Some(Param::Int(value)) = value { value } else { 0 });
                    }
                }
                Ok(())
            }
            Self::Postgres(client) => {
                let sql = postgres_insert(insert, returning.map(|(column, _)| column));
                let statement = prepare(client, &sql).await?;
                let columns = (0..width).map(|column| Column {
                    kind: insert.kinds[column],
                    values: values[column..].iter().step_by(width).copied().collect(),
                });
                let columns: Vec<_> = columns.collect();
                if returning.is_none() {
                    for _ in 0..client.execute_raw(&statement, columns).await? {
                        inserted(0);
                    }
                    return Ok(());
                }
                let mut rows = pin!(client.query_raw(&statement, columns).await?);
                while let Some(row) = rows.try_next().await? {
                    inserted(row.try_get(0)?);
                }
                Ok(())
            }
        }
    }

    /// The engine's plan of a statement, line by line. For tests: the words are the engine's own.
    #[doc(hidden)]
    pub async fn explain(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        let (explain, column) = match self.engine() {
            Engine::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
            Engine::Postgres => ("EXPLAIN ", 0),
        };
        self.query(&format!("{explain}{sql}"), params, |row| row.string(column)).await
    }

    /// Runs statements without parameters or results, such as a migration's.
    pub async fn batch(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.execute_batch(sql)?),
            Self::Postgres(client) => Ok(client.batch_execute(sql).await?),
        }
    }
}

/// Prepares a statement, or finds it among those of this connection. Searches make new texts without end, so
/// the collection is thrown away when it has grown too large (SQLite's does this by itself).
async fn prepare(
    client: &deadpool_postgres::Object,
    sql: &str,
) -> Result<tokio_postgres::Statement> {
    if client.statement_cache.size() >= MAX_PREPARED {
        client.statement_cache.clear();
    }
    Ok(client.prepare_cached(sql).await?)
}

/// Refuses the one character that PostgreSQL cannot store, on both engines alike: SQLite takes it, but some
/// of its functions see the text end there.
fn refuse_nul(params: &[Param<'_>]) -> Result<()> {
    if params.iter().any(|param| matches!(param, Param::Text(text) if text.contains('\0'))) {
        return Err(Error::Unstorable(
            "A text holds the NUL character (U+0000), which cannot be stored.".into(),
        ));
    }
    Ok(())
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Param<'_>]) -> Result<()> {
    for (index, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, param)?;
    }
    Ok(())
}

/// Placeholders of a row. Cut to length, as a single insert otherwise spends as long on its text as on its row.
const PLACES: &str = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16";

fn sqlite_insert(insert: Insert) -> String {
    let end = PLACES.match_indices(',').nth(insert.kinds.len() - 1).map(|(at, _)| at);
    debug_assert!(end.is_some() || insert.kinds.len() == 16, "more columns than placeholders");
    let places = &PLACES[..end.unwrap_or(PLACES.len())];
    [insert.into, " VALUES (", places, ") ", insert.conflict].concat()
}

fn postgres_insert(insert: Insert, returning: Option<&str>) -> String {
    let arrays = insert.kinds.iter().enumerate().map(|(index, kind)| {
        let ty = match kind {
            Kind::Int => "bigint",
            Kind::Real => "double precision",
            Kind::Text => "text",
        };
        format!("${}::{ty}[]", index + 1)
    });
    let arrays: Vec<_> = arrays.collect();
    let returning = returning.map(|column| format!(" RETURNING {column}")).unwrap_or_default();
    format!(
        "{} SELECT * FROM unnest({}) {}{returning}",
        insert.into,
        arrays.join(", "),
        insert.conflict
    )
}

/// One column of many rows, bound to PostgreSQL as an array.
#[derive(Debug)]
struct Column<'a> {
    kind: Kind,
    values: Vec<Param<'a>>,
}

impl tokio_postgres::types::ToSql for Column<'_> {
    fn to_sql(
        &self,
        ty: &tokio_postgres::types::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        debug_assert!(
            matches!(ty.kind(), tokio_postgres::types::Kind::Array(_)),
            "{:?}",
            self.kind
        );
        self.values.to_sql(ty, out)
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_has_as_many_places_as_columns() {
        for width in 1..=16 {
            let kinds: &'static [Kind] = &[Kind::Int; 16][..width];
            let sql = sqlite_insert(Insert { into: "INSERT INTO t (…)", kinds, conflict: "" });
            let places: Vec<_> = (1..=width).map(|n| format!("${n}")).collect();
            assert_eq!(sql, format!("INSERT INTO t (…) VALUES ({}) ", places.join(", ")));
        }
    }
}
