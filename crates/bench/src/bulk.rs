//! Fills MLflow's SQLite file directly with what its API would have written.
//!
//! Through the API, 20,000 runs take MLflow half an hour and more. So the API writes some, and the
//! rest are copies of one of them under other ids, with the same values as the other servers get.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection as Sqlite, Params, Transaction, params};

use crate::data::{BATCH, EPOCH_MS, FIRST_STEP, RunData, model_name, model_team, point_value};

/// Adds the runs numbered `from..to` beside those that the API wrote.
pub(crate) fn add_runs(database: &Path, from: u64, to: u64) -> Result<()> {
    let mut sqlite = Sqlite::open(database)?;
    let transaction = sqlite.transaction()?;
    let sample: String = transaction.query_row(
        "SELECT run_uuid FROM runs WHERE start_time = ?",
        [EPOCH_MS as i64],
        |row| row.get(0),
    )?;
    for index in from..to {
        add_run(&transaction, &sample, index)?;
    }
    transaction.commit()?;
    check(&sqlite)
}

fn add_run(transaction: &Transaction<'_>, sample: &str, index: u64) -> Result<()> {
    let id = format!(
        "{:032x}",
        u128::from(index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
    );
    let (name, start) = (format!("r{index}"), (EPOCH_MS + index) as i64);
    let mut run = transaction.prepare_cached(
        "INSERT INTO runs SELECT ?2, ?3, source_type, source_name, entry_point_name, user_id,
             status, ?4, ?4 + 1, source_version, lifecycle_stage,
             replace(artifact_uri, run_uuid, ?2), experiment_id, deleted_time
         FROM runs WHERE run_uuid = ?1",
    )?;
    run.execute(params![sample, id, name, start])?;
    let mut data = RunData::new(index, 5);
    let mut param =
        transaction.prepare_cached("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)")?;
    for (key, value) in data.params() {
        param.execute(params![key, value, id])?;
    }
    let mut tag =
        transaction.prepare_cached("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)")?;
    tag.execute(params!["mlflow.runName", name, id])?;
    for (key, value) in data.tags() {
        tag.execute(params![key, value, id])?;
    }
    for (key, value) in data.metrics() {
        add_point(transaction, &id, &key, value, 0)?;
        set_latest(transaction, &id, &key, value, 0)?;
    }
    Ok(())
}

/// Adds points to the history of `m0` of `run`, whose first batch the API has written.
pub(crate) fn add_points(database: &Path, run: &str, points: u64) -> Result<()> {
    let mut sqlite = Sqlite::open(database)?;
    let transaction = sqlite.transaction()?;
    for at in BATCH as u64..points {
        let step = FIRST_STEP + at;
        add_point(&transaction, run, "m0", point_value(at as usize % BATCH), step)?;
    }
    let last = point_value((points - 1) as usize % BATCH);
    set_latest(&transaction, run, "m0", last, FIRST_STEP + points - 1)?;
    transaction.commit()?;
    check(&sqlite)
}

fn add_point(
    transaction: &Transaction<'_>,
    run: &str,
    key: &str,
    value: f64,
    step: u64,
) -> Result<()> {
    let (time, step) = ((EPOCH_MS + step) as i64, step as i64);
    let mut metric = transaction.prepare_cached(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
         VALUES (?, ?, ?, ?, ?, 0)",
    )?;
    metric.execute(params![key, value, time, run, step])?;
    Ok(())
}

fn set_latest(
    transaction: &Transaction<'_>,
    run: &str,
    key: &str,
    value: f64,
    step: u64,
) -> Result<()> {
    let (time, step) = ((EPOCH_MS + step) as i64, step as i64);
    let mut latest = transaction.prepare_cached(
        "INSERT OR REPLACE INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
         VALUES (?, ?, ?, ?, 0, ?)",
    )?;
    latest.execute(params![key, value, time, step, run])?;
    Ok(())
}

/// Adds the registered models numbered `from..to`, copies of the first, which the API wrote.
pub(crate) fn add_models(database: &Path, from: u64, to: u64) -> Result<()> {
    let mut sqlite = Sqlite::open(database)?;
    let transaction = sqlite.transaction()?;
    let sample = model_name(0);
    for index in from..to {
        let name = model_name(index);
        copy(
            &transaction,
            "INSERT INTO registered_models
             SELECT ?2, creation_time, last_updated_time, description, workspace
             FROM registered_models WHERE name = ?1",
            params![sample, name],
        )?;
        copy(
            &transaction,
            "INSERT INTO registered_model_tags
             SELECT key, iif(key = 'team', ?3, value), ?2, workspace
             FROM registered_model_tags WHERE name = ?1",
            params![sample, name, model_team(index)],
        )?;
        copy(
            &transaction,
            "INSERT INTO model_versions
             SELECT ?2, version, creation_time, last_updated_time, description, user_id,
                 current_stage, source, run_id, status, status_message, run_link,
                 storage_location, workspace
             FROM model_versions WHERE name = ?1",
            params![sample, name],
        )?;
        copy(
            &transaction,
            "INSERT INTO registered_model_aliases
             SELECT alias, version, ?2, workspace FROM registered_model_aliases WHERE name = ?1",
            params![sample, name],
        )?;
    }
    transaction.commit()?;
    check(&sqlite)
}

/// Copies rows of the sample, of which there must be some.
fn copy(transaction: &Transaction<'_>, sql: &str, values: impl Params) -> Result<()> {
    let rows = transaction.prepare_cached(sql)?.execute(values)?;
    ensure!(rows > 0, "the sample has nothing for: {sql}");
    Ok(())
}

fn check(sqlite: &Sqlite) -> Result<()> {
    let verdict: String = sqlite.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "MLflow's database after filling: {verdict}");
    Ok(())
}
