//! Logging metrics: points, and the summary of each series.

use std::collections::BTreeMap;

use modelyard_database::{Conn, Insert, Kind, Param};

use crate::{ChangeKind, Result, Store, logged_models, metric_names, runs};

/// A point of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// The metric's key.
    pub key: String,
    /// Any double, NaN and the infinities included.
    pub value: f64,
    /// The step.
    pub step: i64,
    /// Milliseconds since the epoch.
    pub ms: i64,
    /// The logged model that the point also belongs to.
    pub model: Option<ModelLink>,
}

/// The logged model, and the dataset, that a point was measured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLink {
    /// The model's id.
    pub model_id: String,
    /// The dataset's name, or empty.
    pub dataset_name: String,
    /// The dataset's digest, or empty.
    pub dataset_digest: String,
}

/// How a double is stored: SQLite has no NaN, so it is 0 with a flag. It has no negative zero either, which
/// equals zero in every comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stored {
    pub(crate) value: f64,
    pub(crate) nan: bool,
}

impl Stored {
    pub(crate) const fn new(value: f64) -> Self {
        if value.is_nan() {
            Self { value: 0.0, nan: true }
        } else {
            // Adding zero makes a negative zero positive and changes nothing else.
            Self { value: value + 0.0, nan: false }
        }
    }

    pub(crate) const fn double(self) -> f64 {
        if self.nan { f64::NAN } else { self.value }
    }
}

const POINTS: Insert = Insert {
    into: "INSERT INTO metric_point (run, name, ms, step, value, nan)",
    kinds: &[Kind::Int, Kind::Int, Kind::Int, Kind::Int, Kind::Real, Kind::Int],
    conflict: "ON CONFLICT DO NOTHING",
};

/// Adds points to a summary. The latest point is the one with the greatest (step, ms, value).
const SERIES: Insert = Insert {
    into: "INSERT INTO metric (run, name, experiment, step, ms, value, nan, points, min_value, \
           max_value)",
    kinds: &[
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Int,
        Kind::Real,
        Kind::Int,
        Kind::Int,
        Kind::Real,
        Kind::Real,
    ],
    conflict: "ON CONFLICT (run, name) DO UPDATE SET \
        step = CASE WHEN (excluded.step, excluded.ms, excluded.value) \
                       > (metric.step, metric.ms, metric.value) \
               THEN excluded.step ELSE metric.step END, \
        ms = CASE WHEN (excluded.step, excluded.ms, excluded.value) \
                     > (metric.step, metric.ms, metric.value) \
             THEN excluded.ms ELSE metric.ms END, \
        value = CASE WHEN (excluded.step, excluded.ms, excluded.value) \
                        > (metric.step, metric.ms, metric.value) \
                THEN excluded.value ELSE metric.value END, \
        nan = CASE WHEN (excluded.step, excluded.ms, excluded.value) \
                      > (metric.step, metric.ms, metric.value) \
              THEN excluded.nan ELSE metric.nan END, \
        points = metric.points + excluded.points, \
        min_value = CASE WHEN metric.min_value IS NULL OR excluded.min_value < metric.min_value \
                    THEN excluded.min_value ELSE metric.min_value END, \
        max_value = CASE WHEN metric.max_value IS NULL OR excluded.max_value > metric.max_value \
                    THEN excluded.max_value ELSE metric.max_value END",
};

impl Store {
    /// Logs a point to an active run, and to a logged model if it names one. A point that is there
    /// already changes nothing.
    pub async fn log_metric(&self, run_id: String, point: MetricPoint) -> Result<()> {
        let known = self.names.get(&point.key);
        let of_model = point.model.is_some();
        let data = (run_id, [point], [known]);
        let run_id = data.0.clone();
        let (experiment, found) = self
            .db
            .write(data, |conn, (run, point, known)| Box::pin(log(conn, run, point, known)))
            .await?;
        self.names.remember(found);
        self.changes.tell(experiment, Some(&run_id), ChangeKind::Metrics);
        if of_model {
            self.changes.tell(experiment, Some(&run_id), ChangeKind::Models);
        }
        Ok(())
    }

    /// The remembered numbers of the points' names.
    pub(crate) fn known_names(&self, points: &[MetricPoint]) -> Vec<Option<i64>> {
        // Batches hold long runs of the same name.
        let mut last: Option<(&str, Option<i64>)> = None;
        let mut numbers = Vec::with_capacity(points.len());
        for point in points {
            let number = match last {
                Some((name, number)) if name == point.key => number,
                _ => self.names.get(&point.key),
            };
            last = Some((&point.key, number));
            numbers.push(number);
        }
        numbers
    }
}

async fn log(
    conn: &mut Conn,
    run_id: &str,
    points: &[MetricPoint],
    known: &[Option<i64>],
) -> Result<(i64, Vec<(String, i64)>)> {
    let run = runs::find_active(conn, run_id).await?;
    let found = log_all(conn, &run, run_id, points, known).await?;
    Ok((run.experiment, found))
}

/// Logs points; `known` holds the number of each point's name where it is remembered. Returns the numbers
/// that were looked up or made, to be remembered after the commit.
pub(crate) async fn log_all(
    conn: &mut Conn,
    run: &runs::Found,
    run_id: &str,
    points: &[MetricPoint],
    known: &[Option<i64>],
) -> Result<Vec<(String, i64)>> {
    let (names, found) = number_all(conn, points, known).await?;
    insert(conn, run, points, &names).await?;
    let linked: Vec<_> =
        points.iter().zip(&names).filter(|(point, _)| point.model.is_some()).collect();
    if !linked.is_empty() {
        logged_models::log_metrics(conn, run_id, &linked).await?;
    }
    Ok(found)
}

async fn number_all(
    conn: &mut Conn,
    points: &[MetricPoint],
    known: &[Option<i64>],
) -> Result<(Vec<i64>, Vec<(String, i64)>)> {
    // Sorted, so that on PostgreSQL two writers make new names in the same order.
    let mut found: BTreeMap<&str, i64> = BTreeMap::new();
    for (point, known) in points.iter().zip(known) {
        if known.is_none() {
            found.insert(&point.key, 0);
        }
    }
    for (name, number) in &mut found {
        *number = metric_names::number(conn, name).await?;
    }
    let number = |(point, known): (&MetricPoint, &Option<i64>)| {
        known.or_else(|| found.get(point.key.as_str()).copied()).unwrap_or_default()
    };
    let names = points.iter().zip(known).map(number).collect();
    Ok((names, found.into_iter().map(|(name, number)| (name.to_owned(), number)).collect()))
}

/// What a request adds to a series.
struct Addition {
    points: i64,
    last: (i64, i64, Stored),
    min: Option<f64>,
    max: Option<f64>,
}

async fn insert(
    conn: &mut Conn,
    run: &runs::Found,
    points: &[MetricPoint],
    names: &[i64],
) -> Result<()> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    // In the order of the table: neighbours land on the same page, and on PostgreSQL two writers take
    // their locks in the same order. Equals stay as they came: the first of them is the latest point.
    order.sort_by(|&a, &b| {
        let key = |at: usize| (names[at], points[at].ms, points[at].step);
        let value = |at: usize| Stored::new(points[at].value).value;
        key(a).cmp(&key(b)).then_with(|| value(a).total_cmp(&value(b)))
    });
    let mut rows: Vec<Param<'_>> = Vec::with_capacity(points.len() * POINTS.kinds.len());
    let mut series: Vec<(i64, Addition)> = Vec::new();
    for at in order {
        let (point, name) = (&points[at], names[at]);
        let stored = Stored::new(point.value);
        rows.extend([
            Param::Int(run.id),
            Param::Int(name),
            Param::Int(point.ms),
            Param::Int(point.step),
            Param::Real(stored.value),
            Param::from(stored.nan),
        ]);
        match series.last_mut() {
            Some((last, addition)) if *last == name => addition.add(point, stored),
            _ => series.push((name, Addition::new(point, stored))),
        }
    }
    conn.insert_new(POINTS, ("name", 1), &rows, |name| {
        if let Ok(at) = series.binary_search_by_key(&name, |(name, _)| *name) {
            series[at].1.points += 1;
        }
    })
    .await?;
    series.retain(|(_, addition)| addition.points > 0);
    let rows: Vec<Param<'_>> =
        series.iter().flat_map(|(name, addition)| addition.row(run, *name)).collect();
    conn.insert_many(SERIES, &rows).await?;
    Ok(())
}

impl Addition {
    fn new(point: &MetricPoint, stored: Stored) -> Self {
        let extreme = (!stored.nan).then_some(stored.value);
        Self { points: 0, last: (point.step, point.ms, stored), min: extreme, max: extreme }
    }

    fn add(&mut self, point: &MetricPoint, stored: Stored) {
        let (step, ms, last) = self.last;
        if (point.step, point.ms, stored.value) > (step, ms, last.value) {
            self.last = (point.step, point.ms, stored);
        }
        if !stored.nan {
            self.min = Some(self.min.map_or(stored.value, |min| min.min(stored.value)));
            self.max = Some(self.max.map_or(stored.value, |max| max.max(stored.value)));
        }
    }

    fn row(&self, run: &runs::Found, name: i64) -> [Param<'static>; 10] {
        let (step, ms, last) = self.last;
        [
            Param::Int(run.id),
            Param::Int(name),
            Param::Int(run.experiment),
            Param::Int(step),
            Param::Int(ms),
            Param::Real(last.value),
            Param::from(last.nan),
            Param::Int(self.points),
            self.min.into(),
            self.max.into(),
        ]
    }
}
