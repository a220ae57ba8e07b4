//! What stands before every handler: availability, permission, admission, and a net for panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::admission::Lane;
use crate::caller::{Caller, Permission};
use crate::config::Serving;
use crate::{ApiError, AppState, answer};

/// Which half of MLflow a route belongs to; either half can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// Always there.
    Core,
    /// Experiments, runs, models: off with `--artifacts-only`.
    Tracking,
    /// The artifact proxy: off with `--no-serve-artifacts`.
    ArtifactProxy,
}

/// What the route table says about one route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Index into the route table.
    pub(crate) id: usize,
    pub(crate) permission: Permission,
    pub(crate) lane: Lane,
    pub(crate) area: Area,
}

/// A handler behind its rule.
#[derive(Clone)]
pub(crate) struct Guarded<H> {
    pub(crate) handler: H,
    pub(crate) rule: Rule,
}

impl<T, H> Handler<T, AppState> for Guarded<H>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: AppState) -> Self::Future {
        Box::pin(async move {
            match admit(&self.rule, &state).await {
                Ok(_permit) => {
                    let answer = self.handler.call(request, state.clone());
                    match AssertUnwindSafe(answer).catch_unwind().await {
                        Ok(response) => response,
                        Err(panic) => ApiError::internal(describe(&*panic)).into_response(),
                    }
                }
                Err(refusal) => *refusal,
            }
        })
    }
}

async fn admit(rule: &Rule, state: &AppState) -> Result<crate::admission::Permit, Box<Response>> {
    let refuse = |error: ApiError| Box::new(error.into_response());
    if let Some(text) = switched_off(rule, state) {
        return Err(Box::new(answer::text(StatusCode::SERVICE_UNAVAILABLE, text)));
    }
    Caller::anonymous().require(rule.permission).map_err(|error| refuse(error.into()))?;
    state.admission.enter(rule.lane).await.map_err(|error| refuse(error.into()))
}

/// MLflow's answer for the half that is switched off: 503, plain text, naming endpoint and flag.
fn switched_off(rule: &Rule, state: &AppState) -> Option<String> {
    let (flag, remedy) = match (state.config.serving, rule.area) {
        (Serving::TrackingOnly, Area::ArtifactProxy) => {
            ("--no-serve-artifacts", "--serve-artifacts")
        }
        (Serving::ArtifactsOnly, Area::Tracking) => ("--artifacts-only", "no `--artifacts-only`"),
        _ => return None,
    };
    let path = &state.routes[rule.id].path;
    Some(format!(
        "Endpoint: {path} is disabled because this server runs with `{flag}`. To enable it, start \
         the server with {remedy}."
    ))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text");
    format!("a handler panicked: {text}")
}
