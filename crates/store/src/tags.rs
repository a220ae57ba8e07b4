//! Tags of runs, and what all tags share.

use std::collections::HashSet;

use modelyard_database::{Conn, Insert, Kind, Param, Row};
use modelyard_protocol::names::RUN_NAME_TAG;
use modelyard_protocol::wire::json_dumps;
use serde_json::Value;

use crate::rows::KeyValue;
use crate::{ChangeKind, Error, Result, Store, runs};

pub(crate) const INSERT: Insert = Insert {
    into: "INSERT INTO run_tag (run, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
};

impl Store {
    /// Sets a tag of an active run. The tag `mlflow.runName` renames the run.
    pub async fn set_tag(&self, run_id: String, tag: KeyValue) -> Result<()> {
        let renames = renames(&tag);
        let experiment = self
            .db
            .write((run_id.clone(), tag), |conn, (run, tag)| Box::pin(set(conn, run, tag)))
            .await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Tags);
        if renames {
            self.changes.tell(experiment, Some(&run_id), ChangeKind::Run);
        }
        Ok(())
    }

    /// Appends an item to the JSON list in a tag of an active run, as MLflow keeps the history of logged
    /// models.
    pub async fn append_to_tag(&self, run_id: String, key: String, item: Value) -> Result<()> {
        let data = (run_id.clone(), key, item);
        let experiment = self
            .db
            .write(data, |conn, (run, key, item)| Box::pin(append(conn, run, key, item)))
            .await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Tags);
        Ok(())
    }

    /// Removes a tag of an active run.
    pub async fn delete_tag(&self, run_id: String, key: String) -> Result<()> {
        let experiment = self
            .db
            .write((run_id.clone(), key), |conn, (run, key)| Box::pin(delete(conn, run, key)))
            .await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Tags);
        Ok(())
    }
}

/// Appends to the JSON list that a tag holds.
async fn append(conn: &mut Conn, run_id: &str, key: &str, item: &Value) -> Result<i64> {
    runs::lock(conn, run_id).await?;
    let run = runs::find_active(conn, run_id).await?;
    let sql = "SELECT value FROM run_tag WHERE run = $1 AND key = $2";
    let old = conn.query_opt(sql, &[run.id.into(), key.into()], |row| row.string(0)).await?;
    let tag = KeyValue { key: key.to_owned(), value: appended(old.as_deref(), item.clone()) };
    set_all(conn, run.id, &[tag]).await?;
    Ok(run.experiment)
}

/// The JSON list that a tag holds, with one more item; what is absent or no list becomes a list of one.
pub(crate) fn appended(old: Option<&str>, item: Value) -> String {
    let mut list = match old.map(serde_json::from_str) {
        Some(Ok(Value::Array(list))) => list,
        _ => Vec::new(),
    };
    list.push(item);
    json_dumps(&Value::Array(list))
}

async fn set(conn: &mut Conn, run_id: &str, tag: &KeyValue) -> Result<i64> {
    let run = runs::find_active(conn, run_id).await?;
    set_all(conn, run.id, std::slice::from_ref(tag)).await?;
    Ok(run.experiment)
}

/// Whether a tag changes the name of its run.
pub(crate) fn renames(tag: &KeyValue) -> bool {
    tag.key == RUN_NAME_TAG && !tag.value.is_empty()
}

/// Sets tags of a run and keeps its name in step with `mlflow.runName`, unless that is empty; of equal
/// keys the last wins.
pub(crate) async fn set_all(conn: &mut Conn, run: i64, tags: &[KeyValue]) -> Result<()> {
    let mut tags: Vec<_> = last_of_each(tags).collect();
    // On PostgreSQL two writers take their locks in the same order: the run, then its tags by key.
    tags.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if let Some(tag) = tags.iter().find(|tag| renames(tag)) {
        runs::rename(conn, run, &tag.value).await?;
    }
    let rows: Vec<Param<'_>> = tags
        .into_iter()
        .flat_map(|tag| [run.into(), (&tag.key).into(), (&tag.value).into()])
        .collect();
    conn.insert_many(INSERT, &rows).await?;
    Ok(())
}

async fn delete(conn: &mut Conn, run_id: &str, key: &str) -> Result<i64> {
    let run = runs::find_active(conn, run_id).await?;
    let sql = "DELETE FROM run_tag WHERE run = $1 AND key = $2";
    if conn.execute(sql, &[run.id.into(), key.into()]).await? == 0 {
        return Err(Error::not_found(format!("No tag with name: {key} in run with id {run_id}")));
    }
    Ok(run.experiment)
}

/// The last pair of each key, in the order in which they were given.
pub(crate) fn last_of_each(pairs: &[KeyValue]) -> impl Iterator<Item = &KeyValue> {
    let mut seen = HashSet::with_capacity(pairs.len());
    let mut kept: Vec<_> =
        pairs.iter().rev().filter(|pair| seen.insert(pair.key.as_str())).collect();
    kept.reverse();
    kept.into_iter()
}

/// Reads a key and a value, from column `first` on.
pub(crate) fn read(row: &Row<'_>, first: usize) -> modelyard_database::Result<KeyValue> {
    Ok(KeyValue { key: row.string(first)?, value: row.string(first + 1)? })
}
