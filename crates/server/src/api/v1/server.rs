//! What server this is.

use axum::extract::State;
use axum::response::Response;
use modelyard_database::Engine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Serving;
use crate::{ApiError, AppState, MLFLOW_VERSION, VERSION, answer};

/// What server this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Server {
    /// The version of Modelyard.
    version: &'static str,
    /// The MLflow release it is compatible with.
    mlflow_version: &'static str,
    store: StoreKind,
    /// Where artifacts of new experiments go.
    artifact_root: String,
    /// Whether artifacts pass through this server.
    serves_artifacts: bool,
}

/// The engine of the database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
}

/// What server this is.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/server",
    operation_id = "server",
    responses((status = 200, body = Server), (status = "default", body = super::openapi::Error))
)]
pub(crate) async fn server(State(app): State<AppState>) -> Result<Response, ApiError> {
    answer::json(&Server {
        version: VERSION,
        mlflow_version: MLFLOW_VERSION,
        store: match app.store.engine() {
            Engine::Sqlite => StoreKind::Sqlite,
            Engine::Postgres => StoreKind::Postgresql,
        },
        artifact_root: app.artifacts.artifact_root().to_string(),
        serves_artifacts: app.config.serving != Serving::TrackingOnly,
    })
}
