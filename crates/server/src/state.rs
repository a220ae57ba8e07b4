//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use modelyard_protocol::Context;

use crate::admission::Admission;
use crate::config::ServerConfig;
use crate::router::RouteInfo;

/// A cheap, cloneable handle on what all requests share.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The things behind [`AppState`].
pub struct Shared {
    /// How the server was started.
    pub config: ServerConfig,
    /// Time and randomness.
    pub context: Context,
    /// Bounds on the work in progress.
    pub(crate) admission: Admission,
    /// The route table, by route id.
    pub(crate) routes: Vec<RouteInfo>,
}

impl AppState {
    /// Puts the pieces together.
    pub(crate) fn new(config: ServerConfig, context: Context, routes: Vec<RouteInfo>) -> Self {
        Self(Arc::new(Shared { config, context, admission: Admission::new(), routes }))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
