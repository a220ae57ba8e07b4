//! Every route of the server, with its permission: the one list.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method as M, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::admission::Lane::{self, Events, Free, Read as Reads, Write as Writes};
use crate::api::{datasets, experiments, logged_models, metrics, runs, server, ui, v1};
use crate::caller::Permission::{self, Edit, Manage, Public, Read};
use crate::guard::{Area, Guarded, Rule};
use crate::{AppState, answer};

/// What is known of a route outside its handler.
#[derive(Debug, Clone)]
pub(crate) struct RouteInfo {
    /// The method.
    pub(crate) method: Method,
    /// The path as clients know it, with `{parameters}` and without the static prefix.
    pub(crate) path: String,
    /// What the caller must hold.
    pub(crate) permission: Permission,
}

fn core(routes: &mut Routes) {
    routes.area = Area::Core;
    routes.add(M::GET, "/health", Public, Free, server::health);
    routes.add(M::GET, "/ready", Public, Free, server::ready);
    routes.add(M::GET, "/version", Public, Free, server::version);
    routes.add(M::GET, "/metrics", Read, Free, server::metrics);
    routes.mlflow(M::GET, "3.0/mlflow/server-info", Read, Free, server::server_info);
}

/// Our own API, which the web UI uses.
fn modelyard(routes: &mut Routes) {
    let v1 = "/api/modelyard/v1";
    routes.area = Area::Core;
    routes.add(M::GET, &format!("{v1}/openapi.json"), Public, Free, v1::document);
    routes.add(M::GET, &format!("{v1}/server"), Read, Free, v1::server::server);
    routes.area = Area::Tracking;
    routes.add(M::GET, &format!("{v1}/events"), Read, Events, v1::events::events);
    routes.add(M::GET, &format!("{v1}/experiments"), Read, Reads, v1::experiments::list);
    let columns = format!("{v1}/experiments/{{experiment_id}}/columns");
    routes.add(M::GET, &columns, Read, Reads, v1::experiments::columns);
    routes.add(M::POST, &format!("{v1}/runs/search"), Read, Reads, v1::runs::search);
    routes.add(M::GET, &format!("{v1}/runs/{{run_id}}/metrics"), Read, Reads, v1::metrics::list);
    let points = format!("{v1}/runs/{{run_id}}/metrics/points");
    routes.add(M::GET, &points, Read, Reads, v1::metrics::points);
}

fn experiment_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    let at = |path: &str| format!("2.0/mlflow/experiments/{path}");
    routes.mlflow(M::POST, &at("create"), Edit, Writes, experiments::create);
    routes.mlflow(M::GET, &at("get"), Read, Reads, experiments::get);
    routes.mlflow(M::GET, &at("get-by-name"), Read, Reads, experiments::get_by_name);
    routes.mlflow(M::POST, &at("delete"), Manage, Writes, experiments::delete);
    routes.mlflow(M::POST, &at("restore"), Manage, Writes, experiments::restore);
    routes.mlflow(M::POST, &at("update"), Edit, Writes, experiments::update);
    routes.mlflow(M::GET, &at("search"), Read, Reads, experiments::search);
    routes.mlflow(M::POST, &at("search"), Read, Reads, experiments::search);
    routes.mlflow(M::POST, &at("set-experiment-tag"), Edit, Writes, experiments::set_tag);
    routes.mlflow(M::POST, &at("delete-experiment-tag"), Edit, Writes, experiments::delete_tag);
    let ajax = format!("/ajax-api/{}", at("search-datasets"));
    routes.add(M::POST, &ajax, Read, Reads, datasets::search);
}

fn run_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    let at = |path: &str| format!("2.0/mlflow/runs/{path}");
    routes.mlflow(M::POST, &at("create"), Edit, Writes, runs::create);
    routes.mlflow(M::GET, &at("get"), Read, Reads, runs::get);
    routes.mlflow(M::POST, &at("update"), Edit, Writes, runs::update);
    routes.mlflow(M::POST, &at("delete"), Manage, Writes, runs::delete);
    routes.mlflow(M::POST, &at("restore"), Manage, Writes, runs::restore);
    routes.mlflow(M::POST, &at("search"), Read, Reads, runs::search);
    routes.mlflow(M::POST, &at("log-metric"), Edit, Writes, metrics::log_metric);
    routes.mlflow(M::POST, &at("log-batch"), Edit, Writes, metrics::log_batch);
    routes.mlflow(M::POST, &at("log-parameter"), Edit, Writes, runs::log_param);
    routes.mlflow(M::POST, &at("set-tag"), Edit, Writes, runs::set_tag);
    routes.mlflow(M::POST, &at("delete-tag"), Edit, Writes, runs::delete_tag);
    routes.mlflow(M::POST, &at("log-inputs"), Edit, Writes, runs::log_inputs);
    routes.mlflow(M::POST, &at("outputs"), Edit, Writes, runs::log_outputs);
    routes.mlflow(M::POST, &at("log-model"), Edit, Writes, runs::log_model);
    let at = |path: &str| format!("2.0/mlflow/metrics/{path}");
    routes.mlflow(M::GET, &at("get-history"), Read, Reads, metrics::history);
    let bulk = format!("/ajax-api/{}", at("get-history-bulk"));
    routes.add(M::GET, &bulk, Read, Reads, metrics::history_bulk);
    let interval = at("get-history-bulk-interval");
    routes.mlflow(M::GET, &interval, Read, Reads, metrics::history_bulk_interval);
}

fn logged_model_routes(routes: &mut Routes) {
    routes.area = Area::Tracking;
    let all = "2.0/mlflow/logged-models";
    routes.mlflow(M::POST, all, Edit, Writes, logged_models::create);
    routes.mlflow(M::POST, &format!("{all}/search"), Read, Reads, logged_models::search);
    let one = format!("{all}/{{model_id}}");
    routes.mlflow(M::GET, &one, Read, Reads, logged_models::get);
    routes.mlflow(M::PATCH, &one, Edit, Writes, logged_models::finalize);
    routes.mlflow(M::DELETE, &one, Manage, Writes, logged_models::delete);
    routes.mlflow(M::POST, &format!("{one}/params"), Edit, Writes, logged_models::log_params);
    routes.mlflow(M::PATCH, &format!("{one}/tags"), Edit, Writes, logged_models::set_tags);
    let tag = format!("{one}/tags/{{tag_key}}");
    routes.mlflow(M::DELETE, &tag, Edit, Writes, logged_models::delete_tag);
}

/// Builds the router.
pub(crate) fn build(static_prefix: &str) -> (Router<AppState>, Vec<RouteInfo>) {
    let mut routes = Routes::new(static_prefix);
    core(&mut routes);
    experiment_routes(&mut routes);
    run_routes(&mut routes);
    logged_model_routes(&mut routes);
    modelyard(&mut routes);
    routes.finish()
}

/// Collects routes and what is known of them.
struct Routes {
    router: Router<AppState>,
    list: Vec<RouteInfo>,
    static_prefix: String,
    area: Area,
}

impl Routes {
    fn new(static_prefix: &str) -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
            static_prefix: static_prefix.to_owned(),
            area: Area::Core,
        }
    }

    /// A route of MLflow's API, which exists under `/api/` and, for browsers, under `/ajax-api/`.
    fn mlflow<H, T>(
        &mut self,
        method: Method,
        path: &str,
        needs: Permission,
        lane: Lane,
        handler: H,
    ) where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(method.clone(), &format!("/ajax-api/{path}"), needs, lane, handler.clone());
        self.add(method, &format!("/api/{path}"), needs, lane, handler);
    }

    /// One route.
    fn add<H, T>(&mut self, method: Method, path: &str, needs: Permission, lane: Lane, handler: H)
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let route = on(method_filter(&method), self.guard(method, path, needs, lane, handler));
        let full_path = format!("{}{path}", self.static_prefix);
        self.router = std::mem::take(&mut self.router).route(&full_path, route);
    }

    /// Puts a handler behind its rule, and the rule into the list.
    fn guard<H>(
        &mut self,
        method: Method,
        path: &str,
        permission: Permission,
        lane: Lane,
        handler: H,
    ) -> Guarded<H> {
        let rule = Rule { id: self.list.len(), permission, lane, area: self.area };
        self.list.push(RouteInfo { method, path: path.to_owned(), permission });
        Guarded { handler, rule }
    }

    /// Adds what answers everything else.
    fn finish(mut self) -> (Router<AppState>, Vec<RouteInfo>) {
        self.area = Area::Core;
        let any = || Method::from_bytes(b"ANY").unwrap_or_default();
        let unknown = self.guard(any(), "(unknown path)", Public, Free, ui::file_or_page);
        let wrong = self.guard(any(), "(wrong method)", Public, Free, wrong_method);
        let router = self.router.fallback(unknown).method_not_allowed_fallback(wrong);
        (router, self.list)
    }
}

fn method_filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::PATCH => MethodFilter::PATCH,
        Method::DELETE => MethodFilter::DELETE,
        // axum answers HEAD from GET handlers by itself.
        _ => MethodFilter::GET,
    }
}

/// axum adds `Allow`. A plain OPTIONS asks for nothing but that.
async fn wrong_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = format!("Method not allowed: {} does not answer {method}.\n", uri.path());
    answer::text(StatusCode::METHOD_NOT_ALLOWED, text)
}
