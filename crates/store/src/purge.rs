//! Removing what was deleted for good.
//!
//! It takes many steps, between which the process may die: a mark that keeps the thing in the trash, then its
//! artifacts (elsewhere), then its rows in portions, its own row last. Whoever does it again goes on where it
//! stopped.

use modelyard_database::{Conn, Insert, Kind, Param};
use modelyard_protocol::names::PURGE_TAG;
use modelyard_protocol::{Error as Rule, ErrorCode};

use crate::rows::Lifecycle;
use crate::runs::RunInfo;
use crate::trash::{self, TrashItem, TrashKind};
use crate::{ChangeKind, Error, Result, Store};

/// How many points are removed in one transaction: some 50 ms, for which other writers wait.
const PORTION: i64 = 20_000;

impl Store {
    /// Marks something in the trash as being removed: from here on it cannot be restored. Not an error when
    /// it is marked already.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` if it is in use, or is an experiment with a run in use.
    pub async fn begin_purge(&self, kind: TrashKind, id: String) -> Result<TrashItem> {
        self.db.write(id, move |conn, id| Box::pin(begin(conn, kind, id))).await
    }

    /// Removes a portion of what is marked; tells whether there is more. What is not there is removed.
    ///
    /// # Errors
    /// `RESOURCE_CONFLICT` for an experiment that still holds runs or models.
    pub async fn purge_portion(&self, item: TrashItem) -> Result<bool> {
        let (kind, experiment) = (item.kind, item.experiment_id);
        let more = self.db.write(item, |conn, item| Box::pin(portion(conn, item))).await?;
        if !more {
            let change = match kind {
                TrashKind::Experiment => ChangeKind::Experiment,
                TrashKind::Run => ChangeKind::Run,
                TrashKind::LoggedModel => ChangeKind::Models,
            };
            self.changes.tell(experiment, None, change);
        }
        Ok(more)
    }
}

async fn begin(conn: &mut Conn, kind: TrashKind, id: &str) -> Result<TrashItem> {
    // The row first: whoever restores it at this moment waits, or is waited for.
    let own = find(conn, kind, id, conn.engine().for_update()).await?;
    let item = trash::get(conn, kind, id).await?;
    let Some(own) = own.filter(|_| item.lifecycle == Lifecycle::Deleted) else {
        return Err(not_deleted(kind, id));
    };
    match kind {
        TrashKind::Experiment => refuse_runs_in_use(conn, own).await?,
        TrashKind::Run => {}
        TrashKind::LoggedModel => {
            // It stays in the trash even if its experiment is restored.
            let sql = "UPDATE logged_model SET lifecycle = 2 WHERE id = $1";
            conn.execute(sql, &[own.into()]).await?;
        }
    }
    let (into, conflict) = match kind {
        TrashKind::Experiment => (
            "INSERT INTO experiment_tag (experiment, key, value)",
            "ON CONFLICT (experiment, key) DO NOTHING",
        ),
        TrashKind::Run => (
            "INSERT INTO run_tag (run, key, value)", //
            "ON CONFLICT (run, key) DO NOTHING",
        ),
        TrashKind::LoggedModel => (
            "INSERT INTO logged_model_tag (model, key, value)",
            "ON CONFLICT (model, key) DO NOTHING",
        ),
    };
    let insert = Insert { into, kinds: &[Kind::Int, Kind::Text, Kind::Text], conflict };
    conn.insert_many(insert, &[own.into(), PURGE_TAG.into(), "begun".into()]).await?;
    Ok(TrashItem { purging: true, ..item })
}

async fn refuse_runs_in_use(conn: &mut Conn, experiment: i64) -> Result<()> {
    let sql = "SELECT uuid FROM run WHERE experiment = $1 AND lifecycle = 1 LIMIT 1";
    let used = conn.query_opt(sql, &[experiment.into()], |row| row.string(0)).await?;
    match used {
        Some(run) => Err(Error::invalid(format!(
            "The experiment {experiment} is deleted, but its run {run} was restored; delete the run, too, \
             or restore the experiment."
        ))),
        None => Ok(()),
    }
}

/// The internal id of a thing, if it is there; its row is locked as `lock` says.
async fn find(
    conn: &mut Conn,
    kind: TrashKind,
    id: &str,
    lock: &'static str,
) -> Result<Option<i64>> {
    let (sql, key) = match kind {
        // What is no number is no experiment either, as no id is negative.
        TrashKind::Experiment => {
            ("SELECT id FROM experiment WHERE id = $1", Param::Int(id.parse().unwrap_or(-1)))
        }
        TrashKind::Run => ("SELECT id FROM run WHERE uuid = $1", id.into()),
        TrashKind::LoggedModel => ("SELECT id FROM logged_model WHERE uuid = $1", id.into()),
    };
    Ok(conn.query_opt(&[sql, lock].concat(), &[key], |row| row.int(0)).await?)
}

fn not_deleted(kind: TrashKind, id: &str) -> Error {
    let what = match kind {
        TrashKind::Experiment => "Experiment",
        TrashKind::Run => "Run",
        TrashKind::LoggedModel => "Logged model",
    };
    Error::invalid(format!(
        "{what} {id} is not in the deleted lifecycle stage. Only what is in the trash can be removed for good."
    ))
}

/// Refuses to restore what is being removed.
fn refuse(kind: TrashKind, id: &str) -> Error {
    let what = kind.name().replace('_', " ");
    Error::invalid(format!(
        "The {what} {id} is being removed for good and has lost a part of itself already; it cannot be \
         restored. `modelyard gc` finishes the removal."
    ))
}

/// Refuses a run that is being removed, alone or with its experiment. Its row is locked.
pub(crate) async fn refuse_run(conn: &mut Conn, run: &RunInfo) -> Result<()> {
    // Whoever marks the experiment waits for this transaction, and then finds the run in use.
    let sql = "SELECT id FROM experiment WHERE id = $1";
    let sql = [sql, conn.engine().for_share()].concat();
    conn.query_opt(&sql, &[run.experiment_id.into()], |row| row.int(0)).await?;
    let marks = "SELECT 1 FROM run_tag WHERE run = $1 AND key = $2 \
                 UNION ALL SELECT 1 FROM experiment_tag WHERE experiment = $3 AND key = $2";
    let values = [run.id.into(), PURGE_TAG.into(), run.experiment_id.into()];
    match conn.query_opt(marks, &values, |row| row.int(0)).await? {
        Some(_) => Err(refuse(TrashKind::Run, &run.run_id)),
        None => Ok(()),
    }
}

/// Keeps those runs of an experiment that was just restored in the trash that are being removed.
pub(crate) async fn keep_in_trash(conn: &mut Conn, experiment: i64, now: i64) -> Result<()> {
    let sql = "UPDATE run SET lifecycle = 2, deleted_ms = $1 WHERE experiment = $2 AND id IN \
               (SELECT run FROM run_tag WHERE key = $3)";
    conn.execute(sql, &[now.into(), experiment.into(), PURGE_TAG.into()]).await?;
    Ok(())
}

/// Refuses an experiment that is being removed. Its row is locked.
pub(crate) async fn refuse_experiment(conn: &mut Conn, id: i64) -> Result<()> {
    let mark = "SELECT 1 FROM experiment_tag WHERE experiment = $1 AND key = $2";
    match conn.query_opt(mark, &[id.into(), PURGE_TAG.into()], |row| row.int(0)).await? {
        Some(_) => Err(refuse(TrashKind::Experiment, &id.to_string())),
        None => Ok(()),
    }
}

/// Refuses a logged model that is being removed.
pub(crate) fn refuse_model(item: &TrashItem) -> Result<()> {
    if item.purging { Err(refuse(TrashKind::LoggedModel, &item.id)) } else { Ok(()) }
}

async fn portion(conn: &mut Conn, item: &TrashItem) -> Result<bool> {
    match item.kind {
        TrashKind::Run => run_portion(conn, &item.id).await,
        TrashKind::LoggedModel => model_portion(conn, &item.id).await,
        TrashKind::Experiment => experiment_rest(conn, item.experiment_id).await,
    }
}

/// The internal id of what is marked; `None` if it is gone.
async fn marked(conn: &mut Conn, kind: TrashKind, id: &str) -> Result<Option<i64>> {
    let Some(own) = find(conn, kind, id, "").await? else { return Ok(None) };
    let mark = match kind {
        TrashKind::Experiment => "SELECT 1 FROM experiment_tag WHERE experiment = $1 AND key = $2",
        TrashKind::Run => "SELECT 1 FROM run_tag WHERE run = $1 AND key = $2",
        TrashKind::LoggedModel => "SELECT 1 FROM logged_model_tag WHERE model = $1 AND key = $2",
    };
    match conn.query_opt(mark, &[own.into(), PURGE_TAG.into()], |row| row.int(0)).await? {
        Some(_) => Ok(Some(own)),
        None => Err(not_deleted(kind, id)),
    }
}

async fn run_portion(conn: &mut Conn, run_id: &str) -> Result<bool> {
    let Some(run) = marked(conn, TrashKind::Run, run_id).await? else { return Ok(false) };
    let mut room = PORTION;
    let series = "SELECT name FROM metric WHERE run = $1 ORDER BY name LIMIT 1";
    while let Some(name) = conn.query_opt(series, &[run.into()], |row| row.int(0)).await? {
        let last = "SELECT ms FROM metric_point WHERE run = $1 AND name = $2 ORDER BY ms, step \
                    LIMIT 1 OFFSET $3";
        let place = [run.into(), name.into(), room.into()];
        if let Some(ms) = conn.query_opt(last, &place, |row| row.int(0)).await? {
            let sql = "DELETE FROM metric_point WHERE run = $1 AND name = $2 AND ms <= $3";
            conn.execute(sql, &[run.into(), name.into(), ms.into()]).await?;
            return Ok(true);
        }
        let sql = "DELETE FROM metric_point WHERE run = $1 AND name = $2";
        let points = conn.execute(sql, &[run.into(), name.into()]).await?;
        let sql = "DELETE FROM metric WHERE run = $1 AND name = $2";
        conn.execute(sql, &[run.into(), name.into()]).await?;
        // A series costs something, too.
        room -= i64::try_from(points).unwrap_or(PORTION) + 1;
        if room <= 0 {
            return Ok(true);
        }
    }
    for sql in [
        "DELETE FROM param WHERE run = $1",
        "DELETE FROM run_dataset_tag WHERE input IN (SELECT id FROM run_dataset WHERE run = $1)",
        "DELETE FROM run_dataset WHERE run = $1",
        "DELETE FROM run_model WHERE run = $1",
        "DELETE FROM run_tag WHERE run = $1",
        "DELETE FROM run WHERE id = $1",
    ] {
        conn.execute(sql, &[run.into()]).await?;
    }
    Ok(false)
}

async fn model_portion(conn: &mut Conn, model_id: &str) -> Result<bool> {
    let Some(model) = marked(conn, TrashKind::LoggedModel, model_id).await? else {
        return Ok(false);
    };
    let last = "SELECT name, ms FROM logged_model_metric WHERE model = $1 ORDER BY name, ms \
                LIMIT 1 OFFSET $2";
    let last = conn
        .query_opt(last, &[model.into(), PORTION.into()], |row| Ok((row.int(0)?, row.int(1)?)))
        .await?;
    if let Some((name, ms)) = last {
        let sql = "DELETE FROM logged_model_metric WHERE model = $1 AND (name, ms) <= ($2, $3)";
        conn.execute(sql, &[model.into(), name.into(), ms.into()]).await?;
        return Ok(true);
    }
    for sql in [
        "DELETE FROM logged_model_metric WHERE model = $1",
        "DELETE FROM logged_model_param WHERE model = $1",
        "DELETE FROM logged_model_tag WHERE model = $1",
        "DELETE FROM logged_model WHERE id = $1",
    ] {
        conn.execute(sql, &[model.into()]).await?;
    }
    Ok(false)
}

/// Removes an experiment from which all runs and models are gone.
async fn experiment_rest(conn: &mut Conn, id: i64) -> Result<bool> {
    let found = marked(conn, TrashKind::Experiment, &id.to_string()).await?;
    if found.is_none() {
        return Ok(false);
    }
    let rest = "SELECT 1 FROM run WHERE experiment = $1 \
                UNION ALL SELECT 1 FROM logged_model WHERE experiment = $1";
    if conn.query_opt(rest, &[id.into()], |row| row.int(0)).await?.is_some() {
        let message = format!("The experiment {id} still holds runs or models; remove them first.");
        return Err(Rule::new(ErrorCode::ResourceConflict, message).into());
    }
    for sql in [
        "DELETE FROM dataset WHERE experiment = $1",
        "DELETE FROM experiment_tag WHERE experiment = $1",
        "DELETE FROM experiment WHERE id = $1",
    ] {
        conn.execute(sql, &[id.into()]).await?;
    }
    Ok(false)
}
