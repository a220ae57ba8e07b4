//! A run with everything that was logged to it.

use modelyard_database::Conn;

use crate::chunks::Chunk;
use crate::datasets::{Dataset, DatasetInput};
use crate::metrics::Stored;
use crate::rows::KeyValue;
use crate::runs::{ModelOutput, RunInfo};
use crate::{MetricPoint, Result, tags};

/// A run with its data: the latest point of each metric, params, tags, inputs and outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run itself.
    pub info: RunInfo,
    /// The latest point of each metric, by key.
    pub metrics: Vec<MetricPoint>,
    /// The params, by key.
    pub params: Vec<KeyValue>,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// The datasets that it read.
    pub datasets: Vec<DatasetInput>,
    /// The ids of the logged models that it read.
    pub model_inputs: Vec<String>,
    /// The logged models that it made.
    pub model_outputs: Vec<ModelOutput>,
}

impl Run {
    /// A run without any data.
    pub(crate) fn bare(info: RunInfo) -> Self {
        Self {
            info,
            metrics: Vec::new(),
            params: Vec::new(),
            tags: Vec::new(),
            datasets: Vec::new(),
            model_inputs: Vec::new(),
            model_outputs: Vec::new(),
        }
    }
}

/// Fills in the data of runs.
pub(crate) async fn load(conn: &mut Conn, runs: &mut [Run]) -> Result<()> {
    let mut rest = runs;
    while let Some(mut chunk) = Chunk::next(&mut rest, |run| run.info.id) {
        load_chunk(conn, &mut chunk).await?;
    }
    Ok(())
}

async fn load_chunk(conn: &mut Conn, chunk: &mut Chunk<'_, Run>) -> Result<()> {
    let params = "SELECT run, key, value FROM param WHERE run IN ({ids}) ORDER BY run, key";
    chunk
        .each(conn, params, |run, row| {
            run.params.push(tags::read(row, 1)?);
            Ok(())
        })
        .await?;
    let select = "SELECT run, key, value FROM run_tag WHERE run IN ({ids}) ORDER BY run, key";
    chunk
        .each(conn, select, |run, row| {
            run.tags.push(tags::read(row, 1)?);
            Ok(())
        })
        .await?;
    let metrics = "SELECT m.run, n.name, m.value, m.nan, m.step, m.ms FROM metric m \
                   JOIN metric_name n ON n.id = m.name WHERE m.run IN ({ids})";
    chunk
        .each(conn, metrics, |run, row| {
            let stored = Stored { value: row.real(2)?, nan: row.flag(3)? };
            run.metrics.push(MetricPoint {
                key: row.string(1)?,
                value: stored.double(),
                step: row.int(4)?,
                ms: row.int(5)?,
                model: None,
            });
            Ok(())
        })
        .await?;
    for run in chunk.rows() {
        run.metrics.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    load_models(conn, chunk).await?;
    load_datasets(conn, chunk).await
}

async fn load_models(conn: &mut Conn, chunk: &mut Chunk<'_, Run>) -> Result<()> {
    let select = "SELECT run, output, model, step FROM run_model WHERE run IN ({ids}) \
                  ORDER BY run, output, step, model";
    chunk
        .each(conn, select, |run, row| {
            let model_id = row.string(2)?;
            if row.flag(1)? {
                run.model_outputs.push(ModelOutput { model_id, step: row.int(3)? });
            } else {
                run.model_inputs.push(model_id);
            }
            Ok(())
        })
        .await
}

/// A dataset of a run while its tags are read.
struct Input {
    id: i64,
    run: i64,
    /// Which of the run's datasets it is.
    at: usize,
    tags: Vec<KeyValue>,
}

async fn load_datasets(conn: &mut Conn, chunk: &mut Chunk<'_, Run>) -> Result<()> {
    let select = "SELECT i.run, i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile \
                  FROM run_dataset i JOIN dataset d ON d.id = i.dataset WHERE i.run IN ({ids}) \
                  ORDER BY i.id";
    let mut inputs: Vec<Input> = Vec::new();
    chunk
        .each(conn, select, |run, row| {
            let (id, at) = (row.int(1)?, run.datasets.len());
            inputs.push(Input { id, run: run.info.id, at, tags: Vec::new() });
            run.datasets.push(DatasetInput {
                dataset: Dataset {
                    name: row.string(2)?,
                    digest: row.string(3)?,
                    source_type: row.string(4)?,
                    source: row.string(5)?,
                    schema: row.opt_string(6)?,
                    profile: row.opt_string(7)?,
                },
                tags: Vec::new(),
            });
            Ok(())
        })
        .await?;
    let select = "SELECT input, key, value FROM run_dataset_tag WHERE input IN ({ids}) \
                  ORDER BY input, key";
    let mut rest = inputs.as_mut_slice();
    while let Some(mut inputs) = Chunk::next(&mut rest, |input| input.id) {
        inputs
            .each(conn, select, |input, row| {
                input.tags.push(tags::read(row, 1)?);
                Ok(())
            })
            .await?;
    }
    for input in inputs {
        if let Some(run) = chunk.get(input.run) {
            run.datasets[input.at].tags = input.tags;
        }
    }
    Ok(())
}
