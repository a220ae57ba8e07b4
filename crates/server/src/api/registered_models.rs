//! `/api/2.0/mlflow/registered-models/…`

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::messages::model_versions::{ModelVersionAnswer, ModelVersions};
use modelyard_protocol::messages::registered_models::{
    AliasByName, CreateRegisteredModel, DeleteRegisteredModelTag, GetLatestVersions,
    RegisteredModelAnswer, RegisteredModelByName, RegisteredModels, RenameRegisteredModel,
    SearchRegisteredModels, SetAlias, SetRegisteredModelTag, UpdateRegisteredModel,
};
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_registered_model_filter, parse_registered_model_order};
use modelyard_protocol::validate;
use modelyard_store::{KeyValue, NewRegisteredModel, RegisteredModelQuery};

use super::experiments::page_size;
use super::paging::Paging;
use super::{render, render_registry};
use crate::author::Author;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

fn show(model: modelyard_store::RegisteredModel) -> Result<Response, ApiError> {
    let registered_model = render_registry::registered_model(model);
    answer::json(&RegisteredModelAnswer { registered_model })
}

/// `POST registered-models/create`
pub(crate) async fn create(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<CreateRegisteredModel>,
) -> Result<Response, ApiError> {
    let new = NewRegisteredModel {
        name: asked.name,
        description: asked.description,
        tags: render::pair_rows(asked.tags),
    };
    show(app.store.create_registered_model(new, author).await?)
}

/// `GET registered-models/get`
pub(crate) async fn get(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<RegisteredModelByName>,
) -> Result<Response, ApiError> {
    show(app.store.registered_model(asked.name).await?)
}

/// `PATCH registered-models/update`: the description.
pub(crate) async fn update(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<UpdateRegisteredModel>,
) -> Result<Response, ApiError> {
    show(app.store.update_registered_model(asked.name, asked.description, author).await?)
}

/// `POST registered-models/rename`
pub(crate) async fn rename(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<RenameRegisteredModel>,
) -> Result<Response, ApiError> {
    show(app.store.rename_registered_model(asked.name, asked.new_name, author).await?)
}

/// `DELETE registered-models/delete`
pub(crate) async fn delete(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<RegisteredModelByName>,
) -> Result<Response, ApiError> {
    app.store.delete_registered_model(asked.name, author).await?;
    Ok(answer::empty())
}

/// `GET registered-models/search`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchRegisteredModels>,
) -> Result<Response, ApiError> {
    let order = parse_registered_model_order(&asked.order_by)?;
    let query =
        Fingerprint::new().text(&asked.filter).texts(asked.order_by.iter().map(String::as_str));
    let paging = Paging::new(ListKind::RegisteredModels, &query, order.len());
    let query = RegisteredModelQuery {
        filter: parse_registered_model_filter(&asked.filter)?,
        order,
        limit: page_size(asked.max_results)?,
        after: paging.after(&asked.page_token)?,
    };
    let page = app.store.search_registered_models(query).await?;
    let next_page_token = page.next.map(|after| paging.token(after));
    answer::json_of(page.rows.len(), move || RegisteredModels {
        registered_models: page.rows.into_iter().map(render_registry::registered_model).collect(),
        next_page_token,
    })
    .await
}

/// `GET` and `POST registered-models/get-latest-versions`
pub(crate) async fn latest_versions(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<GetLatestVersions>,
) -> Result<Response, ApiError> {
    // Whether the model exists is said before whether the stages do, as in MLflow.
    let stages: Result<Vec<_>, _> =
        asked.stages.iter().map(|stage| validate::stage(stage)).collect();
    let known = stages.as_ref().cloned().unwrap_or_default();
    let found = app.store.latest_model_versions(asked.name, known).await?;
    stages?;
    answer::json(&ModelVersions {
        model_versions: found.into_iter().map(render_registry::model_version).collect(),
        next_page_token: None,
    })
}

/// `POST registered-models/set-tag`
pub(crate) async fn set_tag(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<SetRegisteredModelTag>,
) -> Result<Response, ApiError> {
    let tag = KeyValue { key: asked.key, value: asked.value };
    app.store.set_registered_model_tag(asked.name, tag, author).await?;
    Ok(answer::empty())
}

/// `DELETE registered-models/delete-tag`
pub(crate) async fn delete_tag(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<DeleteRegisteredModelTag>,
) -> Result<Response, ApiError> {
    app.store.delete_registered_model_tag(asked.name, asked.key, author).await?;
    Ok(answer::empty())
}

/// `POST registered-models/alias`
pub(crate) async fn set_alias(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<SetAlias>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    app.store.set_model_alias(asked.name, asked.alias, version, author).await?;
    Ok(answer::empty())
}

/// `DELETE registered-models/alias`
pub(crate) async fn delete_alias(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<AliasByName>,
) -> Result<Response, ApiError> {
    app.store.delete_model_alias(asked.name, asked.alias, author).await?;
    Ok(answer::empty())
}

/// `GET registered-models/alias`: the version that an alias names.
pub(crate) async fn version_by_alias(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<AliasByName>,
) -> Result<Response, ApiError> {
    let version = app.store.model_version_by_alias(asked.name, asked.alias).await?;
    answer::json(&ModelVersionAnswer { model_version: render_registry::model_version(version) })
}
