//! The description of our own API.

use axum::response::Response;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{events, experiments, metrics, registry, runs, server, trash, webhooks};
use crate::{ApiError, answer};

/// What every request is answered with that cannot be served: MLflow's form of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Error {
    /// Such as `INVALID_PARAMETER_VALUE`.
    error_code: String,
    /// What is wrong and what to do.
    message: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Modelyard",
        version = "1",
        description = "What the web UI needs beyond MLflow's API.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        server::server,
        experiments::list,
        experiments::columns,
        runs::search,
        metrics::list,
        metrics::points,
        events::events,
        trash::list,
        trash::restore,
        trash::delete,
        registry::events,
        registry::policies,
        registry::set_policy,
        registry::checks,
        registry::record_check,
        registry::roll_back,
        webhooks::deliveries,
        webhooks::redeliver,
    )
)]
struct Document;

/// The OpenAPI document of `/api/modelyard/v1`, as JSON.
///
/// # Errors
/// If it cannot be written as JSON, which a test excludes.
pub fn openapi() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json()
}

/// `GET /api/modelyard/v1/openapi.json`.
pub(crate) async fn document() -> Result<Response, ApiError> {
    answer::json(&Document::openapi())
}
