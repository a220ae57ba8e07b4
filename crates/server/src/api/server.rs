//! Endpoints about the server itself.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use modelyard_artifacts::{PartsGoTo, Repository};
use modelyard_protocol::{Error, ErrorCode};
use serde_json::json;

use crate::config::Serving;
use crate::{ApiError, AppState, MLFLOW_VERSION, answer, metrics};

/// `GET /health`: the process answers.
pub(crate) async fn health() -> Response {
    answer::text(StatusCode::OK, "OK")
}

/// `GET /ready`: the process can do its work: the database answers, the artifact store is there.
pub(crate) async fn ready(State(app): State<AppState>) -> Result<Response, ApiError> {
    app.store.check().await.map_err(|cause| not_ready("The database", cause))?;
    if let Some(artifacts) = app.artifacts.destination() {
        let what = match artifacts.local_folder() {
            Some(_) => "The artifact folder",
            None => "The bucket for artifacts",
        };
        artifacts.check().await.map_err(|cause| not_ready(what, cause))?;
    }
    Ok(answer::text(StatusCode::OK, "OK"))
}

fn not_ready(what: &str, cause: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    let message = format!("{what} cannot be reached; the server's log says why.");
    ApiError::from(Error::new(ErrorCode::TemporarilyUnavailable, message)).caused_by(cause)
}

/// `GET /version`: the MLflow version clients may count on.
pub(crate) async fn version() -> Response {
    answer::text(StatusCode::OK, MLFLOW_VERSION)
}

/// `GET /api/3.0/mlflow/server-info`: the clients' feature switches.
pub(crate) async fn server_info(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let proxies = app.config.serving != Serving::TrackingOnly;
    let store = app.artifacts.destination().filter(|_| proxies);
    let parts = store.is_some_and(|store| match store.parts_go_to() {
        PartsGoTo::Server => !is_proxied(&headers),
        PartsGoTo::Store => true,
        PartsGoTo::Nowhere => false,
    });
    answer::json(&json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": parts,
        "multipart_downloads_enabled": store.is_some_and(Repository::has_urls),
        "presigned_upload_run_id_supported": true,
        "presigned_upload_model_id_supported": true,
        "features_enabled": {"gateway": false},
    }))
}

/// Whether something stands between the client and this server: a proxy, or credentials for one.
///
/// The clients send the parts of an upload to the bare URLs they get, without credentials and without
/// their settings for TLS, and do not fall back to a plain upload when that fails. So multipart
/// uploads are offered only where the URLs are sure to work.
fn is_proxied(headers: &HeaderMap) -> bool {
    let tells = |name: &str| {
        matches!(name, "authorization" | "forwarded" | "via") || name.starts_with("x-forwarded-")
    };
    headers.keys().any(|name| tells(name.as_str()))
}

/// `GET /metrics`: counters for Prometheus.
pub(crate) async fn metrics(State(app): State<AppState>) -> Response {
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let mut response = answer::text(StatusCode::OK, metrics::render(&app));
    response.headers_mut().insert(header::CONTENT_TYPE, format);
    response
}
