//! Turns the lines of the route table into a router.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::admission::Lane;
use crate::api::ui;
use crate::caller::Permission;
use crate::guard::{Area, Guarded, Rule};
use crate::{AppState, answer, body};

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

/// Collects routes and what is known of them.
pub(crate) struct Routes {
    router: Router<AppState>,
    list: Vec<RouteInfo>,
    static_prefix: String,
    /// The half of MLflow that the following routes belong to.
    pub(crate) area: Area,
    /// The longest JSON body of the next line's routes.
    body_max_bytes: usize,
}

impl Routes {
    /// No routes yet; all will be below `static_prefix`.
    pub(crate) fn new(static_prefix: &str) -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
            static_prefix: static_prefix.to_owned(),
            area: Area::Core,
            body_max_bytes: body::BODY_MAX_BYTES,
        }
    }

    /// What the next line adds takes bodies of up to `bytes`.
    pub(crate) fn taking(&mut self, bytes: usize) -> &mut Self {
        self.body_max_bytes = bytes;
        self
    }

    /// A route of MLflow's API, which exists under `/api/` and, for browsers, under `/ajax-api/`.
    pub(crate) fn mlflow<H, T>(
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
        let body_max_bytes = self.body_max_bytes;
        self.add(method.clone(), &format!("/ajax-api/{path}"), needs, lane, handler.clone());
        self.body_max_bytes = body_max_bytes;
        self.add(method, &format!("/api/{path}"), needs, lane, handler);
    }

    /// One route.
    pub(crate) fn add<H, T>(
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
        let body_max_bytes = std::mem::replace(&mut self.body_max_bytes, body::BODY_MAX_BYTES);
        let id = self.list.len();
        let rule = Rule { id, permission, lane, area: self.area, body_max_bytes };
        self.list.push(RouteInfo { method, path: path.to_owned(), permission });
        Guarded { handler, rule }
    }

    /// Adds what answers everything else.
    pub(crate) fn finish(mut self) -> (Router<AppState>, Vec<RouteInfo>) {
        self.area = Area::Core;
        let any = || Method::from_bytes(b"ANY").unwrap_or_default();
        let unknown =
            self.guard(any(), "(unknown path)", Permission::Public, Lane::Free, ui::file_or_page);
        let wrong =
            self.guard(any(), "(wrong method)", Permission::Public, Lane::Free, wrong_method);
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
