//! Our own API, `/api/modelyard/v1`: what the web UI needs beyond MLflow's. Described by OpenAPI.

pub(crate) mod events;
pub(crate) mod experiments;
pub(super) mod extract;
pub(crate) mod metrics;
mod openapi;
mod page;
pub(crate) mod registry;
pub(crate) mod runs;
mod sample;
pub(crate) mod server;
pub(crate) mod trash;
mod value;
pub(crate) mod webhooks;

pub(crate) use openapi::document;
pub use openapi::openapi;
