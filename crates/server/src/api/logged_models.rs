//! `/api/2.0/mlflow/logged-models…`

use axum::extract::{RawQuery, State};
use axum::response::Response;
use modelyard_protocol::messages::logged_models::{
    CreateLoggedModel, FinalizeLoggedModel, LogModelParams, LoggedModelAnswer, LoggedModels,
    SearchLoggedModels, SetModelTags,
};
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_logged_model_filter, parse_logged_model_order};
use modelyard_protocol::wire::parse_query;
use modelyard_protocol::{Error, names, validate};
use modelyard_store::{DatasetFilter, LoggedModelQuery, NewLoggedModel};

use super::experiments::{ids, page_size};
use super::paging::Paging;
use super::render;
use super::v1::extract::PathOf;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

/// `POST logged-models`
pub(crate) async fn create(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<CreateLoggedModel>,
) -> Result<Response, ApiError> {
    let name = Some(asked.name).filter(|name| !name.is_empty());
    let new = NewLoggedModel {
        experiment_id: validate::experiment_id(&asked.experiment_id)?,
        name: name.unwrap_or_else(|| names::random_name(&app.context)),
        model_type: asked.model_type,
        source_run_id: asked.source_run_id,
        params: render::pair_rows(asked.params),
        tags: render::pair_rows(asked.tags),
    };
    let model = app.store.create_logged_model(new).await?;
    answer::json(&LoggedModelAnswer { model: render::logged_model(model) })
}

/// `GET logged-models/{model_id}`; `allow_deleted=true` finds deleted ones too.
pub(crate) async fn get(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = parse_query(&query.unwrap_or_default());
    let deleted = query.get("allow_deleted").is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let model = app.store.logged_model(model_id, deleted).await?;
    answer::json(&LoggedModelAnswer { model: render::logged_model(model) })
}

/// `PATCH logged-models/{model_id}`: what became of its files.
pub(crate) async fn finalize(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    Mlflow(asked): Mlflow<FinalizeLoggedModel>,
) -> Result<Response, ApiError> {
    same_model(&model_id, &asked.model_id)?;
    let model = app.store.finalize_logged_model(model_id, asked.status).await?;
    answer::json(&LoggedModelAnswer { model: render::logged_model(model) })
}

/// `DELETE logged-models/{model_id}`
pub(crate) async fn delete(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
) -> Result<Response, ApiError> {
    app.store.delete_logged_model(model_id).await?;
    Ok(answer::empty())
}

/// `POST logged-models/{model_id}/params`
pub(crate) async fn log_params(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    Mlflow(asked): Mlflow<LogModelParams>,
) -> Result<Response, ApiError> {
    same_model(&model_id, &asked.model_id)?;
    app.store.log_logged_model_params(model_id, render::pair_rows(asked.params)).await?;
    Ok(answer::empty())
}

/// `PATCH logged-models/{model_id}/tags`
pub(crate) async fn set_tags(
    State(app): State<AppState>,
    PathOf(model_id): PathOf<String>,
    Mlflow(asked): Mlflow<SetModelTags>,
) -> Result<Response, ApiError> {
    app.store.set_logged_model_tags(model_id, render::pair_rows(asked.tags)).await?;
    Ok(answer::empty())
}

/// `DELETE logged-models/{model_id}/tags/{tag_key}`
pub(crate) async fn delete_tag(
    State(app): State<AppState>,
    PathOf((model_id, tag_key)): PathOf<(String, String)>,
) -> Result<Response, ApiError> {
    app.store.delete_logged_model_tag(model_id, tag_key).await?;
    Ok(answer::empty())
}

/// `POST logged-models/search`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchLoggedModels>,
) -> Result<Response, ApiError> {
    let order = parse_logged_model_order(&asked.order())?;
    let paging = Paging::new(ListKind::LoggedModels, &fingerprint(&asked), order.len());
    let datasets = asked.datasets.into_iter();
    let datasets =
        datasets.map(|it| DatasetFilter { name: it.dataset_name, digest: it.dataset_digest });
    let query = LoggedModelQuery {
        experiments: ids(&asked.experiment_ids)?,
        filter: parse_logged_model_filter(&asked.filter)?,
        datasets: datasets.collect(),
        order,
        limit: page_size(asked.max_results)?,
        after: paging.after(&asked.page_token)?,
    };
    let page = app.store.search_logged_models(query).await?;
    let next_page_token = page.next.map(|after| paging.token(after));
    answer::json_of(page.rows.len(), move || LoggedModels {
        models: page.rows.into_iter().map(render::logged_model).collect(),
        next_page_token,
    })
    .await
}

fn fingerprint(asked: &SearchLoggedModels) -> Fingerprint {
    let texts = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut sum = Fingerprint::new()
        .text(&asked.filter)
        .texts(asked.experiment_ids.iter().map(String::as_str));
    for dataset in &asked.datasets {
        sum = sum.text(&dataset.dataset_name).text(&texts(&dataset.dataset_digest));
    }
    for key in asked.order() {
        sum = sum
            .number(key.ascending.into())
            .text(&key.field_name)
            .text(&texts(&key.dataset_name))
            .text(&texts(&key.dataset_digest));
    }
    sum
}

/// The body repeats the id of the path; MLflow acts on whichever it reads first.
fn same_model(path: &str, body: &str) -> Result<(), Error> {
    if path == body {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The path names the model '{path}' and the body's model_id another one, '{body}'; they \
         must be the same."
    )))
}
