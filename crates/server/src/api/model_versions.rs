//! `/api/2.0/mlflow/model-versions/…`

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use modelyard_protocol::messages::model_versions::{
    CreateModelVersion, DeleteModelVersionTag, DownloadUri, ModelVersionAnswer,
    ModelVersionByNumber, ModelVersions, SearchModelVersions, SetModelVersionTag, TransitionStage,
    UpdateModelVersion,
};
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_protocol::search::{parse_model_version_filter, parse_model_version_order};
use modelyard_protocol::validate;
use modelyard_protocol::wire::parse_query;
use modelyard_store::{KeyValue, ModelVersionQuery, NewModelVersion, StageMove};

use super::artifact_proxy::folder_path;
use super::artifacts::{required, send_from};
use super::experiments::page_size;
use super::model_sources::{self, Source};
use super::paging::Paging;
use super::{render, render_registry};
use crate::author::Author;
use crate::extract::Mlflow;
use crate::{ApiError, AppState, answer};

fn show(version: modelyard_store::ModelVersion) -> Result<Response, ApiError> {
    answer::json(&ModelVersionAnswer { model_version: render_registry::model_version(version) })
}

/// `POST model-versions/create`
pub(crate) async fn create(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<CreateModelVersion>,
) -> Result<Response, ApiError> {
    let source = model_sources::resolve(&app, &asked).await?;
    validate::registered_model_name(&asked.name)?;
    asked.tags.iter().try_for_each(|tag| validate::model_version_tag(&tag.key, &tag.value))?;
    let Source { source, storage_location, run_id, model_id } = source;
    let new = NewModelVersion {
        name: asked.name,
        source,
        storage_location,
        run_id,
        run_link: asked.run_link,
        description: asked.description,
        tags: render::pair_rows(asked.tags),
        model_id,
    };
    show(app.store.create_model_version(new, author).await?)
}

/// `GET model-versions/get`
pub(crate) async fn get(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ModelVersionByNumber>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    show(app.store.model_version(asked.name, version).await?)
}

/// `PATCH model-versions/update`: the description.
pub(crate) async fn update(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<UpdateModelVersion>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    let description = asked.description;
    show(app.store.update_model_version(asked.name, version, description, author).await?)
}

/// `POST model-versions/transition-stage`
pub(crate) async fn transition_stage(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<TransitionStage>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    let to = StageMove {
        to: validate::stage(&asked.stage)?,
        archive_existing: asked.archive_existing_versions,
    };
    show(app.store.transition_model_version(asked.name, version, to, author).await?)
}

/// `DELETE model-versions/delete`
pub(crate) async fn delete(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<ModelVersionByNumber>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    app.store.delete_model_version(asked.name, version, author).await?;
    Ok(answer::empty())
}

/// `GET model-versions/get-download-uri`
pub(crate) async fn download_uri(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<ModelVersionByNumber>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    let version = app.store.model_version(asked.name, version).await?;
    answer::json(&DownloadUri { artifact_uri: version.location().to_owned() })
}

/// `GET model-versions/search`
pub(crate) async fn search(
    State(app): State<AppState>,
    Mlflow(asked): Mlflow<SearchModelVersions>,
) -> Result<Response, ApiError> {
    let order = parse_model_version_order(&asked.order_by)?;
    let query =
        Fingerprint::new().text(&asked.filter).texts(asked.order_by.iter().map(String::as_str));
    let paging = Paging::new(ListKind::ModelVersions, &query, order.len());
    let query = ModelVersionQuery {
        filter: parse_model_version_filter(&asked.filter)?,
        order,
        limit: page_size(asked.max_results)?,
        after: paging.after(&asked.page_token)?,
    };
    let page = app.store.search_model_versions(query).await?;
    let next_page_token = page.next.map(|after| paging.token(after));
    answer::json_of(page.rows.len(), move || ModelVersions {
        model_versions: page.rows.into_iter().map(render_registry::model_version).collect(),
        next_page_token,
    })
    .await
}

/// `POST model-versions/set-tag`
pub(crate) async fn set_tag(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<SetModelVersionTag>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    let tag = KeyValue { key: asked.key, value: asked.value };
    app.store.set_model_version_tag(asked.name, version, tag, author).await?;
    Ok(answer::empty())
}

/// `DELETE model-versions/delete-tag`
pub(crate) async fn delete_tag(
    State(app): State<AppState>,
    Author(author): Author,
    Mlflow(asked): Mlflow<DeleteModelVersionTag>,
) -> Result<Response, ApiError> {
    let version = validate::model_version(&asked.version)?;
    app.store.delete_model_version_tag(asked.name, version, asked.key, author).await?;
    Ok(answer::empty())
}

/// `GET /model-versions/get-artifact?name=&version=&path=`: a file of a version.
pub(crate) async fn get_artifact(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = parse_query(&query.unwrap_or_default());
    let path = folder_path(Some(required(&query, "path")?))?;
    let name = required(&query, "name")?;
    validate::registered_model_name(name)?;
    let version = validate::model_version(required(&query, "version")?)?;
    let version = app.store.model_version(name.to_owned(), version).await?;
    let root = model_sources::files(&app, version.location()).await?;
    send_from(&app, &root, path, &method, &headers).await
}
