//! Metrics: logging and history.

use std::collections::BTreeSet;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use modelyard_protocol::Error;
use modelyard_protocol::messages::metrics::{
    GetHistory, HistoryBulk, HistoryBulkInterval, LogBatch, LogMetric,
};
use modelyard_protocol::page_token::{Fingerprint, KeyValue, ListKind};
use modelyard_protocol::wire::{Double, parse_query};
use modelyard_store::{Batch, Cursor, SeriesPoint};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::experiments::page_size;
use super::history_stream::{self, PIECE_POINTS};
use super::paging::Paging;
use super::render;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// `POST runs/log-metric`
pub(crate) async fn log_metric(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogMetric>,
) -> Result<Response, ApiError> {
    let run_id = asked.run_id().to_owned();
    app.store.log_metric(run_id, render::point_row(asked.into_point())).await?;
    Ok(answer::empty())
}

/// `POST runs/log-batch`: all of it or nothing.
pub(crate) async fn log_batch(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<LogBatch>,
) -> Result<Response, ApiError> {
    let batch = Batch {
        metrics: asked.metrics.into_iter().map(render::point_row).collect(),
        params: render::pair_rows(asked.params),
        tags: render::pair_rows(asked.tags),
    };
    app.store.log_batch(asked.run_id, batch).await?;
    Ok(answer::empty())
}

/// `GET metrics/get-history`
pub(crate) async fn history(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<GetHistory>,
) -> Result<Response, ApiError> {
    let query = Fingerprint::new().text(asked.run_id()).text(&asked.metric_key);
    let paging = Paging::new(ListKind::MetricHistory, &query, 3);
    let after = paging.after(&asked.page_token)?.map(|keys| place(&keys)).transpose()?;
    let limit = page_size(asked.max_results.unwrap_or(i64::MAX))?;
    let (run_id, key) = (asked.run_id().to_owned(), asked.metric_key);
    let first = limit.min(PIECE_POINTS);
    let page = app.store.metric_history(run_id.clone(), key.clone(), after, first).await?;
    if page.more && limit > first {
        let rest = history_stream::Rest { run_id, key, points: limit - page.points.len() };
        let token = move |last| paging.token(cursor(last));
        return history_stream::answer(app, page, rest, token).await;
    }
    let next = page.points.last().filter(|_| page.more).map(|last| paging.token(cursor(*last)));
    answer::json(&History {
        metrics: Points { key: &key, points: &page.points },
        next_page_token: next,
    })
}

fn cursor(point: SeriesPoint) -> Cursor {
    vec![KeyValue::Integer(point.ms), KeyValue::Integer(point.step), KeyValue::Float(point.value)]
}

fn place(keys: &[KeyValue]) -> Result<SeriesPoint, Error> {
    match keys {
        [KeyValue::Integer(ms), KeyValue::Integer(step), KeyValue::Float(value)] => {
            Ok(SeriesPoint { ms: *ms, step: *step, value: *value })
        }
        _ => Err(Error::invalid("Invalid page token.")),
    }
}

/// The answer of metrics/get-history, written straight from the rows.
#[derive(Serialize)]
struct History<'a> {
    #[serde(skip_serializing_if = "Points::is_empty")]
    metrics: Points<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

struct Points<'a> {
    key: &'a str,
    points: &'a [SeriesPoint],
}

#[derive(Serialize)]
pub(super) struct Point<'a> {
    key: &'a str,
    value: Double,
    timestamp: i64,
    step: i64,
}

impl<'a> Point<'a> {
    pub(super) const fn new(key: &'a str, point: SeriesPoint) -> Self {
        Self { key, value: Double(point.value), timestamp: point.ms, step: point.step }
    }
}

impl Points<'_> {
    fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.points.len()))?;
        for point in self.points {
            list.serialize_element(&Point::new(self.key, *point))?;
        }
        list.end()
    }
}

/// `GET metrics/get-history-bulk`: several runs, by run, time, step and value.
pub(crate) async fn history_bulk(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = HistoryBulk::read(&parse_query(&query.unwrap_or_default()))?;
    let mut room = page_size(asked.max_results)?;
    let mut runs = Vec::new();
    for run_id in asked.run_ids.into_iter().collect::<BTreeSet<_>>() {
        let key = asked.metric_key.clone();
        let page = app.store.metric_history(run_id.clone(), key, None, room).await?;
        room -= page.points.len();
        runs.push((run_id, page.points));
        if room == 0 {
            break;
        }
    }
    let points = count(&runs);
    let key = asked.metric_key;
    answer::json_of(points, move || HistoryOfRuns { metrics: PointsOfRuns { key, runs } }).await
}

fn count(runs: &[(String, Vec<SeriesPoint>)]) -> usize {
    runs.iter().map(|(_, points)| points.len()).sum()
}

#[derive(Serialize)]
struct HistoryOfRuns {
    metrics: PointsOfRuns,
}

/// `GET metrics/get-history-bulk-interval`: a sample of each run.
pub(crate) async fn history_bulk_interval(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<HistoryBulkInterval>,
) -> Result<Response, ApiError> {
    let (steps, size) = (asked.steps(), page_size(asked.max_results)?);
    let mut runs = Vec::new();
    for run_id in asked.run_ids {
        let key = asked.metric_key.clone();
        let sample = app.store.sample_metric(run_id.clone(), key, steps, size).await?;
        runs.push((run_id, sample));
    }
    let points = count(&runs);
    let key = asked.metric_key;
    answer::json_of(points, move || Sample { metrics: PointsOfRuns { key, runs } }).await
}

#[derive(Serialize)]
struct Sample {
    #[serde(skip_serializing_if = "PointsOfRuns::is_empty")]
    metrics: PointsOfRuns,
}

/// Points of one metric of several runs, written straight from the rows.
struct PointsOfRuns {
    key: String,
    runs: Vec<(String, Vec<SeriesPoint>)>,
}

impl PointsOfRuns {
    fn is_empty(&self) -> bool {
        count(&self.runs) == 0
    }
}

/// The fields of `MetricWithRun`.
#[derive(Serialize)]
struct PointOfRun<'a> {
    key: &'a str,
    value: Double,
    timestamp: i64,
    step: i64,
    run_id: &'a str,
}

impl Serialize for PointsOfRuns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (run_id, points) in &self.runs {
            for point in points {
                let (value, timestamp) = (Double(point.value), point.ms);
                let (key, step) = (self.key.as_str(), point.step);
                list.serialize_element(&PointOfRun { key, value, timestamp, step, run_id })?;
            }
        }
        list.end()
    }
}
