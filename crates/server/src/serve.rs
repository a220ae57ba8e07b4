//! The tracking server: its requests, and what it does beside them.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;

use crate::config::Serving;
use crate::connections::{self, Answers};
use crate::metrics::Gauge;
use crate::middleware::Shell;
use crate::{AppState, ServerConfig, Services, router};

impl Answers for Shell {
    async fn answer(self, request: Request<Body>) -> Result<Response, Infallible> {
        Self::answer(self, request).await
    }

    fn connections(&self) -> &Gauge {
        &self.state().metrics.connections
    }
}

/// Serves until `stop` resolves, then finishes the requests it has accepted.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    services: Services,
    stop: impl Future<Output = ()> + Send,
) {
    let (router, routes) = router::build(&config.static_prefix);
    let app = AppState::new(config, services, routes);
    for route in &app.routes {
        let (method, path) = (&route.method, &route.path);
        tracing::trace!(%method, path, permission = ?route.permission, "route");
    }
    let sending = (app.config.serving != Serving::ArtifactsOnly).then(|| {
        let (webhooks, store) = (Arc::clone(&app.webhooks), Arc::clone(&app.store));
        tokio::spawn(webhooks.run(store, app.stopping.clone()))
    });
    let shell = Shell::new(router.with_state(app.clone()), app.clone());
    connections::run(listener, app.config.connections_max, shell, &app.stopping, stop).await;
    // It has an end of its own, and begins to stop with the requests.
    if let Some(sending) = sending
        && let Err(error) = sending.await
    {
        tracing::error!("sending webhooks has failed: {error}");
    }
}
