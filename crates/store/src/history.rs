//! Reading the points of metrics.

use modelyard_database::{Conn, Row, Sql};

use crate::metrics::Stored;
use crate::{Result, Store, metric_names};

/// A point of a known series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesPoint {
    /// Milliseconds since the epoch.
    pub ms: i64,
    /// The step.
    pub step: i64,
    /// Any double.
    pub value: f64,
}

/// Part of a history, and whether more follows its last point.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// Points ordered by time, step and value.
    pub points: Vec<SeriesPoint>,
    /// Whether there are more.
    pub more: bool,
}

/// A series, or a sample of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledSeries {
    /// The run's id.
    pub run_id: String,
    /// Points ordered by step, time and value.
    pub points: Vec<SeriesPoint>,
}

impl Store {
    /// Up to `limit` points of a run's metric, after the point `after`, ordered by time, step and value.
    /// Empty when the run or the metric does not exist, as in MLflow.
    pub async fn metric_history(
        &self,
        run_id: String,
        key: String,
        after: Option<SeriesPoint>,
        limit: usize,
    ) -> Result<HistoryPage> {
        let data = (run_id, key, after, limit);
        self.db
            .read(data, |conn, (run, key, after, limit)| {
                Box::pin(page(conn, run, key, *after, *limit))
            })
            .await
    }

    /// The points of a metric in each of several runs, within a range of steps if one is given, ordered by
    /// step, time and value. Runs without the metric are left out.
    pub async fn metric_series(
        &self,
        run_ids: Vec<String>,
        key: String,
        steps: Option<(i64, i64)>,
    ) -> Result<Vec<SampledSeries>> {
        let data = (run_ids, key, steps);
        self.db
            .read(data, |conn, (runs, key, steps)| Box::pin(series(conn, runs, key, *steps)))
            .await
    }
}

/// The internal numbers of a run and of a metric's name, if both exist.
async fn locate(conn: &mut Conn, run_id: &str, key: &str) -> Result<Option<(i64, i64)>> {
    let sql = "SELECT id FROM run WHERE uuid = $1";
    let run = conn.query_opt(sql, &[run_id.into()], |row| row.int(0)).await?;
    Ok(run.zip(metric_names::find(conn, key).await?))
}

async fn page(
    conn: &mut Conn,
    run_id: &str,
    key: &str,
    after: Option<SeriesPoint>,
    limit: usize,
) -> Result<HistoryPage> {
    let Some((run, name)) = locate(conn, run_id, key).await? else {
        return Ok(HistoryPage { points: Vec::new(), more: false });
    };
    let mut sql = Sql::new("SELECT ms, step, value, nan FROM metric_point WHERE run = ");
    sql.bind(run).push(" AND name = ").bind(name);
    if let Some(point) = after {
        let stored = Stored::new(point.value);
        sql.push(" AND (ms, step, value, nan) > (");
        sql.bind(point.ms).push(", ").bind(point.step).push(", ");
        sql.bind(stored.value).push(", ").bind(stored.nan).push(")");
    }
    // One more than asked for tells whether anything follows.
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    sql.push(" ORDER BY ms, step, value, nan LIMIT ").bind(one_more);
    let mut points = conn.query(sql.text(), sql.params(), read).await?;
    let more = points.len() > limit;
    points.truncate(limit);
    Ok(HistoryPage { points, more })
}

async fn series(
    conn: &mut Conn,
    run_ids: &[String],
    key: &str,
    steps: Option<(i64, i64)>,
) -> Result<Vec<SampledSeries>> {
    let mut found = Vec::with_capacity(run_ids.len());
    for run_id in run_ids {
        let Some((run, name)) = locate(conn, run_id, key).await? else { continue };
        let mut sql = Sql::new("SELECT ms, step, value, nan FROM metric_point WHERE run = ");
        sql.bind(run).push(" AND name = ").bind(name);
        if let Some((first, last)) = steps {
            sql.push(" AND step >= ").bind(first).push(" AND step <= ").bind(last);
        }
        let mut points = conn.query(sql.text(), sql.params(), read).await?;
        // Stored by time; by step it is nearly sorted already, which this sort makes use of. NaN competes
        // as 0, as it is stored.
        points.sort_by(|a, b| {
            let (x, y) = (Stored::new(a.value), Stored::new(b.value));
            (a.step, a.ms)
                .cmp(&(b.step, b.ms))
                .then(x.value.total_cmp(&y.value))
                .then(x.nan.cmp(&y.nan))
        });
        if !points.is_empty() {
            found.push(SampledSeries { run_id: run_id.clone(), points });
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> modelyard_database::Result<SeriesPoint> {
    let stored = Stored { value: row.real(2)?, nan: row.flag(3)? };
    Ok(SeriesPoint { ms: row.int(0)?, step: row.int(1)?, value: stored.double() })
}
