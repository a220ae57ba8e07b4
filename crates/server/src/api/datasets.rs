//! The datasets of experiments.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::limits;
use modelyard_protocol::messages::datasets::{DatasetSummaries, SearchDatasets};

use super::experiments::ids;
use super::render;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// `POST experiments/search-datasets`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchDatasets>,
) -> Result<Response, ApiError> {
    let experiments = ids(&asked.experiment_ids)?;
    let limit = limits::MAX_SEARCH_DATASETS_RESULTS;
    let rows = app.store.search_datasets(experiments, limit).await?;
    answer::json(&DatasetSummaries {
        dataset_summaries: rows.into_iter().map(render::dataset_summary).collect(),
    })
}
