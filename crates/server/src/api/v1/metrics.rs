//! A run's metrics at a glance, and their curves.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::Error;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{PathOf, QueryOf};
use super::sample::Sampler;
use super::value::MetricValue;
use crate::{ApiError, AppState, answer};

/// Points of a curve if the request does not say: about as many as a screen has columns.
const DEFAULT_POINTS: usize = 1000;
/// Points of a curve at least: first, last, smallest and largest.
const MIN_POINTS: usize = 4;
/// Points of a curve at most: about 500 kB of JSON.
const MAX_POINTS: usize = 10_000;
/// Points read from the database at once: about 1 MB.
const CHUNK_POINTS: usize = 32_768;

/// The metrics of a run at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metrics {
    /// By key.
    metrics: Vec<MetricSummary>,
}

/// A metric at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricSummary {
    key: String,
    /// How many points it has.
    count: i64,
    last: MetricPoint,
    /// The smallest value; `"NaN"` when all are.
    min: MetricValue,
    /// The largest value; `"NaN"` when all are.
    max: MetricValue,
}

/// A point of a metric.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MetricPoint {
    step: i64,
    /// Milliseconds since the Unix epoch.
    timestamp: i64,
    value: MetricValue,
}

/// Which part of a curve, and how finely.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AskPoints {
    /// The metric's key.
    key: String,
    /// 4 to 10000; 1000 unless said otherwise.
    max_points: Option<i64>,
    /// The first step.
    start_step: Option<i64>,
    /// The last step.
    end_step: Option<i64>,
}

/// A curve: all points of a metric, or a sample that keeps its shape.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Points {
    key: String,
    /// How many points there are in the steps asked for.
    total: u64,
    /// Points as `[step, timestamp, value]`, by step and time. If there are too many, the points are
    /// divided into stretches and the smallest and largest of each are kept, and so are the first and
    /// the last of all.
    #[schema(value_type = Vec<[MetricValue; 3]>)]
    points: Vec<(i64, i64, MetricValue)>,
}

/// Lists the metrics of a run with their last, smallest and largest values.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/runs/{run_id}/metrics",
    operation_id = "run_metrics",
    params(("run_id" = String, Path)),
    responses((status = 200, body = Metrics), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn list(
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
) -> Result<Response, ApiError> {
    let rows = app.store.run_metrics(run_id).await?.into_iter();
    let metrics = rows.map(|row| MetricSummary {
        key: row.key,
        count: row.points,
        last: MetricPoint { step: row.step, timestamp: row.ms, value: row.value.into() },
        min: row.min.unwrap_or(f64::NAN).into(),
        max: row.max.unwrap_or(f64::NAN).into(),
    });
    answer::json(&Metrics { metrics: metrics.collect() })
}

/// Reads the curve of a metric.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/runs/{run_id}/metrics/points",
    operation_id = "metric_points",
    params(("run_id" = String, Path), AskPoints),
    responses((status = 200, body = Points), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn points(
    State(app): State<AppState>,
    PathOf(run_id): PathOf<String>,
    QueryOf(asked): QueryOf<AskPoints>,
) -> Result<Response, ApiError> {
    let max_points = asked.max_points.map_or(Ok(DEFAULT_POINTS), |asked| {
        usize::try_from(asked)
            .ok()
            .filter(|asked| (MIN_POINTS..=MAX_POINTS).contains(asked))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "Invalid value {asked} for parameter 'max_points': use {MIN_POINTS} to \
                     {MAX_POINTS}."
                ))
            })
    })?;
    // Tells a run that does not exist from one without this metric.
    app.store.run_info(run_id.clone()).await?;
    let steps = asked.start_step.unwrap_or(i64::MIN)..=asked.end_step.unwrap_or(i64::MAX);
    let mut sampler = Sampler::new(max_points);
    let mut after = None;
    loop {
        let page = app
            .store
            .metric_history(run_id.clone(), asked.key.clone(), after, CHUNK_POINTS)
            .await?;
        let within = page.points.iter().filter(|point| steps.contains(&point.step));
        within.for_each(|point| sampler.push(*point));
        after = page.points.last().copied();
        if !page.more {
            break;
        }
    }
    let (total, points) = sampler.finish();
    let points = points.into_iter().map(|point| (point.step, point.ms, point.value.into()));
    answer::json(&Points { key: asked.key, total, points: points.collect() })
}
