//! Params of runs: written once.

use std::collections::HashMap;
use std::fmt::Write as _;

use modelyard_database::{Conn, Insert, Kind, Param};

use crate::rows::KeyValue;
use crate::{ChangeKind, Error, Result, Store, runs};

const INSERT: Insert = Insert {
    into: "INSERT INTO param (run, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT DO NOTHING",
};

impl Store {
    /// Logs a param of an active run. The same value again is not an error.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the param has another value already.
    pub async fn log_param(&self, run_id: String, param: KeyValue) -> Result<()> {
        let experiment = self
            .db
            .write((run_id.clone(), param), |conn, (run, param)| Box::pin(log(conn, run, param)))
            .await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Params);
        Ok(())
    }
}

async fn log(conn: &mut Conn, run_id: &str, param: &KeyValue) -> Result<i64> {
    let run = runs::find_active(conn, run_id).await?;
    if let [old] = insert(conn, run.id, std::slice::from_ref(param)).await?.as_slice() {
        return Err(Error::invalid(format!(
            "Changing param values is not allowed. Param with key='{}' was already logged with \
             value='{}' for run ID='{run_id}'. Attempted logging new value '{}'.",
            param.key, old.value, param.value
        )));
    }
    Ok(run.experiment)
}

/// Logs params with different keys; an error names every one that has another value already.
pub(crate) async fn log_all(
    conn: &mut Conn,
    run: i64,
    run_id: &str,
    params: &[KeyValue],
) -> Result<()> {
    let clashes = insert(conn, run, params).await?;
    if clashes.is_empty() {
        return Ok(());
    }
    let mut list = String::new();
    for old in &clashes {
        let new = params.iter().find(|param| param.key == old.key).map_or("", |param| &param.value);
        let comma = if list.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail. The form is that of MLflow's message.
        let _ = write!(
            list,
            "{comma}{{'key': '{}', 'old_value': '{}', 'new_value': '{new}'}}",
            old.key, old.value
        );
    }
    Err(Error::invalid(format!(
        "Changing param values is not allowed. Params were already logged='[{list}]' for run \
         ID='{run_id}'."
    )))
}

/// Inserts params and returns the stored pairs that differ from the given ones, in the order of these.
async fn insert(conn: &mut Conn, run: i64, params: &[KeyValue]) -> Result<Vec<KeyValue>> {
    let mut sorted: Vec<_> = params.iter().collect();
    // On PostgreSQL two writers take their locks in the same order.
    sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let rows: Vec<Param<'_>> = sorted
        .into_iter()
        .flat_map(|param| [run.into(), (&param.key).into(), (&param.value).into()])
        .collect();
    if conn.insert_many(INSERT, &rows).await? == params.len() as u64 {
        return Ok(Vec::new());
    }
    let sql = "SELECT key, value FROM param WHERE run = $1";
    let stored = conn.query(sql, &[run.into()], |row| crate::tags::read(row, 0)).await?;
    let stored: HashMap<_, _> =
        stored.iter().map(|param| (param.key.as_str(), param.value.as_str())).collect();
    let clashes = params.iter().filter_map(|param| {
        let value = *stored.get(param.key.as_str())?;
        let old = || KeyValue { key: param.key.clone(), value: value.to_owned() };
        (value != param.value).then(old)
    });
    Ok(clashes.collect())
}
