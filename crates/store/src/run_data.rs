//! A run with everything that was logged to it.

use std::collections::HashMap;
use std::fmt::Write as _;

use modelyard_database::{Conn, Param, Row};

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

/// How many runs are read by one statement. Lists are filled up to one of these lengths, so that a
/// handful of prepared statements serves every page size.
const CHUNKS: [usize; 3] = [1, 10, 100];

/// Fills in the data of runs.
pub(crate) async fn load(conn: &mut Conn, runs: &mut [Run]) -> Result<()> {
    let mut rest = runs;
    while !rest.is_empty() {
        let size = CHUNKS.into_iter().find(|&size| rest.len() <= size).unwrap_or(100);
        let (chunk, after) = rest.split_at_mut(rest.len().min(size));
        load_chunk(conn, chunk, size).await?;
        rest = after;
    }
    Ok(())
}

/// The runs of a chunk by their internal id, and the parameters of its statements.
struct Chunk<'r> {
    runs: &'r mut [Run],
    place: HashMap<i64, usize>,
    ids: Vec<Param<'static>>,
}

impl Chunk<'_> {
    /// Runs `SELECT run, … WHERE run IN (…)`, adding each row to its run.
    async fn each(
        &mut self,
        conn: &mut Conn,
        select: &str,
        order: &str,
        mut add: impl FnMut(&mut Run, &Row<'_>) -> modelyard_database::Result<()> + Send,
    ) -> Result<()> {
        let mut sql = String::with_capacity(select.len() + order.len() + self.ids.len() * 5);
        sql.push_str(select);
        for number in 1..=self.ids.len() {
            // Writing to a String cannot fail.
            let _ = write!(sql, "{}${number}", if number == 1 { " IN (" } else { ", " });
        }
        sql.push_str(") ");
        sql.push_str(order);
        let Self { runs, place, ids } = self;
        conn.for_each(&sql, ids, |row| match place.get(&row.int(0)?) {
            Some(&at) => add(&mut runs[at], row),
            None => Ok(()),
        })
        .await?;
        Ok(())
    }
}

async fn load_chunk(conn: &mut Conn, runs: &mut [Run], size: usize) -> Result<()> {
    let Some(last) = runs.last() else { return Ok(()) };
    let mut ids = vec![Param::Int(last.info.id); size];
    let mut place = HashMap::with_capacity(runs.len());
    for (at, run) in runs.iter().enumerate() {
        ids[at] = run.info.id.into();
        place.insert(run.info.id, at);
    }
    let mut chunk = Chunk { runs, place, ids };
    let params = "SELECT run, key, value FROM param WHERE run";
    chunk
        .each(conn, params, "ORDER BY run, key", |run, row| {
            run.params.push(KeyValue { key: row.string(1)?, value: row.string(2)? });
            Ok(())
        })
        .await?;
    let tags = "SELECT run, key, value FROM run_tag WHERE run";
    chunk
        .each(conn, tags, "ORDER BY run, key", |run, row| {
            run.tags.push(KeyValue { key: row.string(1)?, value: row.string(2)? });
            Ok(())
        })
        .await?;
    let metrics = "SELECT m.run, n.name, m.value, m.nan, m.step, m.ms FROM metric m \
                   JOIN metric_name n ON n.id = m.name WHERE m.run";
    chunk
        .each(conn, metrics, "", |run, row| {
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
    for run in chunk.runs.iter_mut() {
        run.metrics.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    load_models(conn, &mut chunk).await?;
    load_datasets(conn, &mut chunk).await
}

async fn load_models(conn: &mut Conn, chunk: &mut Chunk<'_>) -> Result<()> {
    let select = "SELECT run, output, model, step FROM run_model WHERE run";
    chunk
        .each(conn, select, "ORDER BY run, output, step, model", |run, row| {
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

async fn load_datasets(conn: &mut Conn, chunk: &mut Chunk<'_>) -> Result<()> {
    let select = "SELECT i.run, i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile \
                  FROM run_dataset i JOIN dataset d ON d.id = i.dataset WHERE i.run";
    let mut inputs: HashMap<i64, (i64, usize)> = HashMap::new();
    chunk
        .each(conn, select, "ORDER BY i.id", |run, row| {
            inputs.insert(row.int(1)?, (run.info.id, run.datasets.len()));
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
    // Most runs have no dataset, the others one or two.
    for (input, (run, at)) in inputs {
        let sql = "SELECT key, value FROM run_dataset_tag WHERE input = $1 ORDER BY key";
        let found = conn.query(sql, &[input.into()], tags::read).await?;
        if let Some(&place) = chunk.place.get(&run) {
            chunk.runs[place].datasets[at].tags = found;
        }
    }
    Ok(())
}
