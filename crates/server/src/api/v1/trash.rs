//! What was deleted: to look at, to take back, to remove for good.

use axum::extract::State;
use axum::response::Response;
use modelyard_protocol::Error;
use modelyard_protocol::page_token::{Fingerprint, ListKind};
use modelyard_store::{TrashItem, TrashKind, TrashQuery, TrashScope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::experiments::parse_id;
use super::extract::{JsonOf, PathOf, QueryOf};
use super::page::{limit, pages};
use crate::purge::{Cannot, Despite, purge};
use crate::{ApiError, AppState, answer};

/// Rows on a page if the request does not say.
const DEFAULT_RESULTS: usize = 100;
/// Rows on a page at most: about half a megabyte.
const MAX_RESULTS: usize = 1000;

/// What kinds of things can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// An experiment, with all that is in it.
    Experiment,
    /// A run.
    Run,
    /// A logged model.
    LoggedModel,
}

impl From<Kind> for TrashKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Experiment => Self::Experiment,
            Kind::Run => Self::Run,
            Kind::LoggedModel => Self::LoggedModel,
        }
    }
}

/// Which deleted things to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTrash {
    /// Of which kind.
    #[param(inline = false)]
    kind: Kind,
    /// Runs and logged models of this experiment, deleted or in use; otherwise those of experiments in use,
    /// that is, those that were deleted by themselves.
    experiment_id: Option<String>,
    /// Where to go on: the `next_page_token` of the previous answer.
    page_token: Option<String>,
    /// 1 to 1000; 100 unless said otherwise.
    max_results: Option<i64>,
}

/// Something that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    kind: Kind,
    id: String,
    name: String,
    experiment_id: String,
    experiment_name: String,
    /// Milliseconds since the Unix epoch.
    deletion_time: i64,
    artifact_uri: String,
    /// Runs that go with it.
    run_count: i64,
    /// Logged models that go with it.
    logged_model_count: i64,
    /// How long its experiment wants it kept, such as `30d`: the tag `modelyard.retention`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<String>,
    /// Whether its removal for good has begun, so that it cannot be restored.
    purging: bool,
}

/// A page of deleted things, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trash {
    items: Vec<Deleted>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// One deleted thing.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Named {
    kind: Kind,
    id: String,
}

/// How to remove something for good.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowToDelete {
    /// Remove it even if its artifacts are where the server does not reach, and leave those.
    #[serde(default)]
    leave_unreachable_artifacts: bool,
    /// Remove it even if a version of a registered model has its artifacts, and so loses them.
    #[serde(default)]
    even_if_registered: bool,
}

/// Lists what was deleted.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/trash",
    operation_id = "trash",
    params(ListTrash),
    responses((status = 200, body = Trash), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn list(
    State(app): State<AppState>,
    QueryOf(asked): QueryOf<ListTrash>,
) -> Result<Response, ApiError> {
    let scope = match asked.experiment_id.as_deref() {
        Some(_) if asked.kind == Kind::Experiment => {
            let message = "'experiment_id' is for runs and logged models; experiments are in none.";
            return Err(Error::invalid(message).into());
        }
        Some(id) => TrashScope::In(parse_id(id)?),
        None if asked.kind == Kind::Experiment => TrashScope::Everywhere,
        None => TrashScope::InActive,
    };
    let query = Fingerprint::new()
        .number(asked.kind as i64)
        .text(asked.experiment_id.as_deref().unwrap_or_default());
    let pages = pages(ListKind::Trash, query, 2);
    let page = app
        .store
        .trash(TrashQuery {
            kind: asked.kind.into(),
            scope,
            limit: limit(asked.max_results, DEFAULT_RESULTS, MAX_RESULTS)?,
            after: pages.after(asked.page_token.as_deref().unwrap_or_default())?,
        })
        .await?;
    answer::json(&Trash {
        items: page.rows.into_iter().map(|item| show(asked.kind, item)).collect(),
        next_page_token: page.next.map(|keys| pages.token(keys)),
    })
}

fn show(kind: Kind, item: TrashItem) -> Deleted {
    Deleted {
        kind,
        id: item.id,
        name: item.name,
        experiment_id: item.experiment_id.to_string(),
        experiment_name: item.experiment_name,
        deletion_time: item.deleted_ms,
        artifact_uri: item.artifact_uri,
        run_count: item.runs,
        logged_model_count: item.models,
        retention: item.retention,
        purging: item.purging,
    }
}

/// Takes something back into use, an experiment with all of its runs.
#[utoipa::path(
    post,
    path = "/api/modelyard/v1/trash/restore",
    operation_id = "restore_from_trash",
    request_body = Named,
    responses((status = 200, description = "It is in use."), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn restore(
    State(app): State<AppState>,
    JsonOf(asked): JsonOf<Named>,
) -> Result<Response, ApiError> {
    match asked.kind {
        Kind::Experiment => app.store.restore_experiment(parse_id(&asked.id)?).await?,
        Kind::Run => app.store.restore_run(asked.id).await?,
        Kind::LoggedModel => app.store.restore_logged_model(asked.id).await?,
    }
    Ok(answer::empty())
}

/// Removes something in the trash for good, with its artifacts.
#[utoipa::path(
    delete,
    path = "/api/modelyard/v1/trash/{kind}/{id}",
    operation_id = "delete_from_trash",
    params(("kind" = Kind, Path), ("id" = String, Path), HowToDelete),
    responses((status = 200, description = "It is gone."), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn delete(
    State(app): State<AppState>,
    PathOf((kind, id)): PathOf<(Kind, String)>,
    QueryOf(how): QueryOf<HowToDelete>,
) -> Result<Response, ApiError> {
    let despite = Despite {
        unreachable: how.leave_unreachable_artifacts,
        registered: how.even_if_registered,
    };
    // To its end even if the caller goes: half of it would only wait in the trash for the other half.
    let removal =
        tokio::spawn(
            async move { purge(&app.store, &app.artifacts, kind.into(), &id, despite).await },
        );
    removal.await.map_err(ApiError::internal)??;
    Ok(answer::empty())
}

impl From<Cannot> for ApiError {
    fn from(cannot: Cannot) -> Self {
        match cannot {
            Cannot::Store(error) => error.into(),
            Cannot::Artifacts(error) => error.into(),
            Cannot::Unreachable { location, why } => Error::invalid(format!(
                "The artifacts at {location} cannot be removed: {why}. Remove them yourself, and say \
                 leave_unreachable_artifacts=true."
            ))
            .into(),
            Cannot::Registered { name, version } => Error::invalid(format!(
                "Version {version} of the registered model '{name}' has its artifacts and would lose them. \
                 Delete that version first, or say even_if_registered=true."
            ))
            .into(),
        }
    }
}
