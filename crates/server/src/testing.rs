//! A server's state over an empty data folder, for unit tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use modelyard_artifacts::{LOCATION_MAX_CHARS, Repositories, StoreConfig, Variables};
use modelyard_database::DatabaseUri;
use modelyard_protocol::wire::Rules;
use modelyard_protocol::{Context, Environment};
use modelyard_store::{Settings, Store};
use modelyard_webhooks::Webhooks;
use tempfile::TempDir;

use crate::config::{Security, Serving};
use crate::routes::Routes;
use crate::{AppState, ServerConfig, Services};

/// A clock that stands, and random bits that are a number.
struct Fixed(AtomicU64);

impl Environment for Fixed {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn random(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

/// The state of a server with these routes, its router, and the folder it lives in.
pub(crate) async fn app(add_routes: impl FnOnce(&mut Routes)) -> (AppState, Router, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let context = Context::new(Fixed(AtomicU64::new(7)));
    let artifacts = StoreConfig {
        working_dir: folder.path().to_owned(),
        artifact_root: "mlflow-artifacts:/".into(),
        destination: Some("artifacts".into()),
        allowed: Vec::new(),
        variables: Variables::default(),
        allowed_schemes: Vec::new(),
        location_max_chars: LOCATION_MAX_CHARS,
    };
    let artifacts = Repositories::open(artifacts, &context).expect("an artifact store");
    let database = DatabaseUri::Sqlite(folder.path().join("test.db"));
    let settings = Settings { artifact_root: artifacts.artifact_root().to_string() };
    let store = Store::open(&database, settings, context.clone()).await.expect("a database");
    let webhooks =
        Arc::new(Webhooks::new(modelyard_webhooks::Settings::default(), context.clone()));
    let config = ServerConfig {
        serving: Serving::Everything,
        static_prefix: String::new(),
        security: Security::for_host("127.0.0.1"),
        rules: Rules::default(),
        model_sources: None,
        connections_max: 10,
    };
    let mut routes = Routes::new("");
    add_routes(&mut routes);
    let (router, list) = routes.finish();
    let app = AppState::new(
        config,
        Services { store: Arc::new(store), artifacts, webhooks, context },
        list,
    );
    (app.clone(), router.with_state(app), folder)
}
