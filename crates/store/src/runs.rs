//! Runs: their row, from creation to the trash.

use modelyard_database::{Conn, Param, Row};
use modelyard_protocol::names::RUN_NAME_TAG;
use modelyard_protocol::uri;

use crate::rows::{self, KeyValue, Lifecycle, RunStatus};
use crate::run_data::{self, Run};
use crate::{ChangeKind, Error, Result, Store, experiments, purge, tags};

/// A run without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    pub(crate) id: i64,
    /// The id that clients see: 32 hexadecimal digits.
    pub run_id: String,
    /// The experiment it belongs to.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// Who made it, as the client said.
    pub user_id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// Start, milliseconds since the epoch; 0 when the client did not say.
    pub start_ms: i64,
    /// End, milliseconds since the epoch.
    pub end_ms: Option<i64>,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// Where its artifacts go.
    pub artifact_uri: String,
}

/// What is needed to create a run.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The experiment, which must be in use.
    pub experiment_id: i64,
    /// The name, which the tag `mlflow.runName` repeats.
    pub name: String,
    /// Who makes it.
    pub user_id: String,
    /// Start, milliseconds since the epoch.
    pub start_ms: i64,
    /// Its first tags, each key once.
    pub tags: Vec<KeyValue>,
}

/// What is to change on a run; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    /// The status.
    pub status: Option<RunStatus>,
    /// End, milliseconds since the epoch.
    pub end_ms: Option<i64>,
    /// The name; also changes the tag `mlflow.runName`.
    pub name: Option<String>,
}

/// A logged model that a run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOutput {
    /// The model's id.
    pub model_id: String,
    /// The step at which it was made.
    pub step: i64,
}

/// What an operation needs to know of the run it writes to.
pub(crate) struct Found {
    pub(crate) id: i64,
    pub(crate) experiment: i64,
}

impl Store {
    /// Creates a run in an experiment in use.
    pub async fn create_run(&self, new: NewRun) -> Result<Run> {
        let data = (new, self.context.uuid_hex());
        let run = self.db.write(data, |conn, (new, id)| Box::pin(create(conn, new, id))).await?;
        self.changes.tell(run.info.experiment_id, Some(&run.info.run_id), ChangeKind::Run);
        Ok(run)
    }

    /// A run with all of its data, in use or deleted.
    pub async fn run(&self, run_id: String) -> Result<Run> {
        self.db.read(run_id, |conn, run_id| Box::pin(get(conn, run_id))).await
    }

    /// A run without its data, in use or deleted.
    pub async fn run_info(&self, run_id: String) -> Result<RunInfo> {
        self.db.read(run_id, |conn, run_id| Box::pin(info(conn, run_id))).await
    }

    /// Changes a run in use and returns it.
    pub async fn update_run(&self, run_id: String, update: RunUpdate) -> Result<RunInfo> {
        let data = (run_id, update);
        let run =
            self.db.write(data, |conn, (run, update)| Box::pin(change(conn, run, update))).await?;
        self.changes.tell(run.experiment_id, Some(&run.run_id), ChangeKind::Run);
        Ok(run)
    }

    /// Moves a run to the trash; not an error when it is there already.
    pub async fn delete_run(&self, run_id: String) -> Result<()> {
        self.move_run(run_id, Lifecycle::Deleted).await
    }

    /// Takes a run back into use; not an error when it is in use.
    pub async fn restore_run(&self, run_id: String) -> Result<()> {
        self.move_run(run_id, Lifecycle::Active).await
    }

    async fn move_run(&self, run_id: String, to: Lifecycle) -> Result<()> {
        let data = (run_id, to, self.context.now_ms());
        let run = self
            .db
            .write(data, |conn, (run, to, now)| Box::pin(relocate(conn, run, *to, *now)))
            .await?;
        self.changes.tell(run.experiment_id, Some(&run.run_id), ChangeKind::Run);
        Ok(())
    }
}

async fn create(conn: &mut Conn, new: &NewRun, run_id: &str) -> Result<Run> {
    let location = experiments::active_location(conn, new.experiment_id).await?;
    let artifact_uri = uri::append(&location, &format!("{run_id}/artifacts"));
    let sql = "INSERT INTO run (uuid, experiment, name, user_id, status, start_ms, lifecycle, \
               artifact_uri) VALUES ($1, $2, $3, $4, $5, $6, 1, $7) RETURNING id";
    let row = [
        run_id.into(),
        new.experiment_id.into(),
        (&new.name).into(),
        (&new.user_id).into(),
        rows::number(RunStatus::Running.number()).into(),
        new.start_ms.into(),
        (&artifact_uri).into(),
    ];
    let id = conn.query_one(sql, &row, |row| row.int(0)).await?;
    let rows: Vec<Param<'_>> = new
        .tags
        .iter()
        .flat_map(|tag| [id.into(), (&tag.key).into(), (&tag.value).into()])
        .collect();
    conn.insert_many(tags::INSERT, &rows).await?;
    let info = RunInfo {
        id,
        run_id: run_id.to_owned(),
        experiment_id: new.experiment_id,
        name: new.name.clone(),
        user_id: new.user_id.clone(),
        status: RunStatus::Running,
        start_ms: new.start_ms,
        end_ms: None,
        lifecycle: Lifecycle::Active,
        artifact_uri,
    };
    Ok(Run { tags: new.tags.clone(), ..Run::bare(info) })
}

/// Reads the columns id, uuid, experiment, name, user, status, start, end, lifecycle, artifact URI.
pub(crate) fn read(row: &Row<'_>) -> modelyard_database::Result<RunInfo> {
    Ok(RunInfo {
        id: row.int(0)?,
        run_id: row.string(1)?,
        experiment_id: row.int(2)?,
        name: row.string(3)?,
        user_id: row.string(4)?,
        status: rows::run_status(row.int(5)?)?,
        start_ms: row.int(6)?,
        end_ms: row.opt_int(7)?,
        lifecycle: rows::lifecycle(row.int(8)?)?,
        artifact_uri: row.string(9)?,
    })
}

pub(crate) fn no_run(run_id: &str) -> Error {
    Error::not_found(format!("Run with id={run_id} not found"))
}

async fn info(conn: &mut Conn, run_id: &str) -> Result<RunInfo> {
    let sql = "SELECT id, uuid, experiment, name, user_id, status, start_ms, end_ms, lifecycle, \
               artifact_uri FROM run WHERE uuid = $1";
    let found = conn.query_opt(sql, &[run_id.into()], read).await?;
    found.ok_or_else(|| no_run(run_id))
}

async fn get(conn: &mut Conn, run_id: &str) -> Result<Run> {
    let mut runs = vec![Run::bare(info(conn, run_id).await?)];
    run_data::load(conn, &mut runs).await?;
    runs.pop().ok_or_else(|| no_run(run_id))
}

/// The run that a write is for.
///
/// # Errors
/// When it does not exist or is deleted.
pub(crate) async fn find_active(conn: &mut Conn, run_id: &str) -> Result<Found> {
    let sql = "SELECT id, experiment, lifecycle FROM run WHERE uuid = $1";
    let read = |row: &Row<'_>| {
        Ok((Found { id: row.int(0)?, experiment: row.int(1)? }, rows::lifecycle(row.int(2)?)?))
    };
    match conn.query_opt(sql, &[run_id.into()], read).await? {
        Some((run, Lifecycle::Active)) => Ok(run),
        Some((_, Lifecycle::Deleted)) => Err(not_active(run_id)),
        None => Err(no_run(run_id)),
    }
}

fn not_active(run_id: &str) -> Error {
    Error::invalid(format!(
        "The run {run_id} must be in the 'active' state. Current state is deleted."
    ))
}

/// Makes other writers of a run's row wait until the end of the transaction, for an operation that reads
/// before it writes. On SQLite there is only one writer.
pub(crate) async fn lock(conn: &mut Conn, run_id: &str) -> Result<()> {
    let lock = conn.engine().for_update();
    if !lock.is_empty() {
        let sql = ["SELECT id FROM run WHERE uuid = $1", lock].concat();
        conn.query_opt(&sql, &[run_id.into()], |row| row.int(0)).await?;
    }
    Ok(())
}

/// Sets the name in the run's row alone.
pub(crate) async fn rename(conn: &mut Conn, run: i64, name: &str) -> Result<()> {
    let sql = "UPDATE run SET name = $1 WHERE id = $2";
    conn.execute(sql, &[name.into(), run.into()]).await?;
    Ok(())
}

async fn change(conn: &mut Conn, run_id: &str, update: &RunUpdate) -> Result<RunInfo> {
    lock(conn, run_id).await?;
    let mut run = info(conn, run_id).await?;
    if run.lifecycle == Lifecycle::Deleted {
        return Err(not_active(run_id));
    }
    run.status = update.status.unwrap_or(run.status);
    run.end_ms = update.end_ms.or(run.end_ms);
    let sql = "UPDATE run SET status = $1, end_ms = $2 WHERE id = $3";
    conn.execute(
        sql,
        &[rows::number(run.status.number()).into(), run.end_ms.into(), run.id.into()],
    )
    .await?;
    if let Some(name) = &update.name {
        let tag = KeyValue { key: RUN_NAME_TAG.to_owned(), value: name.clone() };
        tags::set_all(conn, run.id, &[tag]).await?;
        run.name.clone_from(name);
    }
    Ok(run)
}

async fn relocate(conn: &mut Conn, run_id: &str, to: Lifecycle, now: i64) -> Result<RunInfo> {
    let run = info(conn, run_id).await?;
    if run.lifecycle != to {
        let deleted_ms = (to == Lifecycle::Deleted).then_some(now);
        let sql = "UPDATE run SET lifecycle = $1, deleted_ms = $2 WHERE id = $3";
        conn.execute(sql, &[rows::number(to.number()).into(), deleted_ms.into(), run.id.into()])
            .await?;
        if to == Lifecycle::Active {
            purge::refuse_run(conn, &run).await?;
        }
    }
    Ok(run)
}
