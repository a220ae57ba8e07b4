//! Requests and responses, one module per area.
//!
//! Requests implement [`Request`](crate::wire::Request) and are read through
//! [`Params`](crate::wire::Params). Responses are plain structs to serialize: fields in the order
//! of MLflow's protobuf numbers, those that MLflow leaves out when empty left out.

pub mod artifacts;
mod common;
pub mod datasets;
pub mod experiments;
pub mod logged_models;
pub mod metrics;
pub mod model_versions;
pub mod registered_models;
pub mod runs;
pub mod server;
pub mod transfers;
pub mod webhooks;

pub use common::{Empty, KeyValue};

#[cfg(test)]
mod tests;
