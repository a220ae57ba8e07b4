//! The handlers: extract, authorise, call one operation, render.

mod artifact_file;
pub(crate) mod artifact_proxy;
mod artifact_range;
pub(crate) mod artifacts;
pub(crate) mod datasets;
mod digests;
pub(crate) mod experiments;
pub(crate) mod graphql;
mod history_stream;
pub(crate) mod logged_models;
pub(crate) mod metrics;
mod model_sources;
pub(crate) mod model_versions;
pub(crate) mod multipart;
mod paging;
pub(crate) mod registered_models;
mod render;
mod render_registry;
mod run_list;
pub(crate) mod runs;
pub(crate) mod server;
pub(crate) mod ui;
pub(crate) mod v1;
pub(crate) mod webhooks;
