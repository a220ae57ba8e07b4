//! Datasets, and which runs read them; models that runs read or made.

use modelyard_database::{Conn, Insert, Kind, Param, Sql};

use crate::rows::KeyValue;
use crate::runs::ModelOutput;
use crate::{ChangeKind, Result, Store, runs};

/// A dataset of an experiment, known by name and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The name.
    pub name: String,
    /// The digest of its content.
    pub digest: String,
    /// What kind of place it came from.
    pub source_type: String,
    /// Where it came from.
    pub source: String,
    /// Its schema, as JSON text.
    pub schema: Option<String>,
    /// Its profile, as JSON text.
    pub profile: Option<String>,
}

/// A dataset that a run read, with the tags of that use (`mlflow.data.context`, for one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: Dataset,
    /// The tags of the use; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
}

/// What a run read.
#[derive(Debug, Clone, Default)]
pub struct RunInputs {
    /// Datasets.
    pub datasets: Vec<DatasetInput>,
    /// Ids of logged models.
    pub models: Vec<String>,
}

/// A dataset's place in an experiment, for the UI's filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetSummary {
    /// The experiment.
    pub experiment_id: i64,
    /// The dataset's name.
    pub name: String,
    /// The dataset's digest.
    pub digest: String,
    /// The context of a use, if it has one.
    pub context: Option<String>,
}

const MODELS: Insert = Insert {
    into: "INSERT INTO run_model (run, output, model, step)",
    kinds: &[Kind::Int, Kind::Int, Kind::Text, Kind::Int],
    // The same model again is not an error (MLflow answers 400): a retried request must succeed.
    conflict: "ON CONFLICT DO NOTHING",
};

const TAGS: Insert = Insert {
    into: "INSERT INTO run_dataset_tag (input, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "",
};

impl Store {
    /// Notes what an active run read. A dataset or model that is noted already stays as it is.
    pub async fn log_inputs(&self, run_id: String, inputs: RunInputs) -> Result<()> {
        let data = (run_id.clone(), inputs);
        let experiment =
            self.db.write(data, |conn, (run, inputs)| Box::pin(log(conn, run, inputs))).await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Run);
        Ok(())
    }

    /// Notes which logged models an active run made.
    pub async fn log_outputs(&self, run_id: String, models: Vec<ModelOutput>) -> Result<()> {
        let data = (run_id.clone(), models);
        let experiment = self
            .db
            .write(data, |conn, (run, models)| Box::pin(log_outputs(conn, run, models)))
            .await?;
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Models);
        Ok(())
    }

    /// The datasets that runs in use of these experiments read, at most `limit`.
    pub async fn search_datasets(
        &self,
        experiments: Vec<i64>,
        limit: i64,
    ) -> Result<Vec<DatasetSummary>> {
        let data = (experiments, limit);
        self.db.read(data, |conn, (ids, limit)| Box::pin(search(conn, ids, *limit))).await
    }
}

async fn log(conn: &mut Conn, run_id: &str, inputs: &RunInputs) -> Result<i64> {
    runs::lock(conn, run_id).await?;
    let run = runs::find_active(conn, run_id).await?;
    let datasets = dataset_ids(conn, run.experiment, &inputs.datasets).await?;
    for (input, dataset) in inputs.datasets.iter().zip(datasets) {
        let sql = "INSERT INTO run_dataset (run, dataset) VALUES ($1, $2) \
                   ON CONFLICT DO NOTHING RETURNING id";
        let new = conn.query_opt(sql, &[run.id.into(), dataset.into()], |row| row.int(0)).await?;
        if let Some(id) = new {
            let rows: Vec<Param<'_>> = crate::tags::last_of_each(&input.tags)
                .flat_map(|tag| [id.into(), (&tag.key).into(), (&tag.value).into()])
                .collect();
            conn.insert_many(TAGS, &rows).await?;
        }
    }
    let models: Vec<Param<'_>> = inputs
        .models
        .iter()
        .flat_map(|model| [run.id.into(), 0.into(), model.into(), 0.into()])
        .collect();
    conn.insert_many(MODELS, &models).await?;
    Ok(run.experiment)
}

/// The internal ids of datasets, made if they are new.
async fn dataset_ids(
    conn: &mut Conn,
    experiment: i64,
    inputs: &[DatasetInput],
) -> Result<Vec<i64>> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    // On PostgreSQL two writers make new datasets in the same order.
    let key = |at: usize| (&inputs[at].dataset.name, &inputs[at].dataset.digest);
    order.sort_by(|&a, &b| key(a).cmp(&key(b)));
    let mut ids = vec![0; inputs.len()];
    for at in order {
        ids[at] = dataset_id(conn, experiment, &inputs[at].dataset).await?;
    }
    Ok(ids)
}

async fn dataset_id(conn: &mut Conn, experiment: i64, dataset: &Dataset) -> Result<i64> {
    let insert = "INSERT INTO dataset (experiment, name, digest, source_type, source, schema, profile) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let row = [
        experiment.into(),
        (&dataset.name).into(),
        (&dataset.digest).into(),
        (&dataset.source_type).into(),
        (&dataset.source).into(),
        dataset.schema.as_ref().into(),
        dataset.profile.as_ref().into(),
    ];
    conn.execute(insert, &row).await?;
    let select = "SELECT id FROM dataset WHERE experiment = $1 AND name = $2 AND digest = $3";
    let key = [experiment.into(), (&dataset.name).into(), (&dataset.digest).into()];
    Ok(conn.query_one(select, &key, |row| row.int(0)).await?)
}

async fn log_outputs(conn: &mut Conn, run_id: &str, models: &[ModelOutput]) -> Result<i64> {
    runs::lock(conn, run_id).await?;
    let run = runs::find_active(conn, run_id).await?;
    let rows: Vec<Param<'_>> = models
        .iter()
        .flat_map(|model| [run.id.into(), 1.into(), (&model.model_id).into(), model.step.into()])
        .collect();
    conn.insert_many(MODELS, &rows).await?;
    Ok(run.experiment)
}

async fn search(conn: &mut Conn, experiments: &[i64], limit: i64) -> Result<Vec<DatasetSummary>> {
    if experiments.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(
        "SELECT DISTINCT d.experiment, d.name, d.digest, t.value FROM dataset d \
         JOIN run_dataset i ON i.dataset = d.id \
         LEFT JOIN run_dataset_tag t ON t.input = i.id AND t.key = 'mlflow.data.context' \
         WHERE d.experiment IN (",
    );
    sql.bind_all(experiments.iter().copied());
    sql.push(") ORDER BY d.experiment, d.name, d.digest, t.value NULLS FIRST LIMIT ").bind(limit);
    let read = |row: &modelyard_database::Row<'_>| {
        Ok(DatasetSummary {
            experiment_id: row.int(0)?,
            name: row.string(1)?,
            digest: row.string(2)?,
            context: row.opt_string(3)?,
        })
    };
    Ok(conn.query(sql.text(), sql.params(), read).await?)
}
