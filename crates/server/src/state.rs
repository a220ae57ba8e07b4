//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Bytes;
use modelyard_artifacts::Repositories;
use modelyard_protocol::Context;
use modelyard_store::Store;
use modelyard_webhooks::Webhooks;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::changes::ArtifactChanges;
use crate::config::ServerConfig;
use crate::metrics::Metrics;
use crate::routes::RouteInfo;

/// What the server stands on.
pub struct Services {
    /// The database.
    pub store: Arc<Store>,
    /// The artifacts.
    pub artifacts: Repositories,
    /// What tells others of changes.
    pub webhooks: Arc<Webhooks>,
    /// Time and randomness.
    pub context: Context,
}

/// A cheap, cloneable handle on what all requests share.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Shared>);

/// The things behind [`AppState`].
pub(crate) struct Shared {
    /// How the server was started.
    pub(crate) config: ServerConfig,
    /// The database.
    pub(crate) store: Arc<Store>,
    /// The artifacts.
    pub(crate) artifacts: Repositories,
    /// What tells others of changes.
    pub(crate) webhooks: Arc<Webhooks>,
    /// Time and randomness.
    pub(crate) context: Context,
    /// Changes of artifacts.
    pub(crate) artifact_changes: ArtifactChanges,
    /// Bounds on the work in progress.
    pub(crate) admission: Admission,
    /// Counters.
    pub(crate) metrics: Metrics,
    /// Cancelled when the server begins to stop: endless answers end by it.
    pub(crate) stopping: CancellationToken,
    /// The start page of the web UI.
    pub(crate) start_page: Bytes,
    /// The route table, by route id.
    pub(crate) routes: Vec<RouteInfo>,
}

impl AppState {
    /// Puts the pieces together.
    pub(crate) fn new(config: ServerConfig, services: Services, routes: Vec<RouteInfo>) -> Self {
        let Services { store, artifacts, webhooks, context } = services;
        let admission = Admission::new();
        let metrics = Metrics::new(routes.len());
        let stopping = CancellationToken::new();
        let start_page = modelyard_ui::index(&config.static_prefix).into();
        Self(Arc::new(Shared {
            config,
            store,
            artifacts,
            webhooks,
            context,
            artifact_changes: ArtifactChanges::new(),
            admission,
            metrics,
            stopping,
            start_page,
            routes,
        }))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
