//! The numbers of metric names.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use modelyard_database::Conn;

use crate::Result;

/// How many names are remembered. A server with more pays one lookup for each of the others.
const MAX_REMEMBERED: usize = 20_000;

/// The numbers that are known to be committed; numbers never change.
#[derive(Default)]
pub(crate) struct MetricNames(RwLock<HashMap<String, i64>>);

impl MetricNames {
    /// The number of a name, when it is remembered.
    pub(crate) fn get(&self, name: &str) -> Option<i64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Remembers numbers, after the transaction that found or made them was committed.
    pub(crate) fn remember(&self, found: Vec<(String, i64)>) {
        // A full table stays as it is, and must not make every write wait for the readers.
        if found.is_empty() || self.len() + found.len() > MAX_REMEMBERED {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + found.len() <= MAX_REMEMBERED {
            known.extend(found);
        }
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The number of a name, made if it is new.
pub(crate) async fn number(conn: &mut Conn, name: &str) -> Result<i64> {
    if let Some(number) = find(conn, name).await? {
        return Ok(number);
    }
    let insert = "INSERT INTO metric_name (name) VALUES ($1) ON CONFLICT DO NOTHING";
    conn.execute(insert, &[name.into()]).await?;
    let select = "SELECT id FROM metric_name WHERE name = $1";
    Ok(conn.query_one(select, &[name.into()], |row| row.int(0)).await?)
}

/// The number of a name, if it has one.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<Option<i64>> {
    let select = "SELECT id FROM metric_name WHERE name = $1";
    Ok(conn.query_opt(select, &[name.into()], |row| row.int(0)).await?)
}
