//! `/api/2.0/mlflow/experiments/…`

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::messages::experiments::{
    CreateExperiment, CreatedExperiment, DeleteExperimentTag, ExperimentAnswer, ExperimentById,
    ExperimentByName, Experiments, SearchExperiments, SetExperimentTag, UpdateExperiment,
};
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_experiment_filter, parse_experiment_order};
use modelyard_protocol::{Error, ViewType, validate};
use modelyard_store::{ExperimentQuery, KeyValue, NewExperiment};

use super::paging::Paging;
use super::render;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// `POST experiments/create`
pub(crate) async fn create(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<CreateExperiment>,
) -> Result<Response, ApiError> {
    let new = NewExperiment {
        name: asked.name,
        artifact_location: location(&app, &asked.artifact_location)?,
        tags: render::pair_rows(asked.tags),
    };
    let id = app.store.create_experiment(new).await?;
    answer::json(&CreatedExperiment { experiment_id: id.to_string() })
}

/// The location the request gives the experiment, by the server's rules.
fn location(app: &AppState, text: &str) -> Result<Option<String>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    match app.artifacts.rules().accept(text) {
        Ok(uri) => Ok(Some(uri.to_string())),
        Err(refused) => Err(Error::invalid(refused.to_string())),
    }
}

/// `GET experiments/get`: deleted ones too.
pub(crate) async fn get(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ExperimentById>,
) -> Result<Response, ApiError> {
    let id = validate::experiment_id(&asked.experiment_id)?;
    let experiment = app.store.experiment(id).await?;
    answer::json(&ExperimentAnswer { experiment: render::experiment(experiment) })
}

/// `GET experiments/get-by-name`: deleted ones too.
pub(crate) async fn get_by_name(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ExperimentByName>,
) -> Result<Response, ApiError> {
    let experiment = app.store.experiment_by_name(asked.experiment_name).await?;
    answer::json(&ExperimentAnswer { experiment: render::experiment(experiment) })
}

/// `POST experiments/delete`
pub(crate) async fn delete(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ExperimentById>,
) -> Result<Response, ApiError> {
    app.store.delete_experiment(validate::experiment_id(&asked.experiment_id)?).await?;
    Ok(answer::empty())
}

/// `POST experiments/restore`
pub(crate) async fn restore(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ExperimentById>,
) -> Result<Response, ApiError> {
    app.store.restore_experiment(validate::experiment_id(&asked.experiment_id)?).await?;
    Ok(answer::empty())
}

/// `POST experiments/update`: a new name.
pub(crate) async fn update(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<UpdateExperiment>,
) -> Result<Response, ApiError> {
    let id = validate::experiment_id(&asked.experiment_id)?;
    app.store.rename_experiment(id, asked.new_name).await?;
    Ok(answer::empty())
}

/// `GET` and `POST experiments/search`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchExperiments>,
) -> Result<Response, ApiError> {
    let view = asked.view_type.unwrap_or(ViewType::ActiveOnly);
    let order = parse_experiment_order(&asked.order_by)?;
    let query = Fingerprint::new()
        .text(&asked.filter)
        .texts(asked.order_by.iter().map(String::as_str))
        .number(view.number().into());
    let paging = Paging::new(ListKind::Experiments, &query, order.len());
    let query = ExperimentQuery {
        view,
        filter: parse_experiment_filter(&asked.filter)?,
        order,
        limit: page_size(asked.max_results)?,
        after: paging.after(&asked.page_token)?,
    };
    let page = app.store.search_experiments(query).await?;
    answer::json(&Experiments {
        experiments: page.rows.into_iter().map(render::experiment).collect(),
        next_page_token: page.next.map(|after| paging.token(after)),
    })
}

/// `POST experiments/set-experiment-tag`
pub(crate) async fn set_tag(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SetExperimentTag>,
) -> Result<Response, ApiError> {
    let id = validate::experiment_id(&asked.experiment_id)?;
    let tag = KeyValue { key: asked.key, value: asked.value };
    app.store.set_experiment_tag(id, tag).await?;
    Ok(answer::empty())
}

/// `POST experiments/delete-experiment-tag`
pub(crate) async fn delete_tag(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<DeleteExperimentTag>,
) -> Result<Response, ApiError> {
    let id = validate::experiment_id(&asked.experiment_id)?;
    app.store.delete_experiment_tag(id, asked.key).await?;
    Ok(answer::empty())
}

/// The ids of a list of experiments.
pub(super) fn ids(texts: &[String]) -> Result<Vec<i64>, Error> {
    texts.iter().map(|text| validate::experiment_id(text)).collect()
}

/// A number of results that was validated already.
pub(super) fn page_size(max_results: i64) -> Result<usize, Error> {
    usize::try_from(max_results)
        .map_err(|_negative| Error::invalid("max_results must be a positive integer."))
}
