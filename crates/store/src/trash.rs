//! What was deleted and can still be restored.

use modelyard_database::{Conn, Row, Sql};
use modelyard_protocol::names::{PURGE_TAG, RETENTION_TAG};
use modelyard_protocol::page_token::KeyValue as Key;

use crate::rows::{self, Cursor, Lifecycle, Page, one_more};
use crate::{ChangeKind, Error, Result, Store, experiments, logged_models, purge, runs};

/// What kinds of things can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrashKind {
    /// An experiment, with all that is in it.
    Experiment,
    /// A run.
    Run,
    /// A logged model.
    LoggedModel,
}

impl TrashKind {
    /// The name in sentences and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Run => "run",
            Self::LoggedModel => "logged_model",
        }
    }
}

/// Something that was deleted, or that was asked for by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashItem {
    /// What it is.
    pub kind: TrashKind,
    /// The id that clients see.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The experiment it belongs to, or is.
    pub experiment_id: i64,
    /// That experiment's name.
    pub experiment_name: String,
    /// Whether it was deleted; a logged model is also deleted with its experiment.
    pub lifecycle: Lifecycle,
    /// When it was deleted, milliseconds since the epoch.
    pub deleted_ms: i64,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// How long its experiment wants it kept, as the tag says.
    pub retention: Option<String>,
    /// Whether its removal for good has begun, so that it cannot be restored.
    pub purging: bool,
    /// Runs that go with it.
    pub runs: i64,
    /// Logged models that go with it.
    pub models: i64,
}

/// Where to look for what was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrashScope {
    /// Everywhere.
    Everywhere,
    /// In experiments in use: what was deleted by itself.
    InActive,
    /// In one experiment.
    In(i64),
}

/// Which deleted things to list, the latest first.
#[derive(Debug, Clone)]
pub struct TrashQuery {
    /// Of which kind.
    pub kind: TrashKind,
    /// Where; experiments are everywhere.
    pub scope: TrashScope,
    /// How many a page has at most.
    pub limit: usize,
    /// The last row of the previous page: time of deletion and internal id.
    pub after: Option<Cursor>,
}

impl Store {
    /// A page of what was deleted.
    pub async fn trash(&self, query: TrashQuery) -> Result<Page<TrashItem>> {
        self.db.read(query, |conn, query| Box::pin(list(conn, query))).await
    }

    /// One thing by its id, deleted or in use.
    pub async fn trash_item(&self, kind: TrashKind, id: String) -> Result<TrashItem> {
        self.db.read(id, move |conn, id| Box::pin(get(conn, kind, id))).await
    }

    /// Takes a deleted logged model back into use; not an error when it is in use.
    pub async fn restore_logged_model(&self, model_id: String) -> Result<()> {
        let data = (model_id, self.context.now_ms());
        let item =
            self.db.write(data, |conn, (id, now)| Box::pin(restore_model(conn, id, *now))).await?;
        self.changes.tell(item.experiment_id, None, ChangeKind::Models);
        Ok(())
    }
}

/// Begins a statement that reads what [`read`] wants. `e` is the experiment, `x` the thing.
fn select<'a>(kind: TrashKind) -> Sql<'a> {
    let (columns, mark, from) = match kind {
        TrashKind::Experiment => (
            "SELECT x.id, '', x.name, x.id, x.name, x.lifecycle, x.updated_ms, x.artifact_location, \
             (SELECT count(*) FROM run r WHERE r.experiment = x.id), \
             (SELECT count(*) FROM logged_model m WHERE m.experiment = x.id), ",
            "SELECT 1 FROM experiment_tag t WHERE t.experiment = x.id AND t.key = ",
            ") FROM experiment x JOIN experiment e ON e.id = x.id WHERE ",
        ),
        TrashKind::Run => (
            "SELECT x.id, x.uuid, x.name, e.id, e.name, x.lifecycle, coalesce(x.deleted_ms, 0), \
             x.artifact_uri, 0, 0, ",
            "SELECT 1 FROM run_tag t WHERE t.run = x.id AND t.key = ",
            ") FROM experiment e JOIN run x ON x.experiment = e.id WHERE ",
        ),
        TrashKind::LoggedModel => (
            // A model has no word of its own about a deletion of its experiment.
            "SELECT x.id, x.uuid, x.name, e.id, e.name, \
             CASE WHEN e.lifecycle = 2 THEN 2 ELSE x.lifecycle END, \
             CASE WHEN x.lifecycle = 2 THEN x.updated_ms ELSE e.updated_ms END, \
             x.artifact_uri, 0, 0, ",
            "SELECT 1 FROM logged_model_tag t WHERE t.model = x.id AND t.key = ",
            ") FROM experiment e JOIN logged_model x ON x.experiment = e.id WHERE ",
        ),
    };
    let mut sql = Sql::new(columns);
    sql.push("(SELECT value FROM experiment_tag t WHERE t.experiment = e.id AND t.key = ");
    sql.bind(RETENTION_TAG).push("), (").push(mark).bind(PURGE_TAG);
    sql.push(from);
    sql
}

fn read(kind: TrashKind, row: &Row<'_>) -> modelyard_database::Result<TrashItem> {
    let id = match kind {
        TrashKind::Experiment => row.int(0)?.to_string(),
        _ => row.string(1)?,
    };
    Ok(TrashItem {
        kind,
        id,
        name: row.string(2)?,
        experiment_id: row.int(3)?,
        experiment_name: row.string(4)?,
        lifecycle: rows::lifecycle(row.int(5)?)?,
        deleted_ms: row.int(6)?,
        artifact_uri: row.string(7)?,
        runs: row.int(8)?,
        models: row.int(9)?,
        retention: row.opt_string(10)?,
        purging: row.opt_int(11)?.is_some(),
    })
}

async fn list(conn: &mut Conn, query: &TrashQuery) -> Result<Page<TrashItem>> {
    let mut sql = select(query.kind);
    match query.scope {
        TrashScope::Everywhere => {}
        TrashScope::InActive => {
            sql.push("e.lifecycle = 1 AND ");
        }
        TrashScope::In(id) => {
            sql.push("e.id = ").bind(id).push(" AND ");
        }
    }
    let (deleted, time) = match query.kind {
        TrashKind::Experiment => ("x.lifecycle = 2", "x.updated_ms"),
        TrashKind::Run => ("x.lifecycle = 2", "coalesce(x.deleted_ms, 0)"),
        TrashKind::LoggedModel => (
            "(x.lifecycle = 2 OR e.lifecycle = 2)",
            "CASE WHEN x.lifecycle = 2 THEN x.updated_ms ELSE e.updated_ms END",
        ),
    };
    // An experiment in use has nothing to show of its own kind.
    sql.push(deleted);
    if let Some(after) = &query.after {
        let [Key::Integer(deleted_ms), Key::Integer(id)] = after[..] else {
            return Err(Error::invalid("Invalid page token: it belongs to another list."));
        };
        sql.push(" AND (").push(time).push(", x.id) < (").bind(deleted_ms).push(", ").bind(id);
        sql.push(")");
    }
    sql.push(" ORDER BY ").push(time).push(" DESC, x.id DESC LIMIT ").bind(one_more(query.limit));
    let place = |row: &Row<'_>| {
        let item = read(query.kind, row)?;
        let cursor = vec![Key::Integer(item.deleted_ms), Key::Integer(row.int(0)?)];
        Ok((item, cursor))
    };
    Ok(Page::cut(conn.query(sql.text(), sql.params(), place).await?, query.limit))
}

/// Reads one thing, deleted or in use.
pub(crate) async fn get(conn: &mut Conn, kind: TrashKind, id: &str) -> Result<TrashItem> {
    let mut sql = select(kind);
    let missing = match kind {
        TrashKind::Experiment => {
            let number: i64 = id.parse().map_err(|_not_a_number| {
                Error::invalid(format!(
                    "Invalid experiment id '{id}': experiment ids are whole numbers."
                ))
            })?;
            sql.push("x.id = ").bind(number);
            experiments::no_experiment(number)
        }
        TrashKind::Run => {
            sql.push("x.uuid = ").bind(id);
            runs::no_run(id)
        }
        TrashKind::LoggedModel => {
            sql.push("x.uuid = ").bind(id);
            logged_models::missing(id)
        }
    };
    let found = conn.query_opt(sql.text(), sql.params(), |row| read(kind, row)).await?;
    found.ok_or(missing)
}

async fn restore_model(conn: &mut Conn, model_id: &str, now: i64) -> Result<TrashItem> {
    let sql =
        "UPDATE logged_model SET lifecycle = 1, updated_ms = $1 WHERE uuid = $2 AND lifecycle = 2";
    conn.execute(sql, &[now.into(), model_id.into()]).await?;
    let item = get(conn, TrashKind::LoggedModel, model_id).await?;
    purge::refuse_model(&item)?;
    Ok(item)
}
