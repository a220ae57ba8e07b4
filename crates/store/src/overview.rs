//! What the UI shows beyond MLflow's API: counts, columns, summaries.

use modelyard_database::{Conn, Row};

use crate::chunks::Chunk;
use crate::{Result, Store, runs};

/// How many of an experiment's newest runs decide which columns its table offers.
const COLUMN_RUNS: i64 = 1_000;

/// The keys that an experiment's newest runs have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Keys of metrics.
    pub metrics: Vec<String>,
    /// Keys of params.
    pub params: Vec<String>,
    /// Keys of tags.
    pub tags: Vec<String>,
}

/// How much an experiment holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExperimentOverview {
    /// Its runs in use.
    pub runs: i64,
    /// The latest start of one, milliseconds since the epoch.
    pub last_start_ms: Option<i64>,
}

/// A metric of a run at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesSummary {
    /// The metric's key.
    pub key: String,
    /// How many points it has.
    pub points: i64,
    /// The step of the latest point.
    pub step: i64,
    /// The time of the latest point, milliseconds since the epoch.
    pub ms: i64,
    /// The value of the latest point.
    pub value: f64,
    /// The smallest value; absent when all are NaN.
    pub min: Option<f64>,
    /// The largest value; absent when all are NaN.
    pub max: Option<f64>,
}

impl Store {
    /// The keys that the newest 1,000 runs in use of an experiment have, sorted.
    pub async fn experiment_columns(&self, experiment: i64) -> Result<Columns> {
        self.db.read(experiment, |conn, id| Box::pin(columns(conn, *id))).await
    }

    /// How much each of these experiments holds, in the order given.
    pub async fn experiment_overviews(
        &self,
        experiments: Vec<i64>,
    ) -> Result<Vec<ExperimentOverview>> {
        self.db.read(experiments, |conn, ids| Box::pin(overviews(conn, ids))).await
    }

    /// The metrics of a run, by key.
    pub async fn run_metrics(&self, run_id: String) -> Result<Vec<SeriesSummary>> {
        self.db.read(run_id, |conn, run_id| Box::pin(summaries(conn, run_id))).await
    }
}

async fn columns(conn: &mut Conn, experiment: i64) -> Result<Columns> {
    let key = |row: &Row<'_>| row.string(0);
    let newest = [experiment.into(), COLUMN_RUNS.into()];
    let metrics = "SELECT n.name FROM metric_name n WHERE n.id IN (SELECT m.name FROM metric m \
                   WHERE m.run IN (SELECT id FROM run WHERE experiment = $1 AND lifecycle = 1 \
                   ORDER BY start_ms DESC, uuid LIMIT $2)) ORDER BY n.name";
    let params = "SELECT DISTINCT p.key FROM param p WHERE p.run IN (SELECT id FROM run \
                  WHERE experiment = $1 AND lifecycle = 1 ORDER BY start_ms DESC, uuid LIMIT $2) \
                  ORDER BY p.key";
    let tags = "SELECT DISTINCT t.key FROM run_tag t WHERE t.run IN (SELECT id FROM run \
                WHERE experiment = $1 AND lifecycle = 1 ORDER BY start_ms DESC, uuid LIMIT $2) \
                ORDER BY t.key";
    Ok(Columns {
        metrics: conn.query(metrics, &newest, key).await?,
        params: conn.query(params, &newest, key).await?,
        tags: conn.query(tags, &newest, key).await?,
    })
}

async fn overviews(conn: &mut Conn, experiments: &[i64]) -> Result<Vec<ExperimentOverview>> {
    let select = "SELECT experiment, count(*), max(start_ms) FROM run WHERE experiment IN ({ids}) \
                  AND lifecycle = 1 GROUP BY experiment";
    let mut ids = experiments.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut found: Vec<_> = ids.iter().map(|&id| (id, ExperimentOverview::default())).collect();
    let mut rest = found.as_mut_slice();
    while let Some(mut chunk) = Chunk::next(&mut rest, |(id, _)| *id) {
        chunk
            .each(conn, select, |(_, overview), row| {
                *overview =
                    ExperimentOverview { runs: row.int(1)?, last_start_ms: row.opt_int(2)? };
                Ok(())
            })
            .await?;
    }
    let of = |id| ids.binary_search(id).ok().map(|at| found[at].1).unwrap_or_default();
    Ok(experiments.iter().map(of).collect())
}

async fn summaries(conn: &mut Conn, run_id: &str) -> Result<Vec<SeriesSummary>> {
    let run = "SELECT id FROM run WHERE uuid = $1";
    let run = conn.query_opt(run, &[run_id.into()], |row| row.int(0)).await?;
    let run = run.ok_or_else(|| runs::no_run(run_id))?;
    let sql = "SELECT n.name, m.points, m.step, m.ms, m.value, m.nan, m.min_value, m.max_value \
               FROM metric m JOIN metric_name n ON n.id = m.name WHERE m.run = $1 ORDER BY n.name";
    let read = |row: &Row<'_>| {
        Ok(SeriesSummary {
            key: row.string(0)?,
            points: row.int(1)?,
            step: row.int(2)?,
            ms: row.int(3)?,
            value: if row.flag(5)? { f64::NAN } else { row.real(4)? },
            min: row.opt_real(6)?,
            max: row.opt_real(7)?,
        })
    };
    Ok(conn.query(sql, &[run.into()], read).await?)
}
