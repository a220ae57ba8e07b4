//! Every route of the server, with its permission: the one list.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::admission::Lane::{self, Events, Free};
use crate::api::{server, ui, v1};
use crate::caller::Permission::{self, Public, Read};
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
    use Method as M;
    routes.area = Area::Core;
    routes.add(M::GET, "/health", Public, Free, server::health);
    routes.add(M::GET, "/ready", Public, Free, server::ready);
    routes.add(M::GET, "/version", Public, Free, server::version);
    routes.add(M::GET, "/metrics", Read, Free, server::metrics);
    routes.mlflow(M::GET, "3.0/mlflow/server-info", Read, Free, server::server_info);
}

/// Our own API, which the web UI uses.
fn modelyard(routes: &mut Routes) {
    use crate::admission::Lane::Read as Reads;
    use Method as M;
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

/// Builds the router.
pub(crate) fn build(static_prefix: &str) -> (Router<AppState>, Vec<RouteInfo>) {
    let mut routes = Routes::new(static_prefix);
    core(&mut routes);
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
