//! The HTTP interface: router, handlers, OpenAPI.
//!
//! A request passes, in this order: the connection limits of [`serve`](mod@serve), the one
//! middleware function of `shell` (request id, Host and Origin check, answer headers), the route
//! table of `router`, the guard of its route (permission, admission, metrics, panics), the
//! handler in `api`.

mod admission;
pub mod answer;
pub mod api;
pub mod caller;
pub mod config;
pub mod error;
pub mod extract;
mod guard;
mod router;
pub mod serve;
mod shell;
pub mod state;

pub use config::ServerConfig;
pub use error::ApiError;
pub use serve::serve;
pub use state::AppState;

/// The MLflow release whose behaviour this server shows. Clients read it from `/version` and choose
/// protocols by it, so it names MLflow's version, not ours.
pub const MLFLOW_VERSION: &str = "3.17.2";

/// The version of Modelyard.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
