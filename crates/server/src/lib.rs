//! The HTTP interface: router, handlers, OpenAPI.
//!
//! A request passes, in this order: the limits of `connections`, the one
//! function of `middleware` (request id, Host and Origin check, answer headers), the route
//! table of `router`, the guard of its route (permission, admission, metrics, panics), the
//! handler in `api`.

mod admission;
mod answer;
mod api;
mod author;
mod body;
mod caller;
mod changes;
pub mod config;
mod connections;
mod error;
mod extract;
mod guard;
mod metrics;
mod middleware;
mod patient_stream;
mod purge;
mod router;
mod routes;
mod scoring;
mod serve;
mod state;
#[cfg(test)]
mod testing;

pub use api::v1::openapi;
pub use config::ServerConfig;
pub use purge::{Cannot, Despite, Size, check, contents, measure, purge};
pub use scoring::{ScoringConfig, serve_model};
pub use serve::serve;
pub use state::Services;

use error::ApiError;
use state::AppState;

/// The MLflow release whose behaviour this server shows. Clients read it from `/version` and choose
/// protocols by it, so it names MLflow's version, not ours.
pub const MLFLOW_VERSION: &str = "3.17.2";

/// The version of Modelyard.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
