//! Runs as rows of a table.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_run_filter, parse_run_order};
use modelyard_store::RunQuery;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::experiments::parse_id;
use super::extract::JsonOf;
use super::page::{View, limit, pages};
use super::value::{Map, MetricValue};
use crate::{ApiError, AppState, answer};

/// Runs on a page if the request does not say.
const DEFAULT_RESULTS: usize = 100;
/// Runs on a page at most: about 5 MB of JSON for runs of 50 values.
const MAX_RESULTS: usize = 1000;

/// Experiments in one search at most.
const MAX_EXPERIMENTS: usize = 100;

/// Which runs to list, and in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SearchRuns {
    /// At most 100.
    experiment_ids: Vec<String>,
    /// A filter in the search language, such as `metrics.loss < 0.1 AND params.depth = '3'`.
    filter: Option<String>,
    /// Keys such as `metrics.loss ASC`; the latest first unless said otherwise.
    order_by: Option<Vec<String>>,
    /// Those in use, unless said otherwise.
    view: Option<View>,
    /// 1 to 1000; 100 unless said otherwise.
    max_results: Option<i64>,
    /// Where to go on: the `next_page_token` of the previous answer.
    page_token: Option<String>,
}

/// A run with its latest metrics, its params and tags.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    run_id: String,
    experiment_id: String,
    name: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    status: &'static str,
    user_id: String,
    /// Milliseconds since the Unix epoch.
    start_time: i64,
    /// Milliseconds since the Unix epoch; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    /// `active` or `deleted`.
    lifecycle_stage: &'static str,
    artifact_uri: String,
    /// The latest value of each metric.
    #[schema(value_type = std::collections::HashMap<String, MetricValue>)]
    metrics: Map<MetricValue>,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    params: Map<String>,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    tags: Map<String>,
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// Searches the runs of experiments.
#[utoipa::path(
    post,
    path = "/api/modelyard/v1/runs/search",
    operation_id = "search_runs",
    request_body = SearchRuns,
    responses((status = 200, body = Runs), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn search(
    State(app): State<AppState>,
    JsonOf(asked): JsonOf<SearchRuns>,
) -> Result<Response, ApiError> {
    if asked.experiment_ids.len() > MAX_EXPERIMENTS {
        let message = format!("Search at most {MAX_EXPERIMENTS} experiments at once.");
        return Err(Error::invalid(message).into());
    }
    let filter = asked.filter.unwrap_or_default();
    let order_by = asked.order_by.unwrap_or_default();
    let view = asked.view.unwrap_or_default();
    let order = parse_run_order(&order_by)?;
    let query = Fingerprint::new()
        .text(&filter)
        .texts(order_by.iter().map(String::as_str))
        .texts(asked.experiment_ids.iter().map(String::as_str))
        .number(view as i64);
    let pages = pages(ListKind::Runs, query, order.len());
    let experiments = asked.experiment_ids.iter().map(|id| parse_id(id));
    let page = app
        .store
        .search_runs(RunQuery {
            experiments: experiments.collect::<Result<_, _>>()?,
            view: view.into(),
            filter: parse_run_filter(&filter)?,
            order,
            limit: limit(asked.max_results, DEFAULT_RESULTS, MAX_RESULTS)?,
            after: pages.after(asked.page_token.as_deref().unwrap_or_default())?,
        })
        .await?;
    answer::json(&Runs {
        runs: page.rows.into_iter().map(show).collect(),
        next_page_token: page.next.map(|keys| pages.token(keys)),
    })
}

fn show(run: modelyard_store::Run) -> Run {
    let info = run.info;
    let metrics = run.metrics.into_iter();
    Run {
        run_id: info.run_id,
        experiment_id: info.experiment_id.to_string(),
        name: info.name,
        status: info.status.name(),
        user_id: info.user_id,
        start_time: info.start_ms,
        end_time: info.end_ms,
        lifecycle_stage: info.lifecycle.name(),
        artifact_uri: info.artifact_uri,
        metrics: metrics.map(|point| (point.key, point.value.into())).collect(),
        params: run.params.into(),
        tags: run.tags.into(),
    }
}
