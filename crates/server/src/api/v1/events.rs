//! What changes, as it changes: server-sent events for the live pages of the UI.

mod stream;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::experiments::parse_id;
use super::extract::QueryOf;
use crate::{ApiError, AppState};

/// Which changes to tell of; all, unless said otherwise.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AskEvents {
    /// Those of this experiment.
    experiment_id: Option<String>,
    /// Those of this run.
    run_id: Option<String>,
}

/// The data of an event `change`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct Change {
    experiment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    kind: ChangeKind,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeKind {
    /// An experiment.
    Experiment,
    /// A run itself: status, name, inputs.
    Run,
    /// A run's metrics.
    Metrics,
    /// A run's params.
    Params,
    /// A run's tags.
    Tags,
    /// A run's artifacts.
    Artifacts,
    /// A logged model.
    Models,
}

/// Tells of changes as they are committed, for as long as the client listens.
///
/// An event `change` carries a `Change` as JSON; changes of the same kind to the same run within 250
/// milliseconds become one. An event `resync` means that changes were missed: read everything anew.
/// A comment comes every 15 seconds when there is nothing to tell.
#[utoipa::path(
    get,
    path = "/api/modelyard/v1/events",
    operation_id = "events",
    params(AskEvents),
    responses(
        (status = 200, body = Change, content_type = "text/event-stream"),
        (status = "default", body = super::openapi::Error)
    )
)]
pub(crate) async fn events(
    State(app): State<AppState>,
    QueryOf(asked): QueryOf<AskEvents>,
) -> Result<Response, ApiError> {
    let filter = stream::Filter {
        experiment: asked.experiment_id.as_deref().map(parse_id).transpose()?,
        run: asked.run_id,
    };
    let mut response = Response::new(Body::from_stream(stream::open(&app, filter)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Tells proxies such as nginx to pass events on at once.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}
