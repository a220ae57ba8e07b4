//! Logged models: models that a run made, with params, tags and metrics of their own (MLflow 3).

use std::collections::HashMap;

use modelyard_database::{Conn, Insert, Kind, Param, Row};
use modelyard_protocol::{Error as Rule, ErrorCode, uri};
use serde_json::Value;

use crate::chunks::Chunk;
use crate::metrics::{MetricPoint, Stored};
use crate::rows::{self, KeyValue, Lifecycle, LoggedModelStatus};
use crate::{ChangeKind, Error, Result, Store, experiments, tags};

/// A logged model with its data.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModel {
    pub(crate) id: i64,
    /// The id that clients see: `m-` and 32 hexadecimal digits.
    pub model_id: String,
    /// The experiment it belongs to.
    pub experiment_id: i64,
    /// The name, shared by the models that a script logs under it.
    pub name: String,
    /// Where its files are.
    pub artifact_uri: String,
    /// Creation, milliseconds since the epoch.
    pub created_ms: i64,
    /// Last change of status or tags, milliseconds since the epoch.
    pub updated_ms: i64,
    /// Whether its files are there.
    pub status: LoggedModelStatus,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// What kind of model it is, as the client said.
    pub model_type: String,
    /// The run that made it, or empty.
    pub source_run_id: String,
    /// The params, by key.
    pub params: Vec<KeyValue>,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// Every point of its metrics; of each metric, run and dataset the newest comes last.
    pub metrics: Vec<ModelMetric>,
}

/// A point of a logged model's metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelMetric {
    /// The metric's key.
    pub key: String,
    /// Any double.
    pub value: f64,
    /// Milliseconds since the epoch.
    pub ms: i64,
    /// The step.
    pub step: i64,
    /// The run that measured it.
    pub run_id: String,
    /// The dataset it was measured on, or empty.
    pub dataset_name: String,
    /// That dataset's digest, or empty.
    pub dataset_digest: String,
}

/// What is needed to create a logged model.
#[derive(Debug, Clone)]
pub struct NewLoggedModel {
    /// The experiment, which must be in use.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// The kind of model, or empty.
    pub model_type: String,
    /// The run that makes it, or empty.
    pub source_run_id: String,
    /// Params, each key once.
    pub params: Vec<KeyValue>,
    /// Tags; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
}

const PARAMS: Insert = Insert {
    into: "INSERT INTO logged_model_param (model, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT DO NOTHING",
};

const TAGS: Insert = Insert {
    into: "INSERT INTO logged_model_tag (model, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
};

const METRICS: Insert = Insert {
    into: "INSERT INTO logged_model_metric (model, name, ms, step, run, value, nan, dataset_name, \
           dataset_digest)",
    kinds: &[
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Text,
        Kind::Real,
        Kind::Int,
        Kind::Text,
        Kind::Text,
    ],
    conflict: "ON CONFLICT DO NOTHING",
};

impl Store {
    /// Creates a logged model whose files are still to come.
    pub async fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel> {
        let data = (new, format!("m-{}", self.context.uuid_hex()), self.context.now_ms());
        let model = self
            .db
            .write(data, |conn, (new, id, now)| Box::pin(create(conn, new, id, *now)))
            .await?;
        self.tell_model(&model);
        Ok(model)
    }

    /// A logged model in use; `deleted` also finds one in the trash.
    pub async fn logged_model(&self, model_id: String, deleted: bool) -> Result<LoggedModel> {
        self.db
            .read((model_id, deleted), |conn, (id, deleted)| Box::pin(get(conn, id, *deleted)))
            .await
    }

    /// Says what became of a logged model's files.
    pub async fn finalize_logged_model(
        &self,
        model_id: String,
        status: LoggedModelStatus,
    ) -> Result<LoggedModel> {
        let data = (model_id, status, self.context.now_ms());
        let model = self
            .db
            .write(data, |conn, (id, status, now)| Box::pin(finalize(conn, id, *status, *now)))
            .await?;
        self.tell_model(&model);
        // A model may have a million points: reading them is no work for the writer, for which all wait.
        self.logged_model(model.model_id, true).await
    }

    /// Moves a logged model to the trash; not an error when it is there already.
    pub async fn delete_logged_model(&self, model_id: String) -> Result<()> {
        let data = (model_id, self.context.now_ms());
        let model = self.db.write(data, |conn, (id, now)| Box::pin(delete(conn, id, *now))).await?;
        self.tell_model(&model);
        Ok(())
    }

    /// Sets tags of a logged model.
    pub async fn set_logged_model_tags(&self, model_id: String, tags: Vec<KeyValue>) -> Result<()> {
        let data = (model_id, tags);
        let model =
            self.db.write(data, |conn, (id, tags)| Box::pin(set_tags(conn, id, tags))).await?;
        self.tell_model(&model);
        Ok(())
    }

    /// Removes a tag of a logged model.
    pub async fn delete_logged_model_tag(&self, model_id: String, key: String) -> Result<()> {
        let data = (model_id, key);
        let model =
            self.db.write(data, |conn, (id, key)| Box::pin(delete_tag(conn, id, key))).await?;
        self.tell_model(&model);
        Ok(())
    }

    /// Adds params to a logged model. The same value again is not an error.
    pub async fn log_logged_model_params(
        &self,
        model_id: String,
        params: Vec<KeyValue>,
    ) -> Result<()> {
        let data = (model_id, params);
        let model = self
            .db
            .write(data, |conn, (id, params)| Box::pin(log_params(conn, id, params)))
            .await?;
        self.tell_model(&model);
        Ok(())
    }

    fn tell_model(&self, model: &LoggedModel) {
        let run = Some(model.source_run_id.as_str()).filter(|run| !run.is_empty());
        self.changes.tell(model.experiment_id, run, ChangeKind::Models);
    }
}

async fn create(
    conn: &mut Conn,
    new: &NewLoggedModel,
    model_id: &str,
    now: i64,
) -> Result<LoggedModel> {
    let location = experiments::active_location(conn, new.experiment_id).await?;
    let artifact_uri = uri::append(&location, &format!("models/{model_id}/artifacts"));
    let sql = "INSERT INTO logged_model (uuid, experiment, name, artifact_uri, created_ms, \
               updated_ms, status, lifecycle, model_type, source_run) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9) RETURNING id";
    let row = [
        model_id.into(),
        new.experiment_id.into(),
        (&new.name).into(),
        (&artifact_uri).into(),
        now.into(),
        now.into(),
        rows::number(LoggedModelStatus::Pending.number()).into(),
        (&new.model_type).into(),
        (&new.source_run_id).into(),
    ];
    let id = conn.query_one(sql, &row, |row| row.int(0)).await?;
    insert_params(conn, id, &new.params).await?;
    insert_tags(conn, id, &new.tags).await?;
    get(conn, model_id, false).await
}

/// Reads the columns id, uuid, experiment, name, artifact URI, creation, last change, status, lifecycle,
/// type, source run.
pub(crate) fn read(row: &Row<'_>) -> modelyard_database::Result<LoggedModel> {
    Ok(LoggedModel {
        id: row.int(0)?,
        model_id: row.string(1)?,
        experiment_id: row.int(2)?,
        name: row.string(3)?,
        artifact_uri: row.string(4)?,
        created_ms: row.int(5)?,
        updated_ms: row.int(6)?,
        status: rows::model_status(row.int(7)?)?,
        lifecycle: rows::lifecycle(row.int(8)?)?,
        model_type: row.string(9)?,
        source_run_id: row.string(10)?,
        params: Vec::new(),
        tags: Vec::new(),
        metrics: Vec::new(),
    })
}

pub(crate) fn missing(model_id: &str) -> Error {
    Error::not_found(format!("Logged model with ID '{model_id}' not found."))
}

async fn find(conn: &mut Conn, model_id: &str, deleted: bool) -> Result<LoggedModel> {
    let sql = "SELECT id, uuid, experiment, name, artifact_uri, created_ms, updated_ms, status, \
               lifecycle, model_type, source_run FROM logged_model WHERE uuid = $1";
    let found = conn.query_opt(sql, &[model_id.into()], read).await?;
    found
        .filter(|model| deleted || model.lifecycle == Lifecycle::Active)
        .ok_or_else(|| missing(model_id))
}

async fn get(conn: &mut Conn, model_id: &str, deleted: bool) -> Result<LoggedModel> {
    let mut model = find(conn, model_id, deleted).await?;
    load(conn, std::slice::from_mut(&mut model)).await?;
    Ok(model)
}

/// Fills in params, tags and metrics.
pub(crate) async fn load(conn: &mut Conn, models: &mut [LoggedModel]) -> Result<()> {
    let mut rest = models;
    while let Some(mut chunk) = Chunk::next(&mut rest, |model| model.id) {
        load_chunk(conn, &mut chunk).await?;
    }
    Ok(())
}

async fn load_chunk(conn: &mut Conn, chunk: &mut Chunk<'_, LoggedModel>) -> Result<()> {
    let params = "SELECT model, key, value FROM logged_model_param WHERE model IN ({ids}) \
                  ORDER BY model, key";
    chunk
        .each(conn, params, |model, row| {
            model.params.push(tags::read(row, 1)?);
            Ok(())
        })
        .await?;
    let select = "SELECT model, key, value FROM logged_model_tag WHERE model IN ({ids}) \
                  ORDER BY model, key";
    chunk
        .each(conn, select, |model, row| {
            model.tags.push(tags::read(row, 1)?);
            Ok(())
        })
        .await?;
    let metrics = "SELECT m.model, n.name, m.value, m.nan, m.ms, m.step, m.run, m.dataset_name, \
                   m.dataset_digest FROM logged_model_metric m JOIN metric_name n ON n.id = m.name \
                   WHERE m.model IN ({ids}) ORDER BY n.name, m.run, m.dataset_name, \
                   m.dataset_digest, m.ms, m.step, m.value, m.nan";
    chunk
        .each(conn, metrics, |model, row| {
            let stored = Stored { value: row.real(2)?, nan: row.flag(3)? };
            model.metrics.push(ModelMetric {
                key: row.string(1)?,
                value: stored.double(),
                ms: row.int(4)?,
                step: row.int(5)?,
                run_id: row.string(6)?,
                dataset_name: row.string(7)?,
                dataset_digest: row.string(8)?,
            });
            Ok(())
        })
        .await
}

async fn finalize(
    conn: &mut Conn,
    model_id: &str,
    status: LoggedModelStatus,
    now: i64,
) -> Result<LoggedModel> {
    let sql =
        "UPDATE logged_model SET status = $1, updated_ms = $2 WHERE uuid = $3 AND lifecycle = 1";
    let row = [rows::number(status.number()).into(), now.into(), model_id.into()];
    conn.execute(sql, &row).await?;
    find(conn, model_id, false).await
}

async fn delete(conn: &mut Conn, model_id: &str, now: i64) -> Result<LoggedModel> {
    let sql =
        "UPDATE logged_model SET lifecycle = 2, updated_ms = $1 WHERE uuid = $2 AND lifecycle = 1";
    conn.execute(sql, &[now.into(), model_id.into()]).await?;
    find(conn, model_id, true).await
}

async fn insert_params(conn: &mut Conn, model: i64, params: &[KeyValue]) -> Result<u64> {
    let rows: Vec<Param<'_>> = by_key(params)
        .into_iter()
        .flat_map(|param| [model.into(), (&param.key).into(), (&param.value).into()])
        .collect();
    Ok(conn.insert_many(PARAMS, &rows).await?)
}

async fn insert_tags(conn: &mut Conn, model: i64, given: &[KeyValue]) -> Result<()> {
    let rows: Vec<Param<'_>> = by_key(tags::last_of_each(given))
        .into_iter()
        .flat_map(|tag| [model.into(), (&tag.key).into(), (&tag.value).into()])
        .collect();
    conn.insert_many(TAGS, &rows).await?;
    Ok(())
}

/// Sorts pairs, so that on PostgreSQL two writers take their locks in the same order.
fn by_key<'p>(pairs: impl IntoIterator<Item = &'p KeyValue>) -> Vec<&'p KeyValue> {
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    pairs
}

/// Appends an item to the JSON list in a tag of a model in use.
pub(crate) async fn append_to_tag(
    conn: &mut Conn,
    model_id: &str,
    key: &str,
    item: Value,
) -> Result<()> {
    let sql = "SELECT id FROM logged_model WHERE uuid = $1 AND lifecycle = 1";
    let sql = [sql, conn.engine().for_update()].concat();
    let model = conn.query_opt(&sql, &[model_id.into()], |row| row.int(0)).await?;
    let model = model.ok_or_else(|| missing(model_id))?;
    let sql = "SELECT value FROM logged_model_tag WHERE model = $1 AND key = $2";
    let old = conn.query_opt(sql, &[model.into(), key.into()], |row| row.string(0)).await?;
    let tag = KeyValue { key: key.to_owned(), value: tags::appended(old.as_deref(), item) };
    insert_tags(conn, model, &[tag]).await
}

async fn set_tags(conn: &mut Conn, model_id: &str, given: &[KeyValue]) -> Result<LoggedModel> {
    let model = find(conn, model_id, false).await?;
    insert_tags(conn, model.id, given).await?;
    Ok(model)
}

async fn delete_tag(conn: &mut Conn, model_id: &str, key: &str) -> Result<LoggedModel> {
    let model = find(conn, model_id, false).await?;
    let sql = "DELETE FROM logged_model_tag WHERE model = $1 AND key = $2";
    if conn.execute(sql, &[model.id.into(), key.into()]).await? == 0 {
        return Err(Error::not_found(format!(
            "No tag with key '{key}' found for model with ID '{model_id}'."
        )));
    }
    Ok(model)
}

async fn log_params(conn: &mut Conn, model_id: &str, params: &[KeyValue]) -> Result<LoggedModel> {
    let model = find(conn, model_id, false).await?;
    if insert_params(conn, model.id, params).await? < params.len() as u64 {
        let sql = "SELECT key, value FROM logged_model_param WHERE model = $1";
        let stored = conn.query(sql, &[model.id.into()], |row| tags::read(row, 0)).await?;
        let stored: HashMap<_, _> =
            stored.iter().map(|old| (old.key.as_str(), old.value.as_str())).collect();
        let changed = params
            .iter()
            .find(|param| stored.get(param.key.as_str()).is_some_and(|old| *old != param.value));
        if let Some(param) = changed {
            let message = format!(
                "Changing param values is not allowed. The param '{}' of the model '{model_id}' was \
                 already logged with another value.",
                param.key
            );
            return Err(Rule::new(ErrorCode::BadRequest, message).into());
        }
    }
    Ok(model)
}

/// Notes points of a run on the logged models that they name; `linked` pairs them with their names'
/// numbers.
pub(crate) async fn log_metrics(
    conn: &mut Conn,
    run_id: &str,
    linked: &[(&MetricPoint, &i64)],
) -> Result<()> {
    let mut models: HashMap<&str, i64> = HashMap::new();
    let mut values: Vec<Param<'_>> = Vec::with_capacity(linked.len() * METRICS.kinds.len());
    for (point, name) in linked {
        let Some(link) = &point.model else { continue };
        let model = match models.get(link.model_id.as_str()) {
            Some(&model) => model,
            None => {
                let model = metric_model(conn, &link.model_id).await?;
                models.insert(&link.model_id, model);
                model
            }
        };
        let stored = Stored::new(point.value);
        values.extend([
            Param::Int(model),
            Param::Int(**name),
            Param::Int(point.ms),
            Param::Int(point.step),
            Param::Text(run_id),
            Param::Real(stored.value),
            Param::from(stored.nan),
            Param::from(&link.dataset_name),
            Param::from(&link.dataset_digest),
        ]);
    }
    conn.insert_many(METRICS, &values).await?;
    Ok(())
}

async fn metric_model(conn: &mut Conn, model_id: &str) -> Result<i64> {
    let sql = "SELECT id FROM logged_model WHERE uuid = $1";
    let found = conn.query_opt(sql, &[model_id.into()], |row| row.int(0)).await?;
    found.ok_or_else(|| {
        // MLflow's foreign key answers BAD_REQUEST here, with the text of the SQL statement.
        let message = format!("Logged model with ID '{model_id}' not found; create it first.");
        Rule::new(ErrorCode::BadRequest, message).into()
    })
}
