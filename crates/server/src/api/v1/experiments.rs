//! Experiments with what they hold.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_experiment_filter, parse_experiment_order};
use modelyard_store::{ExperimentOverview, ExperimentQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{PathOf, QueryOf};
use super::page::{View, limit, pages};
use super::value::Map;
use crate::{ApiError, AppState, answer};

/// Experiments on a page if the request does not say.
const DEFAULT_RESULTS: usize = 100;
/// Experiments on a page at most: each costs two small reads.
const MAX_RESULTS: usize = 1000;

/// Which experiments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListExperiments {
    /// Those in use, unless said otherwise.
    #[param(inline = false)]
    view: Option<View>,
    /// A filter in the search language, such as `name ILIKE '%churn%'`.
    filter: Option<String>,
    /// Where to go on: the `next_page_token` of the previous answer.
    page_token: Option<String>,
    /// 1 to 1000; 100 unless said otherwise.
    max_results: Option<i64>,
}

/// An experiment with what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Experiment {
    experiment_id: String,
    name: String,
    /// `active` or `deleted`.
    lifecycle_stage: &'static str,
    artifact_location: String,
    /// Milliseconds since the Unix epoch.
    creation_time: i64,
    /// Milliseconds since the Unix epoch.
    last_update_time: i64,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    tags: Map<String>,
    /// Runs in use.
    run_count: i64,
    /// Start of the latest run in use, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run_time: Option<i64>,
}

/// A page of experiments, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Experiments {
    experiments: Vec<Experiment>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// The keys that an experiment's newest runs have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Columns {
    metrics: Vec<String>,
    params: Vec<String>,
    tags: Vec<String>,
}

/// Lists experiments with the number of their runs.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/experiments",
    operation_id = "experiments",
    params(ListExperiments),
    responses((status = 200, body = Experiments), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn list(
    State(app): State<AppState>,
    QueryOf(asked): QueryOf<ListExperiments>,
) -> Result<Response, ApiError> {
    let filter = asked.filter.unwrap_or_default();
    let view = asked.view.unwrap_or_default();
    let order = parse_experiment_order(&[])?;
    let query = Fingerprint::new().text(&filter).number(view as i64);
    let pages = pages(ListKind::Experiments, query, order.len());
    let page = app
        .store
        .search_experiments(ExperimentQuery {
            view: view.into(),
            filter: parse_experiment_filter(&filter)?,
            order,
            limit: limit(asked.max_results, DEFAULT_RESULTS, MAX_RESULTS)?,
            after: pages.after(asked.page_token.as_deref().unwrap_or_default())?,
        })
        .await?;
    let ids = page.rows.iter().map(|experiment| experiment.id).collect();
    let overviews = app.store.experiment_overviews(ids).await?;
    let rows = page.rows.into_iter().zip(overviews);
    answer::json(&Experiments {
        experiments: rows.map(|(experiment, overview)| show(experiment, &overview)).collect(),
        next_page_token: page.next.map(|keys| pages.token(keys)),
    })
}

fn show(experiment: modelyard_store::Experiment, overview: &ExperimentOverview) -> Experiment {
    Experiment {
        experiment_id: experiment.id.to_string(),
        name: experiment.name,
        lifecycle_stage: experiment.lifecycle.name(),
        artifact_location: experiment.artifact_location,
        creation_time: experiment.created_ms,
        last_update_time: experiment.updated_ms,
        tags: experiment.tags.into(),
        run_count: overview.runs,
        last_run_time: overview.last_start_ms,
    }
}

/// Lists the keys of metrics, params and tags that an experiment's newest 1,000 runs have.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/experiments/{experiment_id}/columns",
    operation_id = "columns",
    params(("experiment_id" = String, Path)),
    responses((status = 200, body = Columns), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn columns(
    State(app): State<AppState>,
    PathOf(experiment_id): PathOf<String>,
) -> Result<Response, ApiError> {
    let id = parse_id(&experiment_id)?;
    app.store.experiment(id).await?;
    let columns = app.store.experiment_columns(id).await?;
    answer::json(&Columns { metrics: columns.metrics, params: columns.params, tags: columns.tags })
}

/// Reads an experiment id.
pub(super) fn parse_id(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_not_a_number| {
        Error::invalid(format!("Invalid experiment id '{text}': experiment ids are whole numbers."))
    })
}
