//! Reading the points of metrics.

use modelyard_database::{Conn, Row, Sql};

use crate::metrics::Stored;
use crate::rows::one_more;
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
}

/// The internal numbers of a run and of a metric's name, if both exist.
pub(crate) async fn locate(conn: &mut Conn, run_id: &str, key: &str) -> Result<Option<(i64, i64)>> {
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
    sql.push(" ORDER BY ms, step, value, nan LIMIT ").bind(one_more(limit));
    let mut points = conn.query(sql.text(), sql.params(), read).await?;
    let more = points.len() > limit;
    points.truncate(limit);
    Ok(HistoryPage { points, more })
}

/// Reads `ms, step, value, nan`.
pub(crate) fn read(row: &Row<'_>) -> modelyard_database::Result<SeriesPoint> {
    let stored = Stored { value: row.real(2)?, nan: row.flag(3)? };
    Ok(SeriesPoint { ms: row.int(0)?, step: row.int(1)?, value: stored.double() })
}
